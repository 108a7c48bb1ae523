"""What a person may decide about a unit, and what follows: never a changed figure."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from huizong.definition.schedule import instants
from huizong.errors import UsageError
from huizong.ledger.tables import Letter
from huizong.outbox.context import load_context
from huizong.stages.decisions import decide
from huizong.stages.issued import issued_cycle
from office import COLLECTION, CYCLE, Office, at, honest

A, B = "410721", "410724"
WHO = {"by": "李科", "reason": "经科长同意"}


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def choose(office: Office, unit: str, kind: str, as_of: str, **more: Any) -> dict[str, Any]:
    return decide(office.ctx, CYCLE, unit, kind, at(as_of), **WHO, **more)


def test_a_waived_unit_leaves_the_denominator_and_is_not_chased(issued: Office) -> None:
    choose(issued, A, "waive", "2022-06-10T10:00")
    assert issued.unit(A)["status"] == "waived"
    assert issued.chase("2022-06-21T09:00")["rungs"] == {"overdue": 17 + 26}  # and the associations
    covered = issued.assemble("2022-06-22T09:00")["coverage"][COLLECTION]
    assert (covered["expected"], covered["waived"]) == (17, [A])


def test_an_extended_unit_is_reminded_by_its_own_deadline(issued: Office) -> None:
    choose(issued, A, "extend", "2022-06-17T10:00", until="due + 3wd")
    assert "extended" in issued.unit(A)["flags"]
    issued.chase("2022-06-21T09:00")
    assert issued.letters(unit=A, kind="reminder") == []
    issued.chase("2022-06-24T09:00")
    assert len(issued.letters(unit=A, kind="reminder")) == 1
    with pytest.raises(UsageError, match="--until"):
        choose(issued, B, "extend", "2022-06-17T10:00")


def test_an_extension_beyond_closing_is_reminded_of_until_its_own_day(issued: Office) -> None:
    choose(issued, A, "extend", "2022-06-17T10:00", until="2022-07-08")  # all others close on the 4th
    issued.chase("2022-07-04T09:30")
    assert [letter["unit"] for letter in issued.letters(kind="nudge")] == [A]
    done = issued.chase("2022-07-08T09:00")
    assert done["rungs"] == {"due_day": 1}
    with issued.ctx.ledger.read() as session:
        letters = session.scalars(select(Letter).where(Letter.unit == A).order_by(Letter.id)).all()
    assert [letter.expires_at for letter in letters[-2:]] == [at("2022-07-08T09:00"), at("2022-07-09T00:00")]
    assert at("2022-07-08T09:00") in instants(issued_cycle(issued.ctx, CYCLE).schedule)["chase"]
    issued.hand_in(A, honest(1))
    issued.receive_folder("2022-07-08T10:00")
    assert not [note for note in issued.unit(A)["notes"] if "逾期" in note]
    assert issued.chase("2022-07-11T09:00")["rungs"] == {}


def test_consent_lets_an_unusual_figure_count_as_it_was_reported(issued: Office) -> None:
    issued.hand_in(A, honest(1) | {"public.offline": Decimal(6_000_000)})
    issued.receive_folder("2022-06-10T10:00")
    assert issued.validate("2022-06-10T10:05")["by_status"] == {"rejected": 1}
    choose(issued, A, "accept", "2022-06-11T10:00")
    assert issued.unit(A)["parts"]["statistics"] == "accepted"
    totals = issued.assemble("2022-06-22T09:00")["totals"][COLLECTION]["activity-week-statistics@2022"]
    assert totals["public.offline"] == "6000000"


def test_what_is_no_number_cannot_be_accepted(issued: Office) -> None:
    issued.hand_in(A, honest(1) | {"public.offline": "约5万"})
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    with pytest.raises(UsageError, match="必须更正"):
        choose(issued, A, "accept", "2022-06-11T10:00")
    with pytest.raises(UsageError, match="没有待说明"):
        choose(issued, B, "accept", "2022-06-11T10:00")


def rendered(office: Office, letter: dict[str, Any]) -> str:
    with office.ctx.ledger.read() as session:
        context = load_context(json.dumps(session.get_one(Letter, letter["id"]).context["letter"]))
    return office.ctx.letter_book.render(context).text


def test_an_extension_is_answered_with_the_units_own_day(issued: Office) -> None:
    choose(issued, A, "extend", "2022-06-17T10:00", until="2022-06-24")
    (letter,) = issued.letters(kind="extension")
    assert letter["unit"] == A
    assert "请于6月24日（星期五）前（含当日）直接回复本邮件报送" in rendered(issued, letter).replace("**", "")
    assert "经科长同意" not in rendered(issued, letter)  # said inside, not to the unit


def test_a_form_that_is_sent_back_no_longer_counts_and_the_unit_reads_why(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    with pytest.raises(UsageError, match="没有已采用的"):
        choose(issued, B, "send-back", "2022-06-11T10:00")
    choose(issued, A, "send-back", "2022-06-11T10:00")
    line = issued.unit(A)
    assert (line["status"], line["parts"]["statistics"]) == ("in_query", "rejected")
    (letter,) = issued.letters(kind="correction")
    assert (letter["unit"], "经科长同意" in rendered(issued, letter)) == (A, True)
    assert A in issued.assemble("2022-06-12T09:00")["coverage"][COLLECTION]["missing"]
    choose(issued, A, "reopen", "2022-06-13T10:00")
    assert issued.unit(A)["parts"]["statistics"] == "accepted"
    assert issued.unit(A)["findings"]["mandatory"] == 0
    totals = issued.assemble("2022-06-14T09:00")["totals"][COLLECTION]["activity-week-statistics@2022"]
    assert totals["public.offline"] == "5001"


def test_a_corrected_form_counts_after_the_old_one_was_sent_back(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    choose(issued, A, "send-back", "2022-06-11T10:00")
    issued.hand_in(A, honest(2), "更正.xlsx")
    issued.receive_folder("2022-06-12T10:00")
    issued.validate("2022-06-12T10:05")
    assert issued.unit(A)["parts"]["statistics"] == "accepted"
    with pytest.raises(UsageError, match="已另行报送"):
        choose(issued, A, "reopen", "2022-06-13T10:00")


def test_a_unit_that_does_not_report_stays_expected_and_is_left_in_peace(issued: Office) -> None:
    choose(issued, A, "refuse", "2022-06-10T10:00")
    assert issued.unit(A)["status"] == "refused"
    issued.chase("2022-06-21T09:00")
    assert issued.letters(unit=A, kind="reminder") == []
    covered = issued.assemble("2022-06-22T09:00")["coverage"][COLLECTION]
    assert (covered["expected"], A in covered["missing"]) == (18, True)
    choose(issued, A, "reopen", "2022-06-22T10:00")
    assert issued.unit(A)["status"] == "not_started"
    with pytest.raises(UsageError, match="没有可以撤销"):
        choose(issued, A, "reopen", "2022-06-22T11:00")
