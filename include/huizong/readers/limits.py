"""Checks before any parser sees a file: a 6 KB workbook can make one ask for 549 GB.

All of them raise `RejectedError` with the sentence that the clerk reads.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile, ZipInfo

from lxml import etree

from huizong.errors import RejectedError

MAX_BYTES = 50 * 2**20  # of a workbook or document; pictures inside one take most of it
MAX_MEMBERS = 5_000
MAX_INFLATED = 64 * 2**20  # of the members that a parser inflates: its tree takes many times as much
MAX_RATIO = 200  # honest sheet XML packs 5 to 40 to 1
RATIO_MATTERS_FROM = 5 * 2**20
MAX_ROW = 2_000
MAX_COLUMN = 100
MAX_SPACES = 10_000  # that one mark of an ods cell may stand for
MAX_RECORDS = 2_000_000  # of a binary sheet

DAMAGED = "文件已损坏，无法打开，请重新保存后发送。"
TOO_LARGE = "文件过大或内容异常，无法读取，请将统计表另存为新文件后重新发送。"
FAR_CELL = f"表格在第{MAX_ROW}行以下或第{MAX_COLUMN}列以右还有内容，无法读取，请删除多余内容后重新发送。"
PASSWORD = "文件有密码，请取消密码后重新发送。"  # noqa: S105 (a sentence)

_PARSED = (".xml", ".rels", ".bin", ".vml")
_PIECE = 2**16
# A cell that holds something: not `<c …/>`, not `<c …></c>`. Any prefix, order of attributes, quotes.
_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Za-z]{1,3})([0-9]{1,7})["'][^>]*(?<!/)>(?!</)"""
)
# Any part may be a sheet, whatever its name; these are looked for as what they are called, and are none.
_NO_SHEET = re.compile(r"xl/(?:theme/|drawings/|media/|charts/|styles|sharedStrings|workbook)", re.I)
_ROW, _FIRST_CELL, _LAST_CELL, _RICH_CELL = (
    0,
    2,
    11,
    62,
)  # [MS-XLSB] 2.3.2: BrtRowHdr, BrtCell…, BrtCellRString


def open_zip(data: bytes) -> ZipFile:
    """The archive of an office file, after its members were counted and really inflated once.

    Raises:
        RejectedError: damaged, too large, too many members, or a bomb. Declared sizes are checked first; then
            the bytes are counted while they come out, and each member's checksum with them.
    """
    if len(data) > MAX_BYTES:
        raise RejectedError(TOO_LARGE)
    try:
        archive = ZipFile(BytesIO(data))
        members = archive.infolist()
        if any(m.flag_bits & 1 for m in members):
            raise RejectedError(PASSWORD)
        if len(members) > MAX_MEMBERS:
            raise RejectedError(TOO_LARGE)
        if _inconsistent(members, len(data)):
            raise RejectedError(DAMAGED)
        _inflate_all(archive, [m for m in members if m.filename.lower().endswith(_PARSED)])
    except RejectedError:
        raise
    except Exception as e:  # BadZipFile, zlib.error, EOFError, …: whatever a broken stream leads to
        raise RejectedError(DAMAGED) from e
    return archive


def _inconsistent(members: list[ZipInfo], size: int) -> bool:
    """Members that overlap, or two of one name, of which two programs may take different ones."""
    names = Counter(m.filename for m in members)
    return sum(m.compress_size for m in members) > size or any(n > 1 for n in names.values())


def _inflate_all(archive: ZipFile, members: list[ZipInfo]) -> None:
    declared = sum(m.file_size for m in members)
    packed = sum(m.compress_size for m in members)
    if declared > MAX_INFLATED or (declared > RATIO_MATTERS_FROM and declared > MAX_RATIO * packed):
        raise RejectedError(TOO_LARGE)
    left = MAX_INFLATED
    for member in members:
        for piece in _pieces(archive, member):
            left -= len(piece)
            if left < 0:
                raise RejectedError(TOO_LARGE)


def _pieces(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def check_far_cells(kind: str, archive: ZipFile) -> None:
    """Refuse a workbook with a value far outside any form: readers allocate the whole rectangle up to it.

    Raises:
        RejectedError: a value below row 2,000 or right of column 100, also by way of an ods file's repeated
            cells; so many records or spaces that only a hostile file has them.
    """
    for name in archive.namelist():
        if kind == "xlsx" and name.endswith(".xml") and name.startswith("xl/") and not _NO_SHEET.match(name):
            for column, row in _CELL.findall(archive.read(name)):
                check_cell(int(row), column_number(column.decode()))
        elif kind == "xlsb" and name.endswith(".bin") and name.startswith("xl/worksheets/"):
            _check_records(archive.read(name))
    if kind == "ods" and "content.xml" in archive.namelist():
        _check_open_document(archive.read("content.xml"))


def check_cell(row: int, column: int) -> None:
    """The same for one cell that holds something, counted from 1.

    Raises:
        RejectedError: below row 2,000 or right of column 100.
    """
    if row > MAX_ROW or column > MAX_COLUMN:
        raise RejectedError(FAR_CELL)


def _check_records(sheet: bytes) -> None:
    """The rows and columns of an xlsb sheet's cells that hold something."""
    row = 0
    for n, (kind, body) in enumerate(_records(sheet)):
        if n > MAX_RECORDS:
            raise RejectedError(TOO_LARGE)
        if kind == _ROW:
            row = int.from_bytes(body[:4], "little")
        elif _FIRST_CELL <= kind <= _LAST_CELL or kind == _RICH_CELL:
            check_cell(row + 1, int.from_bytes(body[:4], "little") + 1)


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and body of each record; both head fields are little-endian in groups of 7 bits."""
    at = 0
    while at < len(stream):
        kind, at = _seven_bits(stream, at, 2)
        length, at = _seven_bits(stream, at, 4)
        yield kind, stream[at : at + min(length, 8)]
        at += length


def _seven_bits(stream: bytes, at: int, most: int) -> tuple[int, int]:
    value = 0
    for n, byte in enumerate(stream[at : at + most]):
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value, at + n + 1
    return value, at + most


def _check_open_document(content: bytes) -> None:
    row = 0
    for event, element in etree.iterparse(
        BytesIO(content), events=("start", "end"), resolve_entities=False, no_network=True
    ):
        name = str(element.tag).rpartition("}")[2]
        if (event, name) == ("start", "table"):
            row = 0
        elif (event, name) == ("end", "table-row"):
            row = _check_repeated(element, row)
            element.clear()
        elif (event, name) == ("start", "s") and _repeats(element, "c") > MAX_SPACES:
            raise RejectedError(TOO_LARGE)


def _check_repeated(element: etree._Element, row: int) -> int:
    """Check a row's cells; returns the last row that it stands for."""
    row += _repeats(element, "number-rows-repeated")
    column = 0
    for cell in element:
        column += _repeats(cell, "number-columns-repeated")
        if len(cell) or any(str(key).endswith("}value-type") for key in cell.keys()):  # noqa: SIM118
            check_cell(row, column)
    return row


def _repeats(element: etree._Element, attribute: str) -> int:
    text = next((str(v) for k, v in element.attrib.items() if str(k).endswith("}" + attribute)), "1")
    return int(text) if text.isdecimal() and len(text) < 12 else MAX_ROW + 1


def check_size(height: int, width: int) -> None:
    """The same for what a parser says of a sheet, where the file itself cannot be asked beforehand.

    Raises:
        RejectedError: more than 2,000 rows or 100 columns.
    """
    if height > MAX_ROW or width > MAX_COLUMN:
        raise RejectedError(FAR_CELL)


def column_number(letters: str) -> int:
    """A → 1, Z → 26, AA → 27; small letters count as great ones, as readers take them."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number
