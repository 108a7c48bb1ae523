"""The printed form as a workbook: personal templates, and the same form holding the sums.

The layout is that of the annex: title, 部门/地方 line, then group, item and value columns. Nothing is added
to the printed form but a small form number at its foot. Value cells are open, the rest is protected without
a password. Checks only warn: where Excel refuses an entry, clerks copy the table elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, Protection
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
    put,
    saved,
    write,
)
from huizong.instruments.zip_master import ZipMaster, placeholder

SHEET_NAME = "统计表"
WIDTHS = {"A": 27.0, "B": 35.0, "C": 22.0}  # Excel's unit: one digit of the default font
ROW_HEIGHT = 30.0  # points; so are those below


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
        self._master = ZipMaster(saved(book, instrument.title))

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
    line(worksheet, 1, instrument.title, Font(name=TITLE_FONT, size=20), CENTRE, 46)
    name = f"{instrument.unit_line}{unit_name}"
    line(worksheet, 2, name, Font(name=BODY_FONT, size=BODY_SIZE), ONE_LINE, 34)
    last = _table(worksheet, instrument, values or {}, first=3)
    small = Font(name=VALUE_FONT, size=8, color="808080")
    line(worksheet, last + 1, foot, small, Alignment(horizontal="right", vertical="center"), 16)
    _checks(worksheet, instrument, first=3)
    protect(worksheet)
    page(worksheet, f"A1:C{last + 1}")
    if token is not None:
        carry(worksheet, token)


def _first_sheet(book: Workbook) -> Worksheet:
    sheet = book.worksheets[0]
    sheet.title = SHEET_NAME
    return sheet


def _table(
    sheet: Worksheet, instrument: Instrument, values: Mapping[str, Decimal | str | None], first: int
) -> int:
    """The three columns from row `first` on; returns the last row."""
    body, figure = Font(name=BODY_FONT, size=BODY_SIZE), Font(name=VALUE_FONT, size=BODY_SIZE)
    row = first
    for row, entry in enumerate(form_rows(instrument), start=first):
        for column in WIDTHS:
            sheet[f"{column}{row}"].border = GRID
        sheet.row_dimensions[row].height = _height(entry)
        if entry.group is not None:
            write(sheet, f"A{row}", entry.group, body, CENTRE)
        if entry.item.label_in_group:
            sheet.merge_cells(f"A{row}:B{row}")
        else:
            write(sheet, f"B{row}", entry.item.label, body, LEFT)
            if entry.span > 1:
                sheet.merge_cells(f"A{row}:A{row + entry.span - 1}")
        cell = sheet[f"C{row}"]
        cell.font, cell.alignment = figure, CENTRE
        cell.protection = Protection(locked=False)
        put(sheet, f"C{row}", values.get(entry.item.code))
    return row


def _height(entry: FormRow) -> float:
    """High enough for the wrapped label, and for this row's share of the group's cell."""
    if entry.item.label_in_group:
        return max(ROW_HEIGHT, LINE_HEIGHT * lines_of(entry.group or "", WIDTHS["A"] + WIDTHS["B"]) + 4)
    needed = LINE_HEIGHT * lines_of(entry.item.label, WIDTHS["B"]) + 4
    if entry.group is not None:
        rest = ROW_HEIGHT * (entry.span - 1)
        needed = max(needed, LINE_HEIGHT * lines_of(entry.group, WIDTHS["A"]) + 4 - rest)
    return max(ROW_HEIGHT, needed)


def _checks(sheet: Worksheet, instrument: Instrument, first: int) -> None:
    whole = number_check("whole", "请填写整数", "请填写阿拉伯数字（整数）；确无此项的填“0”。")
    decimal = number_check("decimal", "请填写数字", "请填写阿拉伯数字，可带小数，不写单位；确无此项的填“0”。")
    for row, entry in enumerate(form_rows(instrument), start=first):
        if entry.item.type == "integer":
            whole.add(f"C{row}")
        elif entry.item.type == "decimal":
            decimal.add(f"C{row}")
    for check in (whole, decimal):
        if check.sqref:
            sheet.add_data_validation(check)
