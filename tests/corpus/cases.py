"""What a corpus file is, what should become of it, and whether it did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from form_files import VALUES

from corpus.real import fault_of

Row = dict[str, Any]
Figures = Mapping[str, str | None]

HONGQI, WEIBIN = "410702", "410703"
TRUTH: Figures = {code: format(value, "f") for code, value in VALUES.items()}


@dataclass(frozen=True)
class Form:
    """A form that is read: its figures as the contract writes them, None where there is no exact number."""

    values: Figures = field(default_factory=lambda: TRUTH)
    unit: str | None = HONGQI

    def met_by(self, row: Row) -> bool:
        return row["disposition"] == "return" and row["unit"] == self.unit and row["values"] == self.values


@dataclass(frozen=True)
class Kept:
    """Material: a return without a form in it."""

    def met_by(self, row: Row) -> bool:
        return row["disposition"] == "return" and not row["instrument"]


@dataclass(frozen=True)
class SetAside:
    """Not taken, with a sentence in which `about` (a regular expression) is found."""

    about: str = ""

    def met_by(self, row: Row) -> bool:
        taken = row["disposition"] != "set_aside" or row["instrument"]
        return not taken and bool(re.search(self.about, row["reason"]))


@dataclass(frozen=True)
class Restricted:
    """A mark of secrecy was seen."""

    def met_by(self, row: Row) -> bool:
        return row["disposition"] == "restricted" and not row["values"]


@dataclass(frozen=True)
class Harmless:
    """A hostile or broken file of which only this is asked: no wrong figure, and an end with a sentence."""

    values: Figures = field(default_factory=lambda: TRUTH)

    def met_by(self, row: Row) -> bool:
        if row["disposition"] not in ("return", "triage"):
            return bool(row["reason"])
        return all(value in (None, self.values[item]) for item, value in row["values"].items())


@dataclass(frozen=True)
class Contained:
    """A file that no check beforehand can tell: its reader is ended by the limits of its process."""

    def met_by(self, row: Row) -> bool:
        return row["disposition"] == "set_aside" and bool(row["reason"])


Outcome = Form | Kept | SetAside | Restricted | Harmless | Contained


@dataclass(frozen=True)
class Case:
    """A file: the table's line that it belongs to, its name, its bytes, and its truth, one outcome a row."""

    line: str
    name: str
    data: bytes = field(repr=False)
    outcomes: tuple[Outcome, ...] = (Form(),)


def one(line: str, name: str, data: bytes, outcome: Outcome | None = None) -> Case:
    return Case(line, name, data, (outcome or Form(),))


def judge(case: Case, rows: Sequence[Row]) -> str:
    """read, set aside, wrong or crashed: of the rows that `huizong read` gives for the case's file."""
    contained = isinstance(case.outcomes[0], Contained)
    if not rows or any(fault_of(row) in ("crashed", "timed out") and not contained for row in rows):
        return "crashed"
    if any(fault_of(row) in ("no disposition", "no reason") for row in rows) or not _all_met(
        case.outcomes, rows
    ):
        return "wrong"
    return "read" if any(row["disposition"] in ("return", "triage") for row in rows) else "set aside"


def _all_met(outcomes: Sequence[Outcome], rows: Sequence[Row]) -> bool:
    """Whether each row is another outcome, and none is left over; a harmless file may have any number."""
    if outcomes and isinstance(outcomes[0], Harmless):
        return all(outcomes[0].met_by(row) for row in rows)
    left = list(outcomes)
    for row in rows:
        met = next((outcome for outcome in left if outcome.met_by(row)), None)
        if met is None:
            return False
        left.remove(met)
    return not left
