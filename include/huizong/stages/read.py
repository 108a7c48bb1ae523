"""Read and check files without recording anything: what a clerk's file would come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from huizong.definition.load import LoadedCycle, load_named
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.instruments.model import Instrument
from huizong.instruments.token import TokenError
from huizong.intake.recognise import FILE_PROBLEMS, name_index, units_named
from huizong.intake.unpack import Piece, pieces
from huizong.ledger.tables import FormIssue
from huizong.ledger.types import canonical
from huizong.readers.model import FileReading, FormReading, ItemReading
from huizong.readers.sniff import sniff
from huizong.readers.worker import ReadWorker, Source
from huizong.rules.listed import judge
from huizong.rules.model import Finding, FormRow
from huizong.stages.context import Context
from huizong.stages.judged import suite_path
from huizong.stages.validate import return_status

_BATCH = 50  # files read together: LibreOffice starts once for them
_BATCH_BYTES = 64 * 2**20


def read_files(ctx: Context, code: str, files: Sequence[Path]) -> dict[str, Any]:
    """The contract's JSON of `huizong read`: one row a form, or one a file that holds none.

    An archive has a row and each of its members has one, whose `file` begins with the archive's path.

    Raises:
        UsageError: no such cycle, or a file is missing.
    """
    loaded = load_named(code, ctx.home)
    for path in files:
        if not path.is_file():
            raise UsageError(f"文件 {path} 不存在。")
    instruments = list(loaded.asked)
    rows: list[dict[str, Any]] = []
    checks: dict[str, list[FormRow]] = {}
    with ReadWorker() as worker:
        for name, reading in _readings(worker, files, instruments):
            if not reading.forms:
                rows.append(_row(name, reading))
            for form in reading.forms:
                row, check = _form(ctx, loaded, name, reading, form, key=str(len(rows)))
                rows.append(row)
                checks.setdefault(form.instrument, []).append(check)
    for ref, batch in checks.items():
        instrument = loaded.instruments[ref]
        for key, findings in judge(batch, instrument, suite_path(ctx, instrument)).items():
            rows[int(key)]["findings"] = [_finding(f) for f in findings]
            rows[int(key)]["status"] = return_status(findings)
    return {"files": rows}


def _readings(
    worker: ReadWorker, files: Sequence[Path], instruments: Sequence[Instrument]
) -> Iterator[tuple[str, FileReading]]:
    """Each file's name and reading, an archive before its members; a batch at a time."""
    batch: list[Piece] = []
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as e:
            raise UsageError(f"文件 {path} 无法读取：{e.strerror}。") from e
        found = pieces(worker, str(path), data)
        if found[0].name != str(path):
            batch.append(Piece(str(path), b"", FileReading(kind=sniff(data), disposition="return")))
        batch += found
        if len(batch) >= _BATCH or sum(len(piece.data) for piece in batch) > _BATCH_BYTES:
            yield from _read_batch(worker, batch, instruments)
            batch = []
    yield from _read_batch(worker, batch, instruments)


def _read_batch(
    worker: ReadWorker, batch: Sequence[Piece], instruments: Sequence[Instrument]
) -> Iterator[tuple[str, FileReading]]:
    sources = [Source(piece.name, piece.data) for piece in batch if piece.reading is None]
    found = iter(worker.read_all(sources, instruments))
    for piece in batch:
        yield piece.name, piece.reading or next(found)


def is_good(row: dict[str, Any]) -> bool:
    """Whether a file would be taken as it is."""
    return row["disposition"] == "return" and row.get("status") != "rejected"


def _row(name: str, reading: FileReading) -> dict[str, Any]:
    return {
        "file": name,
        "disposition": reading.disposition,
        "reason": reading.reason,
        "unit": None,
        "collection": None,
        "instrument": None,
        "values": {},
        "rows": [],
        "findings": [],
        "kind": reading.kind,
        "notes": list(reading.notes),
        "proposals": [_proposal(form) for form in reading.proposals],
        "stamp": reading.stamp,
    }


def _form(
    ctx: Context, loaded: LoadedCycle, name: str, reading: FileReading, form: FormReading, key: str
) -> tuple[dict[str, Any], FormRow]:
    unit_code, collection, problem = _identity(ctx, loaded, form)
    unit = loaded.by_code.get(unit_code or "")
    row = _row(name, reading) | {
        "disposition": "triage" if problem else "return",
        "reason": problem or reading.reason,
        "unit": unit_code,
        "name": unit.name if unit else "",
        "collection": collection,
        "instrument": form.instrument,
        "values": _values(loaded.instruments[form.instrument], form),
        "rows": [_listed(row) for row in form.rows],
        "cells": _cells(form),
    }
    check = FormRow.of(
        form,
        key=key,
        unit_name=unit.full_name if unit else form.unit_text,
        address_as=unit.address_as if unit else "你单位",
        title=form.title,
        unit_text=form.unit_text,
        unit_names=unit.names if unit else (form.unit_text,),
    )
    return row, check


def _listed(row: Mapping[str, ItemReading]) -> dict[str, str | None]:
    """One row of a list: figures as decimal text, words as they stand."""
    return {
        code: canonical(cell.number) if cell.number is not None else cell.raw or None
        for code, cell in row.items()
    }


def _values(instrument: Instrument, form: FormReading) -> dict[str, str | None]:
    if instrument.kind == "list":
        return {}
    found = {code: item.number for code, item in form.items.items()}
    numbers = {item.code: found.get(item.code) for item in instrument.items}
    return {code: None if number is None else canonical(number) for code, number in numbers.items()}


def _cells(form: FormReading) -> dict[str, dict[str, Any]]:
    """How each value was found: where, by which rule of the grammar, by what label and how surely."""
    return {
        code: {
            "raw": item.raw,
            "shown": item.shown,
            "unit": item.unit,
            "state": item.state,
            "sheet": item.sheet,
            "cell": item.cell,
            "notes": list(item.notes),
            "matched": item.matched,
            "confidence": item.confidence,
        }
        for code, item in form.items.items()
    }


def _proposal(form: FormReading) -> dict[str, Any]:
    """What was recognised on a picture: for a person to confirm beside it, never a value."""
    return {"instrument": form.instrument, "form_number": form.form_number, "cells": _cells(form)}


def _identity(ctx: Context, loaded: LoadedCycle, form: FormReading) -> tuple[str | None, str | None, str]:
    """(unit, collection, problem) as the form itself tells; a name alone is told without a problem."""
    if form.token:
        try:
            claims = ctx.token_keys.verify(form.token)
        except TokenError as e:
            return None, None, f"{FILE_PROBLEMS[e.kind]}，请使用通知所附表样填报。"
        if claims.cycle != loaded.cycle.code:
            return None, None, f"{FILE_PROBLEMS['other_cycle']}，请使用本次通知所附表样填报。"
        return claims.unit, claims.collection, ""
    if form.form_number:
        with ctx.ledger.read() as session:
            issue = session.scalars(
                select(FormIssue).where(
                    FormIssue.form_number == form.form_number, FormIssue.cycle == loaded.cycle.code
                )
            ).first()
        if issue is not None:
            return issue.unit, issue.collection, ""
    named = units_named(form.unit_text, name_index({u.code: u.names for u in loaded.units}))
    if len(named) != 1:
        return None, None, ""
    unit = next(iter(named))
    asking = [c for c in loaded.cycle.collections if _asks(loaded, c, unit, form.instrument)]
    return unit, asking[0].code if len(asking) == 1 else None, ""


def _asks(loaded: LoadedCycle, collection: Collection, unit: str, instrument: str) -> bool:
    asked = any(part.instrument == instrument for part in collection.forms)
    return asked and loaded.expects(collection, unit)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "item": finding.item,
        "message": finding.message,
        "sheet": finding.sheet,
        "cell": finding.cell,
        "rule": finding.rule,
        "remedy": finding.remedy,
    }
