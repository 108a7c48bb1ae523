"""xinxiang-2022 from issue to the results: 44 units, two collections of two offices, 45 returns asked for.

By the notice and the calendar: issued on Tuesday 05-24, both due on Monday 06-20 to 24:00. The ladder: nudge
on 06-13, the day itself at 09:00, overdue on 06-21, a formal notice (signed on the spot) on 06-23, the list
for the leader on 06-27; closed after 07-04, the final summary on 07-05.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest

from huizong.stages.assemble import due_editions
from huizong.stages.status import status
from huizong.stages.triage import waiting
from mailing import OFFICE, OFFICE_KX, scan
from material_files import document, photo, report
from office import PROJECT, Office, at, fill, honest, statistics_form
from replay import Act, Replay, Ruling, Stand, printed, replayed

pytestmark = pytest.mark.slow

CYCLE, FORM = "xinxiang-2022", "activity-week-statistics@2022"
SCIENCE, ASSOCIATIONS = "science-departments", "associations"
with (PROJECT / f"include/cycles/{CYCLE}/roster.csv").open(encoding="utf-8") as f:
    ROSTER = {row["code"]: row for row in csv.DictReader(f)}
SEED = {code: n for n, code in enumerate(ROSTER)}
SELF, BOTH, MUTE, BOUNCING = "410700-self", "410773", "XX-QY2", "XX-LXH"
EARLY, BEFORE, BULK, LATE = "2022-06-08T10:00", "2022-06-14T12:00", "2022-06-17T10:00", "2022-06-24T16:00"
FINAL = "2022-07-05T08:30"

ALL = ("form", "scan", "report")
NEWS = "5月30日，红旗区科学技术协会在文化广场举办科普大集，组织十余家单位的科技工作者为群众义诊、讲解、答疑，"
PLAIN = (  # of the associations, who simply answer on 17 June
    "410781-KX", "410782-KX", "410783-KX", "410726-KX", "410727-KX", "XX-YXH", "XX-HLXH", "XX-NXH", "XX-JXXH",
    "XX-DZXH", "XX-HJXH", "XX-KPXH", "XX-HTU", "XX-XXMU", "XX-HIST", "XX-XXU", "XX-QY1",
)  # fmt: skip
BEGINNING: list[Act | Ruling] = [
    Act("2022-05-25T09:30", "410771", "mail", text="收到，谢谢！"),
    Act(EARLY, SELF, "folder", ALL),
    Act(EARLY, "410702", "mail", ALL),
    Act(EARLY, "410711", "mail", ("form",)),  # in three pieces, the last ten minutes before the end
    Act(EARLY, "410721", "mail", ("form, 约5万", "scan", "report")),  # corrected after the formal notice
    Act(EARLY, "410702-KX", "mail", ("summary", "news 1", "news 2")),
    Act("2022-06-09T10:00", "410724", "mail", text="本期未开展活动"),
    Act("2022-06-09T10:00", "410703-KX", "mail", text="经核实，我单位本期未开展活动，特此说明。"),
    Ruling("2022-06-10T10:00", "410772", "waive", "机构合并，由高新区一并报送"),
    Act("2022-06-14T10:00", "410726", "mail", text="因材料尚在汇总，申请延期至6月24日报送。"),
]
REST: list[Act | Ruling] = [
    Ruling("2022-06-14T15:00", "410726", "extend", "来函申请，同意", until="2022-06-24"),
    Ruling("2022-06-14T15:00", "XX-WJW", "refuse", "来函说明由市疾控中心另行报送"),
    Act("2022-06-15T10:00", "410711", "mail", ("scan",)),
    Act("2022-06-16T10:00", "410704", "fax", ("scan",)),  # and nothing else, ever
    Act("2022-06-16T10:00", MUTE, "hand", ("summary",)),
    Act(BULK, "410703", "mail", ALL),
    Act(BULK, BOTH, "mail", ALL, of=SCIENCE),
    Act(BULK, BOTH, "mail", ("summary", "photo"), of=ASSOCIATIONS),
    Act(BULK, "410771", "mail", ALL),
    Act(BULK, "410781", "mail", ALL, to=OFFICE_KX),  # the other office's mailbox
    Act(BULK, "410782", "oa", ALL),
    Act(BULK, "410783", "mail", ("form, tasks 99", "scan", "report")),  # asked about, never explained
    Act(BULK, "XX-JYJ", "mail", ("form", "report")),  # the stamped copy never came
    Act(BULK, "410702-KX", "mail", text=NEWS + "活动现场发放资料三千余份，受到群众欢迎。"),
    Act(BULK, "410704-KX", "mail", ("news 1", "photo")),  # no summary
    Act(BULK, "410711-KX", "folder", ("summary",)),
    Act(BULK, "410721-KX", "mail", ("summary",), to=OFFICE),  # the other office's mailbox
    *(Act(BULK, unit, "mail", ("summary",)) for unit in PLAIN),
    Act("2022-06-20T23:50", "410711", "mail", ("report",)),
    Act(LATE, "410721", "mail", ("form",), text="已改正，请查收。"),
    Act(LATE, "410725", "mail", ALL),
    Act(LATE, "410726", "mail", ALL),
    Act(LATE, "410724-KX", "mail", ("summary",)),
]

ANSWERED = Stand()  # before the first reminder
NUDGED = Stand(letters="notice nudge receipt result")  # after it, in time
CHASED = "due_day overdue formal_notice"
# How every return must stand when the cycle is closed, and what the unit has heard; not named: NUDGED.
STANDS: dict[tuple[str, str], Stand] = {
    (SCIENCE, SELF): ANSWERED,
    (SCIENCE, "410702"): ANSWERED,
    (SCIENCE, "410704"): Stand("partial", "", f"notice nudge supplement {CHASED} result"),
    (SCIENCE, "410711"): Stand(letters="notice supplement nudge supplement due_day receipt result"),
    # what we asked to be corrected came in time at first
    (SCIENCE, "410721"): Stand(letters=f"notice correction nudge {CHASED} receipt result"),
    (SCIENCE, "410724"): Stand("nil", letters="notice receipt result"),
    (SCIENCE, "410725"): Stand("complete", "", f"notice nudge {CHASED} receipt result"),
    # the ladder of its own day, 24 June: nudge on the 17th, due on the 24th at 9
    (SCIENCE, "410726"): Stand(
        "complete", "extended punctual", "notice nudge extension nudge due_day receipt result"
    ),
    (SCIENCE, "410727"): Stand("not_started", "", f"notice nudge {CHASED} result"),
    (SCIENCE, "410772"): Stand("waived", "", "notice result"),
    (SCIENCE, "410783"): Stand("in_query", "punctual", f"notice nudge correction {CHASED} result"),
    (SCIENCE, "XX-JYJ"): Stand("partial", "", f"notice nudge supplement {CHASED} result"),
    (SCIENCE, "XX-WJW"): Stand("refused", "", "notice nudge result"),
    (ASSOCIATIONS, BOTH): NUDGED,  # every office writes to it for itself, results too
    (ASSOCIATIONS, "410702-KX"): Stand(letters="notice receipt receipt result"),
    (ASSOCIATIONS, "410703-KX"): Stand("nil", letters="notice receipt result"),
    (ASSOCIATIONS, "410704-KX"): Stand("partial", "", f"notice nudge supplement {CHASED} result"),
    (ASSOCIATIONS, "410724-KX"): Stand("complete", "", f"notice nudge {CHASED} receipt result"),
    (ASSOCIATIONS, "410725-KX"): Stand("not_started", "", f"notice nudge {CHASED} result"),
    (ASSOCIATIONS, BOUNCING): Stand("undeliverable", "", ""),
    (ASSOCIATIONS, MUTE): Stand("complete", "no_mailbox punctual", ""),
}
EARLIER = {  # on 14 June at noon; all others: not_started
    (SCIENCE, SELF): "complete",
    (SCIENCE, "410702"): "complete",
    (SCIENCE, "410711"): "partial",
    (SCIENCE, "410721"): "in_query",
    (SCIENCE, "410724"): "nil",
    (SCIENCE, "410726"): "unsettled",  # its letter waits for the operator
    (SCIENCE, "410772"): "waived",
    (ASSOCIATIONS, "410702-KX"): "complete",
    (ASSOCIATIONS, "410703-KX"): "nil",
    (ASSOCIATIONS, BOUNCING): "undeliverable",
}
COUNTED = (  # whose forms are added up
    SELF, "410702", "410703", "410711", "410721", "410725", "410726", BOTH, "410771", "410781", "410782",
    "410783", "XX-JYJ",
)  # fmt: skip
COVERAGE = {  # expected, returned, missing, incomplete, waived; the nil return is returned
    SCIENCE: (17, 14, ["410704", "410727", "XX-WJW"], ["XX-JYJ"], ["410772"]),
    ASSOCIATIONS: (27, 25, ["410725-KX", BOUNCING], ["410704-KX"], []),
}
RATES = ("0.8864", "0.8409")  # 39 and 37 of 44: 原阳县 and 获嘉县科协 were late
LEADERS = {
    (SCIENCE, "410704"), (SCIENCE, "410727"), (SCIENCE, "410783"), (SCIENCE, "XX-JYJ"),
    (ASSOCIATIONS, "410704-KX"), (ASSOCIATIONS, "410725-KX"),
}  # fmt: skip
RUNG_ON_22_JUNE = [  # 延津县 has until the 24th, which is within three working days
    "凤泉区", "长垣市", "新乡县", "原阳县", "延津县", "封丘县", "市教育局",
    "凤泉区科协", "获嘉县科协", "原阳县科协", "市林学会",
]  # fmt: skip


def figures(unit: str) -> dict[str, Decimal]:
    """What a unit's clerk fills in: every unit its own, one figure with four decimal places."""
    seed = SEED[unit]
    return honest(seed) | {"funding.central": Decimal(f"{30 + seed}.{1001 + 7 * seed}")}


def kit(office: Office, unit: str, what: str) -> tuple[str, bytes]:
    """What a clerk lays in; every unit's text and pictures are its own."""
    name, seed = ROSTER[unit]["full_name"], SEED[unit]
    wrong: dict[str, dict[str, Any]] = {
        "form": {},
        "form, 约5万": {"public.online": "约5万"},
        "form, tasks 99": {"activities.ministry_tasks": 99},
    }
    if what in wrong:
        return "统计表.xlsx", fill(office.template(unit), figures(unit) | wrong[what])
    make = {
        "scan": lambda: ("统计表盖章扫描件.pdf", scan() + b"\n%" + unit.encode()),
        "report": lambda: ("总结报告.docx", report(name, year=2022)),
        "summary": lambda: ("活动总结.docx", report(name, year=2022)),
        "news 1": lambda: ("信息1.docx", document(f"{name}开展科普进社区活动", f"{name}{NEWS}")),
        "news 2": lambda: (
            "信息2.docx",
            document(f"{name}慰问科技工作者", f"{name}走访慰问科技工作者代表。"),
        ),
        "photo": lambda: ("活动照片.jpg", photo(shade=seed)),
    }
    return make[what]()


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """The cycle up to 14 June."""
    home = tmp_path_factory.mktemp("xinxiang")
    with replayed(home, CYCLE, kit, bouncing=[ROSTER[BOUNCING]["email"]]) as play:
        play.issue("2022-05-24T09:00")
        play.run(BEGINNING, until=BEFORE)
        yield play


@pytest.fixture(scope="module")
def early(play: Replay) -> dict[tuple[str, str], str]:
    """Where everybody stood on 14 June, taken then."""
    units = status(play.office.ctx, CYCLE, at(BEFORE))["units"]
    return {(unit["collection"], unit["code"]): unit["status"] for unit in units}


@pytest.fixture(scope="module")
def over(play: Replay, early: object) -> Replay:
    """The whole cycle, to the results."""
    play.run(REST, until=FINAL)
    play.release("2022-07-05T10:00")
    return play


def frame() -> list[tuple[str, str]]:
    """Whom the notice asks: a unit may be in both."""
    tags = {SCIENCE: "science-department", ASSOCIATIONS: "association"}
    return [(c, u) for c, tag in tags.items() for u, row in ROSTER.items() if tag in row["tags"].split(";")]


def test_everybody_stands_where_they_must_a_week_before_the_end(
    early: dict[tuple[str, str], str],
) -> None:
    assert early == {place: EARLIER.get(place, "not_started") for place in frame()}


def test_everybody_stands_where_they_must_and_heard_what_they_must(over: Replay) -> None:
    assert len(frame()) == 45
    assert set(STANDS) <= set(frame())
    assert over.standings(FINAL) == {place: STANDS.get(place, NUDGED) for place in frame()}
    over.nobody_heard_twice()
    assert waiting(over.office.ctx)["waiting"] == []


def test_letters_say_what_is_still_missing_and_where_mail_belongs(over: Replay) -> None:
    first, second = (m.text for m in over.mails("410711") if "尚缺" in m.text and "补报" in m.subject)
    assert "尚缺加盖公章的扫描件" in first and "尚缺总结报告" in first
    assert "扫描件" not in second.partition("尚缺")[2] and "尚缺总结报告" in second
    assert any("第15项应填一个数字，现为“约5万”" in mail.text for mail in over.mails("410721"))
    assert any("来件属报送新乡市科学技术局科技合作人才与科普科事项" in m.text for m in over.mails("410781"))
    assert any("来件属报送新乡市科学技术协会组织人事部事项" in m.text for m in over.mails("410721-KX"))
    assert any("6月24日" in mail.text and "延期" in mail.subject for mail in over.mails("410726"))


def test_who_is_rung_and_who_is_put_before_the_leader(over: Replay) -> None:
    assert over.told_the_leader() == LEADERS
    home = over.office.home
    lists = sorted((home / "callsheets" / CYCLE).iterdir())
    assert [path.stem[5:] for path in lists] == [
        "06-15", "06-16", "06-17", "06-20", "06-21", "06-22", "06-23", "06-24", "06-27", "06-28", "06-29",
        "06-30", "07-01", "07-04",
    ]  # fmt: skip
    rows = list(openpyxl.load_workbook(home / f"callsheets/{CYCLE}/2022-06-22.xlsx").worksheets[0].values)
    assert [row[1] for row in rows[2:-1]] == RUNG_ON_22_JUNE
    got = [mail for mail in over.to_operator() if "催报电话单" in mail.subject]
    assert [[leaf.name for leaf in mail.leaves] for mail in got] == [[f"催报电话单{p.name}"] for p in lists]
    for collection in (SCIENCE, ASSOCIATIONS):
        (paper,) = (home / "editions" / CYCLE).glob(f"协调事项清单-{collection}-2022-06-27.docx")
        told = [row.cells[1].text for row in docx.Document(str(paper)).tables[0].rows[1:]]
        assert sorted(told) == sorted(ROSTER[u]["name"] for c, u in LEADERS if c == collection)


def test_the_summary_is_the_sum_of_what_the_clerks_filled_in(over: Replay) -> None:
    assert due_editions(over.office.ctx, CYCLE, at(FINAL)) == []  # the morning's run wrote both
    done = over.office.assemble(FINAL, "final")
    assert over.office.assemble("2022-07-06T09:00", "final") == done
    for collection, expected in COVERAGE.items():
        got = done["coverage"][collection]
        kinds = ("expected", "returned", "missing", "incomplete", "waived")
        assert tuple(got[kind] for kind in kinds) == expected
    rates = status(over.office.ctx, CYCLE, at(FINAL))
    assert (rates["reporting_rate"], rates["reporting_rate_on_time"]) == RATES
    sums = {
        item.code: sum((unit[item.code] for unit in map(doubted, COUNTED)), Decimal())
        for item in statistics_form().items
    }
    assert {code: Decimal(total) for code, total in done["totals"][SCIENCE][FORM].items()} == sums
    books = [path for path in done["files"] if path.endswith(".xlsx") and ASSOCIATIONS not in Path(path).name]
    assert [printed(book) for book in books] == [sums, sums]  # the summary, and what goes up


def doubted(unit: str) -> dict[str, Decimal]:
    """What a unit reported in the end: what was only asked about counts as it came."""
    return figures(unit) | ({"activities.ministry_tasks": Decimal(99)} if unit == "410783" else {})
