"""Working days by the State Council's arrangement, and an office's own calendar over it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from huizong.definition.calendar import (
    Always,
    StateCouncil,
    UnpublishedYearError,
    add_working_days,
    calendar_of,
)
from huizong.errors import UsageError

PUBLISHED = StateCouncil()


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2022-06-02", True),
        ("2022-06-03", False),  # 端午
        ("2022-06-04", False),
        ("2022-06-05", False),
        ("2022-06-06", True),
        ("2022-10-07", False),  # 国庆
        ("2022-10-08", True),  # a Saturday made up for
        ("2022-10-09", True),  # a Sunday made up for
        ("2023-06-22", False),  # 端午
        ("2023-06-25", True),  # a Sunday made up for
        ("2020-06-28", True),  # a Sunday made up for
    ],
)
def test_holidays_and_make_up_days(day: str, works: bool) -> None:
    assert PUBLISHED.is_working_day(date.fromisoformat(day)) is works


@pytest.mark.parametrize(
    ("start", "steps", "expected"),
    [
        ("2022-06-02", 1, "2022-06-06"),  # over the Dragon Boat holiday
        ("2022-06-06", -1, "2022-06-02"),
        ("2022-09-30", 1, "2022-10-08"),  # over National Day, to the make-up Saturday
        ("2022-10-08", 1, "2022-10-09"),
        ("2022-10-09", 1, "2022-10-10"),
        ("2022-06-04", 0, "2022-06-04"),  # nothing is added: the day itself, whatever it is
        ("2022-06-04", 1, "2022-06-06"),
        ("2023-06-21", 1, "2023-06-25"),
        ("2022-12-30", 1, "2023-01-03"),
    ],
)
def test_counting_working_days(start: str, steps: int, expected: str) -> None:
    assert add_working_days(PUBLISHED, date.fromisoformat(start), steps) == date.fromisoformat(expected)


def test_a_year_that_is_not_published_is_refused_by_name() -> None:
    with pytest.raises(UnpublishedYearError, match=r"2099年.*calendars/2099\.yaml"):
        PUBLISHED.is_working_day(date(2099, 3, 2))


def test_counting_into_a_year_that_is_not_published_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "2098.yaml").write_text("holidays: []", encoding="utf-8")
    with pytest.raises(UnpublishedYearError, match="2099年"):
        add_working_days(StateCouncil((tmp_path,)), date(2098, 12, 31), 1)


def test_an_offices_own_file_opens_a_year(tmp_path: Path) -> None:
    (tmp_path / "2099.yaml").write_text("holidays: [2099-10-01]\nworkdays: [2099-10-11]\n", encoding="utf-8")
    own = StateCouncil((tmp_path,))
    assert not own.is_working_day(date(2099, 10, 1))  # a Thursday
    assert own.is_working_day(date(2099, 10, 11))  # a Sunday
    assert own.is_working_day(date(2099, 10, 2))
    assert not own.is_working_day(date(2099, 10, 3))


def test_an_offices_own_file_stands_over_a_published_year_and_leaves_the_rest(tmp_path: Path) -> None:
    (tmp_path / "2022.yaml").write_text("holidays: [2022-06-06]\nworkdays: [2022-06-05]\n", encoding="utf-8")
    own = StateCouncil((tmp_path,))
    assert not own.is_working_day(date(2022, 6, 6))
    assert own.is_working_day(date(2022, 6, 5))
    assert not own.is_working_day(date(2022, 6, 3))  # still the Dragon Boat holiday
    assert own.is_working_day(date(2022, 10, 8))  # still made up for


@pytest.mark.parametrize(
    "text",
    [
        "holidays: 2099-10-01",
        "holidays: [1 October]",
        "holidays: [2098-10-01]",
        "- 2099-10-01",
        "holidays: [",
        "holidays: [2099-10-01 08:00:00]",
    ],
)
def test_a_broken_file_is_named_with_what_to_write(tmp_path: Path, text: str) -> None:
    (tmp_path / "2099.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"2099\.yaml: 写成 holidays"):
        StateCouncil((tmp_path,)).is_working_day(date(2099, 10, 1))


def test_always_works_every_day_of_every_year() -> None:
    assert calendar_of("always", ()) == Always()
    assert add_working_days(Always(), date(2099, 12, 31), 3) == date(2100, 1, 3)
