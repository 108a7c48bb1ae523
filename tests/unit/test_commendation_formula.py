"""The formula of 评选参考 is the definition's: small examples worked out by hand."""

from __future__ import annotations

import pytest

from huizong.definition.model import Commendation
from huizong.summary.commendation import Formula, UnitFacts

WRITTEN = {"of": ["units"], "title": "通报表扬", "points": {"punctual": 3, "complete": 5, "correction": -2}}


def formula(written: dict[str, object] = WRITTEN) -> Formula:
    return Formula(**Commendation.model_validate(written).points.model_dump())


def facts(*, punctual: bool | None, complete: bool, corrections: int = 0, scored: bool = True) -> UnitFacts:
    return UnitFacts(
        unit="甲县", collection="总结", status="已报齐", punctual=punctual, complete=complete,
        corrections=corrections, open_queries=0, days_late=0, extended=False, rows=0, materials="",
        scored=scored,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "points", "said"),
    [
        (facts(punctual=True, complete=True), 8, "3+5+0=8"),
        (facts(punctual=True, complete=True, corrections=2), 4, "3+5-4=4"),
        (facts(punctual=False, complete=True, corrections=1), 3, "0+5-2=3"),
        (facts(punctual=None, complete=False), 0, "0+0+0=0"),
        (facts(punctual=None, complete=False, corrections=3), -6, "0+0-6=-6"),
        (facts(punctual=True, complete=True, scored=False), 0, "不计分"),
    ],
)
def test_points_by_the_definitions_formula(unit: UnitFacts, points: int, said: str) -> None:
    assert (unit.points(formula()), unit.worked_out(formula())) == (points, said)


def test_the_formula_is_told_as_it_is_written() -> None:
    assert "按时报送+3分，材料报齐+5分，每退回更正一次-2分" in formula().sentence


def test_where_none_is_written_each_counts_one() -> None:
    written = {"of": ["units"], "title": "通报表扬"}
    assert facts(punctual=True, complete=True, corrections=1).worked_out(formula(written)) == "1+1-1=1"
