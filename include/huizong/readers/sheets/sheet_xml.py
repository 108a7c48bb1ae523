"""What calamine cannot say of an xlsx: formulas without a result, error cells, number formats, hidden rows.

Every question first takes a cheap look at the bytes; only a sheet that has the thing is parsed, once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from html import unescape
from zipfile import ZipFile

from lxml import etree

from huizong.instruments.model import Item
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import Place, Raw, a1
from huizong.readers.layout.pieces import APART, PLAIN, STRUCK, joined, struck
from huizong.readers.limits import column_number
from huizong.readers.model import State
from huizong.readers.sheets import print_header
from huizong.readers.sheets.number_formats import BUILT_IN, shown_otherwise, suspicious

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
_FORMAT_CODE = re.compile(rb'formatCode\s*=\s*["\']([^"\']*)')
_PERCENT = re.compile(rb'numFmtId\s*=\s*["\'](?:9|10)["\']')
_NOT_WORKED_OUT = re.compile(rb'fullCalcOnLoad\s*=\s*["\'](?:1|true)["\']')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_HIDDEN = re.compile(rb'<(?:\w+:)?(row|col)\s([^>]*hidden\s*=\s*["\'](?:1|true)["\'][^>]*)>')
_NUMBER = re.compile(rb'\b(r|min|max)\s*=\s*["\'](\d+)')
_HEADER = re.compile(rb"<(?:\w+:)?(?:odd|even|first)Header\b[^>]*>([^<]*)<")


class RawBook:
    """The parts of an xlsx beside its sheets."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._names = frozenset(archive.namelist())

    def read(self, part: str) -> bytes:
        """A member's bytes; nothing where it is missing."""
        return self._archive.read(part) if part in self._names else b""

    def parse(self, part: str) -> etree._Element:
        """A member's XML."""
        return etree.fromstring(self._archive.read(part), _PARSER)

    def sheet(self, index: int, name: str) -> Raw:
        """The sheet of a name."""
        return RawSheet(self, name)

    @cached_property
    def not_worked_out(self) -> bool:
        """Whether the program that wrote it left all results to the next one that opens it."""
        return _NOT_WORKED_OUT.search(self.read("xl/workbook.xml")) is not None

    @cached_property
    def formats(self) -> dict[str, str]:
        """Style index → format code, of the formats that may show another figure than the cell holds."""
        styles = self._styles
        codes = (unescape(code.decode("utf-8", "replace")) for code in _FORMAT_CODE.findall(styles))
        if not any(map(suspicious, codes)) and not _PERCENT.search(styles):
            return {}
        root = etree.fromstring(styles, _PARSER)
        own = {e.get("numFmtId"): str(e.get("formatCode", "")) for e in root.iter("{*}numFmt")}
        known = {str(number): code for number, code in BUILT_IN.items()} | own
        used = [known.get(xf.get("numFmtId"), "") for xf in root.iterfind("{*}cellXfs/{*}xf")]
        return {str(n): code for n, code in enumerate(used) if code and suspicious(code)}

    @cached_property
    def struck(self) -> frozenset[str]:
        """The styles that strike out what a cell holds."""
        if b"strike" not in self._styles:
            return frozenset()
        root = etree.fromstring(self._styles, _PARSER)
        fonts = [_manner(font) == STRUCK for font in root.iterfind("{*}fonts/{*}font")]
        used = [str(xf.get("fontId", "0")) for xf in root.iterfind("{*}cellXfs/{*}xf")]
        return frozenset(str(n) for n, f in enumerate(used) if f.isdecimal() and True in fonts[int(f) :][:1])

    @cached_property
    def rich(self) -> dict[str, str]:
        """Number of a shared string → its text, of those that are struck out or raised in part."""
        strings = self.read("xl/sharedStrings.xml")
        if not _is_marked(strings):
            return {}
        texts = enumerate(etree.fromstring(strings, _PARSER).iterfind("{*}si"))
        return {str(n): text for n, si in texts if (text := _rich_text(si))}

    @cached_property
    def _styles(self) -> bytes:
        return self.read("xl/styles.xml")

    @cached_property
    def parts(self) -> dict[str, str]:
        """A sheet's name → the member that holds it, by way of the workbook's relationships."""
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= self._names:
            return {}
        targets = {r.get("Id"): str(r.get("Target", "")) for r in self.parse("xl/_rels/workbook.xml.rels")}
        found: dict[str, str] = {}
        for element in self.parse("xl/workbook.xml").iter("{*}sheet"):
            ids = [v for k, v in element.attrib.items() if str(k).endswith("}id")]
            target = targets.get(ids[0], "") if ids else ""
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part in self._names:
                found.setdefault(str(element.get("name")), part)
        return found


class RawSheet(Raw):
    """One sheet of an xlsx as its XML has it. Places are (row, column), counted from 0."""

    def __init__(self, book: RawBook, name: str) -> None:
        self._book, self._name = book, name

    def state(self, place: Place) -> tuple[State, str]:
        """Of a cell that calamine shows as empty: blank, a formula without a result, or an error."""
        return self._states.get(a1(place), ("blank", ""))

    def shown(self, place: Place, number: Decimal, item: Item) -> str:
        """What the cell shows, where its number format makes that another figure."""
        code = self._formats.get(a1(place), "") if self._book.formats else ""
        return shown_otherwise(number, code, item) if code else ""

    def unsaved(self) -> Collection[Place]:
        """Formulas in a book whose results are all still to be worked out."""
        if not self._book.not_worked_out or not _FORMULA.search(self._bytes):
            return ()
        return [place_of(ref) for ref, (state, _) in self._states.items() if state == "formula"]

    def marked(self, cells: Mapping[Place, CellValue]) -> Mapping[Place, str]:
        """What those of the cells say that are struck out, or in part struck out or raised."""
        if not (self._book.rich or self._book.struck or _is_marked(self._bytes)):
            return {}
        return dict(self._marked(cells))

    def headers(self) -> Collection[str]:
        """The texts that are printed above each page."""
        if b"Header" not in self._bytes:
            return []
        found = (unescape(h.decode("utf-8", "replace")) for h in _HEADER.findall(self._bytes))
        return [line for header in found for line in print_header.lines_of(header)]

    def is_hidden(self, place: Place) -> bool:
        """Whether the cell's row or column is hidden."""
        rows, columns = self._hidden
        return place[0] in rows or any(first <= place[1] <= last for first, last in columns)

    @cached_property
    def _bytes(self) -> bytes:
        part = self._book.parts.get(self._name)
        return self._book.read(part) if part else b""

    @cached_property
    def _root(self) -> etree._Element | None:
        return etree.fromstring(self._bytes, _PARSER) if self._bytes else None

    @cached_property
    def _states(self) -> dict[str, tuple[State, str]]:
        found: dict[str, tuple[State, str]] = {}
        for cell in () if self._root is None else self._root.iter("{*}c"):
            value, formula = cell.find("{*}v"), cell.find("{*}f")
            ref, kind, text = cell.get("r"), cell.get("t"), value.text or "" if value is not None else ""
            if ref and kind == "e":
                found[ref] = ("error", text)
            elif ref and formula is not None and self._open(kind, text):
                found[ref] = ("formula", "=" + (formula.text or ""))
        return found

    def _marked(self, cells: Mapping[Place, CellValue]) -> Iterator[tuple[Place, str]]:
        for cell in () if self._root is None else self._root.iter("{*}c"):
            ref, text = cell.get("r"), self._rich(cell)
            is_struck = cell.get("s") in self._book.struck
            if ref and (is_struck or text) and (place := place_of(ref)) in cells:
                yield place, struck(cells[place]) if is_struck else text

    def _rich(self, cell: etree._Element) -> str:
        kind, value, inline = cell.get("t"), cell.find("{*}v"), cell.find("{*}is")
        if kind == "s" and value is not None:
            return self._book.rich.get((value.text or "").strip(), "")
        return _rich_text(inline) if kind == "inlineStr" and inline is not None else ""

    def _open(self, kind: str | None, text: str) -> bool:
        # A text formula may well have come to nothing (t="str"): that cell is blank.
        return kind != "str" and (not text or self._book.not_worked_out)

    @cached_property
    def _formats(self) -> dict[str, str]:
        formats = self._book.formats
        cells = () if self._root is None else self._root.iter("{*}c")
        return {str(c.get("r")): formats[s] for c in cells if (s := c.get("s", "0")) in formats}

    @cached_property
    def _hidden(self) -> tuple[frozenset[int], tuple[tuple[int, int], ...]]:
        """The hidden rows, and the first and last of hidden columns. Without parsing: every form asks."""
        found = [(kind, dict(_NUMBER.findall(rest))) for kind, rest in _HIDDEN.findall(self._bytes)]
        rows = (int(numbers.get(b"r", 0)) - 1 for kind, numbers in found if kind == b"row")
        columns = (numbers for kind, numbers in found if kind == b"col")
        return frozenset(rows), tuple((int(n.get(b"min", 0)) - 1, int(n.get(b"max", 0)) - 1) for n in columns)


def _is_marked(xml: bytes) -> bool:
    return b"strike" in xml or b"vertAlign" in xml


def _manner(font: etree._Element | None) -> str:
    """Of a font or a run's properties (ECMA-376 part 1, 18.4): struck out, raised or lowered, or plain."""
    strike, align = (None, None) if font is None else (font.find("{*}strike"), font.find("{*}vertAlign"))
    if strike is not None and strike.get("val", "1") not in ("0", "false"):
        return STRUCK
    return APART if align is not None and align.get("val") in ("superscript", "subscript") else PLAIN


def _rich_text(string: etree._Element) -> str:
    """A string with something struck out or raised in it; nothing for any other."""
    pieces = [(_manner(r.find("{*}rPr")), r.findtext("{*}t") or "") for r in string.iterfind("{*}r")]
    return joined(pieces) if any(manner for manner, _ in pieces) else ""


def place_of(ref: str) -> Place:
    """B5 → (4, 1)."""
    letters = ref.rstrip("0123456789")
    return int(ref[len(letters) :]) - 1, column_number(letters) - 1
