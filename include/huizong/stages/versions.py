"""Versions: numbered by when they were received; the newest accepted one counts (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from huizong.definition.model import Part
from huizong.intake.recognise import Verdict
from huizong.ledger.tables import Delivery, File, Value, Version
from huizong.readers.model import FormReading

_VALUES = cast(Table, Value.__table__)  # an insert into the table costs half of one through the mapper

COUNTING = ("accepted", "accepted_with_queries")


def add_version(
    session: Session,
    delivery: Delivery,
    file: File,
    part: Part,
    form: int,
    reading: FormReading | None,
    verdict: Verdict,
) -> Version | None:
    """Record a file's content as the unit's next version; None if it is the newest one's bytes again."""
    with session.no_autoflush:  # versions are in the database as soon as they are made; the file can wait
        siblings = versions_of(session, file.cycle, file.collection, file.unit, part.code)
    # One workbook may hold several lists that add up: its second is no repetition of its first.
    twins = [v for v in siblings if v.form == form] if part.appends else siblings[-1:]
    if twins:
        digests = session.scalars(select(File.digest).where(File.id.in_([v.file_id for v in twins])))
        if file.digest in set(digests):
            return None
    version = Version(
        cycle=file.cycle,
        collection=file.collection,
        unit=verdict.unit,
        part=part.code,
        number=max((v.number for v in siblings), default=0) + 1,
        file_id=file.id,
        delivery_id=delivery.id,
        form=form,
        instrument=reading.instrument if reading else None,
        received_at=delivery.received_at,
        from_registered=verdict.from_registered,
        status="pending",
    )
    session.add(version)
    session.flush()
    if reading is not None:
        _add_values(session, version, reading)
    _renumber(session, [*siblings, version])
    return version


def versions_of(
    session: Session, cycle: str | None, collection: str | None, unit: str | None, part: str
) -> list[Version]:
    """All versions of one part, oldest first."""
    query = select(Version).where(
        Version.cycle == cycle,
        Version.collection == collection,
        Version.unit == unit,
        Version.part == part,
    )
    return list(session.scalars(query.order_by(Version.number)))


def _add_values(session: Session, version: Version, reading: FormReading) -> None:
    listed = reading.rows or (reading.items,)
    rows = [
        {
            "version_id": version.id,
            "row": n,
            "item": code,
            "state": item.state,
            "number": item.number,
            "raw": item.raw,
            "notes": list(item.notes),
            "sheet": item.sheet,
            "cell": item.cell,
            "matched": item.matched,
            "confidence": f"{item.confidence:.2f}",
        }
        for n, row in enumerate(listed)
        for code, item in row.items()
    ]
    if rows:
        session.execute(insert(_VALUES), rows)


def _renumber(session: Session, versions: Sequence[Version]) -> None:
    """Put the numbers into the order of receipt, where a late-read mailbox brought an earlier message."""
    ordered = sorted(versions, key=lambda v: (v.received_at, v.id))
    if all(v.number == n for n, v in enumerate(ordered, start=1)):
        return
    for shift in (len(ordered), 0):  # in two steps: the numbers are unique at every moment
        for n, version in enumerate(ordered, start=1):
            version.number = n + shift + (max(v.number for v in ordered) if shift else 0)
        session.flush()


def settle(versions: Sequence[Version], *, appends: bool) -> None:
    """After checking: what stands before the newest version that counts is superseded by it."""
    counting_ = [v for v in versions if v.status in COUNTING]
    if appends or not counting_:
        return
    newest = counting_[-1]
    for old in versions:
        if old.number < newest.number and old.status != "pending":
            old.status = "superseded"


def counting(versions: Iterable[Version]) -> list[Version]:
    """The versions whose content counts."""
    return [v for v in versions if v.status in COUNTING]
