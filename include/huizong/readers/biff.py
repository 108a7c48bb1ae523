"""What calamine cannot say of an old workbook (xls, et): its password, its macros, its error cells.

Only the records of the workbook stream are walked ([MS-XLS] 2.4: FilePass, BoundSheet8, BoolErr, Formula).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

import olefile

from huizong.errors import RejectedError
from huizong.readers import limits
from huizong.readers.grid import Place
from huizong.readers.model import State

Errors = dict[int, dict[Place, tuple[State, str]]]  # sheet's index in the book → place → state, raw text

_FORMULA, _FILE_PASS, _BOUND_SHEET, _BOOL_ERR, _BOF = 0x0006, 0x002F, 0x0085, 0x0205, 0x0809
_CODES = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}


def check(data: bytes) -> tuple[bool, Errors]:
    """Whether there are macros, and the error cells.

    Raises:
        RejectedError: the file has a password, or is damaged or too large.
    """
    if len(data) > limits.MAX_BYTES:
        raise RejectedError(limits.TOO_LARGE)
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            stream = ole.openstream("Workbook" if ole.exists("Workbook") else "Book").read()
            return ole.exists("_VBA_PROJECT_CUR"), _errors(stream)
    except RejectedError:
        raise
    except Exception as e:  # olefile raises whatever a broken table leads to
        raise RejectedError(limits.DAMAGED) from e


def _errors(stream: bytes) -> Errors:
    sheets: list[int] = []  # where each sheet's records begin
    found: Errors = {}
    current: dict[Place, tuple[State, str]] = {}
    for offset, kind, body in _records(stream):
        if kind == _FILE_PASS:
            raise RejectedError(limits.PASSWORD)
        if kind == _BOUND_SHEET:
            sheets.append(struct.unpack_from("<I", body)[0])
        elif kind == _BOF and offset in sheets:
            current = found.setdefault(sheets.index(offset), {})
        elif kind in (_BOOL_ERR, _FORMULA) and (code := _error_code(kind, body)) is not None:
            row, column = struct.unpack_from("<HH", body)
            current[row, column] = ("error", _CODES.get(code, "#ERR!"))
    return {index: cells for index, cells in found.items() if cells}


def _error_code(kind: int, body: bytes) -> int | None:
    if kind == _BOOL_ERR and len(body) >= 8 and body[7]:
        return body[6]
    # A formula's saved result: FF FF in its last two bytes says that it is no number, 2 that it is an error.
    if kind == _FORMULA and len(body) >= 14 and body[12:14] == b"\xff\xff" and body[6] == 2:
        return body[8]
    return None


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield at, kind, stream[at + 4 : at + 4 + length]
        at += 4 + length
