"""A list merged from all units (汇总名单): the office's own, and one that may be published."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from huizong.instruments.model import Instrument, Item, row_key
from huizong.summary.cells import (
    BODY,
    CENTRE,
    FIGURE,
    INSET,
    LEFT,
    LINE,
    RIGHT,
    TITLE,
    WARNING,
    dress,
    heads,
    line,
    lines,
    page,
    put_figure,
    put_text,
    set_widths,
)
from huizong.summary.model import SummaryData
from huizong.summary.package import repacked

SHEET = "汇总名单"
HIGHEST = 409.0  # points; Excel takes no higher row
TO_REVIEW = "本名单不含联系人和电话，经审核后方可对外公布。"


@dataclass(frozen=True)
class ListedRow:
    """A row as a unit reported it: figures, or words as they stand."""

    unit: str  # its name
    order: int  # its place in 建制顺序
    cells: Mapping[str, Decimal | str | None]


@dataclass(frozen=True)
class MergedList:
    """All rows that count, in 建制顺序 and, of one unit, as it wrote them."""

    title: str
    instrument: Instrument
    rows: tuple[ListedRow, ...]

    @cached_property
    def repeated(self) -> dict[int, str]:
        """Row (from 0) → what it repeats: 与第3行（甲县）相同. The first of them says nothing."""
        first: dict[tuple[str, ...], int] = {}
        notes: dict[int, str] = {}
        for n, row in enumerate(self.rows):
            key = row_key(self.instrument, {code: str(cell or "") for code, cell in row.cells.items()})
            if not key:
                continue
            at = first.setdefault(key, n)
            if at != n:
                notes[n] = f"与第{at + 1}行（{self.rows[at].unit}）相同，请核实"
        return notes

    @property
    def totals(self) -> dict[str, Decimal]:
        """Item → the sum of a column of figures; what is no number adds nothing."""
        columns = [item.code for item in self.instrument.items if item.type != "text"]
        return {code: sum(self._figures(code), Decimal(0)) for code in columns}

    def _figures(self, code: str) -> list[Decimal]:
        return [cell for row in self.rows if isinstance(cell := row.cells.get(code), Decimal)]

    def by_unit(self) -> dict[str, int]:
        """Unit's name → how many rows are its."""
        counts: dict[str, int] = defaultdict(int)
        for row in self.rows:
            counts[row.unit] += 1
        return dict(counts)


def write_list(data: SummaryData, merged: MergedList, *, public: bool) -> bytes:
    """The .xlsx of one merged list; the same data gives the same bytes.

    Args:
        public: leave out the columns that are private, what repeats, and how far units have reported.
    """
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEET
    items = [item for item in merged.instrument.items if not (public and item.private)]
    titles = ["序号", "填报单位", *(item.label for item in items), *([] if public else ["备注"])]
    set_widths(sheet, [6, 18, *(_width(item) for item in items), *([] if public else [22])])
    line(sheet, 1, f"{merged.title}（汇总）", len(titles), TITLE, CENTRE)
    line(sheet, 2, _said(data, merged, public), len(titles), _colour(data), LEFT)
    heads(sheet, 3, titles)
    for n, row in enumerate(merged.rows):
        _row(sheet, 4 + n, n, row, items, None if public else merged.repeated.get(n, ""))
    sheet.freeze_panes = "C4"
    last = 3 + len(merged.rows)
    page(sheet, landscape=True, columns=len(titles), last=last, repeat="3:3", foot=data.edition.label)
    book.properties.title = f"{merged.title}（汇总，{data.edition.label}）"
    book.properties.creator = data.office_name
    file = io.BytesIO()
    book.save(file)
    return repacked(file.getvalue(), data.as_of)


def without_mark(data: bytes, as_of: datetime) -> bytes:
    """A public list after its review: the same file without the sentence that it has yet to be reviewed.

    Args:
        as_of: of its edition; the same list gives the same bytes.
    """
    book = load_workbook(io.BytesIO(data))
    sheet = book.worksheets[0]
    put_text(sheet, 2, 1, str(sheet["A2"].value).removesuffix(TO_REVIEW))
    file = io.BytesIO()
    book.save(file)
    return repacked(file.getvalue(), as_of)


def _said(data: SummaryData, merged: MergedList, public: bool) -> str:
    count = f"共{len(merged.rows)}项，来自{len(merged.by_unit())}家单位。"
    if public:
        return f"{data.edition.label}　数据截至{data.as_of_text}。{count}{TO_REVIEW}"
    twice = f"疑似重复{len(merged.repeated)}项，见备注。" if merged.repeated else ""
    return f"{data.edition.label}　数据截至{data.as_of_text}。{count}{twice}{data.coverage.sentence}"


def _colour(data: SummaryData) -> Font:
    return WARNING if data.edition.kind == "provisional" else BODY


def _row(
    sheet: Worksheet, row: int, n: int, listed: ListedRow, items: Sequence[Item], note: str | None
) -> None:
    dress(put_text(sheet, row, 1, str(n + 1)), FIGURE, CENTRE)
    dress(put_text(sheet, row, 2, listed.unit), BODY, INSET)
    deepest = lines(listed.unit, 18)
    for column, item in enumerate(items, start=3):
        value = listed.cells.get(item.code)
        if isinstance(value, str):
            dress(put_text(sheet, row, column, value), BODY, INSET)
            deepest = max(deepest, lines(value, _width(item)))
        else:
            dress(put_figure(sheet, row, column, value), FIGURE, RIGHT)
    if note is not None:
        dress(put_text(sheet, row, len(items) + 3, note), BODY, INSET)
        deepest = max(deepest, lines(note, 22))
    sheet.row_dimensions[row].height = min(HIGHEST, max(21.0, deepest * LINE + 6))


def _width(item: Item) -> float:
    if item.type != "text":
        return 12.0
    return 30.0 if "内容" in item.label else 14.0 if item.private else 20.0
