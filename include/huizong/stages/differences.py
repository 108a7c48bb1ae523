"""What reports and stamped copies share where they stand beside a form: who says what, and what is open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Several
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.ledger.tables import File, FindingRow, Value, Version
from huizong.stages.issued import IssuedCycle
from huizong.stages.versions import COUNTING


@dataclass(frozen=True)
class Newest:
    """A unit's newest version of a part that counts; `reading` is the JSON of what was read."""

    unit: str
    part: str
    version: int
    received_at: datetime
    reading: str


def newest(
    session: Session, issued: IssuedCycle, collection: Collection, parts: Several[str], units: Several[str]
) -> list[Newest]:
    """One a unit and part, as far as there is one."""
    if not parts or not units:
        return []
    rows = session.execute(
        select(Version.unit, Version.part, Version.id, Version.received_at, File.reading)
        .join(File, Version.file_id == File.id)
        .where(
            Version.cycle == issued.code,
            Version.collection == collection.code,
            Version.unit.in_(units),
            Version.part.in_(parts),
            Version.status.in_(COUNTING),
        )
        .order_by(Version.number)
    )
    found = {
        (row.unit, row.part): Newest(row.unit, row.part, row.id, row.received_at, row.reading or "{}")
        for row in rows
    }
    return list(found.values())


def figures_of(session: Session, versions: Iterable[int]) -> dict[int, dict[str, Decimal]]:
    """Version id → item → its number; without what is no number."""
    values = session.execute(
        select(Value.version_id, Value.item, Value.number).where(
            Value.version_id.in_(list(versions)), Value.number.is_not(None)
        )
    )
    figures: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for value in values:
        if value.number is not None:
            figures[value.version_id][value.item] = value.number
    return figures


@dataclass(frozen=True)
class Open:
    """A finding that waits for an answer."""

    id: int
    unit: str
    message: str


def open_findings(session: Session, issued: IssuedCycle, collection: Collection, rule: str) -> Sequence[Open]:
    """Those of one rule that ask (a hint asks nothing), on versions that are in force."""
    rows = session.execute(
        select(FindingRow.id, Version.unit, FindingRow.message)
        .join(Version, FindingRow.version_id == Version.id)
        .where(
            Version.cycle == issued.code,
            Version.collection == collection.code,
            Version.status.in_(("rejected", *COUNTING)),
            FindingRow.rule == rule,
            FindingRow.severity != "hint",
            FindingRow.settled_at.is_(None),
        )
    )
    return [Open(row.id, row.unit, row.message) for row in rows]
