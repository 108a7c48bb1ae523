"""The summary as a Word report, on the paper of official documents (`paper`)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from math import ceil
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.shared import Pt
from docx.table import Table

from huizong.instruments.model import Instrument, Item
from huizong.rules.model import SEVERITIES, SEVERITY_FOR_CLERK
from huizong.summary.model import ADDED_NOT_DEDUPLICATED, SummaryData, UnitLine, date_text
from huizong.summary.package import repacked
from huizong.summary.paper import (
    BODY_FONT,
    BODY_SIZE,
    NOTE_FONT,
    PITCH,
    TEXT_WIDTH,
    TITLE_FONT,
    TITLE_SIZE,
    add_heading,
    add_paragraph,
    add_table,
    clean,
    dress,
    set_header,
    set_page,
)
from huizong.summary.totals import canonical, total

MAIN_MEASURES = 4  # in the units' table at most; the workbook has all items
UNIT_COLUMNS = (14, 32, 22, 14)  # mm, so are those below: number, unit, progress, punctual
DIGIT, CELL_MARGINS = 2.15, 4  # of the table's text


def write_report(data: SummaryData) -> bytes:
    """The .docx of an edition; the same data gives the same bytes."""
    document = docx.Document()
    set_page(document)
    _opening(document, data)
    numbered = _sections(data)
    for numeral, (heading, write) in zip("一二三四五", numbered, strict=False):
        add_heading(document, f"{numeral}、{heading}")
        write(document, data)
    _signature(document, data)
    properties = document.core_properties
    properties.title, properties.author = _title(data), data.office_name
    properties.comments, properties.last_modified_by = data.edition.label, data.office_name
    file = io.BytesIO()
    document.save(file)
    return repacked(file.getvalue(), data.as_of)


def _title(data: SummaryData) -> str:
    return f"关于{data.cycle_title}开展情况的汇总报告"


def _sections(data: SummaryData) -> list[tuple[str, Any]]:
    sections = [("报送情况", _coverage), ("分单位情况", _units), ("数据说明", _notes)]
    if data.instrument is not None:
        sections.insert(1, ("数据汇总", _totals))
    if data.snippets:
        sections.insert(-1, ("典型经验和意见建议（摘自各单位总结原文）", _snippets))
    return sections


def _opening(document: Document, data: SummaryData) -> None:
    # Two lines that each make sense, rather than a last line of one character.
    for text in (f"关于{data.cycle_title}", "开展情况的汇总报告"):
        title = add_paragraph(document, text, TITLE_FONT, TITLE_SIZE, ALIGN.CENTER, indent=False)
        title.paragraph_format.line_spacing = Pt(34)
    stamp = add_paragraph(document, data.edition.label, NOTE_FONT, align=ALIGN.CENTER, indent=False)
    stamp.paragraph_format.space_after = Pt(14)
    if data.edition.kind == "provisional":
        stamp.runs[0].bold = True
        set_header(document, data.edition.label)
    number = f"（{data.document_number}）" if data.document_number else ""
    add_paragraph(
        document,
        f"根据{'、'.join(data.issued_by)}通知{number}要求，现将{data.collection_title}"
        f"截至{data.as_of_text}的汇总情况报告如下。",
    )


def _coverage(document: Document, data: SummaryData) -> None:
    cover = data.coverage
    for said in (cover.sentence + data.rates_sentence, cover.incomplete_sentence, cover.waived_sentence):
        if said:
            add_paragraph(document, said)


@dataclass(frozen=True)
class _Measure:
    """One item, or the parts of one whole added up."""

    label: str
    unit: str
    items: tuple[Item, ...]

    def of(self, values: Mapping[str, Decimal | None]) -> Decimal | None:
        """None where nothing of it was reported."""
        held = [values.get(item.code) for item in self.items]
        return None if all(value is None for value in held) else total(held)

    @property
    def head(self) -> str:
        return f"{self.label}（{self.unit}）" if self.unit else self.label

    def said(self, values: Mapping[str, Decimal | None]) -> str:
        return f"{self.label}{canonical(self.of(values) or Decimal(0))}{self.unit}"


def _measures(instrument: Instrument) -> list[list[_Measure]]:
    """Per group: its items in one sum where all have one unit of measure, else one by one."""
    return [_of_group(list(items)) for _, items in groupby(_figures(instrument), key=lambda i: i.group)]


def _of_group(items: list[Item]) -> list[_Measure]:
    units = {item.unit or "" for item in items}
    if len(items) == 1 or len(units) > 1:
        return [_Measure(item.label, item.unit or "", (item,)) for item in items]
    name = items[0].group.partition("(")[0].partition("（")[0]
    return [_Measure(f"{name}{len(items)}项相加", units.pop(), tuple(items))]


def _figures(instrument: Instrument) -> list[Item]:
    return [item for item in instrument.items if item.type != "text"]


def _totals(document: Document, data: SummaryData) -> None:
    """The main totals in a sentence, then all of them in a table."""
    instrument = data.instrument
    assert instrument is not None  # noqa: S101 - the section is left out without a form
    reporting = sum(1 for unit in data.units if unit.values)
    said = "；".join("，".join(m.said(data.totals) for m in group) for group in _measures(instrument))
    add_paragraph(document, f"据{reporting}家单位上报数加总：{said}。各项汇总数见下表。")
    items = _figures(instrument)
    rows = [
        (
            str(instrument.numbers[item.code]),
            item.group,
            item.label,
            item.unit or "",
            canonical(data.totals[item.code]),
        )
        for item in items
    ]
    head = ("序号", "类别", "指标", "计量单位", "汇总数")
    aligned = (ALIGN.CENTER, ALIGN.LEFT, ALIGN.LEFT, ALIGN.CENTER, ALIGN.RIGHT)
    table = add_table(document, head, rows, (14, 42, 52, 22, 26), aligned)
    _merge_groups(table, items)


def _merge_groups(table: Table, items: Sequence[Item]) -> None:
    """As on the form: a group's cell goes down over its items, or across where it is the label itself."""
    row = 1
    for _, members in groupby(items, key=lambda item: item.group):
        group = list(members)
        across = group[0].label_in_group
        covered = [(row, 2)] if across else [(row + n, 1) for n in range(1, len(group))]
        for place in covered:
            table.cell(*place).text = ""
            merged = table.cell(row, 1).merge(table.cell(*place))
            for empty in merged.paragraphs[1:]:
                empty._element.getparent().remove(empty._element)
        row += len(group)


def _units(document: Document, data: SummaryData) -> None:
    """Every unit's progress, with the first measure of each group as far as the page takes them."""
    measures = [group[0] for group in _measures(data.instrument)] if data.instrument else []
    fitting = _fitting([measure for measure in measures if measure.of(data.totals)], data.units)
    shown = list(fitting)
    also = "及主要指标如下（全部指标见汇总表“分单位明细”）" if shown else "如下"
    add_paragraph(document, f"各单位报送进度{also}。")
    rows = [_unit_row(n, unit, shown) for n, unit in enumerate(data.units, start=1)]
    head = ("序号", "单位", "报送进度", "按时", *(measure.head for measure in shown))
    fixed = UNIT_COLUMNS if shown else (14, 78, 42, 22)
    aligned = (ALIGN.CENTER, ALIGN.LEFT, ALIGN.CENTER, ALIGN.CENTER, *(ALIGN.RIGHT for _ in shown))
    add_table(document, head, rows, (*fixed, *fitting.values()), aligned)


def _fitting(measures: Sequence[_Measure], units: Sequence[UnitLine]) -> dict[_Measure, int]:
    """The first measures that fit beside the fixed columns with no figure broken over lines, with widths."""
    room = TEXT_WIDTH - sum(UNIT_COLUMNS)
    widths: dict[_Measure, int] = {}
    for measure in measures[:MAIN_MEASURES]:
        figures = (measure.of(unit.values) for unit in units)
        longest = max((len(canonical(figure)) for figure in figures if figure is not None), default=0)
        needed = max(18, ceil(longest * DIGIT + CELL_MARGINS))
        if sum(widths.values()) + needed > room:
            break
        widths[measure] = needed
    spare = (room - sum(widths.values())) // max(1, len(widths))
    return {measure: width + spare for measure, width in widths.items()}


def _unit_row(n: int, unit: UnitLine, measures: Sequence[_Measure]) -> tuple[str, ...]:
    figures = (measure.of(unit.values) for measure in measures)
    shown = ("" if value is None else canonical(value) for value in figures)
    return (str(n), unit.name, unit.status, unit.punctual_text, *shown)


def _snippets(document: Document, data: SummaryData) -> None:
    for name, text in data.snippets:
        paragraph = add_paragraph(document, f"{name}：", NOTE_FONT)
        dress(paragraph.add_run(clean(text)), BODY_FONT, BODY_SIZE)


def _notes(document: Document, data: SummaryData) -> None:
    notes = [f"本报告为{data.edition.label}，数据截至{data.as_of_text}。"]
    if data.instrument is not None:
        notes.append(f"{ADDED_NOT_DEDUPLICATED}；上报数未作任何修改。{data.own_sentence}")
    notes.append(data.queries_sentence)
    found = [f"{SEVERITY_FOR_CLERK[s]}{data.findings[s]}项" for s in SEVERITIES if data.findings.get(s)]
    if found:
        notes.append(f"现存审核问题：{'、'.join(found)}。")
    notes.append(f"应报名单及报送要求以第{data.definition_version}版为准。")
    for n, note in enumerate(notes, start=1):
        add_paragraph(document, f"{n}. {note}", keep=n == len(notes))  # the signature is not left alone


def _signature(document: Document, data: SummaryData) -> None:
    """Two lines at the right, four characters free."""
    for n, text in enumerate((data.office_name, date_text(data.as_of))):
        paragraph = add_paragraph(document, text, align=ALIGN.RIGHT, indent=False, keep=n == 0)
        paragraph.paragraph_format.right_indent = Pt(BODY_SIZE * 4) if n else Pt(BODY_SIZE * 2)
        if n == 0:
            paragraph.paragraph_format.space_before = Pt(PITCH * 2)
