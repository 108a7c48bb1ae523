"""Instants as a definition writes them, and office hours."""
# ruff: noqa: DTZ001 (cycle time is written without a zone)

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from huizong.definition.when import OfficeHours, When


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-06-20", {"day": date(2022, 6, 20)}),
        (date(2022, 6, 20), {"day": date(2022, 6, 20)}),  # YAML makes a date of it
        ("2022-05-24T09:00", {"moment": datetime(2022, 5, 24, 9)}),
        ("2022-05-24 09:00", {"moment": datetime(2022, 5, 24, 9)}),
        (datetime(2022, 5, 24, 9), {"moment": datetime(2022, 5, 24, 9)}),
        ("due", {"anchor": "due"}),
        ("due - 5wd", {"anchor": "due", "working_days": -5}),
        ("due+1wd", {"anchor": "due", "working_days": 1}),
        ("due + 1wd 08:30", {"anchor": "due", "working_days": 1, "at": time(8, 30)}),
        ("due 9:00", {"anchor": "due", "at": time(9)}),
        ("closes - 2d", {"anchor": "closes", "shift": timedelta(days=-2)}),
        ("issue + 90s", {"anchor": "issue", "shift": timedelta(seconds=90)}),
        ("event_end + 3h", {"anchor": "event_end", "shift": timedelta(hours=3)}),
    ],
)
def test_what_can_be_written(text: Any, expected: dict[str, Any]) -> None:
    when = When.parse(text)
    empty = {"day": None, "moment": None, "anchor": None, "working_days": 0, "shift": timedelta(), "at": None}
    assert {name: getattr(when, name) for name in empty} == empty | expected
    assert When.parse(str(when)) == when  # what is frozen reads back as the same


@pytest.mark.parametrize(
    "text",
    [
        "20 June",
        "2022-06-31",
        "due - 5",
        "due -- 5wd",
        "dues + 1wd",
        "due + 1wd 25:00",
        "",
        "6月20日",
        "due + 1.5wd",
    ],
)
def test_anything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"看不懂的时间.*2022-06-20"):
        When.parse(text)


HOURS = OfficeHours.parse(["14:30-18:00", "08:00-12:00"])


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("07:59", False),
        ("08:00", True),
        ("11:59", True),
        ("12:00", False),
        ("14:29", False),
        ("14:30", True),
        ("18:00", False),
    ],
)
def test_office_hours_begin_and_end(moment: str, open_: bool) -> None:
    assert HOURS.contains(datetime.fromisoformat(f"2022-06-20T{moment}")) is open_
    assert HOURS.opens == time(8)


def test_an_office_may_be_open_all_day() -> None:
    assert OfficeHours.parse("00:00-24:00").contains(datetime(2022, 6, 20, 23, 59))


@pytest.mark.parametrize("wrong", [[], ["8-12"], ["12:00-08:00"], ["08:00-25:00"], ["上午"]])
def test_wrong_office_hours_are_refused(wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="办公时间|office_hours"):
        OfficeHours.parse(wrong)
