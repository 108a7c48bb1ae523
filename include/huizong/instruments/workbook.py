"""The printed form as a workbook: personal templates, and the same form holding the sums.

The layout is that of the annex: title, 部门/地方 line, then group, item and value columns. Nothing is added
to the printed form but a small form number at its foot. Value cells are open, the rest is protected without
a password. Checks only warn: where Excel refuses an entry, clerks copy the table elsewhere.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from math import ceil
from typing import Literal

from openpyxl import Workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Border, Font, Protection, Side
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from huizong.errors import UsageError
from huizong.instruments.form_number import printed_form_number
from huizong.instruments.model import Instrument, Item
from huizong.instruments.zip_master import ZipMaster, placeholder

SHEET_NAME = "统计表"
CARRIER_COLUMN = "T"  # of the token: hidden, beyond the print area, near enough for a dense reader
CARRIER_CELL = f"{CARRIER_COLUMN}1"
CARRIER_PROPERTY = "huizong_token"
CARRIER_NAME = "_hz_token"

TITLE_FONT, BODY_FONT, VALUE_FONT = "方正小标宋简体", "仿宋_GB2312", "宋体"
BODY_SIZE = 12
WIDTHS = {"A": 27.0, "B": 35.0, "C": 22.0}  # Excel's unit: one digit of the default font
ROW_HEIGHT = 30.0  # points; so are those below
LINE_HEIGHT = 18.0
POINTS_PER_WIDTH = 5.25
MARGINS = 14.0  # of a cell, with the indent

_THIN = Side(style="thin")
_GRID = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True, indent=1)
# A long name is made smaller rather than cut off: a wrapped one would need a row of its own height.
_ONE_LINE = Alignment(horizontal="left", vertical="center", shrink_to_fit=True)


@dataclass(frozen=True)
class FormRow:
    """One item's row of the printed form."""

    item: Item
    group: str | None  # as printed, in the first row of its group
    span: int  # rows of the group, in its first row; else 0


def form_rows(instrument: Instrument) -> Iterator[FormRow]:
    """The rows in printed order, with where each group's cell begins and how far down it is merged."""
    for group, members in groupby(instrument.items, key=lambda item: item.group):
        items = list(members)
        printed = instrument.printed_groups.get(group, group)
        for n, item in enumerate(items):
            yield FormRow(item, printed if n == 0 else None, len(items) if n == 0 else 0)


class WorkbookMaster:
    """The personal workbook of an instrument, laid out once and then copied per unit."""

    def __init__(self, instrument: Instrument) -> None:
        """Raises UsageError for an instrument that is no form with one value an item."""
        book = Workbook()
        build_form_sheet(
            _first_sheet(book),
            instrument,
            placeholder("unit"),
            foot=placeholder("foot"),
            token=placeholder("token"),
        )
        self._master = ZipMaster(_saved(book, instrument.title))

    def render(self, unit_name: str, token: str, form_number: str) -> bytes:
        """One unit's .xlsx: the same arguments give the same bytes."""
        return self._master.render(
            {"unit": unit_name, "token": token, "foot": printed_form_number(form_number)}
        )


def build_form_sheet(
    worksheet: Worksheet,
    instrument: Instrument,
    unit_name: str,
    values: Mapping[str, Decimal | str | None] | None = None,
    *,
    foot: str = "",
    token: str | None = None,
) -> None:
    """Lay the printed form out on an empty worksheet, with `values` (item code -> value) if there are any.

    `foot` is printed small below the table. A `token` goes into the hidden column and, once per workbook,
    into its properties and names.

    Raises:
        UsageError: the instrument is a list, not a form.
        ValueError: a value has more than the 15 digits that a cell can hold.
    """
    if instrument.kind != "form":
        raise UsageError(f"表样 {instrument.ref} 是名录（kind: list），不能按统计表排版")
    for column, width in WIDTHS.items():
        worksheet.column_dimensions[column].width = width
    _line(worksheet, 1, instrument.title, Font(name=TITLE_FONT, size=20), _CENTRE, 46)
    name = f"{instrument.unit_line}{unit_name}"
    _line(worksheet, 2, name, Font(name=BODY_FONT, size=BODY_SIZE), _ONE_LINE, 34)
    last = _table(worksheet, instrument, values or {}, first=3)
    small = Font(name=VALUE_FONT, size=8, color="808080")
    _line(worksheet, last + 1, foot, small, Alignment(horizontal="right", vertical="center"), 16)
    _checks(worksheet, instrument, first=3)
    _protect(worksheet)
    _page(worksheet, f"A1:C{last + 1}")
    if token is not None:
        _carry(worksheet, token)


def _first_sheet(book: Workbook) -> Worksheet:
    sheet = book.worksheets[0]
    sheet.title = SHEET_NAME
    return sheet


def _line(sheet: Worksheet, row: int, text: str, font: Font, alignment: Alignment, height: float) -> None:
    """A line of text over the whole width of the form."""
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=3)
    _write(sheet, f"A{row}", text, font, alignment)
    sheet.row_dimensions[row].height = height


def _write(sheet: Worksheet, place: str, text: str, font: Font, alignment: Alignment) -> None:
    cell = sheet[place]
    cell.value = text
    if text:
        cell.data_type = "s"  # a text that begins with = stays a text
    cell.font, cell.alignment = font, alignment


def _table(
    sheet: Worksheet, instrument: Instrument, values: Mapping[str, Decimal | str | None], first: int
) -> int:
    """The three columns from row `first` on; returns the last row."""
    body, figure = Font(name=BODY_FONT, size=BODY_SIZE), Font(name=VALUE_FONT, size=BODY_SIZE)
    row = first
    for row, entry in enumerate(form_rows(instrument), start=first):
        for column in WIDTHS:
            sheet[f"{column}{row}"].border = _GRID
        sheet.row_dimensions[row].height = _height(entry)
        if entry.group is not None:
            _write(sheet, f"A{row}", entry.group, body, _CENTRE)
        if entry.item.label_in_group:
            sheet.merge_cells(f"A{row}:B{row}")
        else:
            _write(sheet, f"B{row}", entry.item.label, body, _LEFT)
            if entry.span > 1:
                sheet.merge_cells(f"A{row}:A{row + entry.span - 1}")
        cell = sheet[f"C{row}"]
        cell.font, cell.alignment = figure, _CENTRE
        cell.protection = Protection(locked=False)
        _put(sheet, f"C{row}", values.get(entry.item.code))
    return row


def _put(sheet: Worksheet, place: str, value: Decimal | str | None) -> None:
    if isinstance(value, str):
        sheet[place].value = value
        sheet[place].data_type = "s"
    elif value is not None:
        if Decimal(f"{float(value):.15g}") != value:
            raise ValueError(f"{place}: {value} does not survive a cell's 15 digits")
        sheet[place].value = int(value) if value == value.to_integral_value() else value


def _height(entry: FormRow) -> float:
    """High enough for the wrapped label, and for this row's share of the group's cell."""
    if entry.item.label_in_group:
        return max(ROW_HEIGHT, LINE_HEIGHT * _lines(entry.group or "", WIDTHS["A"] + WIDTHS["B"]) + 4)
    needed = LINE_HEIGHT * _lines(entry.item.label, WIDTHS["B"]) + 4
    if entry.group is not None:
        rest = ROW_HEIGHT * (entry.span - 1)
        needed = max(needed, LINE_HEIGHT * _lines(entry.group, WIDTHS["A"]) + 4 - rest)
    return max(ROW_HEIGHT, needed)


def _lines(text: str, width: float) -> int:
    """Lines that a text takes in a column; every character counts as a full-width one."""
    characters = int((width * POINTS_PER_WIDTH - MARGINS) / BODY_SIZE)
    return sum(max(1, ceil(len(line) / characters)) for line in text.split("\n"))


def _checks(sheet: Worksheet, instrument: Instrument, first: int) -> None:
    whole = _check("whole", "请填写整数", "请填写阿拉伯数字（整数）；确无此项的填“0”。")
    decimal = _check("decimal", "请填写数字", "请填写阿拉伯数字，可带小数，不写单位；确无此项的填“0”。")
    for row, entry in enumerate(form_rows(instrument), start=first):
        if entry.item.type == "integer":
            whole.add(f"C{row}")
        elif entry.item.type == "decimal":
            decimal.add(f"C{row}")
    for check in (whole, decimal):
        if check.sqref:
            sheet.add_data_validation(check)


def _check(kind: Literal["whole", "decimal"], title: str, text: str) -> DataValidation:
    return DataValidation(
        type=kind,
        operator="greaterThanOrEqual",
        formula1="0",
        allow_blank=True,
        errorStyle="warning",
        showErrorMessage=True,
        errorTitle="请核对",
        error=f"所填内容不符合本项要求。{text}",
        showInputMessage=True,
        promptTitle=title,
        prompt=text,
    )


def _protect(sheet: Worksheet) -> None:
    """No password: protection keeps a slip of the hand away, not a person."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False  # False: not forbidden
    sheet.protection.formatRows = False


def _page(sheet: Worksheet, area: str) -> None:
    sheet.print_area = area
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.orientation = Worksheet.ORIENTATION_PORTRAIT
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth = sheet.page_setup.fitToHeight = 1
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins  # inches
    margins.left = margins.right = 0.79
    margins.top, margins.bottom, margins.header, margins.footer = 0.98, 0.79, 0.4, 0.4
    sheet.sheet_view.showGridLines = False
    for selection in sheet.sheet_view.selection:
        selection.activeCell = selection.sqref = "C3"


def _carry(sheet: Worksheet, token: str) -> None:
    """Three carriers: a cell of a hidden column, a document property, a name that holds a constant.

    The name is no reference, which would dangle when the sheet is renamed or copied.
    """
    _write(sheet, CARRIER_CELL, token, Font(size=8), Alignment(vertical="center"))
    sheet.column_dimensions[CARRIER_COLUMN].hidden = True
    if (book := sheet.parent) is None:
        raise ValueError("a sheet without its workbook cannot carry a token")
    properties = book.custom_doc_props  # type: ignore[attr-defined]  # not in the stubs
    properties.append(StringProperty(name=CARRIER_PROPERTY, value=token))
    book.defined_names[CARRIER_NAME] = DefinedName(CARRIER_NAME, attr_text=f'"{token}"', hidden=True)


def _saved(book: Workbook, title: str) -> bytes:
    book.properties.title = title
    book.properties.creator = ""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
