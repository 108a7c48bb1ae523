"""The workbooks that go back with a correction: the clerk's own, with the cells in question marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import cast

from sqlalchemy import select

from huizong.instruments.model import Instrument
from huizong.ledger.tables import File, Version
from huizong.outbox.model import Attachment
from huizong.rules.marked import mark_workbook
from huizong.rules.model import Finding, Severity
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.replies import findings_of


def marked_workbooks(
    ctx: Context, versions: Sequence[int], cycles: Mapping[str, IssuedCycle]
) -> list[Attachment]:
    """Each file of these versions (by id) once, also where it holds several lists, if it can be marked."""
    if not versions:
        return []
    with ctx.ledger.read() as session:
        found = session.scalars(
            select(Version).where(Version.id.in_(versions)).order_by(Version.file_id, Version.id)
        ).all()
    files = [list(of_file) for _, of_file in groupby(found, key=lambda version: version.file_id)]
    return [marked for of_file in files if (marked := _marked(ctx, of_file, cycles))]


def _marked(
    ctx: Context, versions: Sequence[Version], cycles: Mapping[str, IssuedCycle]
) -> Attachment | None:
    with ctx.ledger.read() as session:
        file = session.get_one(File, versions[0].file_id)
        rows = [row for version in versions for row in findings_of(session, version)]
    findings = [
        Finding(r.rule, cast(Severity, r.severity), r.item, r.message, r.remedy, r.sheet, r.cell)
        for r in rows
    ]
    called: dict[str, int | str] = {}
    for version in versions:
        called |= _called(cycles[version.cycle].loaded.instruments.get(version.instrument or ""))
    data = mark_workbook(ctx.store.get(file.digest), findings, called)
    stem = file.name.rpartition(".")[0] or file.name
    return Attachment(f"{stem}（审核意见）.xlsx", data) if data else None


def _called(instrument: Instrument | None) -> dict[str, int | str]:
    """Item code → what a letter calls it: a form's item by its number, a list's column by its label."""
    if instrument is None:
        return {}
    if instrument.kind == "list":
        return {item.code: f"“{item.label}”栏" for item in instrument.items}
    return dict(instrument.numbers)
