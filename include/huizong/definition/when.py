"""Instants as a definition writes them: `2022-06-20`, `2022-05-24T09:00`, `due - 5wd`, `due + 1wd 08:30`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

_RELATIVE = re.compile(
    r"^(?P<anchor>due|issue|closes|event_end)"
    r"(?:\s*(?P<sign>[+-])\s*(?P<count>\d+)(?P<unit>wd|d|h|min|s))?"
    r"(?:\s+(?P<time>\d{1,2}:\d{2}))?$"
)
_UNITS = {"d": "days", "h": "hours", "min": "minutes", "s": "seconds"}
HELP = "写成 2022-06-20、2022-05-24T09:00、due + 3wd、due - 5wd 08:30 之一（wd 为工作日）"


class _Text:
    """A value written as text in YAML and JSON, parsed once."""

    json_schema: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, text: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda v: v if isinstance(v, cls) else cls.parse(v),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(cls.json_schema)


@dataclass(frozen=True)
class When(_Text):
    """An instant, absolute or relative to an anchor. `day` without an hour means that whole day."""

    json_schema = {
        "type": "string",
        "pattern": r"^(\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?|(due|issue|closes|event_end)"
        r"(\s*[+-]\s*\d+(wd|d|h|min|s))?(\s+\d{1,2}:\d{2})?)$",
    }

    text: str
    day: date | None = None
    moment: datetime | None = None  # naive: cycle time
    anchor: str | None = None
    working_days: int = 0
    shift: timedelta = timedelta()
    at: time | None = None

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, value: Any) -> When:
        """Read one expression; YAML may have made a date of it already."""
        if isinstance(value, datetime):
            return cls(value.isoformat(), moment=value)
        if isinstance(value, date):
            return cls(value.isoformat(), day=value)
        text = str(value).strip()
        try:
            if match := _RELATIVE.match(text):
                return cls._relative(text, match)
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
                return cls(text, day=date.fromisoformat(text))
            return cls(text, moment=datetime.fromisoformat(text))
        except ValueError as e:
            raise ValueError(f"看不懂的时间“{text}”：{HELP}") from e

    @classmethod
    def _relative(cls, text: str, match: re.Match[str]) -> When:
        count = int(match["count"] or 0) * (-1 if match["sign"] == "-" else 1)
        unit = match["unit"]
        at = time.fromisoformat(match["time"].zfill(5)) if match["time"] else None
        return cls(
            text,
            anchor=match["anchor"],
            working_days=count if unit == "wd" else 0,
            shift=timedelta(**{_UNITS[unit]: count}) if unit in _UNITS else timedelta(),
            at=at,
        )


@dataclass(frozen=True)
class OfficeHours(_Text):
    """Spans of a working day in which reminders may go out, e.g. 08:00-12:00. `24:00` ends the day."""

    json_schema = {
        "type": "array",
        "items": {"type": "string", "pattern": r"^\d{1,2}:\d{2}-\d{1,2}:\d{2}$"},
        "minItems": 1,
    }

    spans: tuple[tuple[int, int], ...]  # minutes from midnight
    text: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(self.text)

    @classmethod
    def parse(cls, value: Any) -> OfficeHours:
        parts = value.split() if isinstance(value, str) else list(value)
        spans = []
        for part in parts:
            match = re.fullmatch(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", str(part).strip())
            if not match:
                raise ValueError(f"看不懂的办公时间“{part}”，写成 08:00-12:00")
            first, last = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
            if not 0 <= first < last <= 24 * 60:
                raise ValueError(f"办公时间“{part}”的起止不对")
            spans.append((first, last))
        if not spans:
            raise ValueError("office_hours 不能为空")
        return cls(tuple(sorted(spans)), tuple(str(p) for p in parts))

    def contains(self, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return any(first <= minute < last for first, last in self.spans)

    @property
    def opens(self) -> time:
        first = self.spans[0][0]
        return time(first // 60, first % 60)
