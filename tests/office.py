"""What a test drives: one installation, its clerks' files, and Beijing time written short."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl

from huizong.clock import FixedClock
from huizong.connections import EnvironmentConnections
from huizong.home import Home
from huizong.instruments.model import Instrument, load_instrument
from huizong.stages.assemble import assemble
from huizong.stages.chase import chase
from huizong.stages.context import Context, open_context
from huizong.stages.issue import issue
from huizong.stages.receive import receive, receive_folder
from huizong.stages.status import outbox, status
from huizong.stages.validate import validate

CYCLE = "xinxiang-2022"
COLLECTION = "science-departments"
ZONE = ZoneInfo("Asia/Shanghai")
PROJECT = Path(__file__).parents[1]
ISSUED = "2022-05-24T09:00"


def at(text: str) -> datetime:
    """`2022-06-10T10:00` in the cycle's zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def statistics_form() -> Instrument:
    return load_instrument(PROJECT / "include/forms/activity-week-statistics@2022.yaml")


def honest(seed: int = 0) -> dict[str, Decimal]:
    """Figures to which no rule objects; every seed gives others."""
    figures: dict[str, Decimal] = {}
    for n, item in enumerate(statistics_form().items):
        whole = Decimal(21 + seed + 3 * n)
        figures[item.code] = whole if item.type == "integer" else whole + Decimal(n + 1) / 100
    figures["activities.ministry_tasks"] = Decimal(2)
    figures["public.offline"] = Decimal(5000 + seed)
    figures["public.online"] = Decimal(9000 + seed)
    return figures


def fill(template: bytes, values: Mapping[str, Any]) -> bytes:
    """Fill a personal workbook as a clerk does: in the unlocked cell beside the label."""
    book = openpyxl.load_workbook(BytesIO(template))
    sheet = book.worksheets[0]
    by_label = {item.label: item.code for item in statistics_form().items}
    for row in sheet.iter_rows():
        for cell in row:
            label = "".join(str(cell.value or "").split())
            if label in by_label and by_label[label] in values:
                target = next(
                    c for c in sheet[cell.row][cell.column :]
                    if not c.protection.locked and type(c).__name__ != "MergedCell"
                )  # fmt: skip
                value = values[by_label[label]]
                target.value = float(value) if isinstance(value, Decimal) else value
    out = BytesIO()
    book.save(out)
    return out.getvalue()


class Office:
    """One installation. Every method takes its business time as text."""

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None, cycle: str = CYCLE) -> None:
        self.cycle = cycle
        self.environ = {"HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT), **(environ or {})}
        self.clock = FixedClock()

    @cached_property
    def ctx(self) -> Context:
        home = Home.from_environment(self.environ)
        return open_context(home, self.clock, EnvironmentConnections(self.environ))

    @property
    def home(self) -> Path:
        return self.ctx.home.path

    def issue(self, as_of: str = ISSUED, *, send: bool = False) -> dict[str, Any]:
        return issue(self.ctx, self.cycle, at(as_of), send=send)

    def template(self, unit: str) -> bytes:
        """The unit's personal workbook as issued."""
        return next((self.ctx.home.issued(self.cycle) / unit).glob("*.xlsx")).read_bytes()

    def drop(self, sender: str, files: Mapping[str, bytes], folder: str = "drop") -> Path:
        """Lay files into one sender's subfolder."""
        place = self.home / folder / sender
        place.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (place / name).write_bytes(data)
        return self.home / folder

    def hand_in(self, unit: str, values: Mapping[str, Any], name: str = "统计表.xlsx") -> None:
        """The unit's own form, filled, into its own subfolder."""
        self.drop(unit, {name: fill(self.template(unit), values)})

    def receive_folder(self, as_of: str, folder: str = "drop") -> dict[str, Any]:
        return receive_folder(self.ctx, self.home / folder, self.cycle, at(as_of))

    def receive(self, as_of: str, *channels: str) -> dict[str, Any]:
        return receive(self.ctx, channels, at(as_of))

    def validate(self, as_of: str, *, send: bool = False) -> dict[str, Any]:
        return validate(self.ctx, self.cycle, at(as_of), send=send)

    def chase(self, as_of: str, *, send: bool = False) -> dict[str, Any]:
        return chase(self.ctx, self.cycle, at(as_of), send=send)

    def assemble(self, as_of: str, edition: str | None = None) -> dict[str, Any]:
        return assemble(self.ctx, self.cycle, at(as_of), edition)

    def unit(self, code: str, as_of: str = "2022-06-30T09:00") -> dict[str, Any]:
        """The unit's line of `huizong status`."""
        return next(u for u in status(self.ctx, self.cycle, at(as_of))["units"] if u["code"] == code)

    def letters(self, **wanted: Any) -> list[dict[str, Any]]:
        """The outbox's letters whose columns are as wanted."""
        return [
            letter for letter in outbox(self.ctx)["letters"] if all(letter[k] == v for k, v in wanted.items())
        ]
