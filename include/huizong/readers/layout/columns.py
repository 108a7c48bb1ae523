"""Which column holds a form's figures, and what stands in it beside each label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from huizong.instruments.model import Instrument, Item
from huizong.readers.layout.grammar import CellValue, read_value, squeeze
from huizong.readers.layout.grid import TOKEN_PREFIX, Grid, Place
from huizong.readers.layout.labels import Labels, Matched
from huizong.readers.model import ItemReading

_FIGURES = ("number", "none", "dash")
_CODE_HEADS = frozenset({"行次", "序号", "代码", "编号", "栏次"})

_REMARK_HEADS = frozenset({"备注", "说明", "备注说明"})


@dataclass(frozen=True)
class Hit:
    """An item's label at a place."""

    place: Place
    code: str
    matched: Matched
    confidence: float
    inline: str = ""  # what stands behind the label in its own cell
    value: Place | None = None  # where the figure stands, if not in the form's column


@dataclass(frozen=True)
class Columns:
    """The column that holds a form's figures, and those right of the labels that only number its rows."""

    value: int
    codes: frozenset[int] = frozenset()


def is_figure(cell: CellValue, item: Item) -> bool:
    """Whether the cell reads as a figure: a number, 无 or —."""
    if isinstance(cell, float):  # by far the most
        return isfinite(cell)
    return read_value(cell, item).state in _FIGURES


def has_figure_beside(grid: Grid, hit: Hit, instrument: Instrument, labels: Labels) -> bool:
    """Whether a figure stands right of a label, as on the printed form."""
    item = instrument.by_code[hit.code]
    return any(is_figure(cell, item) for cell in _beside(grid, hit, labels).values())


def find_columns(grid: Grid, hits: Sequence[Hit], instrument: Instrument, labels: Labels) -> Columns | None:
    """The column with the figures; of an empty form, the first free one behind the labels.

    None if most rows have several figures: units or years side by side, which nobody may choose from.
    """
    figures: dict[int, list[CellValue]] = defaultdict(list)  # column -> its figures, from the top
    units: set[int] = set()  # columns with 次, 万元 beside the labels
    for hit in hits:
        for column, cell in _beside(grid, hit, labels).items():
            if _is_unit(cell, instrument):
                units.add(column)
            elif is_figure(cell, instrument.by_code[hit.code]):
                figures[column].append(cell)
    first = hits[0].place[0]
    figures = {c: cells for c, cells in figures.items() if not _is_remarks(grid, c, first, cells, figures)}
    codes = {c for c in figures if _heads(grid, c, first) & _CODE_HEADS}
    full = [c for c, cells in figures.items() if c not in codes and len(cells) >= max(3, len(hits) / 2)]
    if len(full) > 1:
        codes |= {c for c in full if _counts_on(figures[c], instrument.items[0])}
        full = [c for c in full if c not in codes]
        if len(full) != 1:
            return None
    candidates = [c for c in figures if c not in codes]
    if candidates:
        return Columns(max(candidates, key=lambda c: (len(figures[c]), -c)), frozenset(codes))
    free = Counter(hit.place[1] for hit in hits).most_common(1)[0][0] + 1
    while free in units | codes:
        free += 1
    return Columns(free, frozenset(codes))


def read_hits(
    grid: Grid, hits: Sequence[Hit], columns: Columns, instrument: Instrument, labels: Labels
) -> tuple[dict[str, ItemReading], tuple[str, ...]]:
    """Item code → reading, in the form's order, and the codes whose label stands twice."""
    found: dict[str, list[ItemReading]] = defaultdict(list)
    for hit in hits:
        found[hit.code].append(_read_hit(grid, hit, columns, instrument, labels))
    items = {i.code: _agree(found[i.code]) for i in instrument.items if i.code in found}
    return items, tuple(code for code in items if len(found[code]) > 1)


def _read_hit(grid: Grid, hit: Hit, columns: Columns, instrument: Instrument, labels: Labels) -> ItemReading:
    item = instrument.by_code[hit.code]
    if hit.value is not None:
        return _read_at(grid, hit, hit.value, item)
    if not hit.inline:
        return _read_beside(grid, hit, columns, instrument, labels)
    inline = _placed(grid, hit, hit.place, read_value(hit.inline, item))
    beside = _read_beside(grid, hit, columns, instrument, labels)
    return inline if beside.state == "blank" else _agree([inline, beside])


def _read_at(grid: Grid, hit: Hit, place: Place, item: Item) -> ItemReading:
    if place in grid.cells:
        return _placed(grid, hit, place, _shown(grid, place, read_value(grid.cells[place], item), item))
    state, raw = grid.raw.state(place)
    return _placed(grid, hit, place, ItemReading(state=state, raw=raw))


def _read_beside(
    grid: Grid, hit: Hit, columns: Columns, instrument: Instrument, labels: Labels
) -> ItemReading:
    item, row = instrument.by_code[hit.code], hit.place[0]
    readings = {
        column: _read_at(grid, hit, (row, column), item)
        for column, cell in _beside(grid, hit, labels).items()
        if column not in columns.codes and not _is_unit(cell, instrument)
    }
    before = [reading for column, reading in readings.items() if column < columns.value]
    if columns.value in readings:
        own = readings[columns.value]
        # Rows whose label is the group's own have an empty middle cell: a figure may stand in either.
        return _agree([own, *before]) if item.label_in_group else own
    # Right of the column only a number can be meant: 无 there may be a remark.
    behind = [r for column, r in readings.items() if column > columns.value and r.state == "number"]
    return next(iter([*before, *behind]), None) or _look_again(grid, hit, columns.value)


def _shown(grid: Grid, place: Place, reading: ItemReading, item: Item) -> ItemReading:
    """The reading, with what the cell shows where that is another figure than it holds."""
    if reading.number is None or not isinstance(grid.cells[place], int | float):
        return reading
    shown = grid.raw.shown(place, reading.number, item)
    return reading.model_copy(update={"shown": shown}) if shown else reading


def _look_again(grid: Grid, hit: Hit, column: int) -> ItemReading:
    row, start = hit.place
    for c in (column, *range(start + 1, column)):
        state, raw = grid.raw.state((row, c))
        if state != "blank":
            return _placed(grid, hit, (row, c), ItemReading(state=state, raw=raw))
    return _placed(grid, hit, (row, column), ItemReading(state="blank", raw=""))


def _beside(grid: Grid, hit: Hit, labels: Labels) -> Mapping[int, CellValue]:
    """Column → cell right of a label in its row, without other labels, tokens and white space."""
    row, start = hit.place
    cells: dict[int, CellValue] = {}
    for column in grid.columns(row):
        cell = grid.cells[row, column]
        if column > start and not (isinstance(cell, str) and _is_no_value(cell, labels)):
            cells[column] = cell
    return cells


def _is_no_value(text: str, labels: Labels) -> bool:
    return (
        not squeeze(text)
        or text.lstrip().startswith(TOKEN_PREFIX)
        or "表单编号" in text
        or labels.match(text) is not None
        or labels.group(text) is not None
    )


def _is_unit(cell: CellValue, instrument: Instrument) -> bool:
    return isinstance(cell, str) and squeeze(cell).strip("()（）") in {i.unit for i in instrument.items}


def _heads(grid: Grid, column: int, first_row: int) -> set[str]:
    """The texts above a column: 行次, 代码, 备注, a unit's name."""
    above = (cell for (row, c), cell in grid.cells.items() if c == column and row < first_row)
    return {squeeze(cell) for cell in above if isinstance(cell, str)}


def _is_remarks(
    grid: Grid, column: int, first_row: int, cells: Sequence[CellValue], figures: Mapping[int, object]
) -> bool:
    """Whether a column right of others says nothing but 无 or —, and is not headed by anybody's name."""
    words = all(isinstance(cell, str) and not any(map(str.isdigit, cell)) for cell in cells)
    return words and column > min(figures) and _heads(grid, column, first_row) <= _REMARK_HEADS


def _counts_on(cells: Sequence[CellValue], item: Item) -> bool:
    numbers = [read_value(cell, item).number for cell in cells]
    return len(numbers) >= 3 and all(
        a is not None and b is not None and b - a == 1 for a, b in zip(numbers, numbers[1:], strict=False)
    )


def _placed(grid: Grid, hit: Hit, place: Place, reading: ItemReading) -> ItemReading:
    notes = reading.notes if grid.typed else tuple(n for n in reading.notes if n != "text_number")
    return reading.model_copy(
        update={
            "notes": notes,
            "sheet": grid.name,
            "cell": grid.ref(place),
            "matched": hit.matched,
            "confidence": hit.confidence,
        }
    )


def _agree(readings: Sequence[ItemReading]) -> ItemReading:
    """The first of several readings if all say the same, else a conflict that shows them all."""
    first = readings[0]
    if all((r.state, r.number) == (first.state, first.number) for r in readings):
        return first
    told = " / ".join(r.raw or "（空）" for r in readings)
    return first.model_copy(update={"state": "conflict", "number": None, "raw": told, "notes": ()})
