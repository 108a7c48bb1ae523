"""One line 无活动 from a unit that is asked for two matters, one of which has not begun; and what else is in
answer to the wrong one's letter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from list_files import PROJECTS, filled, project

from huizong.stages.triage import waiting
from office import Office
from replay import Act, Replay, replayed

REG, SUM, BOX = "registration", "summary", "kjt@jilin.example"
ASKED, PLAIN, LIST = "220100", "222400", "220200"
WHEN, LATER = "2020-07-30T10:00", "2020-07-30T16:00"


def kit(office: Office, unit: str, what: str) -> tuple[str, bytes]:
    (path,) = (office.home / "issued" / "jilin-2020" / unit).glob(f"*{PROJECTS.title}*.xlsx")
    return f"{what}.xlsx", filled([project(4)], path.read_bytes())


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    folder: Path = tmp_path_factory.mktemp("nil")
    with replayed(folder, "jilin-2020", kit) as play:
        play.issue("2020-07-23T09:00")
        play.office.clock.instant = play.office.clock.instant.replace(day=29)
        first = [
            Act(WHEN, ASKED, "mail", text="我市无活动。", of=SUM),
            Act(WHEN, PLAIN, "mail", text="我州无活动。", to=BOX),
            Act(WHEN, LIST, "mail", ("重点项目",), of=SUM),
        ]
        play.run(first, until=WHEN)
        yield play


def test_of_a_matter_that_has_not_begun_the_clerk_is_asked_and_a_person_decides(play: Replay) -> None:
    stands = play.standings(WHEN)
    assert {stands[c, ASKED].status for c in (REG, SUM)} == {"unsettled"}
    (held,) = waiting(play.office.ctx)["waiting"]
    assert (held["disposition"], held["unit"]) == ("question", ASKED)
    assert "“活动总结”尚未开始报送" in held["reason"]
    text = play.mails(ASKED)[-1].text
    assert "“重点项目与开放单位备案”、“活动总结”，不能确定是指哪一项，请回信写明报送事项" in text
    assert "零报告已登记" not in text and "已报齐" not in text


def test_without_a_letter_it_is_of_the_one_that_is_open(play: Replay) -> None:
    stands = play.standings(WHEN)
    assert (stands[REG, PLAIN].status, stands[SUM, PLAIN].status) == ("nil", "not_started")
    assert "“重点项目与开放单位备案”零报告已登记" in play.mails(PLAIN)[-1].text


def test_the_files_and_not_the_letter_say_what_a_return_is_for(play: Replay) -> None:
    letter = play.mails(LIST)[-1]
    assert "（科技活动周重点项目备案表）" in letter.subject
    assert "活动总结" not in letter.text and "影像资料" not in letter.text and "9月1日" not in letter.text
    stands = play.standings(WHEN)
    assert (stands[REG, LIST].status, stands[SUM, LIST].status) == ("complete", "not_started")


def test_the_clerk_s_answer_settles_it(play: Replay) -> None:
    play.run([Act(LATER, ASKED, "mail", text="备案事项无活动。")], until=LATER)
    stands = play.standings(LATER)
    assert (stands[REG, ASKED].status, stands[SUM, ASKED].status) == ("nil", "not_started")
    assert waiting(play.office.ctx)["waiting"] == []
    assert "“重点项目与开放单位备案”零报告已登记" in play.mails(ASKED)[-1].text
