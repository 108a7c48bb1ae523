"""What calamine cannot say of an old workbook (xls, et): password, macros, error cells, number formats, DDE.

Only the records of the workbook stream are walked ([MS-XLS] 2.4: FilePass, BoundSheet8, BoolErr, Formula,
Font, XF, Format, Header, SupBook).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from io import BytesIO

import olefile

from huizong.errors import RejectedError
from huizong.instruments.model import Item
from huizong.readers import limits
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import Place, Raw
from huizong.readers.layout.pieces import struck
from huizong.readers.model import State
from huizong.readers.sheets import print_header
from huizong.readers.sheets.number_formats import BUILT_IN, shown_otherwise, suspicious

_FORMULA, _FILE_PASS, _BOUND_SHEET, _BOOL_ERR, _BOF = 0x0006, 0x002F, 0x0085, 0x0205, 0x0809
_NUMBER, _RK, _MUL_RK, _XF, _FORMAT, _SUP_BOOK = 0x0203, 0x027E, 0x00BD, 0xE0, 0x041E, 0x01AE
_HEADER, _FONT, _LABEL, _LABEL_SST = 0x0014, 0x0031, 0x0204, 0x00FD
_STYLED = frozenset((_NUMBER, _RK, _FORMULA, _MUL_RK, _LABEL, _LABEL_SST))
_STRUCK_OUT = 0x08  # in the second byte pair of a Font
# What holds a value ([MS-XLS] 2.4: Formula, Number, Label, BoolErr, RK, MulRk, LabelSst, RString).
_CELLS = frozenset((_FORMULA, 0x0203, 0x0204, _BOOL_ERR, 0x027E, 0x00BD, 0x00FD, 0x00D6))
_CODES = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_ALWAYS_CALCULATE = 1  # a formula's flag; beside a result of 0: nobody has worked it out
_NO_RESULT = b"\x03\0\0\0\0\0\xff\xff"
_UNSAVED = "=（公式）"


@dataclass
class RawSheet(Raw):
    """One sheet: the cells that are errors or formulas without a result, and the style of the figures."""

    states: dict[Place, tuple[State, str]] = field(default_factory=dict)
    styles: dict[Place, int] = field(default_factory=dict)
    formats: dict[int, str] = field(default_factory=dict)  # of the book: style → a format worth a look
    struck: frozenset[int] = frozenset()  # of the book: styles that strike out what a cell holds
    header: str = ""  # printed above each page, with its codes

    def state(self, place: Place) -> tuple[State, str]:
        """Of a cell that calamine shows as empty."""
        return self.states.get(place, ("blank", ""))

    def shown(self, place: Place, number: Decimal, item: Item) -> str:
        """What the cell shows, where its number format makes that another figure."""
        code = self.formats.get(self.styles.get(place, -1), "")
        return shown_otherwise(number, code, item) if code else ""

    def unsaved(self) -> Collection[Place]:
        """Formulas whose result calamine gives as 0."""
        return [place for place, (state, _) in self.states.items() if state == "formula"]

    def marked(self, cells: Mapping[Place, CellValue]) -> Mapping[Place, str]:
        """What the cells say that are struck out as a whole."""
        places = (p for p, style in self.styles.items() if style in self.struck and p in cells)
        return {place: struck(cells[place]) for place in places}

    def headers(self) -> Collection[str]:
        """The texts that are printed above each page."""
        return print_header.lines_of(self.header)


@dataclass
class RawBook:
    """An old workbook: its sheets by their index, whether it has macros, external links, DDE."""

    sheets: dict[int, RawSheet] = field(default_factory=dict)
    before_97: bool = False  # texts in a code page, which calamine garbles
    macros: bool = False
    links: bool = False
    dde: bool = False

    def sheet(self, index: int, name: str) -> Raw:
        """The sheet at a place in the book."""
        return self.sheets.get(index) or Raw()


def check(data: bytes) -> RawBook:
    """What calamine cannot say.

    Raises:
        RejectedError: a password, damaged, too large, or a value far outside any form.
    """
    if len(data) > limits.MAX_BYTES:
        raise RejectedError(limits.TOO_LARGE)
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            stream = ole.openstream("Workbook" if ole.exists("Workbook") else "Book").read()
            walk = _Walk()
            walk.records(stream)
            walk.book.macros = ole.exists("_VBA_PROJECT_CUR")
            return walk.book
    except RejectedError:
        raise
    except Exception as e:  # olefile raises whatever a broken table leads to
        raise RejectedError(limits.DAMAGED) from e


class _Walk:
    """One pass over the records: those of the book first, then sheet by sheet."""

    def __init__(self) -> None:
        self.book = RawBook()
        self._starts: list[int] = []  # where each sheet's records begin
        self._codes = dict(BUILT_IN)
        self._styles: list[tuple[int, int]] = []  # style → the numbers of its font and its format
        self._fonts: list[bool] = []  # whether a font strikes out
        self._formats: dict[int, str] = {}
        self._struck: frozenset[int] = frozenset()
        self._sheet = RawSheet()

    def records(self, stream: bytes) -> None:
        for offset, kind, body in _records(stream):
            if kind in _CELLS:
                _check_place(body)
            if kind == _FILE_PASS:
                raise RejectedError(limits.PASSWORD)
            if kind == _BOF and not offset:
                self.book.before_97 = struct.unpack_from("<H", body)[0] < 0x0600
            elif kind == _BOF and offset in self._starts:
                self._begin(self._starts.index(offset))
            elif kind in (_BOOL_ERR, _FORMULA) and (state := _state(kind, body)):
                self._sheet.states[struct.unpack_from("<HH", body)] = state
            elif kind in _STYLED and (self._formats or self._struck):
                self._sheet.styles.update(_cell_styles(kind, body))
            elif kind == _HEADER and len(body) > 2 and not self.book.before_97:
                self._sheet.header = _text(body)
            elif kind in (_BOUND_SHEET, _FONT, _XF, _FORMAT, _SUP_BOOK):
                self._of_the_book(kind, body)

    def _begin(self, index: int) -> None:
        if not self._formats:
            used = {n: self._codes.get(number, "") for n, (_, number) in enumerate(self._styles)}
            self._formats = {n: code for n, code in used.items() if code and suspicious(code)}
            # There is no font 4: the fifth in the file has the number 5 ([MS-XLS] 2.5.129).
            fonts = {n + (n >= 4) for n, strikes_out in enumerate(self._fonts) if strikes_out}
            self._struck = frozenset(n for n, (font, _) in enumerate(self._styles) if font in fonts)
        raw = RawSheet(formats=self._formats, struck=self._struck)
        self._sheet = self.book.sheets.setdefault(index, raw)

    def _of_the_book(self, kind: int, body: bytes) -> None:
        if kind == _BOUND_SHEET:
            self._starts.append(struct.unpack_from("<I", body)[0])
        elif kind == _XF:
            self._styles.append(struct.unpack_from("<HH", body))
        elif kind == _FONT:
            self._fonts.append(bool(body[2] & _STRUCK_OUT))
        elif kind == _FORMAT and len(body) >= 5 and not self.book.before_97:
            self._codes[struct.unpack_from("<H", body)[0]] = _text(body[2:])
        elif kind == _SUP_BOOK and len(body) > 4:  # four bytes: the book itself, or add-in functions
            # A path with the mark 3 in it is a DDE (or OLE) link: program, mark, topic ([MS-XLS] 2.5.277).
            self.book.dde |= "\x03" in _text(body[2:])
            self.book.links |= "\x03" not in _text(body[2:])


def _check_place(body: bytes) -> None:
    row, column = struct.unpack_from("<HH", body)
    limits.check_cell(row + 1, column + 1)


def _text(body: bytes) -> str:
    """An XLUnicodeString: length, flags, characters of one or two bytes ([MS-XLS] 2.5.294)."""
    length, flags = struct.unpack_from("<HB", body)
    characters = body[3 : 3 + length * (2 if flags & 1 else 1)]
    return characters.decode("utf-16-le" if flags & 1 else "latin-1", "replace")


def _cell_styles(kind: int, body: bytes) -> Iterator[tuple[Place, int]]:
    row, column, style = struct.unpack_from("<HHH", body)
    if kind != _MUL_RK:
        yield (row, column), style
        return
    for n in range((len(body) - 6) // 6):
        yield (row, column + n), struct.unpack_from("<H", body, 4 + 6 * n)[0]


def _state(kind: int, body: bytes) -> tuple[State, str] | None:
    if kind == _BOOL_ERR:
        return ("error", _CODES.get(body[6], "#ERR!")) if len(body) >= 8 and body[7] else None
    if len(body) < 16:
        return None
    # A formula's saved result: FF FF in its last two bytes says that it is no number, 2 that it is an error.
    if body[12:14] == b"\xff\xff" and body[6] == 2:
        return "error", _CODES.get(body[8], "#ERR!")
    # 3: nothing at all, what writers put there that cannot calculate; so is 0 with the flag.
    unsaved = body[6:14] == _NO_RESULT or (body[14] & _ALWAYS_CALCULATE and not any(body[6:14]))
    return ("formula", _UNSAVED) if unsaved else None


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield at, kind, stream[at + 4 : at + 4 + length]
        at += 4 + length
