"""The telephone list (催报电话单): whom to ring today, about what. One sheet, printed on A4 across."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from openpyxl import Workbook

from huizong.summary.cells import (
    BODY,
    CENTRE,
    INSET,
    LEFT,
    TITLE,
    dress,
    heads,
    line,
    lines,
    page,
    put_text,
    set_widths,
)
from huizong.summary.cells import LINE as LINE_HEIGHT
from huizong.summary.package import repacked

_HEADS = ("序号", "单位", "联系人", "电话", "尚缺", "上次联系", "备注", "通话记录")
_WIDTHS = (5, 16, 11, 17, 29, 20, 29, 16)
_MIDDLE = (0, 2, 3)
_ONE_PAGE = 20  # calls that one A4 still takes legibly


@dataclass(frozen=True)
class Call:
    """One line: a unit, in words as people read them."""

    unit: str
    contact: str
    phone: str
    missing: str
    last_contact: str
    remarks: str


def write_callsheet(title: str, calls: Sequence[Call], foot: str, as_of: datetime) -> bytes:
    """The .xlsx; the last column is empty, for the pen. The same calls give the same bytes."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "催报电话单"
    set_widths(sheet, _WIDTHS)
    line(sheet, 1, title, len(_HEADS), TITLE, CENTRE)
    heads(sheet, 2, _HEADS)
    for row, call in enumerate(calls, start=3):
        texts = (str(row - 2), call.unit, call.contact, call.phone, call.missing, call.last_contact,
                 call.remarks, "")  # fmt: skip
        for column, text in enumerate(texts):
            place = CENTRE if column in _MIDDLE else INSET
            dress(put_text(sheet, row, column + 1, text), BODY, place)
        needed = max(lines(text, width) for text, width in zip(texts, _WIDTHS, strict=True))
        sheet.row_dimensions[row].height = needed * LINE_HEIGHT + 8
    last = len(calls) + 3
    line(sheet, last, "电话中得到的数据不作为报送数据，请单位书面报送。", len(_HEADS), BODY, LEFT)
    page(sheet, landscape=True, columns=len(_HEADS), last=last, repeat="1:2", foot=foot)
    if len(calls) <= _ONE_PAGE:
        sheet.page_setup.fitToHeight = 1
    out = io.BytesIO()
    book.save(out)
    return repacked(out.getvalue(), as_of)
