"""Workbooks: xlsx, xlsm, xlsb, xls, et and ods by calamine, always from bytes.

calamine trusts a known file extension, gives '' for an error cell and for a formula whose result was not
saved, knows no number formats, and panics with an exception that is no `Exception`: hence bytes, the raw
look beside it, and the catch in `entry`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import Protocol
from zipfile import ZipFile

from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms, find_hidden_forms
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import TOKEN_PREFIX, Area, Grid, Place, Raw
from huizong.readers.material.press import text_of
from huizong.readers.model import FileReading, FormReading, ItemReading
from huizong.readers.secrecy import refuse_marked
from huizong.readers.sheets import biff, ods, sheet_xml
from huizong.readers.sheets.explanations import find_explanations
from huizong.readers.sheets.sheet_xml import place_of

NO_FORM = "表格中未找到本次统计表，请使用通知所附表样填报，勿增删行列。"
FORM_HIDDEN = "统计表在隐藏的工作表“{sheet}”中，请取消隐藏并核对后重新发送。"
TOO_OLD = "文件由很旧的表格软件保存，请另存为 xlsx 后重新发送。"
NOT_SAVED = "文件中没有可读取的工作表，请重新保存后发送。"

MACROS, DDE, LINKS = "含宏", "含DDE", "含外部链接"
HIDDEN_FIGURES = "隐藏的行或列中有填报数据：{cells}"
PERHAPS_ERRORS = "xlsb 文件中的空格可能是公式错误：{cells}"

_NAMED = 30  # cells that a note names

_TOKEN = re.compile(rb"hz1\.[A-Za-z0-9._~=-]+")
_TOKEN_PARTS = ("docProps/custom.xml", "xl/workbook.xml")
_MACRO_FOLDERS = ("xl/macrosheets/", "Basic/", "Scripts/")
_LINK_PART = re.compile(r"xl/externalLinks/[^/]+\.(?:xml|bin)")


class Book(Protocol):
    """What the file itself says of its sheets, beside what calamine says."""

    def sheet(self, index: int, name: str) -> Raw:
        """One of them."""
        ...


def read_spreadsheet(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read a workbook's forms. Formulas without a saved result ask for a second reading: `needs`.

    Raises:
        RejectedError: damaged, with a password, or too large to be read safely.
        RestrictedError: a sheet, or the header printed above it, bears a mark of secrecy.
    """
    archive: ZipFile | None = None
    if kind == "xls":
        old = biff.check(data)
        if old.before_97:
            return FileReading(kind=kind, disposition="set_aside", reason=TOO_OLD, needs="convert")
        notes = [n for n, is_so in ((MACROS, old.macros), (DDE, old.dde), (LINKS, old.links)) if is_so]
        grids = _grids(data, old)
    else:
        archive = limits.open_zip(data)
        limits.check_far_cells(kind, archive)
        notes = _notes(archive)
        grids = _grids(data, _raw_book(kind, archive))
    forms = find_forms(grids, instruments)
    if len(forms) == 1 and forms[0].token is None:
        forms = [forms[0].model_copy(update={"token": token_of(archive) or _token_in(grids)})]
    return FileReading(
        kind=kind,
        disposition="return" if forms else "set_aside",
        reason="" if forms else _no_form(grids, instruments),
        forms=tuple(forms),
        explanations=find_explanations(grids),
        text="" if forms else text_of(grids),
        macros=MACROS in notes,
        notes=(*notes, *_hidden_figures(grids, forms), *(_unsure(forms) if kind == "xlsb" else ())),
        needs="recalculate" if _is_unsaved(forms) else "",
    )


def _raw_book(kind: str, archive: ZipFile) -> Book | None:
    if kind == "xlsx":
        return sheet_xml.RawBook(archive)
    return ods.RawBook(archive) if kind == "ods" else None


def token_of(archive: ZipFile | None) -> str | None:
    """The token in a file's properties or defined names; both hold it as plain text in their XML."""
    for part in _TOKEN_PARTS if archive else ():
        if archive and part in archive.namelist() and (found := _TOKEN.search(archive.read(part))):
            return found[0].decode()
    return None


def _token_in(grids: Sequence[Grid]) -> str | None:
    texts = (text.strip() for grid in grids for _, text in grid.texts)
    return next((text for text in texts if text.startswith(TOKEN_PREFIX)), None)


def _notes(archive: ZipFile) -> list[str]:
    """What the operator is told of a workbook; none of it is ever run or followed."""
    names = archive.namelist()
    links = [archive.read(name) for name in names if _LINK_PART.fullmatch(name)]
    dde = any(b"ddeLink" in link for link in links)
    found = {
        MACROS: any(n.lower().endswith("vbaproject.bin") or n.startswith(_MACRO_FOLDERS) for n in names),
        DDE: dde or b"office:dde-source" in _content(archive, names),
        LINKS: bool(links) and not dde,
    }
    return [note for note, is_so in found.items() if is_so]


def _content(archive: ZipFile, names: Sequence[str]) -> bytes:
    """The body of an OpenDocument file; nothing for others."""
    return archive.read("content.xml") if "content.xml" in names else b""


def _no_form(grids: Sequence[Grid], instruments: Sequence[Instrument]) -> str:
    hidden = find_hidden_forms(grids, instruments)
    return FORM_HIDDEN.format(sheet=hidden[0].sheet) if hidden else NO_FORM


def _is_unsaved(forms: Sequence[FormReading]) -> bool:
    return any(item.state == "formula" for form in forms for item in _cells_of(form))


def _cells_of(form: FormReading) -> Iterator[ItemReading]:
    """What stands in a form's cells, or in those of a list's rows."""
    yield from (item for row in (form.items, *form.rows) for item in row.values())


def _hidden_figures(grids: Sequence[Grid], forms: Sequence[FormReading]) -> Iterator[str]:
    by_name = {grid.name: grid for grid in grids}
    cells = [
        item.cell
        for form in forms
        for item in _cells_of(form)
        if item.state != "blank" and by_name[item.sheet or form.sheet].raw.is_hidden(place_of(item.cell))
    ]
    if cells:
        more = f"等{len(cells)}格" if len(cells) > _NAMED else ""
        yield HIDDEN_FIGURES.format(cells="、".join(cells[:_NAMED]) + more)


def _unsure(forms: Sequence[FormReading]) -> Iterator[str]:
    cells = [i.cell for form in forms for i in form.items.values() if i.state == "blank"]
    if cells:
        yield PERHAPS_ERRORS.format(cells="、".join(cells))


def _grids(data: bytes, raw: Book | None) -> list[Grid]:
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
    except PasswordError as e:
        raise RejectedError(limits.PASSWORD) from e
    except Exception as e:
        raise RejectedError(limits.DAMAGED) from e
    grids = []
    for index, sheet in enumerate(book.sheets_metadata):
        if sheet.typ is SheetTypeEnum.WorkSheet:
            beside = raw.sheet(index, sheet.name) if raw else Raw()
            cells = _cells(book, index)
            refuse_marked(beside.headers())
            for place in beside.unsaved():
                cells.pop(place, None)
            cells |= beside.marked(cells)
            visible = sheet.visible is SheetVisibleEnum.Visible
            areas = beside.areas if isinstance(beside, ods.RawSheet) else partial(_areas, book, index)
            grids.append(Grid(name=sheet.name, cells=cells, visible=visible, raw=beside, areas=areas))
    if not grids:
        raise RejectedError(NOT_SAVED)
    return grids


def _areas(book: CalamineWorkbook, index: int) -> Sequence[Area]:
    """The merged cells of a sheet; none where calamine cannot tell."""
    try:
        return book.get_sheet_by_index(index).merged_cell_ranges or ()
    except Exception:  # the cells are read already: a damaged list of areas is no reason to refuse them
        return ()


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
