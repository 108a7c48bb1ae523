"""What calamine cannot say of an OpenDocument sheet: errors, formulas without a result, what a cell shows.

Here a cell keeps its text beside its value, so that no number format need be worked out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from zipfile import ZipFile

from lxml import etree

from huizong.instruments.model import Item
from huizong.readers import limits
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import Area, Place, Raw
from huizong.readers.layout.pieces import APART, HIDDEN, PLAIN, STRUCK, joined, struck
from huizong.readers.model import State
from huizong.readers.sheets.number_formats import HIDDEN as NOT_SHOWN
from huizong.readers.sheets.number_formats import reads_otherwise

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
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
        return list(self._root.iter("{*}table"))

    @cached_property
    def manners(self) -> dict[str, str]:
        """Style → the manner of what has it, of those that strike out, raise or hide."""
        if b"line-through" not in self._content and b"text-position" not in self._content:
            return {}
        found = ((_attribute(s, "name"), _manner(s)) for s in self._root.iter("{*}style"))
        return {name: manner for name, manner in found if name and manner}

    @cached_property
    def headers(self) -> list[str]:
        """The texts printed above the pages, by whatever sheet."""
        styles = self._archive.read("styles.xml") if "styles.xml" in self._archive.namelist() else b""
        if b":header>" not in styles:
            return []
        headers = etree.fromstring(styles, _PARSER).iter("{*}header")
        return ["".join(map(str, p.itertext())) for header in headers for p in header.iter("{*}p")]

    @cached_property
    def _content(self) -> bytes:
        return self._archive.read("content.xml")

    @cached_property
    def _root(self) -> etree._Element:
        return etree.fromstring(self._content, _PARSER)


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
        return reads_otherwise(number, text, item) if text else NOT_SHOWN

    def marked(self, cells: Mapping[Place, CellValue]) -> Mapping[Place, str]:
        """What those of the cells say that are struck out, or in part struck out, raised or hidden."""
        manners = self._book.manners
        own = ((p, c) for p, c in self._cells.items() if p in cells) if manners else ()
        found = ((place, _marked(cell, cells[place], manners)) for place, cell in own)
        return {place: text for place, text in found if text}

    def headers(self) -> Collection[str]:
        """The texts that are printed above each page."""
        return self._book.headers

    def areas(self) -> list[Area]:
        """The merged cells that show something."""
        spans = ((place, _repeated(c, "number-rows-spanned"), c) for place, c in self._cells.items())
        return [
            ((r, c), (r + down - 1, c + _repeated(cell, "number-columns-spanned") - 1))
            for (r, c), down, cell in spans
            if down > 1
        ]

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


def _manner(style: etree._Element) -> str:
    """Of a style's text (OpenDocument 1.3 part 3, 20.365, 20.378, 20.391)."""
    text = style.find("{*}text-properties")
    if text is None:
        return PLAIN
    if {_attribute(text, f"text-line-through-{a}") or "none" for a in ("style", "type")} != {"none"}:
        return STRUCK
    if _attribute(text, "display") == "none":
        return HIDDEN
    return APART if (_attribute(text, "text-position") or "0%").split()[0] != "0%" else PLAIN


def _marked(cell: etree._Element, value: CellValue, manners: Mapping[str, str]) -> str:
    if manners.get(_attribute(cell, "style-name") or "") == STRUCK:
        return struck(value)
    pieces = [piece for p in cell.iterfind("{*}p") for piece in (*_pieces(p, PLAIN, manners), (PLAIN, "\n"))]
    return joined(pieces).strip("\n") if any(manner for manner, _ in pieces) else ""


def _pieces(element: etree._Element, manner: str, manners: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield manner, str(element.text or "")
    for child in element:
        yield from _pieces(child, manners.get(_attribute(child, "style-name") or "") or manner, manners)
        yield manner, str(child.tail or "")


def _attribute(element: etree._Element, name: str) -> str | None:
    return next((str(v) for k, v in element.attrib.items() if str(k).endswith("}" + name)), None)


def _repeated(element: etree._Element, name: str) -> int:
    text = _attribute(element, name) or "1"
    return min(int(text), _MOST) if text.isdecimal() and len(text) < 10 else 1


def _text(cell: etree._Element | None) -> str:
    return (
        "" if cell is None else "".join(str(t) for p in cell.iterfind("{*}p") for t in p.itertext()).strip()
    )
