"""Figures from paper: one person keys them beside the picture, another confirms them (invariant 4).

What character recognition made of a picture is a proposal that saves typing; by itself it never counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.errors import UsageError
from huizong.instruments.model import Instrument
from huizong.intake.recognise import Verdict
from huizong.ledger.tables import Delivery, File, Keying, Version
from huizong.readers.layout.grammar import read_value
from huizong.readers.model import FileReading, FormReading
from huizong.readers.worker import LOOKING, ReadWorker
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event
from huizong.stages.scans import agreement_of
from huizong.stages.signed import require_words
from huizong.stages.versions import add_version, versions_of

SHEET = "纸质件"
KEYED = "keyed"
_PICTURES = ("image", "pdf", "ofd")


def papers(ctx: Context, code: str) -> list[dict[str, Any]]:
    """Scans and photographs of a cycle that hold a form or stand as a stamped copy of one, with what was
    recognised, whether it agrees with the unit's form that can be edited, and who keyed it."""
    issued = issued_cycle(ctx, code)
    with ctx.ledger.read() as session:
        files = session.scalars(
            select(File).where(File.cycle == code, File.kind.in_(_PICTURES)).order_by(File.id)
        ).all()
        copies = _stamped_copies(session, issued)
        shown = [(f, r) for f in files if (r := _reading(f)).proposals or (f.id in copies and not r.forms)]
        agreement = agreement_of(session, issued, shown)
        return [_row(session, issued, file, r) | agreement[file.id] for file, r in shown]


def _stamped_copies(session: Session, issued: IssuedCycle) -> set[int]:
    """Ids of the files that stand as a stamped copy."""
    scans = {p.code for c in issued.collections for p in c.parts if p.kind == "scan"}
    standing = Version.cycle == issued.code, Version.status != "superseded", Version.part.in_(scans)
    return set(session.scalars(select(Version.file_id).where(*standing)))


def paper(ctx: Context, identity: str) -> dict[str, Any]:
    """One of them, with the items of its form in their order.

    Raises:
        UsageError: no such file, or no form belongs to it.
    """
    with ctx.ledger.read() as session:
        file = _file(session, identity)
        issued = issued_cycle(ctx, file.cycle or "")
        instrument = _place(issued, file, None, None)[2]
        return _row(session, issued, file, _reading(file)) | {"cycle": issued.code, "items": instrument.items}


def pictures(ctx: Context, identity: str) -> list[bytes]:
    """The pages of one of them as PNG."""
    with ctx.ledger.read() as session:
        digest = _file(session, identity).digest
    with ReadWorker(LOOKING) as worker:
        return worker.draw(ctx.store.get(digest))


def key(
    ctx: Context,
    identity: str,
    *,
    by: str,
    values: Mapping[str, str] | None = None,
    unit: str | None = None,
    collection: str | None = None,
) -> dict[str, Any]:
    """Key the figures of one picture; they wait for a second person.

    Args:
        values: item code → what stands on the paper; None takes over what was recognised.
        unit, collection: where the file itself was not recognised.

    Raises:
        UsageError: no such file, unit, collection or item; or nobody said who keyed.
    """
    require_words(by)
    with ctx.ledger.write() as session:
        file = _file(session, identity)
        issued = issued_cycle(ctx, file.cycle or "")
        unit, asked, instrument, part = _place(issued, file, unit, collection)
        _refuse_beside_a_form(session, issued, asked, unit, part)
        form = _form(instrument, _reading(file), values, issued.unit(unit).full_name)
        for other in _open(session, file):
            other.dropped_at = ctx.clock.now()
        keying = Keying(
            file_id=file.id,
            cycle=issued.code,
            collection=asked.code,
            unit=unit,
            form=form.model_dump_json(exclude_defaults=True),
            by=by,
            keyed_at=ctx.clock.now(),
        )
        session.add(keying)
        session.flush()
        log_event(
            session, ctx, "keyed", cycle=issued.code, collection=asked.code, unit=unit, by=by, file=file.name
        )
        return {"keying": keying.id, "unit": unit, "collection": asked.code, "values": _values(form)}


def confirm(ctx: Context, number: int, *, by: str) -> dict[str, Any]:
    """The second person has compared every figure with the picture: they become the unit's next version.

    Raises:
        UsageError: no such keying, or the same person keyed it.
    """
    require_words(by)
    with ctx.ledger.write() as session:
        keying = _keying(session, number)
        if keying.by.strip() == by.strip():
            raise UsageError(f"这份数据由{keying.by}录入，须由另一人对照图片复核后确认。")
        issued = issued_cycle(ctx, keying.cycle)
        file = session.get_one(File, keying.file_id)
        delivery = session.get_one(Delivery, file.delivery_id)
        unit, asked, _, part = _place(issued, file, keying.unit, keying.collection)
        _refuse_beside_a_form(session, issued, asked, unit, part)
        reading = _reading(file)
        form = FormReading.model_validate_json(keying.form)
        file.cycle, file.collection, file.unit = issued.code, asked.code, unit
        file.reading = reading.model_copy(update={"forms": (*reading.forms, form)}).model_dump_json(
            exclude_defaults=True
        )
        file.disposition, file.settled_at = "return", ctx.clock.now()
        version = add_version(
            session, delivery, file, part, len(reading.forms), form, Verdict("return", unit)
        )
        keying.confirmed_by, keying.confirmed_at = by, ctx.clock.now()
        delivery.answered_at = None
        log_event(
            session, ctx, "key_confirmed", cycle=issued.code, collection=asked.code, unit=unit, by=by,
            keyed_by=keying.by, version=version.id if version else None,
        )  # fmt: skip
        return {"keying": number, "unit": unit, "version": version.number if version else None}


def drop(ctx: Context, number: int, *, by: str, reason: str) -> dict[str, Any]:
    """Refuse what was keyed: it does not agree with the picture."""
    require_words(by, reason)
    with ctx.ledger.write() as session:
        keying = _keying(session, number)
        keying.dropped_at = ctx.clock.now()
        log_event(
            session, ctx, "key_dropped", cycle=keying.cycle, unit=keying.unit, by=by, words=reason,
            keying=number,
        )  # fmt: skip
        return {"keying": number, "dropped": True}


def _row(session: Session, issued: IssuedCycle, file: File, reading: FileReading) -> dict[str, Any]:
    open_ = _open(session, file)
    unit = issued.loaded.by_code.get(file.unit or "")
    return {
        "id": f"f{file.id}",
        "file": file.name,
        "unit": file.unit,
        "name": unit.name if unit else "",
        "collection": file.collection,
        "stamp": reading.stamp,
        "recognised": [_values(form) for form in reading.proposals],
        "numbers": [_numbers(issued, form) for form in reading.proposals],
        "has_form": bool(_counted(session, issued, file)),
        "keying": {"id": open_[0].id, "by": open_[0].by, "values": _values(_keyed(open_[0]))}
        if open_
        else None,
    }


def _counted(session: Session, issued: IssuedCycle, file: File) -> list[Any]:
    collection = issued.loaded.cycle.collection(file.collection or "")
    if collection is None or collection.form is None:
        return []
    return versions_of(session, issued.code, collection.code, file.unit, collection.form.code)


def _place(
    issued: IssuedCycle, file: File, unit: str | None, collection: str | None
) -> tuple[str, Collection, Instrument, Part]:
    """Unit, collection, its form's instrument and part: as said, else as the file was recognised."""
    unit = unit or file.unit
    if unit is None:
        raise UsageError(f"不能确定“{file.name}”是哪家单位的，请以 --unit 写明。")
    issued.unit(unit)
    wanted = collection or file.collection
    expecting = [c for c in issued.collections if wanted in (None, c.code) and issued.loaded.expects(c, unit)]
    asking = [c for c in expecting if c.form]
    if not asking and (lists := [p.name for c in expecting for p in c.parts if p.kind == "list"]):
        raise UsageError(f"{'、'.join(lists)}不能据纸质件录入，请单位报送电子表（Excel或WPS表格）。")
    if len(asking) != 1:
        raise UsageError(f"不能确定“{file.name}”属于哪个报送事项，请以 --collection 写明。")
    instrument, part = issued.loaded.instrument_of(asking[0]), asking[0].form
    if instrument is None or part is None:
        raise UsageError(f"报送事项 {asking[0].code} 没有统计表，无从录入。")
    return unit, asking[0], instrument, part


def _refuse_beside_a_form(
    session: Session, issued: IssuedCycle, asked: Collection, unit: str, part: Part
) -> None:
    """What the unit itself sent is never replaced by what staff read from a picture (invariant 4)."""
    held = versions_of(session, issued.code, asked.code, unit, part.code)
    if any(version.status not in ("rejected", "superseded") for version in held):
        name = issued.unit(unit).name
        raise UsageError(f"{name}已报送电子表，不能以录入的数据替换；与图片不一致的，请单位更正后重新报送。")


def _form(
    instrument: Instrument, reading: FileReading, values: Mapping[str, str] | None, unit_name: str
) -> FormReading:
    unknown = set(values or ()) - set(instrument.by_code)
    if unknown:
        raise UsageError(f"表样 {instrument.ref} 没有指标 {'、'.join(sorted(unknown))}。")
    seen = next((f for f in reading.proposals if f.instrument == instrument.ref), None)
    if values is None and seen is None:
        raise UsageError("这张图片没有可沿用的识别结果，请以 --values 写明各项数字。")
    items = {}
    for item in instrument.items:
        there = seen.items.get(item.code) if seen else None
        raw = values.get(item.code, "") if values is not None else (there.raw if there else "")
        read = read_value(raw, item)
        place = {"sheet": SHEET, "cell": there.cell if there else "", "notes": (KEYED,)}
        items[item.code] = read.model_copy(update=place)
    return FormReading(
        instrument=instrument.ref,
        sheet=SHEET,
        unit_text=unit_name,  # whose it is was settled with the file
        form_number=seen.form_number if seen else None,
        items=items,
    )


def _numbers(issued: IssuedCycle, form: FormReading) -> dict[str, int]:
    """Item code → its number on the form (第6项)."""
    instrument = issued.loaded.instruments.get(form.instrument)
    return dict(instrument.numbers) if instrument else {}


def _values(form: FormReading) -> dict[str, str]:
    return {code: item.raw for code, item in form.items.items()}


def _keyed(keying: Keying) -> FormReading:
    return FormReading.model_validate_json(keying.form)


def _reading(file: File) -> FileReading:
    return FileReading.model_validate_json(file.reading or '{"kind": "unknown", "disposition": "return"}')


def _open(session: Session, file: File) -> list[Keying]:
    return list(
        session.scalars(
            select(Keying).where(
                Keying.file_id == file.id, Keying.confirmed_at.is_(None), Keying.dropped_at.is_(None)
            )
        )
    )


def _file(session: Session, identity: str) -> File:
    number = identity.removeprefix("f")
    file = session.get(File, int(number)) if number.isdigit() else None
    if file is None or file.kind not in _PICTURES:
        raise UsageError(f"没有编号为“{identity}”的扫描件或照片，先看 huizong paper list。")
    return file


def _keying(session: Session, number: int) -> Keying:
    keying = session.get(Keying, number)
    if keying is None or keying.confirmed_at or keying.dropped_at:
        raise UsageError(f"没有编号为 {number} 的待确认录入，先看 huizong paper list。")
    return keying
