"""Two collections run by two offices: each signs off its own formal notices, and is asked by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from huizong.errors import UsageError
from huizong.stages.release import Question, approve, open_questions
from office import CYCLE, Office, at

HELD = "2022-06-23T09:00"  # due + 3wd
OFFICES = {
    "science-departments": "新乡市科学技术局科技合作人才与科普科",
    "associations": "新乡市科学技术协会组织人事部",
}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path / "home")
    office.issue()
    office.chase(HELD)
    return office


def asked(office: Office) -> list[Question]:
    return [q for q in open_questions(office.ctx, CYCLE, at(HELD)) if q.question == "formal_notice"]


def states(office: Office) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {code: Counter() for code in OFFICES}
    with office.ctx.ledger.read() as session:
        from huizong.ledger.tables import Letter

        for letter in session.query(Letter).filter(Letter.kind == "formal_notice"):
            found[letter.collection or ""][letter.state] += 1
    return found


def test_each_office_is_asked_for_its_own(office: Office) -> None:
    questions = asked(office)
    assert [q.title.split("：")[0] for q in questions] == list(OFFICES.values())
    assert "须经科长、分管局领导签批" in questions[0].body
    assert "须经部长、分管主席签批" in questions[1].body
    assert len({q.subject for q in questions}) == 2


def test_one_office_s_word_releases_nothing_of_the_other_s(office: Office) -> None:
    own, other = asked(office)
    done = approve(
        office.ctx, CYCLE, "formal_notice", at(HELD), by="王局", basis="签批单", subject=other.subject
    )
    now = states(office)
    assert done["queued"] == now["associations"]["queued"] > 0
    assert set(now["science-departments"]) == {"held"}
    assert [q.subject for q in asked(office)] == [own.subject]
    with pytest.raises(UsageError, match="内容有变化"):
        approve(
            office.ctx, CYCLE, "formal_notice", at(HELD), by="王局", basis="签批单", subject=other.subject
        )


def test_the_command_line_s_word_is_for_all_that_wait(office: Office) -> None:
    done = approve(office.ctx, CYCLE, "formal_notice", at(HELD), by="王局", basis="签批单")
    now = states(office)
    assert asked(office) == []
    assert all(set(of) == {"queued"} for of in now.values())
    assert done["queued"] == sum(of["queued"] for of in now.values())
