"""Cells that hold what was said: exact figures, and texts that stay texts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from huizong.summary.totals import canonical

TITLE_FONT, BODY_FONT, HEAD_FONT, FIGURE_FONT = "方正小标宋简体", "仿宋_GB2312", "黑体", "宋体"
TITLE = Font(name=TITLE_FONT, size=18)
HEAD = Font(name=HEAD_FONT, size=11)
BODY = Font(name=BODY_FONT, size=11)
FIGURE = Font(name=FIGURE_FONT, size=11)
SUM = Font(name=FIGURE_FONT, size=11, bold=True)
WARNING = Font(name=HEAD_FONT, size=11, color="B02318")

_THIN = Side(style="thin", color="595959")
GRID = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
SHADE = PatternFill("solid", fgColor="EDF1F5")
CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True)
INSET = Alignment(horizontal="left", vertical="center", wrap_text=True, indent=1)
RIGHT = Alignment(horizontal="right", vertical="center")

LINE = 15.0  # points of one line of 11-point text


def put_text(sheet: Worksheet, row: int, column: int, text: str) -> Cell:
    """A text as text, whatever it begins with (= + - @), and without what a workbook cannot hold."""
    cell = _cell(sheet, row, column)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text) or None
    if cell.value is not None:
        cell.data_type = "s"
        cell.quotePrefix = text.startswith(("=", "+", "-", "@"))  # stays text when somebody edits the cell
    return cell


def put_figure(sheet: Worksheet, row: int, column: int, value: Decimal | None) -> Cell:
    """A figure with as many places as it has; see `exact`. None leaves the cell empty: not reported."""
    cell = _cell(sheet, row, column)
    if value is None:
        return cell
    held = exact(value)
    cell.value = held
    places = len(canonical(value).partition(".")[2])
    cell.number_format = "@" if isinstance(held, str) else "0." + "0" * places if places else "0"
    return cell


def exact(value: Decimal) -> Decimal | int | str:
    """What a cell holds without loss: a number to 15 significant digits, beyond that its digits as text."""
    if Decimal(f"{float(value):.15g}") != value:
        return canonical(value)
    return int(value) if value == value.to_integral_value() else value


def line(sheet: Worksheet, row: int, text: str, columns: int, font: Font, alignment: Alignment) -> None:
    """A line of text over the first `columns` columns, high enough for all of it."""
    sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=columns)
    cell = put_text(sheet, row, 1, text)
    cell.font, cell.alignment = font, alignment
    width = sum(width_of(sheet, column) for column in range(1, columns + 1))
    size = float(font.size or 11)
    sheet.row_dimensions[row].height = lines(text, width, size) * size * 1.5 + 4


def heads(sheet: Worksheet, row: int, titles: Sequence[str]) -> None:
    """The head row of a plain table."""
    for column, title in enumerate(titles, start=1):
        dress(put_text(sheet, row, column, title), HEAD, CENTRE, shaded=True)
    sheet.row_dimensions[row].height = 26


def dress(cell: Cell, font: Font, alignment: Alignment, *, shaded: bool = False) -> None:
    """A cell of a table: grid, font, place, and the head's shade."""
    cell.font, cell.alignment, cell.border = font, alignment, GRID
    if shaded:
        cell.fill = SHADE


def set_widths(sheet: Worksheet, widths: Sequence[float]) -> None:
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width


def width_of(sheet: Worksheet, column: int) -> float:
    return float(sheet.column_dimensions[get_column_letter(column)].width)


def lines(text: str, width: float, size: float = 11) -> int:
    """Lines that a text takes in a column of that width (in digits of 11 points); Chinese counts twice."""
    room = max(2.0, (width - 1) * 11 / size)
    return sum(max(1, ceil(_length(part) / room)) for part in text.split("\n"))


def _length(text: str) -> int:
    return sum(2 if ord(ch) > 0x2E7F or ch in "“”‘’—…" else 1 for ch in text)


def page(sheet: Worksheet, *, landscape: bool, columns: int, last: int, repeat: str, foot: str) -> None:
    """A4, as wide as the page, head rows repeated, `foot` at the foot of each page."""
    sheet.page_setup.paperSize = int(Worksheet.PAPERSIZE_A4)
    sheet.page_setup.orientation = "landscape" if landscape else "portrait"
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.print_area = f"A1:{get_column_letter(columns)}{last}"
    sheet.print_title_rows = repeat
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins  # inches
    margins.left = margins.right = 0.5
    margins.top, margins.bottom, margins.header, margins.footer = 0.7, 0.7, 0.3, 0.35
    footer(sheet, foot)
    sheet.sheet_view.showGridLines = False


def footer(sheet: Worksheet, foot: str) -> None:
    """Edition and coverage at the left of each printed page, page n of N at the right."""
    printed = sheet.oddFooter
    assert printed is not None  # noqa: S101 - openpyxl makes one with every sheet
    printed.left.text = foot.replace("&", "＆")
    printed.right.text = "第 &P 页，共 &N 页"


def _cell(sheet: Worksheet, row: int, column: int) -> Cell:
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)  # noqa: S101 - not the covered part of a merged cell
    return cell
