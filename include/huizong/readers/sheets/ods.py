"""What calamine cannot say of an OpenDocument sheet: error cells, formulas without a result, what is shown.

Here a cell keeps its text beside its value, so that no number format need be worked out.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from zipfile import ZipFile

from lxml import etree

from huizong.instruments.model import Item
from huizong.readers import limits
from huizong.readers.layout.grid import Place, Raw
from huizong.readers.model import State
from huizong.readers.sheets.number_formats import HIDDEN, reads_otherwise

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
_MOST = limits.MAX_ROW * limits.MAX_COLUMN


class RawBook:
    """The cells of `content.xml`, parsed when first asked."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive

    def sheet(self, index: int, name: str) -> Raw:
        """The sheet at a place in the book."""
        return RawSheet(self, index)

    @cached_property
    def tables(self) -> list[etree._Element]:
        """The sheets' elements, in order."""
        return list(etree.fromstring(self._archive.read("content.xml"), _PARSER).iter("{*}table"))


class RawSheet(Raw):
    """One sheet as its XML has it."""

    def __init__(self, book: RawBook, index: int) -> None:
        self._book, self._index = book, index

    def state(self, place: Place) -> tuple[State, str]:
        """Of a cell that calamine shows as empty."""
        cell = self._cells.get(place)
        text = _text(cell)
        if cell is None or _attribute(cell, "formula") is None:
            return "blank", ""
        if text.startswith(("#", "Err:")):
            return "error", text
        return ("formula", "=（公式）") if _attribute(cell, "value-type") is None else ("blank", "")

    def shown(self, place: Place, number: Decimal, item: Item) -> str:
        """The cell's text, where it is another figure than its value."""
        cell = self._cells.get(place)
        if cell is None or not number:
            return ""
        text = _text(cell)
        return reads_otherwise(number, text, item) if text else HIDDEN

    @cached_property
    def _cells(self) -> dict[Place, etree._Element]:
        tables = self._book.tables
        return dict(_cells(tables[self._index])) if self._index < len(tables) else {}


def _cells(table: etree._Element) -> Iterator[tuple[Place, etree._Element]]:
    row = 0
    for element in table.iter("{*}table-row"):
        column = 0
        for cell in element:
            count = _repeated(cell, "number-columns-repeated")
            if len(cell) or _attribute(cell, "formula") is not None:
                yield from (((row, column + n), cell) for n in range(count))
            column += count
        row += _repeated(element, "number-rows-repeated")


def _attribute(element: etree._Element, name: str) -> str | None:
    return next((str(v) for k, v in element.attrib.items() if str(k).endswith("}" + name)), None)


def _repeated(element: etree._Element, name: str) -> int:
    text = _attribute(element, name) or "1"
    return min(int(text), _MOST) if text.isdecimal() and len(text) < 10 else 1


def _text(cell: etree._Element | None) -> str:
    return (
        "" if cell is None else "".join(str(t) for p in cell.iterfind("{*}p") for t in p.itertext()).strip()
    )
