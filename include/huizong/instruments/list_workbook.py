"""A list (名录) as a workbook: title, unit line, a header row, and empty rows; one sheet, landscape."""

from __future__ import annotations

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, Protection
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from huizong.errors import UsageError
from huizong.instruments.form_number import printed_form_number
from huizong.instruments.model import Instrument, Item
from huizong.instruments.sheet import (
    BODY_FONT,
    BODY_SIZE,
    CENTRE,
    GRID,
    LEFT,
    LINE_HEIGHT,
    ONE_LINE,
    TITLE_FONT,
    VALUE_FONT,
    carry,
    line,
    lines_of,
    number_check,
    page,
    protect,
    saved,
    write,
)
from huizong.instruments.zip_master import ZipMaster, placeholder

SHEET_NAME = "备案表"
ROWS = 50  # empty ones; who needs more copies the last
HEADER_ROW = 3
NUMBER_HEAD = "序号"
_FIRST = HEADER_ROW + 1
_NUMBERS, _WIDE, _NARROW = 6.0, 24.0, 15.0  # Excel's unit: one digit of the default font
_ROW_HEIGHT = 26.0  # points
_LONG = ("内容", "地点", "时间", "名称", "单位")


class ListWorkbookMaster:
    """The personal workbook of a list, laid out once and then copied per unit."""

    def __init__(self, instrument: Instrument) -> None:
        """Raises UsageError for an instrument that is no list."""
        if instrument.kind != "list":
            raise UsageError(f"表样 {instrument.ref} 不是名录（kind: list）")
        book = Workbook()
        sheet = book.worksheets[0]
        sheet.title = SHEET_NAME
        _lay_out(sheet, instrument)
        self._master = ZipMaster(saved(book, instrument.title))

    def render(self, unit_name: str, token: str, form_number: str) -> bytes:
        """One unit's .xlsx: the same arguments give the same bytes."""
        return self._master.render(
            {"unit": unit_name, "token": token, "foot": printed_form_number(form_number)}
        )


def _lay_out(sheet: Worksheet, instrument: Instrument) -> None:
    last_column = len(instrument.items) + 1
    line(sheet, 1, instrument.title, Font(name=TITLE_FONT, size=20), CENTRE, 46, last_column)
    head = f"{instrument.unit_line}{placeholder('unit')}"
    line(sheet, 2, head, Font(name=BODY_FONT, size=BODY_SIZE), ONE_LINE, 34, last_column)
    bold = Font(name=BODY_FONT, size=BODY_SIZE, bold=True)
    columns = [(NUMBER_HEAD, _NUMBERS), *((item.label, _width(item)) for item in instrument.items)]
    for column, (text, width) in enumerate(columns, start=1):
        letter = get_column_letter(column)
        write(sheet, f"{letter}{HEADER_ROW}", text, bold, CENTRE)
        sheet[f"{letter}{HEADER_ROW}"].border = GRID
        sheet.column_dimensions[letter].width = width
    heads = (lines_of(item.label, _width(item)) for item in instrument.items)
    sheet.row_dimensions[HEADER_ROW].height = max(34.0, max(heads) * LINE_HEIGHT + 4)
    _rows(sheet, instrument)
    last = _FIRST + ROWS
    small = Font(name=VALUE_FONT, size=8, color="808080")
    line(sheet, last, placeholder("foot"), small, Alignment(horizontal="right"), 16, last_column)
    protect(sheet)
    sheet.protection.insertRows = sheet.protection.deleteRows = False  # False: not forbidden
    sheet.protection.formatCells = False
    page(sheet, f"A1:{get_column_letter(last_column)}{last}", landscape=True)
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    sheet.freeze_panes = f"B{_FIRST}"
    carry(sheet, placeholder("token"))


def _width(item: Item) -> float:
    is_long = item.type == "text" and not item.choices and any(word in item.label for word in _LONG)
    return _WIDE if is_long else _NARROW


def _rows(sheet: Worksheet, instrument: Instrument) -> None:
    figure = Font(name=VALUE_FONT, size=BODY_SIZE)
    # No height of its own: a row grows with what is typed into it, and prints whole.
    sheet.sheet_format.defaultRowHeight = _ROW_HEIGHT
    for n in range(ROWS):
        row = _FIRST + n
        sheet[f"A{row}"].value = n + 1
        for column in range(1, len(instrument.items) + 2):
            cell = sheet.cell(row, column)
            cell.border, cell.font = GRID, figure
            cell.alignment = CENTRE if column == 1 or instrument.items[column - 2].type != "text" else LEFT
            cell.protection = Protection(locked=False)
            if column > 1 and instrument.items[column - 2].type == "text":
                cell.number_format = "@"  # a phone number keeps its zeros, a date its words
    for column, item in enumerate(instrument.items, start=2):
        if check := _check(item):
            letter = get_column_letter(column)
            check.add(f"{letter}{_FIRST}:{letter}{_FIRST + ROWS - 1}")
            sheet.add_data_validation(check)


def _check(item: Item) -> DataValidation | None:
    """What Excel warns of: it never refuses, where it does clerks copy the table elsewhere."""
    if item.choices:
        listed = ",".join(item.choices)
        return DataValidation(
            type="list",
            formula1=f'"{listed}"',
            allow_blank=True,
            errorStyle="warning",
            showErrorMessage=True,
            errorTitle="请核对",
            error=f"请从下拉列表中选择：{'、'.join(item.choices)}。",
        )
    if item.type == "text":
        return None
    return number_check(
        "whole" if item.type == "integer" else "decimal", "请填写数字", "请填写阿拉伯数字，不写单位。"
    )
