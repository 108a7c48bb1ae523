"""Assemble (汇总): exact totals, coverage beside them, a workbook and a Word report; immutable editions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.home import as_file_name
from huizong.ledger.editions import Edition, EditionTotal, EditionVersion
from huizong.ledger.tables import Value, Version
from huizong.ledger.types import canonical
from huizong.rules.model import SEVERITIES, Severity
from huizong.stages.commendation import commendation_documents
from huizong.stages.context import Context
from huizong.stages.coverage import CollectionCoverage, contract, coverage, states_of, unrounded_rates
from huizong.stages.excerpts import excerpts
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.merging import list_documents, merged_lists, released
from huizong.stages.standing import Standing, standings
from huizong.stages.upward_form import units_combined, upward_documents
from huizong.stages.words import EDITION, UNIT_STATUS
from huizong.summary import model as summary
from huizong.summary.lists import MergedList
from huizong.summary.model import EditionKind


def assemble(ctx: Context, code: str, as_of: datetime, edition: str | None = None) -> dict[str, Any]:
    """Write the summary, or find the same one again. The contract's JSON comes back.

    Raises:
        UsageError: the cycle was not issued; an unknown edition; a second final over other versions.
    """
    require_aware(as_of)
    issued = issued_cycle(ctx, code)
    kind = _kind(issued, edition, as_of)
    final_at = issued.schedule.editions().get("final")
    if kind == "final" and final_at is not None and as_of < final_at:
        ctx.say(f"注意：未到定稿时间（{final_at:%Y-%m-%d %H:%M}），定稿后只能另出修订稿。")
    with ctx.ledger.lock(f"assemble:{code}", wait=True):
        with ctx.ledger.read() as session:
            found = standings(session, issued, as_of)
            values = _values(session, issued, found)
            digest = _digest(issued, kind, found)
            earlier = _same(session, code, kind, digest)
            number = _next_number(session, code, kind)
        if earlier is None:
            earlier = _write(ctx, issued, kind, number, digest, found, values, as_of)
    return _result(ctx, issued, earlier)


def due_editions(ctx: Context, code: str, as_of: datetime) -> list[EditionKind]:
    """The editions whose instant has come and that are not there: the latest one only."""
    issued = issued_cycle(ctx, code)
    due = [kind for kind, at in issued.schedule.editions().items() if at <= as_of]
    with ctx.ledger.read() as session:
        there = set(session.scalars(select(Edition.kind).where(Edition.cycle == code)))
    latest = cast(list[EditionKind], due[-1:])
    return [kind for kind in latest if kind not in there]


def _kind(issued: IssuedCycle, edition: str | None, as_of: datetime) -> EditionKind:
    if edition is None:
        final = issued.schedule.editions().get("final")
        return "final" if final is not None and as_of >= final else "provisional"
    if edition not in get_args(EditionKind):
        raise UsageError(f"没有版次“{edition}”，可用：{'、'.join(get_args(EditionKind))}。")
    return cast(EditionKind, edition)


def _counted(found: list[Standing]) -> list[Version]:
    """The versions of forms and lists that count: waived units are shown, not summed."""
    return [v for standing in found for part in standing.collection.forms for v in standing.counting(part)]


def _digest(issued: IssuedCycle, kind: str, found: list[Standing]) -> str:
    """Of all an edition stands on: definition, versions that count, and what is said of each unit.

    A provisional one says where a unit stands; later ones whether it counts, whatever else moves.
    """
    stands_on = [
        issued.loaded.digest,
        sorted(v.id for v in _counted(found)),
        [(s.collection.code, s.unit.code, s.status if kind == "provisional" else _counts(s)) for s in found],
    ]
    return hashlib.sha256(json.dumps(stands_on, ensure_ascii=False).encode()).hexdigest()


def _counts(standing: Standing) -> str:
    """The place of a unit in the coverage, as `coverage` sorts them."""
    if standing.status in {"waived", "nil"}:
        return standing.status
    if not standing.returned:
        return "missing"
    return "incomplete:" + ",".join(p.code for p in standing.missing_parts)


def _same(session: Session, code: str, kind: str, digest: str) -> Edition | None:
    """The edition of that kind over the same versions.

    Raises:
        UsageError: there is a final one over others.
    """
    editions = session.scalars(
        select(Edition).where(Edition.cycle == code, Edition.kind == kind).order_by(Edition.number)
    ).all()
    for edition in editions:
        if edition.digest == digest:
            return edition
    if kind == "final" and editions:
        raise UsageError(
            f"{code} 已有定稿，其后报送情况有变化。定稿不再改动，请运行 "
            f"huizong assemble {code} --edition revised 另出修订稿（revised）。"
        )
    if (
        kind == "revised"
        and not session.scalars(
            select(Edition.id).where(Edition.cycle == code, Edition.kind == "final")
        ).first()
    ):
        raise UsageError(f"{code} 还没有定稿，先运行 huizong assemble {code} --edition final。")
    return None


def _next_number(session: Session, code: str, kind: str) -> int:
    newest = session.scalar(
        select(func.max(Edition.number)).where(Edition.cycle == code, Edition.kind == kind)
    )
    return (newest or 0) + 1


def _values(
    session: Session, issued: IssuedCycle, found: list[Standing]
) -> dict[int, dict[str, Decimal | None]]:
    """Version id → item → figure, of the versions that count."""
    ids = [v.id for v in _counted(found) if _is_form(issued, v)]
    values: dict[int, dict[str, Decimal | None]] = {i: {} for i in ids}
    for start in range(0, len(ids), 500):
        rows = session.scalars(select(Value).where(Value.version_id.in_(ids[start : start + 500])))
        for row in rows:
            values[row.version_id][row.item] = row.number
    return values


def _is_form(issued: IssuedCycle, version: Version) -> bool:
    part = issued.collection(version.collection).part(version.part)
    return part is not None and part.kind == "form"


def _write(
    ctx: Context,
    issued: IssuedCycle,
    kind: EditionKind,
    number: int,
    digest: str,
    found: list[Standing],
    values: dict[int, dict[str, Decimal | None]],
    as_of: datetime,
) -> Edition:
    files: list[tuple[str, str]] = []
    sums: list[EditionTotal] = []
    cover: dict[str, Any] = {}
    listed: dict[str, list[MergedList]] = {}
    for collection in issued.collections:
        mine = [s for s in found if s.collection.code == collection.code]
        covered = coverage(mine, voluntary=collection.voluntary)
        cover[collection.code] = covered.as_data()
        data = _summary(issued, collection, kind, number, mine, covered, values, as_of)
        with ctx.ledger.read() as session:
            lists = merged_lists(session, issued, collection, mine)
            forms = [v for v in _counted(mine) if _is_form(issued, v)]
            data = replace(
                data,
                combined=units_combined(session, issued.code, forms),
                snippets=excerpts(session, issued, collection, _counted(mine)),
            )
        files += _documents(ctx, issued, data)
        files += list_documents(ctx, data, lists)
        files += upward_documents(ctx, issued, data)
        listed[collection.code] = lists
        sums += [
            EditionTotal(collection=collection.code, instrument=merged.instrument.ref, item=item, total=total)
            for merged in lists
            for item, total in merged.totals.items()
        ]
        if data.instrument is not None:
            sums += [
                EditionTotal(
                    collection=collection.code, instrument=data.instrument.ref, item=item, total=total
                )
                for item, total in data.totals.items()
            ]
    files += commendation_documents(ctx, issued, found, listed, summary.Edition(kind, number), as_of)
    with ctx.ledger.write() as session:
        edition = Edition(
            cycle=issued.code,
            kind=kind,
            number=number,
            digest=digest,
            definition_version=issued.version,
            as_of=as_of,
            recorded_at=ctx.clock.now(),
            coverage=cover,
            files=[list(pair) for pair in files],
        )
        session.add(edition)
        session.flush()
        for total in sums:
            total.edition_id = edition.id
            session.add(total)
        session.add_all(EditionVersion(edition_id=edition.id, version_id=v.id) for v in _counted(found))
        log_event(session, ctx, "assembled", cycle=issued.code, edition=edition.id, edition_kind=kind)
    ctx.say(f"已生成 {issued.code} 的{EDITION[kind]}")
    return edition


def _summary(
    issued: IssuedCycle,
    collection: Collection,
    kind: EditionKind,
    number: int,
    found: list[Standing],
    covered: CollectionCoverage,
    values: dict[int, dict[str, Decimal | None]],
    as_of: datetime,
) -> summary.SummaryData:
    cycle = issued.loaded.cycle
    everyone, on_time = unrounded_rates(found)
    open_findings: dict[Severity, int] = dict.fromkeys(SEVERITIES, 0)
    for standing in found:
        for finding in standing.findings:
            open_findings[cast(Severity, finding.severity)] += 1
    return summary.SummaryData(
        cycle_title=cycle.title,
        document_number=cycle.document_number,
        issued_by=cycle.issued_by,
        office_name=collection.office.name,
        area_name=cycle.area or collection.office.name,
        collection_code=collection.code,
        collection_title=collection.title,
        edition=summary.Edition(kind, number),
        as_of=as_of.astimezone(cycle.zone),
        instrument=issued.loaded.instrument_of(collection),
        units=tuple(_line(issued, s, values) for s in found),
        coverage=_named(covered),
        reporting_rate=None if collection.voluntary else everyone,
        reporting_rate_on_time=None if collection.voluntary else on_time,
        definition_version=str(issued.version),
        findings=open_findings,
    )


def _named(covered: CollectionCoverage) -> summary.Coverage:
    return summary.Coverage(
        expected=covered.expected,
        returned=len(covered.returned),
        missing=tuple((s.unit.code, s.unit.name) for s in covered.missing),
        incomplete=tuple(
            (s.unit.code, s.unit.name, tuple(p.name for p in s.missing_parts)) for s in covered.incomplete
        ),
        waived=tuple((s.unit.code, s.unit.name) for s in covered.waived),
        returned_for_correction=tuple((s.unit.code, s.unit.name) for s in covered.returned_for_correction),
        states=states_of(
            (s.unit.code for s in covered.missing), {s.unit.code: s.status for s in covered.missing}
        ),
    )


def _line(issued: IssuedCycle, s: Standing, values: dict[int, dict[str, Decimal | None]]) -> summary.UnitLine:
    form = s.collection.form
    counted = s.counted(form) if form and s.status != "waived" else None
    first = counted or next((found[-1] for found in s.versions.values() if found), None)
    local = first.received_at.astimezone(issued.loaded.cycle.zone) if first else None
    newest = s.newest(form) if form and s.status not in {"waived", "nil"} else None
    owed = tuple(p.name for p in s.missing_parts) if s.status not in {"waived", "nil"} else ()
    return summary.UnitLine(
        code=s.unit.code,
        name=s.unit.name,
        order=s.unit.position,
        status=UNIT_STATUS[s.status],
        punctual=s.punctual,
        version=counted.number if counted else None,
        received_at=f"{local:%Y-%m-%d %H:%M}" if local else "",
        values=values.get(counted.id, {}) if counted else {},
        notes=f"缺{'、'.join(owed)}" if owed and s.returned else "",
        open_queries=len(s.open_queries),
        rejected=newest is not None and newest.status == "rejected",
        owed=owed,
    )


def _documents(ctx: Context, issued: IssuedCycle, data: summary.SummaryData) -> list[tuple[str, str]]:
    """Workbook and Word report, in the store; their names tell collection and edition."""
    from huizong.summary.report import write_report
    from huizong.summary.workbook import write_workbook

    many = len(issued.collections) > 1
    stem = f"{data.cycle_title}汇总_{data.edition.label}" + (f"_{data.collection_code}" if many else "")
    stem = as_file_name(stem)
    return [
        (f"{stem}.xlsx", ctx.store.put(write_workbook(data))),
        (f"{stem}.docx", ctx.store.put(write_report(data))),
    ]


def edition_folder(ctx: Context, edition: Edition) -> Path:
    return ctx.home.editions(edition.cycle) / f"{edition.kind}-{edition.number}"


def lay_out(ctx: Context, edition: Edition) -> list[Path]:
    """The edition's files in a folder for people; written anew if somebody removed or changed them."""
    return _lay_out(ctx, edition, edition.files)


def lay_out_released(ctx: Context, edition: Edition) -> list[Path]:
    """The public lists that its sign-off released, beside them."""
    return _lay_out(ctx, edition, released(edition))


def _lay_out(ctx: Context, edition: Edition, files: Iterable[Sequence[str]]) -> list[Path]:
    folder = edition_folder(ctx, edition)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, digest in files:
        path = folder / name
        data = ctx.store.get(digest)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
        paths.append(path)
    return paths


def _result(ctx: Context, issued: IssuedCycle, edition: Edition) -> dict[str, Any]:
    with ctx.ledger.read() as session:
        totals = session.scalars(
            select(EditionTotal).where(EditionTotal.edition_id == edition.id).order_by(EditionTotal.id)
        ).all()
    summed: dict[str, dict[str, dict[str, str]]] = {c.code: {} for c in issued.collections}
    for row in totals:
        summed[row.collection].setdefault(row.instrument, {})[row.item] = canonical(row.total)
    return {
        "cycle": issued.code,
        "edition": edition.kind,
        "number": edition.number,
        "coverage": {code: contract(cover) for code, cover in edition.coverage.items()},
        "totals": summed,
        "files": [str(path) for path in lay_out(ctx, edition)],
    }
