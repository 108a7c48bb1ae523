"""What the demo is judged by: the ledger as the stages tell it, and the clerks' own diary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from huizong.errors import HuizongError
from huizong.instruments.model import Instrument, load_instrument
from huizong.stages.assemble import assemble
from huizong.stages.context import Context
from huizong.stages.status import outbox, status
from huizong.stages.triage import waiting
from huizong_demo.cycle import CODE, COLLECTION

FORM = "activity-week-statistics@2022"


@dataclass(frozen=True)
class Facts:
    """One moment's state. Before issue there are no units."""

    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    triage: list[dict[str, Any]] = field(default_factory=list)

    def letters_of(self, kind: str) -> list[dict[str, Any]]:
        return [letter for letter in self.letters if letter["kind"] == kind]

    @property
    def results_are_out(self) -> bool:
        return bool(self.letters_of("result")) and not self.unsettled

    @property
    def unsettled(self) -> list[dict[str, Any]]:
        return [letter for letter in self.letters if letter["state"] in ("held", "queued", "claimed")]


def look(context: Context, as_of: datetime) -> Facts:
    try:
        told = status(context, CODE, as_of)
    except HuizongError:  # not issued yet
        return Facts()
    return Facts(
        {unit["code"]: unit for unit in told["units"]},
        outbox(context)["letters"],
        waiting(context)["waiting"],
    )


@dataclass(frozen=True)
class Summary:
    """The final edition: totals by item code, coverage, files."""

    totals: dict[str, Decimal]
    coverage: Mapping[str, Any]
    files: list[Path]


def final_summary(context: Context, as_of: datetime) -> Summary:
    """The final edition as it was released (asked for again, it is the same one)."""
    told = assemble(context, CODE, as_of, "final")
    totals = {item: Decimal(total) for item, total in told["totals"][COLLECTION][FORM].items()}
    return Summary(totals, told["coverage"][COLLECTION], [Path(file) for file in told["files"]])


@dataclass(frozen=True)
class Diary:
    """What the clerks wrote down themselves."""

    entries: list[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Diary:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return cls([json.loads(line) for line in lines])

    def received(self, unit: str) -> list[str]:
        """The kinds of letters that the unit's clerk found in the mailbox."""
        return [e["kind"] for e in self.entries if e["what"] == "read" and e["unit"] == unit]

    def sums(self, form: Instrument) -> dict[str, Decimal]:
        """Item code -> sum over the units of what each wrote last. The clerks know only printed labels."""
        newest: dict[str, dict[str, str]] = {}
        for entry in self.entries:
            if entry["what"] == "sent":
                newest.update(entry["figures"])
        return {
            item.code: sum((Decimal(_beside(item.label, told)) for told in newest.values()), Decimal(0))
            for item in form.items
        }


def form(project: Path) -> Instrument:
    return load_instrument(project / "include" / "forms" / f"{FORM}.yaml")


def _beside(label: str, told: Mapping[str, str]) -> str:
    return next(entry for printed, entry in told.items() if label.startswith(printed))
