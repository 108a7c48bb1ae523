"""What a person may decide about a unit, and what follows: never a changed figure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from huizong.errors import UsageError
from huizong.stages.decisions import decide
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
    assert issued.chase("2022-06-21T09:00")["rungs"] == {"overdue": 17}
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
