"""What every printed form's sheet has: its lines and cells, its page, and the token that it carries."""

from __future__ import annotations

import io
from decimal import Decimal
from math import ceil
from typing import Literal

from openpyxl import Workbook
from openpyxl.packaging.custom import StringProperty
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

CARRIER_COLUMN = "T"  # of the token: hidden, beyond the print area, near enough for a dense reader
CARRIER_CELL = f"{CARRIER_COLUMN}1"
CARRIER_PROPERTY = "huizong_token"
CARRIER_NAME = "_hz_token"

TITLE_FONT, BODY_FONT, VALUE_FONT = "方正小标宋简体", "仿宋_GB2312", "宋体"
BODY_SIZE = 12
LINE_HEIGHT = 18.0
POINTS_PER_WIDTH = 5.25
MARGINS = 14.0  # of a cell, with the indent

_THIN = Side(style="thin")
GRID = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True, indent=1)
# A long name is made smaller rather than cut off: a wrapped one would need a row of its own height.
ONE_LINE = Alignment(horizontal="left", vertical="center", shrink_to_fit=True)


def line(
    sheet: Worksheet,
    row: int,
    text: str,
    font: Font,
    alignment: Alignment,
    height: float,
    columns: int = 3,
) -> None:
    """A line of text over the whole width of the form. `height` is in points."""
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=columns)
    write(sheet, f"A{row}", text, font, alignment)
    sheet.row_dimensions[row].height = height


def write(sheet: Worksheet, place: str, text: str, font: Font, alignment: Alignment) -> None:
    cell = sheet[place]
    cell.value = text
    if text:
        cell.data_type = "s"  # a text that begins with = stays a text
    cell.font, cell.alignment = font, alignment


def put(sheet: Worksheet, place: str, value: Decimal | str | None) -> None:
    if isinstance(value, str):
        sheet[place].value = value
        sheet[place].data_type = "s"
    elif value is not None:
        if Decimal(f"{float(value):.15g}") != value:
            raise ValueError(f"{place}: {value} does not survive a cell's 15 digits")
        sheet[place].value = int(value) if value == value.to_integral_value() else value


def lines_of(text: str, width: float) -> int:
    """Lines that a text takes in a column; every character counts as a full-width one."""
    characters = int((width * POINTS_PER_WIDTH - MARGINS) / BODY_SIZE)
    return sum(max(1, ceil(len(line) / characters)) for line in text.split("\n"))


def number_check(kind: Literal["whole", "decimal"], title: str, text: str) -> DataValidation:
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


def protect(sheet: Worksheet) -> None:
    """No password: protection keeps a slip of the hand away, not a person."""
    sheet.protection.sheet = True
    sheet.protection.formatColumns = False  # False: not forbidden
    sheet.protection.formatRows = False


def page(sheet: Worksheet, area: str, *, landscape: bool = False) -> None:
    """A4, one page wide; upright it is one page high as well."""
    sheet.print_area = area
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.orientation = (
        Worksheet.ORIENTATION_LANDSCAPE if landscape else Worksheet.ORIENTATION_PORTRAIT
    )
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0 if landscape else 1
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins  # inches
    margins.left = margins.right = 0.79
    margins.top, margins.bottom, margins.header, margins.footer = 0.98, 0.79, 0.4, 0.4
    sheet.sheet_view.showGridLines = False
    for selection in sheet.sheet_view.selection:
        selection.activeCell = selection.sqref = "C3"


def carry(sheet: Worksheet, token: str) -> None:
    """Three carriers: a cell of a hidden column, a document property, a name that holds a constant.

    The name is no reference, which would dangle when the sheet is renamed or copied.
    """
    write(sheet, CARRIER_CELL, token, Font(size=8), Alignment(vertical="center"))
    sheet.column_dimensions[CARRIER_COLUMN].hidden = True
    if (book := sheet.parent) is None:
        raise ValueError("a sheet without its workbook cannot carry a token")
    properties = book.custom_doc_props  # type: ignore[attr-defined]  # not in the stubs
    properties.append(StringProperty(name=CARRIER_PROPERTY, value=token))
    book.defined_names[CARRIER_NAME] = DefinedName(CARRIER_NAME, attr_text=f'"{token}"', hidden=True)


def saved(book: Workbook, title: str) -> bytes:
    book.properties.title = title
    book.properties.creator = ""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
