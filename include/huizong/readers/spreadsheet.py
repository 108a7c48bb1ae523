"""Workbooks: xlsx, xlsm, xlsb, xls, et and ods by calamine, always from bytes.

calamine trusts a known file extension, gives '' for an error cell and for a formula whose result was not
saved, and panics with an exception that is no `Exception`: hence bytes, the second look, and the catch in
`entry`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from zipfile import ZipFile

from lxml import etree
from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import biff, limits
from huizong.readers.explanations import find_explanations
from huizong.readers.forms import find_forms
from huizong.readers.grammar import CellValue
from huizong.readers.grid import TOKEN_PREFIX, Grid, Place, a1, certainly_blank
from huizong.readers.model import FileReading, State

NO_FORM = "表格中未找到本次统计表，请使用通知所附表样填报，勿增删行列。"
NOT_SAVED = "文件中没有可读取的工作表，请重新保存后发送。"

_TOKEN = re.compile(rb"hz1\.[A-Za-z0-9._~=-]+")
_TOKEN_PARTS = ("docProps/custom.xml", "xl/workbook.xml")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


def read_spreadsheet(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read a workbook's forms.

    Raises:
        RejectedError: damaged, with a password, or too large to be read safely.
    """
    archive: ZipFile | None = None
    errors: biff.Errors = {}
    if kind == "xls":
        macros, errors = biff.check(data)
    else:
        archive = limits.open_zip(data)
        limits.check_far_cells(archive)
        macros = any(name.lower().endswith("vbaproject.bin") for name in archive.namelist())
    grids = _grids(data, archive if kind == "xlsx" else None, errors)
    forms = find_forms(grids, instruments)
    if len(forms) == 1 and forms[0].token is None:
        forms = [forms[0].model_copy(update={"token": token_of(archive) or _token_in(grids)})]
    return FileReading(
        kind=kind,
        disposition="return" if forms else "set_aside",
        reason="" if forms else NO_FORM,
        forms=tuple(forms),
        explanations=find_explanations(grids),
        macros=macros,
    )


def token_of(archive: ZipFile | None) -> str | None:
    """The token in a file's properties or defined names; both hold it as plain text in their XML."""
    for part in _TOKEN_PARTS if archive else ():
        if archive and part in archive.namelist() and (found := _TOKEN.search(archive.read(part))):
            return found[0].decode()
    return None


def _token_in(grids: Sequence[Grid]) -> str | None:
    texts = (text.strip() for grid in grids for _, text in grid.texts)
    return next((text for text in texts if text.startswith(TOKEN_PREFIX)), None)


def _grids(data: bytes, archive: ZipFile | None, errors: biff.Errors) -> list[Grid]:
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
    except PasswordError as e:
        raise RejectedError(limits.PASSWORD) from e
    except Exception as e:
        raise RejectedError(limits.DAMAGED) from e
    grids = []
    for index, sheet in enumerate(book.sheets_metadata):
        if sheet.typ is SheetTypeEnum.WorkSheet:
            second = _SecondLook(archive, sheet.name, errors.get(index, {}))
            grids.append(
                Grid(
                    name=sheet.name,
                    cells=_cells(book, index),
                    visible=sheet.visible is SheetVisibleEnum.Visible,
                    second_look=second if archive or errors else certainly_blank,
                )
            )
    if not grids:
        raise RejectedError(NOT_SAVED)
    return grids


def _cells(book: CalamineWorkbook, index: int) -> dict[Place, CellValue]:
    try:
        sheet = book.get_sheet_by_index(index)
        limits.check_size(sheet.total_height, sheet.total_width)
        rows = sheet.to_python(skip_empty_area=False)
    except RejectedError:
        raise
    except Exception as e:
        raise RejectedError(limits.DAMAGED) from e
    return {
        (r, c): cell
        for r, row in enumerate(rows)
        for c, cell in enumerate(row)
        if not (isinstance(cell, str) and not cell)
    }


class _SecondLook:
    """Tells a blank cell from one that calamine only shows as blank; parses the sheet when first asked."""

    def __init__(self, archive: ZipFile | None, sheet: str, known: dict[Place, tuple[State, str]]) -> None:
        self._archive, self._sheet, self._known = archive, sheet, known

    def __call__(self, place: Place) -> tuple[State, str]:
        if self._archive is None:
            return self._known.get(place, ("blank", ""))
        return unsaved_cells(self._archive, self._sheet).get(a1(place), ("blank", ""))


@lru_cache(maxsize=1)
def unsaved_cells(archive: ZipFile, sheet: str) -> dict[str, tuple[State, str]]:
    """A1 reference → state and raw text of the formulas without a result and the errors of an xlsx sheet."""
    part = _sheet_part(archive, sheet)
    if part is None:
        return {}
    found: dict[str, tuple[State, str]] = {}
    for cell in _parse(archive, part).iter("{*}c"):
        value, formula = cell.find("{*}v"), cell.find("{*}f")
        ref = cell.get("r")
        if ref and cell.get("t") == "e":
            found[ref] = ("error", value.text or "" if value is not None else "")
        elif ref and formula is not None and (value is None or not value.text) and cell.get("t") != "str":
            # A text formula may well have come to nothing (t="str"): that cell is blank.
            found[ref] = ("formula", "=" + (formula.text or ""))
    return found


def _sheet_part(archive: ZipFile, sheet: str) -> str | None:
    """The member that holds a sheet, by way of the workbook's relationships."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    targets = {r.get("Id"): r.get("Target", "") for r in _parse(archive, "xl/_rels/workbook.xml.rels")}
    for element in _parse(archive, "xl/workbook.xml").iter("{*}sheet"):
        if element.get("name") == sheet:
            ids = [v for k, v in element.attrib.items() if str(k).endswith("}id")]
            target = str(targets.get(ids[0], "")) if ids else ""
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return part if part in names else None
    return None


def _parse(archive: ZipFile, part: str) -> etree._Element:
    return etree.fromstring(archive.read(part), _PARSER)
