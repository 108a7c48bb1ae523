"""Lists of all units merged into one for publication, with the unit beside each row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.home import as_file_name
from huizong.instruments.model import Instrument, row_key
from huizong.ledger.editions import Edition
from huizong.ledger.tables import Value, Version
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import Standing
from huizong.stages.versions import COUNTING
from huizong.summary.lists import ListedRow, MergedList, without_mark, write_list
from huizong.summary.model import SummaryData

Row = dict[str, Value]

_AT_ONCE = 500  # versions whose values one query fetches

_TO_REVIEW = "（公开版·待审核）.xlsx"
_REVIEWED = "_公开版.xlsx"
RELEASED = "public"  # in what an edition handed over


def merged_lists(
    session: Session, issued: IssuedCycle, collection: Collection, found: Sequence[Standing]
) -> list[MergedList]:
    """Every list of a collection, with the rows of the versions that count."""
    lists = [(p, i) for p, i in issued.loaded.forms_of(collection) if p.kind == "list"]
    merged = []
    for part, instrument in lists:
        counting = [(standing.unit, standing.counting(part)) for standing in found]
        held = rows_of(session, [version.id for _, versions in counting for version in versions])
        rows = [
            ListedRow(unit.name, unit.position, _cells(row))
            for unit, versions in counting
            for row in counted_rows(held, instrument, versions)
        ]
        merged.append(MergedList(part.name, instrument, tuple(rows)))
    return merged


def counted_rows(
    held: Mapping[int, Sequence[Row]], instrument: Instrument, versions: Sequence[Version]
) -> list[Row]:
    """The rows of one unit's versions that count, oldest version first, each as its values by item.

    Where they add up, a row of a newer version takes the place of an older one's with the same key: so a
    unit corrects one row by sending it again. Two rows of one version with the same key both stay.

    Args:
        held: the rows of each version, as `rows_of` gives them.
    """
    kept: list[tuple[tuple[str, ...], Row]] = []
    for version in versions:
        keyed = [(_key(instrument, row), row) for row in held[version.id]]
        again = {key for key, _ in keyed if key}
        kept = [entry for entry in kept if entry[0] not in again] + keyed
    return [row for _, row in kept]


def settle_replaced(session: Session, instrument: Instrument, versions: Sequence[Version]) -> None:
    """Where lists add up: a version with open findings is done with once all of its rows came again in newer
    ones that count. What it has besides without a key counts for nothing if it was rejected.

    Args:
        versions: all of one unit's part, oldest first.
    """
    asked = [v for v in versions[:-1] if v.status in ("rejected", "accepted_with_queries")]
    if not asked:
        return
    rows = rows_of(session, [version.id for version in versions])
    keys = {version: [_key(instrument, row) for row in held] for version, held in rows.items()}
    for old in asked:
        newer = (keys[v.id] for v in versions if v.number > old.number and v.status in COUNTING)
        came, held = set(chain.from_iterable(newer)), keys[old.id]
        keyed = {key for key in held if key}
        whole = old.status == "rejected" or len(keyed) == len(set(held))
        if whole and keyed and keyed <= came:
            old.status = "superseded"


def _key(instrument: Instrument, row: Row) -> tuple[str, ...]:
    return row_key(instrument, {item: value.raw for item, value in row.items()})


def rows_of(session: Session, ids: Sequence[int]) -> dict[int, list[Row]]:
    """Version id → its rows from the top, each as its values by item."""
    found: dict[int, dict[int, Row]] = {version: defaultdict(dict) for version in ids}
    for start in range(0, len(ids), _AT_ONCE):
        some = Value.version_id.in_(ids[start : start + _AT_ONCE])
        for value in session.scalars(select(Value).where(some).order_by(Value.row, Value.id)):
            found[value.version_id][value.row][value.item] = value
    return {version: list(rows.values()) for version, rows in found.items()}


def _cells(row: Row) -> dict[str, Decimal | str | None]:
    """Figures exact, words as they stand."""
    return {item: v.raw.strip() if v.number is None else v.number for item, v in row.items()}


def list_documents(ctx: Context, data: SummaryData, lists: Sequence[MergedList]) -> list[tuple[str, str]]:
    """(name, store's name) of each merged list: the office's own, and the one without contacts."""
    files = []
    for merged in lists:
        stem = as_file_name(f"{merged.title}汇总_{data.edition.label}")
        files.append((f"{stem}.xlsx", ctx.store.put(write_list(data, merged, public=False))))
        if any(item.private for item in merged.instrument.items):
            public = ctx.store.put(write_list(data, merged, public=True))
            files.append((f"{stem}{_TO_REVIEW}", public))
    return files


def to_review(edition: Edition) -> list[str]:
    """The public lists that wait for the edition's sign-off, which is their review."""
    return [name for name, _ in edition.files if is_to_review(name)]


def is_to_review(name: str) -> bool:
    return name.endswith(_TO_REVIEW)


def reviewed(ctx: Context, edition: Edition) -> list[tuple[str, str]]:
    """(name, store's name) of the public lists as they may go out: what was reviewed, without its mark."""
    return [
        (
            f"{name.removesuffix(_TO_REVIEW)}{_REVIEWED}",
            ctx.store.put(without_mark(ctx.store.get(stored), edition.as_of)),
        )
        for name, stored in edition.files
        if is_to_review(name)
    ]


def released(edition: Edition) -> list[tuple[str, str]]:
    """The same of an edition that was signed off."""
    return [(name, stored) for name, stored in (edition.handed_over or {}).get(RELEASED, ())]
