"""The summary as a workbook: the form holding the sums, the units' figures, who reported, and the notes.

The first sheet is the printed form itself, so that one level's summary is a valid return at the next. Items
stand there down a column; in the other sheets across, so that no reader takes them for the form.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from huizong.instruments.model import Instrument, Item
from huizong.instruments.workbook import build_form_sheet
from huizong.rules.model import SEVERITIES, SEVERITY_FOR_CLERK
from huizong.summary.cells import (
    BODY,
    CENTRE,
    FIGURE,
    HEAD,
    INSET,
    LEFT,
    LINE,
    RIGHT,
    SUM,
    TITLE,
    WARNING,
    dress,
    exact,
    footer,
    heads,
    line,
    lines,
    page,
    put_figure,
    put_text,
    set_widths,
    width_of,
)
from huizong.summary.model import ADDED_NOT_DEDUPLICATED, SummaryData, UnitLine
from huizong.summary.package import repacked
from huizong.summary.totals import canonical

FORM_SHEET, DETAIL_SHEET, COVERAGE_SHEET, NOTES_SHEET = "汇总表", "分单位明细", "报送情况", "说明"


def write_workbook(data: SummaryData) -> bytes:
    """The .xlsx of an edition; the same data gives the same bytes.

    A collection without a form has neither the form's nor the units' sheet.
    """
    book = Workbook()
    sheets = [book.worksheets[0]]
    titles = [COVERAGE_SHEET, NOTES_SHEET]
    if data.instrument is not None:
        titles = [FORM_SHEET, DETAIL_SHEET, *titles]
    sheets += [book.create_sheet() for _ in titles[1:]]
    for sheet, title in zip(sheets, titles, strict=True):
        sheet.title = title
    if data.instrument is not None:
        form_sheet(book[FORM_SHEET], data, data.instrument, data.totals)
        _detail_sheet(book[DETAIL_SHEET], data, data.instrument)
    _coverage_sheet(book[COVERAGE_SHEET], data)
    _notes_sheet(book[NOTES_SHEET], data)
    book.properties.title = f"{data.cycle_title}汇总表（{data.edition.label}）"
    book.properties.creator = data.office_name
    file = io.BytesIO()
    book.save(file)
    return repacked(file.getvalue(), data.as_of)


def form_sheet(
    sheet: Worksheet, data: SummaryData, instrument: Instrument, totals: Mapping[str, Decimal]
) -> None:
    """The form with the sums; edition and coverage stand below it, outside of what is the form."""
    values = {code: held(value) for code, value in totals.items()}
    build_form_sheet(sheet, instrument, data.area_name, values)
    row = sheet.max_row
    notes = (
        f"版次：{data.edition.label}　数据截至：{data.as_of_text}",
        f"报送覆盖：{data.coverage.sentence}",
        data.method_sentence,
    )
    for row, note in enumerate(notes, start=sheet.max_row + 1):
        line(sheet, row, note, 3, BODY, LEFT)
    sheet.print_area = f"A1:C{row}"
    footer(sheet, _foot(data))


def held(value: Decimal) -> Decimal | str:
    """A sum as a cell keeps all of it: beyond 15 digits as text."""
    kept = exact(value)
    return kept if isinstance(kept, str) else value


def _detail_sheet(sheet: Worksheet, data: SummaryData, instrument: Instrument) -> None:
    """Units down in 建制顺序, items across; the sum above them, where it stays in sight."""
    items = [item for item in instrument.items if item.type != "text"]
    before, after = ("序号", "单位"), ("报送进度", "按时报送", "版次", "待核实", "备注")
    columns = len(before) + len(items) + len(after)
    set_widths(sheet, [5, _name_width(data), *(_item_width(data, i) for i in items), 9, 6, 8, 8, 18])
    line(sheet, 1, f"{data.cycle_title}分单位明细", columns, TITLE, CENTRE)
    line(sheet, 2, _edition_line(data), columns, WARNING if _is_open(data) else BODY, LEFT)
    _detail_heads(sheet, items, before, after)
    row = 6
    dress(put_text(sheet, row, 1, ""), HEAD, CENTRE, shaded=True)
    dress(put_text(sheet, row, 2, "合计"), HEAD, CENTRE, shaded=True)
    for column, item in enumerate(items, start=3):
        dress(put_figure(sheet, row, column, data.totals[item.code]), SUM, RIGHT, shaded=True)
    for column in range(3 + len(items), columns + 1):
        dress(put_text(sheet, row, column, ""), HEAD, CENTRE, shaded=True)
    sheet.row_dimensions[row].height = 28
    for n, unit in enumerate(data.units, start=1):
        _detail_row(sheet, row + n, n, unit, items)
    last = row + len(data.units) + 1
    line(sheet, last, f"注：{ADDED_NOT_DEDUPLICATED}；空白为未报或未计入。", columns, BODY, LEFT)
    sheet.freeze_panes = "C7"
    page(sheet, landscape=True, columns=columns, last=last, repeat="3:5", foot=_foot(data))
    sheet.print_title_cols = "A:B"


def _detail_heads(
    sheet: Worksheet, items: list[Item], before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Rows 3 to 5: group, item, unit of measure. What stands alone is merged down."""
    edges = [*enumerate(before, start=1), *enumerate(after, start=3 + len(items))]
    for column in range(1, 3 + len(items) + len(after)):
        for row in (3, 4, 5):
            dress(put_text(sheet, row, column, ""), HEAD, CENTRE, shaded=True)
    for column, title in edges:
        put_text(sheet, 3, column, title)
        sheet.merge_cells(start_row=3, end_row=5, start_column=column, end_column=column)
    column = 3
    for group, members in groupby(items, key=lambda item: item.group):
        span = list(members)
        put_text(sheet, 3, column, group)
        down = 4 if span[0].label_in_group else 3
        if down > 3 or len(span) > 1:
            sheet.merge_cells(
                start_row=3, end_row=down, start_column=column, end_column=column + len(span) - 1
            )
        for item in span:
            if not item.label_in_group:
                put_text(sheet, 4, column, item.label)
            put_text(sheet, 5, column, item.unit or "")
            column += 1
    deepest = max(lines(item.label, width_of(sheet, c)) for c, item in enumerate(items, start=3))
    sheet.row_dimensions[3].height = 36
    sheet.row_dimensions[4].height = max(40.0, deepest * LINE + 6)
    sheet.row_dimensions[5].height = 18


def _detail_row(sheet: Worksheet, row: int, n: int, unit: UnitLine, items: list[Item]) -> None:
    dress(put_text(sheet, row, 1, str(n)), FIGURE, CENTRE)
    dress(put_text(sheet, row, 2, unit.name), BODY, INSET)
    for column, item in enumerate(items, start=3):
        dress(put_figure(sheet, row, column, unit.values.get(item.code)), FIGURE, RIGHT)
    tail = (unit.status, unit.punctual_text, _version(unit), str(unit.open_queries or ""))
    for column, text in enumerate(tail, start=3 + len(items)):
        dress(put_text(sheet, row, column, text), FIGURE, CENTRE)
    notes = 3 + len(items) + len(tail)
    dress(put_text(sheet, row, notes, unit.notes), FIGURE, INSET)
    deepest = max(
        lines(unit.notes, width_of(sheet, notes)),
        lines(unit.status, width_of(sheet, notes - 4)),
        lines(unit.name, width_of(sheet, 2)),
    )
    sheet.row_dimensions[row].height = max(26.0, deepest * LINE + 4)


def _coverage_sheet(sheet: Worksheet, data: SummaryData) -> None:
    """Coverage in words, then every unit with what it still owes."""
    titles = (
        "序号",
        "代码",
        "单位",
        "报送进度",
        "收到时间",
        "按时报送",
        "版次",
        "待核实",
        "尚缺材料",
        "备注",
    )
    widths = (6, 12, _name_width(data), 11, 19, 11, 9, 9, 26, 28)
    set_widths(sheet, widths)
    line(sheet, 1, f"{data.cycle_title}报送情况", len(titles), TITLE, CENTRE)
    line(sheet, 2, _edition_line(data), len(titles), WARNING if _is_open(data) else BODY, LEFT)
    cover = data.coverage
    said = (cover.incomplete_sentence, cover.waived_sentence, data.rates_sentence)
    row = 3
    for sentence in filter(None, said):
        line(sheet, row, sentence, len(titles), BODY, LEFT)
        row += 1
    heads(sheet, row, titles)
    head = row
    owed = {code: "、".join(parts) for code, _, parts in cover.incomplete}
    absent = {code for code, _ in cover.missing}
    owed |= {unit.code: "、".join(unit.owed) or "全部材料" for unit in data.units if unit.code in absent}
    for n, unit in enumerate(data.units, start=1):
        row += 1
        cells = (
            str(n), unit.code, unit.name, unit.status, unit.received_at, unit.punctual_text,
            _version(unit), str(unit.open_queries or ""), owed.get(unit.code, ""), unit.notes,
        )  # fmt: skip
        for column, text in enumerate(cells, start=1):
            aligned = INSET if column in (3, 9, 10) else CENTRE
            dress(put_text(sheet, row, column, text), BODY if column == 3 else FIGURE, aligned)
        deepest = max(lines(text, width) for text, width in zip(cells, widths, strict=True))
        sheet.row_dimensions[row].height = max(21.0, deepest * LINE + 4)
    sheet.freeze_panes = f"D{head + 1}"
    page(sheet, landscape=True, columns=len(titles), last=row, repeat=f"{head}:{head}", foot=_foot(data))


def _notes_sheet(sheet: Worksheet, data: SummaryData) -> None:
    """What a reader of the figures has to know about them."""
    set_widths(sheet, (18, 78))
    line(sheet, 1, "汇总说明", 2, TITLE, CENTRE)
    row = 1
    for row, (name, text) in enumerate(_notes(data), start=2):
        dress(put_text(sheet, row, 1, name), HEAD, CENTRE, shaded=True)
        dress(put_text(sheet, row, 2, text), BODY, INSET)
        sheet.row_dimensions[row].height = max(24.0, lines(text, 78) * (LINE + 1) + 8)
    page(sheet, landscape=False, columns=2, last=row, repeat="1:1", foot=_foot(data))


def _notes(data: SummaryData) -> list[tuple[str, str]]:
    cover = data.coverage
    found = "、".join(
        f"{SEVERITY_FOR_CLERK[s]}{data.findings[s]}项" for s in SEVERITIES if data.findings.get(s)
    )
    notes = [
        ("统计任务", data.cycle_title),
        ("文号", data.document_number),
        ("发文单位", "、".join(data.issued_by)),
        ("报送事项", data.collection_title),
        ("汇总单位", data.office_name),
        ("版次", data.edition.label),
        ("数据截至", data.as_of_text),
        ("报送覆盖", cover.sentence + cover.incomplete_sentence + cover.waived_sentence),
        ("报送率", data.rates_sentence),
        ("口径", f"{ADDED_NOT_DEDUPLICATED}；上报数未作任何修改。{data.own_sentence}"),
        ("待核实", data.queries_sentence),
        ("审核问题", found or "无"),
        ("名单与要求", f"应报名单及报送要求第{data.definition_version}版。"),
        ("精度", "数字按上报的位数精确加总，不作四舍五入；超过15位有效数字的以文本形式列出。"),
    ]
    return [(name, text) for name, text in notes if text]


def _edition_line(data: SummaryData) -> str:
    return f"{data.edition.label}　数据截至{data.as_of_text}。{data.coverage.sentence}"


def _is_open(data: SummaryData) -> bool:
    return data.edition.kind == "provisional"


def _foot(data: SummaryData) -> str:
    cover = data.coverage
    of = f"　应报{cover.expected}家、已报{cover.returned}家" if cover.expected else ""
    return f"{data.edition.label}{of}"


def _version(unit: UnitLine) -> str:
    return f"第{unit.version}次" if unit.version else ""


def _name_width(data: SummaryData) -> float:
    return min(26.0, max([14.0, *(2.0 * len(unit.name) + 3 for unit in data.units)]))


def _item_width(data: SummaryData, item: Item) -> float:
    """Wide enough for the longest figure of the column, which Excel would otherwise show as ###."""
    figures = [data.totals[item.code], *(unit.values.get(item.code) for unit in data.units)]
    return max([8.5, *(len(canonical(v)) * 1.15 + 1.5 for v in figures if v is not None)])
