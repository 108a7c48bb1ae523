"""Where every unit stands, what is in the outbox, and where a total comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.ledger.editions import Edition, EditionTotal, EditionVersion
from huizong.ledger.tables import Delivery, File, Letter, Value, Version
from huizong.ledger.types import canonical
from huizong.rules.model import SEVERITIES
from huizong.stages.context import Context
from huizong.stages.coverage import rate_text, rates
from huizong.stages.issued import IssuedCycle, issued_cycle, require_aware
from huizong.stages.merging import counted_rows, rows_of
from huizong.stages.names import named
from huizong.stages.scans import scans_of
from huizong.stages.standing import Standing, standings
from huizong.stages.suppression import suppressions, unanswered
from huizong.stages.words import VIA


def status(ctx: Context, code: str, as_of: datetime) -> dict[str, Any]:
    """The contract's JSON of `huizong status`.

    Raises:
        UsageError: the cycle was not issued or was changed since.
    """
    require_aware(as_of)
    issued = issued_cycle(ctx, code)
    with ctx.ledger.read() as session:
        found = standings(session, issued, as_of)
        scans = scans_of(session, issued, as_of)
        notes = _notes(session, code)
        for key, said in unanswered(session, code, ctx.clock.now()).items():
            notes[key] = [*notes.get(key, []), *said]
    every, on_time = rates([s for s in found if not s.collection.voluntary])
    return {
        "cycle": code,
        "units": [
            _unit(s) | {"scans": scans.get(key, []), "notes": notes.get(key, [])}
            for s in found
            for key in [(s.collection.code, s.unit.code)]
        ],
        "reporting_rate": rate_text(every),
        "reporting_rate_on_time": rate_text(on_time),
    }


def _notes(session: Session, code: str) -> dict[tuple[str, str], list[str]]:
    """(collection, unit) → what the operator should know of its files: a macro, a link, a false extension."""
    rows = session.execute(
        select(File.collection, File.unit, File.name, File.witnesses, Delivery.via)
        .join(Delivery, File.delivery_id == Delivery.id)
        .where(File.cycle == code, File.unit.is_not(None), File.collection.is_not(None))
    )
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        came = [f"{VIA[row.via]}收到"] if row.via else []
        if notes := [*came, *row.witnesses.get("notes", ())]:
            found.setdefault((row.collection, row.unit), []).append(f"{row.name}：{'；'.join(notes)}")
    return found


def _unit(s: Standing) -> dict[str, Any]:
    form = s.collection.form
    counts = dict.fromkeys(SEVERITIES, 0)
    for finding in s.findings:
        counts[finding.severity] += 1  # type: ignore[index]
    return {
        "code": s.unit.code,
        "name": s.unit.name,
        "collection": s.collection.code,
        "status": s.status,
        "punctual": s.punctual,
        "versions": len(s.versions.get(form.code, [])) if form else _deliveries(s),
        "parts": {p.code: _part_status(s, p.code) for p in s.collection.parts},
        "missing": [p.name for p in s.absent_parts],
        "findings": dict(counts),
        "flags": s.flags(),
        "waiting": [*s.waiting, *(["consent"] if s.awaits_consent else [])],
        "explanations": [
            {"item": f.item, "message": f.message, "explanation": f.explanation}
            for f in s.findings
            if f.explanation
        ],
        "received_at": _received_at(s),
    }


def _deliveries(s: Standing) -> int:
    return len({v.delivery_id for found in s.versions.values() for v in found})


def _part_status(s: Standing, part: str) -> str:
    found = s.versions.get(part, [])
    if not found and s.status in ("nil", "waived"):
        return s.status
    return found[-1].status if found else "link_pending" if part in s.linked else "missing"


def _received_at(s: Standing) -> str | None:
    """When the newest of what counts came."""
    moments = [v.received_at for found in s.versions.values() for v in found]
    return max(moments).isoformat(timespec="seconds") if moments else None


def outbox(ctx: Context) -> dict[str, Any]:
    """All letters, in the order in which they were queued; the addresses that get no automatic replies."""
    with ctx.ledger.read() as session:
        letters = session.scalars(select(Letter).order_by(Letter.id)).all()
        silent = suppressions(session, ctx.clock.now())
    rows = [
        {
            "id": letter.id,
            "kind": letter.kind,
            "unit": letter.unit,
            "to": letter.address,
            "subject": letter.subject,
            "state": letter.state,
            "message_id": letter.message_id,
            "attempts": letter.attempts,
            "reply": letter.reply,
            "not_before": letter.not_before.isoformat(timespec="seconds") if letter.not_before else None,
        }
        for letter in letters
    ]
    return {"letters": named(ctx, rows), "suppressions": silent}


def trace(
    ctx: Context,
    code: str,
    item: str,
    *,
    collection: str | None = None,
    edition: str | None = None,
) -> dict[str, Any]:
    """From a total to every unit's version, file, sheet and cell (invariant 6).

    Args:
        edition: provisional, final or revised; default: the newest of all.

    Raises:
        UsageError: no such edition, or no such item in it.
    """
    with ctx.ledger.read() as session:
        newest = _edition(session, code, edition)
        total = session.scalars(
            select(EditionTotal).where(
                EditionTotal.edition_id == newest.id,
                EditionTotal.item == item,
                EditionTotal.collection == collection if collection else EditionTotal.id.is_not(None),
            )
        ).first()
        if total is None:
            known = session.scalars(
                select(EditionTotal.item)
                .where(EditionTotal.edition_id == newest.id)
                .order_by(EditionTotal.id)
            ).all()
            raise UsageError(f"汇总中没有指标“{item}”，现有：{'、'.join(dict.fromkeys(known))}。")
        rows = _sources(session, newest, total, issued_cycle(ctx, code, checked=False))
        return {
            "total": canonical(total.total),
            "edition": {"kind": newest.kind, "number": newest.number},
            "sources": [
                {
                    "unit": version.unit,
                    "value": canonical(value.number) if value.number is not None else None,
                    "raw": value.raw,
                    "version": version.number,
                    "file": file.name,
                    "sheet": value.sheet,
                    "cell": value.cell,
                    "sha256": file.digest,
                }
                for version, value, file in rows
            ],
        }


def _sources(
    session: Session, edition: Edition, total: EditionTotal, issued: IssuedCycle
) -> Sequence[tuple[Version, Value, File]]:
    """What a total was summed from: a value a version, or of a list one a row that counts."""
    of_total = (
        EditionVersion.edition_id == edition.id,
        Version.collection == total.collection,
        Version.instrument.is_not(None),
    )
    instrument = issued.loaded.instruments.get(total.instrument)
    if instrument is None or instrument.kind == "form":
        rows = session.execute(
            select(Version, Value, File)
            .join(EditionVersion, EditionVersion.version_id == Version.id)
            .join(Value, Value.version_id == Version.id)
            .join(File, File.id == Version.file_id)
            .where(*of_total, Value.item == total.item, Value.number.is_not(None))
            .order_by(Version.unit)
        ).all()
        return [(row[0], row[1], row[2]) for row in rows]
    versions = session.scalars(
        select(Version)
        .join(EditionVersion, EditionVersion.version_id == Version.id)
        .where(*of_total, Version.instrument == total.instrument)
        .order_by(Version.unit, Version.number)
    ).all()
    by_id = {version.id: version for version in versions}
    units = (list(of_unit) for _, of_unit in groupby(versions, key=lambda version: version.unit))
    held = rows_of(session, list(by_id))
    found = (row.get(total.item) for of_unit in units for row in counted_rows(held, instrument, of_unit))
    return [
        (version := by_id[value.version_id], value, session.get_one(File, version.file_id))
        for value in found
        if value is not None and value.number is not None
    ]


def _edition(session: Session, code: str, kind: str | None) -> Edition:
    query = select(Edition).where(Edition.cycle == code)
    if kind is not None:
        query = query.where(Edition.kind == kind)
    newest = session.scalars(query.order_by(Edition.id.desc()).limit(1)).first()
    if newest is None:
        raise UsageError(f"{code} 还没有{'该版次的' if kind else ''}汇总，请先运行 huizong assemble {code}。")
    return newest
