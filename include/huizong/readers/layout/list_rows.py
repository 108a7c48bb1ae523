"""The rows of a list below its head: which lines of a grid are rows, and what their cells say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huizong.instruments.model import Instrument, Item
from huizong.readers.layout.grammar import CellValue, read_value, squeeze
from huizong.readers.layout.grid import Grid, Place
from huizong.readers.model import ItemReading

EXAMPLE_LEFT_OUT = "名录中的示例行未计入：{count}行"

# Lines below a table that are none of its rows.
_FOOT = re.compile(
    r"(填表人|填报人|联系人|联系电话|审核人|负责人|单位负责人|填报日期|填表日期|日期|备注|说明|填表说明|注)[:：]"
)
_SUM = re.compile(r"(本页|本表)?(合计|总计|小计|共计|累计)([(（].*[)）])?[:：]?")
_EXAMPLE = re.compile(r"[(（【\[]?(填写|填报)?(示例|样例|范例|举例|例如?)\d{0,2}([)）】\]:：].*)?")
_NUMBER = re.compile(r"0*(\d{1,4})[.、．]?")
_NUMBERED = re.compile(r"[\d０-９]{1,4}[.、．]?|[一二三四五六七八九十]{1,3}[、.．]?")
_HEADING = re.compile(r"[(（]?[一二三四五六七八九十]{1,3}[)）、.．]")
_LONGEST_NAME = 40
_HAN = "\u4e00-\u9fff"
# Of a printed page: where a line was broken, and the gap that programs leave between words and digits.
_UNWRAPPED = re.compile(f"\n|(?<=[{_HAN}]) (?=[0-9])|(?<=[0-9]) (?=[{_HAN}])")
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2}) 00:00:00")
_SCIENTIFIC = re.compile(r"(\d)\.(\d{6,14})[eE]\+?0?(\d{1,2})")


@dataclass(frozen=True)
class Columns:
    """Which column of a grid holds which item, how its label was told, and where 序号 stands."""

    instrument: Instrument
    items: Mapping[int, str]
    matched: Mapping[str, tuple[str, float]]
    numbering: int | None


@dataclass(frozen=True)
class Listed:
    """The rows in their order. `numbers`: the 序号 beside each, where every row has one of its own."""

    rows: tuple[dict[str, ItemReading], ...]
    numbers: tuple[int, ...]
    examples: int = 0  # rows left out because they only show how to fill in


def rows_below(
    grid: Grid, columns: Columns, first: int, end: int | None, above: Sequence[dict[str, ItemReading]] = ()
) -> Listed:
    """The rows from line `first` of the grid to before `end` (None: its last line).

    Left out are sums, examples, headings, the lines under the table, and lines with nothing but 序号.

    Args:
        above: the last row of the page before, to which the lower part of a row that was cut in two is put.
    """
    return _Rows(grid, columns, above).between(first, end)


@dataclass
class _Rows:
    grid: Grid
    columns: Columns
    above: Sequence[dict[str, ItemReading]]
    _examples: int = 0

    def between(self, first: int, end: int | None) -> Listed:
        last = self.grid.last_row + 1
        found: list[tuple[dict[str, ItemReading], int | None]] = []
        lone: list[tuple[dict[str, ItemReading], int | None]] = []
        below = False  # the table's foot: what follows has to look like a row
        for row in range(first, last if end is None else min(end, last)):
            texts = [squeeze(str(self.grid.cells[row, column])) for column in self.grid.columns(row)]
            own = self._own(row)
            if _is_foot(texts, len(own)):
                below = True
            elif self._is_left_out(texts) or not own or (below and 2 * len(own) < len(self.columns.items)):
                continue
            elif (found or self.above) and self._is_rest(row, own):
                _append(found[-1][0] if found else self.above[-1], self._read(row))
            elif self._says_little(texts, own):
                # A name typed alone is a row where rows follow; at the end it is a line under the table.
                lone += [(self._read(row), self._number(row))] if _is_name(texts[0]) and not below else []
            else:
                found += [*lone, (self._read(row), self._number(row))]
                lone = []
        numbers = [number for _, number in found if number is not None]
        clear = len(numbers) == len(found) and len(set(numbers)) == len(found)
        return Listed(tuple(row for row, _ in found), tuple(numbers) if clear else (), self._examples)

    def _own(self, row: int) -> list[int]:
        """The list's columns in which the line itself says something."""
        held = [c for c in self.grid.columns(row) if c in self.columns.items]
        cells = {c: squeeze(str(self.grid.cells[row, c])) for c in held}
        states = (c for c in self.columns.items if c not in cells and self._state(row, c) != "blank")
        return [*(c for c, text in cells.items() if text), *states]

    def _state(self, row: int, column: int) -> str:
        return self.grid.raw.state((row, column))[0]

    def _is_left_out(self, texts: Sequence[str]) -> bool:
        if any(_EXAMPLE.fullmatch(text) for text in texts[:2]):
            self._examples += 1
            return True
        return any(_SUM.fullmatch(text) for text in texts[:2])

    def _says_little(self, texts: Sequence[str], own: Sequence[int]) -> bool:
        """Whether the line is 序号 alone, or one text without a number beside it."""
        if len(own) > 1 or len(self.columns.items) == 1:
            return False
        return len(texts) <= 1 or all(_NUMBERED.fullmatch(text) for text in texts)

    def _is_rest(self, row: int, own: Sequence[int]) -> bool:
        """Whether a printed page's end has cut a row in two and this is the lower part: it has no 序号."""
        wrapped = self.grid.wrapped and self.columns.numbering is not None
        return wrapped and self._number(row) is None and 2 * len(own) < len(self.columns.items)

    def _number(self, row: int) -> int | None:
        column = self.columns.numbering
        cell = self.grid.cells.get((row, column)) if column is not None else None
        text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell or "")
        match = _NUMBER.fullmatch(squeeze(text))
        return int(match[1]) if match else None

    def _read(self, row: int) -> dict[str, ItemReading]:
        read = {code: self._cell((row, column), code) for column, code in self.columns.items.items()}
        return {item.code: read[item.code] for item in self.columns.instrument.items if item.code in read}

    def _cell(self, place: Place, code: str) -> ItemReading:
        item = self.columns.instrument.by_code[code]
        shown = self.grid.spans.get(place, place)
        if shown in self.grid.cells:
            reading = _tidy(read_value(self._value(shown), item), item)
        else:
            state, raw = self.grid.raw.state(shown)
            reading = ItemReading(state=state, raw=raw)
        matched, confidence = self.columns.matched[code]
        typed = self.grid.typed
        notes = tuple(note for note in reading.notes if typed or note != "text_number")
        told = {"sheet": self.grid.name, "cell": self.grid.ref(shown), "notes": notes, "matched": matched}
        return reading.model_copy(update={**told, "confidence": confidence})

    def _value(self, place: Place) -> CellValue:
        cell = self.grid.cells[place]
        return _UNWRAPPED.sub("", cell) if self.grid.wrapped and isinstance(cell, str) else cell


def _is_foot(texts: Sequence[str], own: int) -> bool:
    """Whether the line stands under a table: who filled it in, notes, the form's number. In a row of the
    list, too, a clerk may write 联系人：…: a foot says little besides."""
    return any("表单编号" in text for text in texts) or (
        own <= 3 and bool(texts) and _FOOT.match(texts[0]) is not None
    )


def _is_name(text: str) -> bool:
    """Whether a text that stands alone may be what a row is called: no heading, no sentence."""
    return len(text) <= _LONGEST_NAME and not re.search("[:：。；;]", text) and not _HEADING.match(text)


def _append(row: dict[str, ItemReading], rest: Mapping[str, ItemReading]) -> None:
    """Put the lower part of a row that was cut in two to the upper one."""
    for code, cell in rest.items():
        if cell.state == "text" and row[code].state in ("text", "blank"):
            row[code] = row[code].model_copy(update={"state": "text", "raw": row[code].raw + cell.raw})


def _tidy(reading: ItemReading, item: Item) -> ItemReading:
    """A date or a telephone number as it was meant before a program rewrote it; lost digits stay lost."""
    if match := _MIDNIGHT.fullmatch(reading.raw.strip()):
        return reading.model_copy(update={"raw": match[1]})
    match = _SCIENTIFIC.fullmatch(squeeze(reading.raw)) if item.format == "phone" else None
    if match and len(match[2]) == int(match[3]):
        return reading.model_copy(update={"raw": match[1] + match[2]})
    return reading
