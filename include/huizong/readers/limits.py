"""Checks before any parser sees a file: a 6 KB workbook can make one ask for 549 GB.

All of them raise `RejectedError` with the sentence that the clerk reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile, ZipInfo

from huizong.errors import RejectedError

MAX_BYTES = 50 * 2**20  # of a workbook or document; pictures inside one take most of it
MAX_MEMBERS = 5_000
MAX_INFLATED = 200 * 2**20  # of the members that a parser inflates
MAX_RATIO = 200  # honest sheet XML packs 5 to 40 to 1
RATIO_MATTERS_FROM = 5 * 2**20
MAX_ROW = 2_000
MAX_COLUMN = 100

DAMAGED = "文件已损坏，无法打开，请重新保存后发送。"
TOO_LARGE = "文件过大或内容异常，无法读取，请将统计表另存为新文件后重新发送。"
FAR_CELL = f"表格在第{MAX_ROW}行以下或第{MAX_COLUMN}列以右还有内容，无法读取，请删除多余内容后重新发送。"
PASSWORD = "文件有密码，请取消密码后重新发送。"  # noqa: S105 (a sentence)

_PARSED = (".xml", ".rels", ".bin", ".vml")
_PIECE = 2**16
# A cell that holds something: not `<c …/>`, not `<c …></c>`. Any prefix, order of attributes, quotes.
_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["'][^>]*(?<!/)>(?!</)"""
)


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
        _inflate_all(archive, [m for m in members if m.filename.lower().endswith(_PARSED)])
    except RejectedError:
        raise
    except Exception as e:  # BadZipFile, zlib.error, EOFError, …: whatever a broken stream leads to
        raise RejectedError(DAMAGED) from e
    return archive


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


def check_far_cells(archive: ZipFile) -> None:
    """Refuse an xlsx with a value far outside any form: readers allocate the whole rectangle up to it.

    Raises:
        RejectedError: a value below row 2,000 or right of column 100.
    """
    for name in archive.namelist():
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            for column, row in _CELL.findall(archive.read(name)):
                if int(row) > MAX_ROW or column_number(column.decode()) > MAX_COLUMN:
                    raise RejectedError(FAR_CELL)


def check_size(height: int, width: int) -> None:
    """The same for what a parser says of a sheet, where the file itself cannot be asked beforehand.

    Raises:
        RejectedError: more than 2,000 rows or 100 columns.
    """
    if height > MAX_ROW or width > MAX_COLUMN:
        raise RejectedError(FAR_CELL)


def column_number(letters: str) -> int:
    """A → 1, Z → 26, AA → 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
