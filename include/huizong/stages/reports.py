"""A report beside its unit's form (mistake 13): where both say a number of the same thing, it is one number.

Whichever came later bears the finding, so that the reply to what just came tells it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.instruments.model import Instrument
from huizong.ledger.tables import FindingRow, Version
from huizong.readers.model import FileReading
from huizong.rules.material import DIFFERS, Figure, told_differently
from huizong.rules.model import Finding
from huizong.stages.context import Context
from huizong.stages.copies import agreeing
from huizong.stages.differences import figures_of, newest, open_findings
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import QUERIES

AGREES = "重新核对"  # who settled a difference that is none any more


def beside_form(
    session: Session,
    issued: IssuedCycle,
    collection: Collection,
    part: Part,
    version: Version,
    reading: FileReading,
) -> list[Finding]:
    """What a report says otherwise than the form that counts; on the report, so without an item."""
    form, instrument = collection.form, issued.loaded.instrument_of(collection)
    if form is None or instrument is None:
        return []
    figures = _counted(session, issued, collection, form, instrument, version.unit)
    found = told_differently(reading.text, figures, part.name, form.name)
    return [Finding(f.rule, f.severity, None, f.message) for f in found]


def beside_reports(
    session: Session, issued: IssuedCycle, collection: Collection, form: Part, ids: Sequence[int]
) -> dict[str, list[Finding]]:
    """Version id of a form, as text → what the report that the unit sent before says otherwise."""
    if form is not collection.form:
        return {}
    instrument = issued.loaded.instruments[form.instrument or ""]
    versions = session.scalars(select(Version).where(Version.id.in_(ids))).all()
    reports = _reports(session, issued, collection, {v.unit for v in versions})
    return {
        str(version.id): _unexplained(
            session,
            report,
            told_differently(text, _figures(session, instrument, version.id), part.name, form.name),
        )
        for version in versions
        for part, report, text in reports.get(version.unit, ())
    }


def _unexplained(session: Session, report: int, found: Sequence[Finding]) -> list[Finding]:
    """Without what the unit explained when it was asked of the report."""
    explained = set(
        session.scalars(
            select(FindingRow.message).where(
                FindingRow.version_id == report,
                FindingRow.rule == DIFFERS,
                FindingRow.explanation.is_not(None),
            )
        )
    )
    return [f for f in found if f.message not in explained]


_Report = tuple[Part, int, str]  # the part, its version, its text


def _reports(
    session: Session, issued: IssuedCycle, collection: Collection, units: set[str]
) -> Mapping[str, Sequence[_Report]]:
    """Unit → its reports that count, one a part."""
    documents = {p.code: p for p in collection.parts if p.kind == "document"}
    found: dict[str, list[_Report]] = defaultdict(list)
    for held in newest(session, issued, collection, documents, units):
        text = json.loads(held.reading).get("text", "")
        found[held.unit].append((documents[held.part], held.version, text))
    return found


def _counted(
    session: Session,
    issued: IssuedCycle,
    collection: Collection,
    form: Part,
    instrument: Instrument,
    unit: str,
) -> list[Figure]:
    """The figures of the unit's form that counts; none while there is none."""
    held = newest(session, issued, collection, [form.code], [unit])
    return _figures(session, instrument, held[0].version) if held else []


def _figures(session: Session, instrument: Instrument, version: int) -> list[Figure]:
    numbers = figures_of(session, [version])[version]
    return [
        Figure(item.code, item.label, item.unit or "", numbers[item.code])
        for item in instrument.items
        if item.type == "integer" and item.code in numbers
    ]


def settle_agreeing(ctx: Context, issued: IssuedCycle, collection: Collection) -> None:
    """Settle differences of report or stamped copy and form that a newer one has done away with."""
    with ctx.ledger.read() as session:
        done = [*_agreeing(session, issued, collection), *agreeing(session, issued, collection)]
    if not done:
        return
    with ctx.ledger.write() as session:
        still = FindingRow.id.in_(done), FindingRow.settled_at.is_(None)
        for finding in session.scalars(select(FindingRow).where(*still)):
            finding.settled_at, finding.settled_by = ctx.clock.now(), AGREES
            session.flush()
            _accept_without_queries(session, session.get_one(Version, finding.version_id))


def _agreeing(session: Session, issued: IssuedCycle, collection: Collection) -> list[int]:
    """Open findings of a difference that newest report and form do not show any more."""
    form, instrument = collection.form, issued.loaded.instrument_of(collection)
    if form is None or instrument is None:
        return []
    rows = open_findings(session, issued, collection, DIFFERS)
    reports = _reports(session, issued, collection, {row.unit for row in rows})
    done = []
    for row in rows:
        figures = _counted(session, issued, collection, form, instrument, row.unit)
        said = {
            f.message
            for part, _, text in reports.get(row.unit, ())
            for f in told_differently(text, figures, part.name, form.name)
        }
        if figures and row.message not in said:
            done.append(row.id)
    return done


def _accept_without_queries(session: Session, version: Version) -> None:
    open_ = select(FindingRow.id).where(
        FindingRow.version_id == version.id,
        FindingRow.settled_at.is_(None),
        FindingRow.severity.in_(QUERIES),
    )
    if version.status == "accepted_with_queries" and session.scalars(open_).first() is None:
        version.status = "accepted"
