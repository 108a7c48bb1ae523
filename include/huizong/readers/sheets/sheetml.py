"""Workbooks as Excel's XML of 2003 (SpreadsheetML), which many web systems write and call .xls.

The reference is Microsoft's "XML Spreadsheet Reference" of 2001.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from lxml import etree

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.mime.charset import decode_bytes
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import Grid, Place, Raw
from huizong.readers.layout.pieces import APART, PLAIN, STRUCK, joined, struck
from huizong.readers.material.press import text_of
from huizong.readers.model import FileReading, State
from huizong.readers.secrecy import refuse_marked
from huizong.readers.sheets import print_header
from huizong.readers.sheets.explanations import find_explanations
from huizong.readers.sheets.spreadsheet import NO_FORM, NOT_SAVED

_SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_EXCEL = "{urn:schemas-microsoft-com:office:excel}"
_HIDDEN = f"{_EXCEL}WorksheetOptions/{{*}}Visible"
_HEADER = f"{_EXCEL}WorksheetOptions/{_EXCEL}PageSetup/{_EXCEL}Header"
_MANNERS = {"S": STRUCK, "Sup": APART, "Sub": APART}  # of HTML, inside a cell's data
_DECLARATION = re.compile(r"^\s*<\?xml\b[^>]*\?>")
_ENCODING = re.compile(rb"""^[^>]{0,200}\bencoding\s*=\s*["']([\w.:-]{1,40})["']""")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


def read_xml_spreadsheet(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read the forms of an XML workbook. A formula whose result is not there, and an error, are no blanks.

    Raises:
        RejectedError: damaged, too large, or with something far outside any form.
        RestrictedError: a sheet, or the header printed above it, bears a mark of secrecy.
    """
    if len(data) > limits.MAX_BYTES:
        raise RejectedError(limits.TOO_LARGE)
    root = _root(data)
    for header in root.iterfind(f"{_SS}Worksheet/{_HEADER}"):
        refuse_marked(print_header.lines_of(header.get(f"{_EXCEL}Data") or ""))
    striking = _striking(root)
    grids = [_Sheet(sheet, striking).grid() for sheet in root.iterfind(f"{_SS}Worksheet")]
    if not grids:
        raise RejectedError(NOT_SAVED)
    forms = find_forms(grids, instruments)
    return FileReading(
        kind=kind,
        disposition="return" if forms else "set_aside",
        reason="" if forms else NO_FORM,
        forms=tuple(forms),
        explanations=find_explanations(grids),
        text="" if forms else text_of(grids),
    )


def _root(data: bytes) -> etree._Element:
    # Decoded here: writers declare gb2312 over characters that it does not have.
    declared = _ENCODING.match(data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        text = decode_bytes(data, declared[1].decode() if declared else None).lstrip("\ufeff")
    # A parser for each file: lxml's keep what they learn of names.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(_DECLARATION.sub("", text, count=1).encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as e:
        raise RejectedError(limits.DAMAGED) from e


def _striking(root: etree._Element) -> frozenset[str]:
    """The styles that strike out what a cell holds."""
    styles = root.iterfind(f"{_SS}Styles/{_SS}Style")
    fonts = ((style.get(f"{_SS}ID") or "", style.find(f"{_SS}Font")) for style in styles)
    return frozenset(i for i, font in fonts if font is not None and font.get(f"{_SS}StrikeThrough") == "1")


class _Unsaved(Raw):
    """Formulas without a result, and errors."""

    def __init__(self) -> None:
        self.cells: dict[Place, tuple[State, str]] = {}

    def state(self, place: Place) -> tuple[State, str]:
        return self.cells.get(place, ("blank", ""))


class _Sheet:
    """One worksheet: rows and cells follow one another unless `ss:Index` says where they stand."""

    def __init__(self, sheet: etree._Element, striking: frozenset[str]) -> None:
        self._sheet = sheet
        self._striking = striking
        self._cells: dict[Place, CellValue] = {}
        self._unsaved = _Unsaved()
        self._covered: dict[int, int] = {}  # column → the last row that a merged cell above reaches into

    def grid(self) -> Grid:
        row = -1
        for element in self._sheet.iterfind(f"{_SS}Table/{_SS}Row"):
            row = _number(element, "Index", row + 2) - 1
            self._cells_of(element, row)
            row += _number(element, "Span", 0)
        return Grid(
            name=self._sheet.get(f"{_SS}Name") or "",
            cells=self._cells,
            visible=self._sheet.find(_HIDDEN) is None,
            raw=self._unsaved,
        )

    def _cells_of(self, element: etree._Element, row: int) -> None:
        column = 0
        for cell in element.iterfind(f"{_SS}Cell"):
            while self._covered.get(column, -1) >= row:
                column += 1
            column = _number(cell, "Index", column + 1) - 1
            self._cell(cell, (row, column))
            across, down = _number(cell, "MergeAcross", 0), _number(cell, "MergeDown", 0)
            if down:
                last = min(column + across, limits.MAX_COLUMN)
                self._covered |= dict.fromkeys(range(column, last + 1), row + down)
            column += across + 1

    def _cell(self, cell: etree._Element, place: Place) -> None:
        data, formula = cell.find(f"{_SS}Data"), cell.get(f"{_SS}Formula")
        text = joined(_pieces(data, PLAIN)) if data is not None else ""
        if not text and not formula:
            return
        limits.check_size(place[0] + 1, place[1] + 1)
        kind = data.get(f"{_SS}Type") if data is not None else None
        if kind == "Error":
            self._unsaved.cells[place] = ("error", text)
        elif text:
            value = _value(text, kind)
            self._cells[place] = struck(value) if cell.get(f"{_SS}StyleID") in self._striking else value
        elif kind != "String":  # a text formula may well have come to nothing: that cell is blank
            self._unsaved.cells[place] = ("formula", formula or "")


def _pieces(element: etree._Element, manner: str) -> Iterator[tuple[str, str]]:
    yield manner, element.text or ""
    for child in element:
        yield from _pieces(child, _MANNERS.get(str(child.tag).rpartition("}")[2], manner))
        yield manner, child.tail or ""


def _value(text: str, kind: str | None) -> CellValue:
    if kind == "Number" and _NUMBER.fullmatch(text.strip()):
        return float(text)
    if kind == "Boolean":
        return text.strip() == "1"
    if kind == "DateTime":
        try:
            return datetime.fromisoformat(text.strip())
        except ValueError:
            return text
    return text


def _number(element: etree._Element, name: str, otherwise: int) -> int:
    """A counting attribute; one that is no honest number says nothing."""
    text = element.get(f"{_SS}{name}") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise
