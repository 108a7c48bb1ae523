"""Judging forms and lists: the rules of their instrument, run once over a whole batch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.home import find_file
from huizong.instruments.model import Instrument
from huizong.ledger.tables import File, FormIssue, Value, Version
from huizong.readers.model import FileReading
from huizong.rules.listed import judge
from huizong.rules.model import Finding, FormRow
from huizong.rules.standard import standard_suite
from huizong.rules.suite import suite_text
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.versions import COUNTING


def suite_path(ctx: Context, instrument: Instrument) -> Path:
    """The expectations of an instrument; where nobody has written any, those that follow from it are laid
    into the home, as a file that may be added to.
    """
    path = find_file(ctx.home.expectations, f"{instrument.ref}.json")
    if path is None:
        path = ctx.home.expectations[0] / f"{instrument.ref}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_name(f".{path.name}.{os.getpid()}")
        whole.write_text(suite_text(standard_suite(instrument)), encoding="utf-8")
        whole.replace(path)
    return path


def judged(
    session: Session, issued: IssuedCycle, ids: Sequence[int], instrument: Instrument, suite: Path
) -> dict[str, list[Finding]]:
    """Findings of each version of a form or list, by its id as text.

    Raises:
        RulesBrokenError: a rule could not be judged for every return; nothing of it may be used.
    """
    found = session.execute(
        select(Version, File)
        .join(File, Version.file_id == File.id)
        .where(Version.id.in_(ids))
        .order_by(Version.id)
    ).all()
    previous = _previous(session, issued, [version.unit for version, _ in found])
    rows = [
        _of_its_version(
            session, issued, instrument, version, _row(issued, version, file, previous.get(version.unit, {}))
        )
        for version, file in found
    ]
    return judge(rows, instrument, suite)


def _of_its_version(
    session: Session, issued: IssuedCycle, instrument: Instrument, version: Version, row: FormRow
) -> FormRow:
    """The row; on an older personal form that the instrument accepts, what that one has not is not missed."""
    if not instrument.accepts:
        return row
    there = (row.items or (row.rows[0] if row.rows else {})).keys() - set(row.missing)
    held = select(FormIssue.instrument).where(
        FormIssue.cycle == version.cycle,
        FormIssue.collection == version.collection,
        FormIssue.unit == version.unit,
        FormIssue.instrument.in_(instrument.accepts),
    )
    for ref in session.scalars(held):
        older = issued.loaded.accepted.get(ref)
        if older and there <= older.by_code.keys():
            return replace(row, not_asked=frozenset(instrument.by_code) - set(older.by_code), unknown=())
    return row


def _row(issued: IssuedCycle, version: Version, file: File, previous: dict[str, Decimal]) -> FormRow:
    """What the rules judge. Of a form that a person assigned, whose and which it is needs no question."""
    unit = issued.unit(version.unit)
    form = FileReading.model_validate_json(file.reading or "{}").forms[version.form]
    assigned = version.unit in file.witnesses.get("assigned", ())
    return FormRow.of(
        form,
        key=str(version.id),
        unit_name=unit.full_name,
        address_as=unit.address_as,
        title="" if assigned else form.title,
        unit_text=unit.full_name if assigned else form.unit_text,
        unit_names=unit.names,
        previous=previous,
    )


def _previous(session: Session, issued: IssuedCycle, units: Sequence[str]) -> dict[str, dict[str, Decimal]]:
    """Unit → its counted figures of the previous cycle, where this ledger holds it."""
    previous = issued.loaded.cycle.previous
    if previous is None:
        return {}
    rows = session.execute(
        select(Version.unit, Value.item, Value.number)
        .join(Version, Value.version_id == Version.id)
        .where(
            Version.cycle == previous,
            Version.unit.in_(units),
            Version.status.in_(COUNTING),
            Value.number.is_not(None),
        )
    )
    found: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        found.setdefault(row.unit, {})[row.item] = row.number
    return found
