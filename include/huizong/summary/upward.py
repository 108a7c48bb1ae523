"""What goes to the level above: the sums on its form, or in the blank workbook that it sent."""

from __future__ import annotations

import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from huizong.errors import UsageError
from huizong.instruments.model import Instrument
from huizong.instruments.sheet import put
from huizong.instruments.workbook import SHEET_NAME
from huizong.summary.model import SummaryData
from huizong.summary.package import repacked
from huizong.summary.totals import total
from huizong.summary.workbook import form_sheet, held


def mapped(
    theirs: Instrument, mapping: Mapping[str, tuple[str, ...]], totals: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Item of their form → exact sum of our items; those to which nothing of ours belongs are left out.

    Raises:
        UsageError: the mapping names an item that is not there.
    """
    if unknown := [code for code in mapping if code not in theirs.by_code]:
        raise UsageError(f"upward.mapping：上级表样 {theirs.ref} 没有指标 {unknown[0]}，请改正。")
    if unknown := [code for codes in mapping.values() for code in codes if code not in totals]:
        raise UsageError(f"upward.mapping：本级合计中没有指标 {unknown[0]}，请改正。")
    found = {}
    for item in theirs.items:
        sources = mapping.get(item.code, (item.code,))
        if item.type != "text" and sources and all(code in totals for code in sources):
            found[item.code] = total(totals[code] for code in sources)
    return found


def write_upward(data: SummaryData, theirs: Instrument, totals: Mapping[str, Decimal]) -> bytes:
    """The printed form with the sums and nothing else in the .xlsx; the same data gives the same bytes."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEET_NAME
    form_sheet(sheet, data, theirs, totals)
    book.properties.title = theirs.title
    book.properties.creator = data.office_name
    return _saved(book, data)


def fill_blank(blank: bytes, data: SummaryData, ours: Instrument, name: str) -> bytes:
    """Their blank with our sums in the open cells beside the labels; all else stays, their token as well.

    Args:
        name: of the blank, for what is said.

    Raises:
        UsageError: it is no .xlsx; a label is not there, twice there, or has no free open cell beside it.
    """
    try:
        book = load_workbook(io.BytesIO(blank))
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as e:
        raise UsageError(f"上级空白表 {name} 不是可以打开的 .xlsx 工作簿，请向上级索取电子表格。") from e
    sheet = book.worksheets[0]
    places = _places(sheet, ours)
    for code, value in data.totals.items():
        item = ours.by_code[code]
        cells = places.get(code, [])
        if len(cells) != 1:
            what = "出现多处" if cells else "没有找到"
            raise UsageError(f"上级空白表 {name} 第一张表中“{item.label}”{what}，请人工填写该表。")
        target = _beside(sheet, cells[0])
        if target is None:
            raise UsageError(f"上级空白表 {name} 中“{item.label}”右侧没有可填写的空格，请人工填写该表。")
        put(sheet, target.coordinate, held(value))
    _name(sheet, ours, data.area_name)
    put(sheet, f"A{(sheet.max_row or 0) + 1}", data.method_sentence)
    return _saved(book, data)


def _places(sheet: Worksheet, form: Instrument) -> dict[str, list[Cell]]:
    """Item → the cells that say its label."""
    by_label: dict[str, str] = {}
    for item in form.items:
        by_label |= {_plain(label): item.code for label in (item.label, *item.aliases)}
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in _cells(sheet):
        if isinstance(cell.value, str) and (code := by_label.get(_plain(cell.value))):
            found[code].append(cell)
    return found


def _beside(sheet: Worksheet, label: Cell) -> Cell | None:
    """The first cell to the right that is no covered part of a merged one: if it is open and free."""
    for column in range(label.column + 1, (sheet.max_column or 0) + 1):
        cell = sheet.cell(label.row, column)
        if isinstance(cell, Cell):
            is_open = not (sheet.protection.sheet and cell.protection.locked)
            return cell if is_open and cell.value in (None, "") else None
    return None


def _name(sheet: Worksheet, form: Instrument, area: str) -> None:
    """Our name behind 部门/地方, where the level above left it empty."""
    for cell in _cells(sheet):
        if isinstance(cell.value, str) and _plain(cell.value) == _plain(form.unit_line):
            cell.value = f"{cell.value.rstrip()}{area}"


def _cells(sheet: Worksheet) -> Iterator[Cell]:
    yield from (cell for row in sheet.iter_rows() for cell in row if isinstance(cell, Cell))


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _saved(book: Workbook, data: SummaryData) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return repacked(file.getvalue(), data.as_of)
