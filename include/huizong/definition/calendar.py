"""Working days by the State Council's yearly arrangement, make-up Saturdays counted (国务院放假安排).

`chinese_calendar` holds the published years and refuses the others by name; `calendars/YYYY.yaml`
(`holidays: [...]`, `workdays: [...]`) stands over it where an office need not wait for its release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

import chinese_calendar
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from huizong.errors import UsageError


class UnpublishedYearError(UsageError):
    """The holiday arrangement of that year is not known: an error that names the year, not a guess."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"{year}年的放假安排尚未公布，无法推算工作日；公布后升级 chinesecalendar，"
            f"或将安排写入 calendars/{year}.yaml（holidays: [...]、workdays: [...]）。"
        )
        self.year = year


class Calendar(Protocol):
    def is_working_day(self, day: date) -> bool:
        """Raises UnpublishedYearError where the year is not known."""


@dataclass(frozen=True)
class Always:
    """Every day is a working day: demo and tests."""

    def is_working_day(self, day: date) -> bool:
        return True


@dataclass(frozen=True)
class StateCouncil:
    """The published arrangement, with an office's own files over it."""

    folders: Sequence[Path] = ()

    def is_working_day(self, day: date) -> bool:
        own = _own_year(tuple(self.folders), day.year)
        if own is not None:
            holidays, workdays = own
            if day in holidays | workdays:
                return day in workdays
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError as e:
            if own is not None:
                return day.weekday() < 5
            raise UnpublishedYearError(day.year) from e


@cache
def _own_year(folders: tuple[Path, ...], year: int) -> tuple[frozenset[date], frozenset[date]] | None:
    path = next((f / f"{year}.yaml" for f in folders if (f / f"{year}.yaml").is_file()), None)
    if path is None:
        return None
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {}
        holidays, workdays = (frozenset(content.get(key) or ()) for key in ("holidays", "workdays"))
        wrong = any(type(d) is not date or d.year != year for d in holidays | workdays)
    except (YAMLError, UnicodeDecodeError, AttributeError, TypeError):
        wrong = True
    if wrong:
        raise UsageError(
            f"{path}: 写成 holidays: [{year}-10-01, …]、workdays: [{year}-10-11, …]，日期须在 {year} 年"
        )
    return holidays, workdays


def calendar_of(kind: str, folders: Sequence[Path]) -> Calendar:
    return Always() if kind == "always" else StateCouncil(tuple(folders))


def add_working_days(calendar: Calendar, day: date, count: int) -> date:
    """The working day `count` steps after (before, if negative) `day`; 0 is `day` itself."""
    step = timedelta(days=1 if count > 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not calendar.is_working_day(day):
            day += step
    return day
