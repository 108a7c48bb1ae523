"""A stamped copy beside its unit's form (mistake 12).

Whichever came later bears the finding, so that the reply to what just came tells it; a newer copy or form
that agrees settles it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.instruments.model import Instrument
from huizong.ledger.tables import Version
from huizong.readers.model import FileReading, FormReading
from huizong.rules.copies import COPY_DIFFERS, Pair, copy_differs, copy_older
from huizong.rules.model import Finding
from huizong.stages.differences import figures_of, newest, open_findings
from huizong.stages.issued import IssuedCycle


@dataclass(frozen=True)
class _Copy:
    part: Part
    received_at: datetime
    reading: FileReading


def beside_the_form(
    session: Session, issued: IssuedCycle, copy: Part, version: Version, reading: FileReading
) -> list[Finding]:
    """What a stamped copy says otherwise than the form that counts; on the copy, so without an item."""
    collection = issued.collection(version.collection)
    form = next((p for p in collection.parts if p.code == copy.of), None)
    instrument = issued.loaded.instruments.get(form.instrument or "") if form else None
    if form is None or instrument is None:
        return []
    figures = _counted(session, issued, collection, form, {version.unit}).get(version.unit, {})
    found = _compare(reading, figures, instrument, copy, form)
    return [Finding(f.rule, f.severity, None, f.message) for f in found]


def beside_copies(
    session: Session, issued: IssuedCycle, collection: Collection, form: Part, ids: Sequence[int]
) -> dict[str, list[Finding]]:
    """Version id of a form, as text → what the stamped copy that the unit sent before says otherwise."""
    copies = _copies(collection, form)
    if not copies:
        return {}
    instrument = issued.loaded.instruments[form.instrument or ""]
    versions = session.scalars(select(Version).where(Version.id.in_(ids))).all()
    held = _readings(session, issued, collection, copies, {v.unit for v in versions})
    found: dict[str, list[Finding]] = defaultdict(list)
    for version in versions:
        for copy in held.get(version.unit, ()):
            figures = figures_of(session, [version.id])[version.id]
            differing = _compare(copy.reading, figures, instrument, copy.part, form)
            changed = [] if differing else _changed_since(session, version, copy, figures)
            found[str(version.id)] += differing
            found[str(version.id)] += copy_older(
                [instrument.numbers[code] for code in changed if code in instrument.numbers],
                copy.part.name,
                form.name,
            )
    return found


def _changed_since(
    session: Session, version: Version, copy: _Copy, figures: Mapping[str, Decimal]
) -> list[str]:
    """Items that the form corrects, where the stamped copy came with the one before it."""
    if copy.received_at >= version.received_at:
        return []
    before = session.scalars(
        select(Version.id)
        .where(
            Version.cycle == version.cycle,
            Version.collection == version.collection,
            Version.unit == version.unit,
            Version.part == version.part,
            Version.number < version.number,
        )
        .order_by(Version.number.desc())
    ).first()
    if before is None:
        return []
    old = figures_of(session, [before])[before]
    return [code for code in {**old, **figures} if old.get(code) != figures.get(code)]


def agreeing(session: Session, issued: IssuedCycle, collection: Collection) -> list[int]:
    """Open findings of a difference that newest copy and form do not show any more."""
    asked = open_findings(session, issued, collection, COPY_DIFFERS)
    units = {one.unit for one in asked}
    said: dict[str, set[str]] = defaultdict(set)
    for form in collection.forms if asked else ():
        instrument = issued.loaded.instruments[form.instrument or ""]
        figures = _counted(session, issued, collection, form, units)
        for unit, held in _readings(session, issued, collection, _copies(collection, form), units).items():
            for copy in held:
                found = _compare(copy.reading, figures.get(unit, {}), instrument, copy.part, form)
                said[unit] |= {f.message for f in found}
    return [one.id for one in asked if one.message not in said[one.unit]]


def _copies(collection: Collection, form: Part) -> list[Part]:
    return [part for part in collection.parts if part.kind == "scan" and part.of == form.code]


def _compare(
    reading: FileReading, figures: Mapping[str, Decimal], instrument: Instrument, copy: Part, form: Part
) -> list[Finding]:
    shown: FormReading | None = next(iter((*reading.forms, *reading.proposals)), None)
    if shown is None:
        return []
    pairs = [
        Pair(code, instrument.numbers[code], item.number, figures[code])
        for code, item in shown.items.items()
        if item.number is not None and code in figures and code in instrument.numbers
    ]
    return copy_differs(pairs, copy.name, form.name, recognised=not reading.forms)


def _readings(
    session: Session, issued: IssuedCycle, collection: Collection, copies: Sequence[Part], units: set[str]
) -> dict[str, list[_Copy]]:
    """Unit → its newest stamped copies, one a part."""
    parts = {part.code: part for part in copies}
    found: dict[str, list[_Copy]] = defaultdict(list)
    for held in newest(session, issued, collection, parts, units):
        reading = FileReading.model_validate_json(held.reading)
        found[held.unit].append(_Copy(parts[held.part], held.received_at, reading))
    return found


def _counted(
    session: Session, issued: IssuedCycle, collection: Collection, form: Part, units: set[str]
) -> dict[str, dict[str, Decimal]]:
    """Unit → the figures of its form that counts."""
    versions = {held.unit: held.version for held in newest(session, issued, collection, [form.code], units)}
    figures = figures_of(session, versions.values())
    return {unit: figures[version] for unit, version in versions.items()}
