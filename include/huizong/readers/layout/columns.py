"""Which column holds a form's figures, and what stands in it beside each label."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite

from huizong.instruments.model import Instrument, Item, year_in
from huizong.readers.layout.grammar import CellValue, read_value, squeeze
from huizong.readers.layout.grid import TOKEN_PREFIX, Grid, Place
from huizong.readers.layout.labels import Labels, Matched
from huizong.readers.layout.units import Stated, as_units, in_label, other_unit
from huizong.readers.model import ItemReading

_FIGURES = ("number", "none", "dash")
_CODE_HEADS = frozenset({"行次", "序号", "代码", "编号", "栏次"})
_YEAR = re.compile("[0-9０-９]{4}年?度?(?:数据?|数量|情况)?")
_LAST_YEAR = re.compile("(?:上|去)年度?(?:数据?|数量|情况)?|(?:[上去]年)?同期数?|上期数?")
_THIS_YEAR = re.compile("(?:[本今当]年度?|本期)(?:数据?|数量|情况)?")
_PLACE = re.compile("[\u4e00-\u9fff]+(?:[区县市镇乡州旗局]|街道|科协|委员会)")
_YEARS = range(1990, 2101)  # a number that heads a column
_QUALIFIER = re.compile(
    "[十百千]?[万亿]|[十百千万亿]*[余多][十百千万亿]?[人个次家篇所场元]{0,2}|左右|上下|以[上下内]|不到"
)
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
    units: tuple[Stated, ...] = ()  # that the label and its group's name


@dataclass(frozen=True)
class Columns:
    """The column that holds a form's figures, and those right of the labels that hold other numbers: they
    number the rows, or are another year's."""

    value: int
    codes: frozenset[int] = frozenset()
    spare: frozenset[int] = frozenset()  # where a figure may stand that has slipped out of the column


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

    None if figures of several units, years or kinds stand side by side, which nobody may choose from: the
    fuller column is not the right one.
    """
    figures, other = _figures(grid, hits, instrument, labels)
    first = hits[0].place[0]
    figures = {c: of_c for c, of_c in figures.items() if not _is_remarks(grid, c, first, of_c, figures)}
    heads = {c: _heads(grid, c, first) for c in figures}
    codes = {c for c in figures if _is_of_others(heads[c], instrument)}
    full = [c for c, of_c in figures.items() if c not in codes and len(of_c) >= max(3, len(hits) / 2)]
    if len(full) > 1:
        counting = {c for c in full if _counts_on([*figures[c].values()], instrument.items[0])}
        codes |= {c for c in counting if not any(map(_sets_apart, heads[c]))}
        if codes.issuperset(full):
            return None
    edge = max(hit.place[1] for hit in hits)
    candidates = {c: of_c for c, of_c in figures.items() if c not in codes}
    ours = [c for c in candidates if c > edge and _is_ours(heads[c], instrument)]
    if len(ours) != 1 and _are_rivals({c: of_c for c, of_c in candidates.items() if c > edge}, heads):
        return None
    value = _first_free(hits, other | codes)
    if candidates:
        value = ours[0] if len(ours) == 1 else max(candidates, key=lambda c: (len(candidates[c]), -c))
    lone = {c for c, of_c in candidates.items() if not heads[c] and _count(of_c, instrument.items[0]) == 1}
    spare = {c for c in candidates if c <= edge} | lone
    return Columns(value, frozenset(codes), frozenset(spare - {value}))


def _figures(
    grid: Grid, hits: Sequence[Hit], instrument: Instrument, labels: Labels
) -> tuple[dict[int, dict[Place, CellValue]], set[int]]:
    """Column → its figures by their label's place, from the top; and the columns with units, or hidden."""
    figures: dict[int, dict[Place, CellValue]] = defaultdict(dict)
    other: set[int] = set()
    for hit in hits:
        is_seen = not grid.raw.is_hidden(hit.place)
        for column, cell in _beside(grid, hit, labels).items():
            if as_units(cell) or (is_seen and grid.raw.is_hidden((hit.place[0], column))):
                other.add(column)
            elif is_figure(cell, instrument.by_code[hit.code]):
                figures[column][hit.place] = cell
    return figures, other


def _first_free(hits: Sequence[Hit], taken: Collection[int]) -> int:
    free = Counter(hit.place[1] for hit in hits).most_common(1)[0][0] + 1
    while free in taken:
        free += 1
    return free


def _are_rivals(figures: Mapping[int, Mapping[Place, CellValue]], heads: Mapping[int, set[str]]) -> bool:
    """Whether these columns are several units', years' or kinds': two rows have figures in both, or so they
    are headed."""
    headed = [c for c in figures if heads[c]]
    if len(headed) > 1 and any(_sets_apart(head) for c in headed for head in heads[c]):
        return True
    return any(len(a.keys() & b.keys()) > 1 for a, b in combinations(figures.values(), 2))


def _sets_apart(head: str) -> bool:
    """Whether a column's head is a unit's name or names a year."""
    return bool(_PLACE.fullmatch(head)) or "20" in head


def _is_ours(heads: Collection[str], instrument: Instrument) -> bool:
    """Whether a column is headed by the form's own year: 2022年, 本年."""
    own = year_in(instrument.title)
    return any(
        _THIS_YEAR.fullmatch(head) or (own and _YEAR.fullmatch(head) and year_in(head) == own)
        for head in heads
    )


def _count(cells: Mapping[Place, CellValue], item: Item) -> int:
    return sum(read_value(cell, item).state == "number" for cell in cells.values())


def read_hits(
    grid: Grid,
    hits: Sequence[Hit],
    columns: Columns,
    instrument: Instrument,
    labels: Labels,
    stated: Sequence[Stated] = (),
) -> tuple[dict[str, ItemReading], tuple[str, ...]]:
    """Item code → reading, in the form's order, and the codes whose label stands twice.

    `stated` are the units that stand over or under all rows.
    """
    found: dict[str, list[ItemReading]] = defaultdict(list)
    for hit in hits:
        reading = _read_hit(grid, hit, columns, instrument, labels)
        unit = _unit(grid, hit, reading, instrument.by_code[hit.code], stated)
        found[hit.code].append(reading.model_copy(update={"unit": unit}) if unit else reading)
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
        if column not in columns.codes and not as_units(cell)
    }
    if _has_no_cell(grid, hit, columns.value):
        figures = [reading for reading in readings.values() if reading.state in _FIGURES]
        if len(figures) == 1:
            return figures[0]
    stray = {c: r for c, r in readings.items() if c in columns.spare or r.state not in _FIGURES}
    before = [reading for column, reading in stray.items() if column < columns.value]
    if columns.value in readings:
        own = _qualified(grid, readings[columns.value], (row, columns.value))
        # Rows whose label is the group's own have an empty middle cell: a figure may stand in either.
        return _agree([own, *before]) if item.label_in_group else own
    # Right of the column only a number can be meant: 无 there may be a remark.
    behind = [r for column, r in stray.items() if column > columns.value and r.state == "number"]
    return next(iter([*before, *behind]), None) or _look_again(grid, hit, columns.value)


def _has_no_cell(grid: Grid, hit: Hit, column: int) -> bool:
    """Whether the row has no cell of its own in the column: its label stands there, or reaches over it.

    So rows stand where a table lost its merged cells: those with a group's label lie a column further right.
    """
    row, start = hit.place
    return start >= column or (bool(grid.refs) and (row, column) not in grid.refs)


def _qualified(grid: Grid, reading: ItemReading, place: Place) -> ItemReading:
    """The reading; text where the cell right of it makes it inexact or another number: 500 | 余, 3 | 万."""
    after = grid.cells.get((place[0], place[1] + 1))
    if reading.state != "number" or not isinstance(after, str) or not _QUALIFIER.fullmatch(squeeze(after)):
        return reading
    raw = f"{reading.raw.strip()} {after.strip()}"
    return reading.model_copy(update={"state": "text", "number": None, "raw": raw, "notes": ()})


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


def _unit(grid: Grid, hit: Hit, reading: ItemReading, item: Item, stated: Sequence[Stated]) -> str:
    """The unit written for the figure, where it is not the item's own; a figure may bring its own (5万元)."""
    if "suffix" in reading.notes:
        return ""
    row, start = hit.place
    beside = (as_units(grid.cells[row, c]) for c in grid.columns(row) if c > start)
    return other_unit(item, [*hit.units, *(Stated(units) for units in beside if units), *stated])


def head_units(heads: Iterable[str]) -> list[Stated]:
    """The units in what stands above the figures: 数量（元）, 元."""
    found = (as_units(head) or in_label(head) for head in heads)
    return [Stated(units, of_table=True) for units in found if units]


def _is_of_others(heads: Collection[str], instrument: Instrument) -> bool:
    """Whether a column's numbers are none of the form's figures: they count rows, or are another year's."""
    return any(
        head in _CODE_HEADS
        or (_YEAR.fullmatch(head) and instrument.is_of_another_year(head))
        or _LAST_YEAR.fullmatch(head)
        for head in heads
    )


def _heads(grid: Grid, column: int, first_row: int) -> set[str]:
    """The texts above a column: 行次, 代码, 备注, a unit's name."""
    above = [(row, cell) for (row, c), cell in grid.cells.items() if c == column and row < first_row]
    near = (cell for row, cell in above if row >= first_row - 2 and isinstance(cell, int | float))
    years = {str(int(cell)) for cell in near if cell in _YEARS}
    return years | {squeeze(cell) for _, cell in above if isinstance(cell, str)}


def _is_remarks(
    grid: Grid, column: int, first_row: int, cells: Mapping[Place, CellValue], figures: Mapping[int, object]
) -> bool:
    """Whether a column right of others is headed 备注, or by nothing and says nothing but 无 or —."""
    heads = _heads(grid, column, first_row)
    words = all(isinstance(cell, str) and not any(map(str.isdigit, cell)) for cell in cells.values())
    return column > min(figures) and (bool(heads & _REMARK_HEADS) or (words and not heads))


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
