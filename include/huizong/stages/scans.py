"""Stamped copies beside the figures that count: what a person should know of each, as a proposal.

Worked out when it is asked for: the scan may come before or after the form that can be edited, and either may
be sent again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import File, Value, Version
from huizong.readers.model import FileReading, FormReading
from huizong.stages.issued import IssuedCycle

_Unit = tuple[str, str]  # collection and unit


def scans_of(session: Session, issued: IssuedCycle, as_of: datetime) -> dict[_Unit, list[dict[str, Any]]]:
    """(collection, unit) → its newest stamped copy: whether a stamp was seen, and whether it agrees.

    `agrees` is None where nothing was recognised (then `unread` names every item), some items could not be
    read, or there is no form to compare with; `differs` and `unread` name items. Nothing of this counts;
    what the unit is told of it is in `copies`.
    """
    scans = {p.code for c in issued.collections for p in c.parts if p.kind == "scan"}
    standing = (
        Version.cycle == issued.code, Version.status != "superseded", Version.received_at <= as_of
    )  # fmt: skip
    rows = session.execute(
        select(Version.collection, Version.unit, File.name, File.reading)
        .join(File, File.id == Version.file_id)
        .where(*standing, Version.part.in_(scans))
        .order_by(Version.number)
    )
    newest = {(row.collection, row.unit): row for row in rows}
    scanned = select(Version.unit).where(*standing, Version.part.in_(scans))
    forms = (*standing, Version.instrument.is_not(None), Version.unit.in_(scanned))
    held = _figures(session, forms) if newest else {}
    items = _items(issued)
    found: dict[_Unit, list[dict[str, Any]]] = {}
    for key, row in newest.items():
        reading = FileReading.model_validate_json(row.reading or "{}")
        shown = next(iter((*reading.forms, *reading.proposals)), None)
        found[key] = [
            {"file": row.name, "stamp": reading.stamp} | _agreement(shown, held.get(key, {}), items[key[0]])
        ]
    return found


def agreement_of(
    session: Session, issued: IssuedCycle, files: Sequence[tuple[File, FileReading]]
) -> dict[int, dict[str, Any]]:
    """File id → `agrees`, `differs` and `unread` as in `scans_of`, for each picture by itself."""
    units = {file.unit for file, _ in files}
    forms = (
        Version.cycle == issued.code, Version.status != "superseded", Version.instrument.is_not(None),
        Version.unit.in_(units),
    )  # fmt: skip
    held = _figures(session, forms)
    items = _items(issued)
    return {
        file.id: _agreement(
            next(iter((*reading.forms, *reading.proposals)), None),
            held.get((file.collection or "", file.unit or ""), {}),
            items.get(file.collection or "", ()),
        )
        for file, reading in files
    }


def _items(issued: IssuedCycle) -> dict[str, Sequence[str]]:
    """Collection → the items of its form."""
    forms = {c.code: issued.loaded.instrument_of(c) for c in issued.collections}
    return {code: tuple(form.by_code) if form else () for code, form in forms.items()}


def _figures(
    session: Session, forms: Sequence[ColumnElement[bool]]
) -> dict[_Unit, dict[str, Decimal | None]]:
    """The figures of each unit's newest form, whether it counts already or is to be corrected."""
    rows = session.execute(
        select(Version.collection, Version.unit, Version.id).where(*forms).order_by(Version.number)
    )
    newest = {(row.collection, row.unit): row.id for row in rows}
    values = session.execute(
        select(Value.version_id, Value.item, Value.number)
        .join(Version, Version.id == Value.version_id)
        .where(*forms)
    )
    figures: dict[int, dict[str, Decimal | None]] = defaultdict(dict)
    for value in values:
        figures[value.version_id][value.item] = value.number
    return {unit: figures[version] for unit, version in newest.items()}


def _agreement(
    shown: FormReading | None, held: Mapping[str, Decimal | None], items: Sequence[str]
) -> dict[str, Any]:
    if shown is None:
        return {"agrees": None, "differs": [], "unread": list(items)}
    if not held:
        return {"agrees": None, "differs": [], "unread": []}
    seen = {code: item.number for code, item in shown.items.items()}
    unread = [code for code, number in held.items() if number is not None and seen.get(code) is None]
    differs = [code for code, number in seen.items() if number is not None and number != held.get(code)]
    agrees = False if differs else None if unread else True
    return {"agrees": agrees, "differs": differs, "unread": unread}
