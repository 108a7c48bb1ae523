"""The form for the level above (上报表): what this office collected is a return there."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.home import as_file_name
from huizong.ledger.tables import File, Version
from huizong.readers.model import FileReading
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.summary.model import SummaryData


def upward_documents(ctx: Context, issued: IssuedCycle, data: SummaryData) -> list[tuple[str, str]]:
    """(name, store's name) of the form for the level above: of final and revised editions of a collection
    with a form.

    Raises:
        UsageError: `upward.mapping` or the blank from above does not fit our form.
    """
    ours, upward = data.instrument, issued.loaded.cycle.upward
    if ours is None or data.edition.kind == "provisional":
        return []
    from huizong.summary.upward import fill_blank, mapped, write_upward

    theirs = issued.loaded.instruments[upward.instrument] if upward and upward.instrument else ours
    if upward and upward.blank:
        content = fill_blank(_blank(issued, upward.blank), data, ours, upward.blank)
    else:
        mapping = upward.mapping if upward else {}
        content = write_upward(data, theirs, mapped(theirs, mapping, data.totals))
    many = sum(issued.loaded.instrument_of(c) is not None for c in issued.collections) > 1
    parts = ["上报表", data.area_name, theirs.title, data.edition.label]
    name = as_file_name("_".join([*parts, *([data.collection_code] if many else [])]))
    return [(f"{name}.xlsx", ctx.store.put(content))]


def units_combined(session: Session, cycle: str, versions: Iterable[Version]) -> int:
    """How many units at the very bottom these forms hold: one each, but for forms that were assembled below.

    Args:
        versions: of the cycle's forms that count.
    """
    counted = {v.id: v.form for v in versions}
    rows = session.execute(
        select(Version.id, File.reading)
        .join(File, Version.file_id == File.id)
        .where(Version.cycle == cycle, File.reading.contains('"combined":'))  # most say nothing of it
    )
    told = {
        n: FileReading.model_validate_json(text or "{}").forms[counted[n]].combined
        for n, text in rows
        if n in counted
    }
    return sum(told.get(n, 1) for n in counted)


def _blank(issued: IssuedCycle, name: str) -> bytes:
    try:
        return (issued.loaded.folder / name).read_bytes()
    except OSError as e:
        raise UsageError(f"上级空白表 {name} 不在 {issued.loaded.folder} 中，请放入后再汇总。") from e
