"""The printed form as a Word document: the same rows, for clerks who fill in Word."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from docx import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from huizong.errors import UsageError
from huizong.instruments.form_number import printed_form_number
from huizong.instruments.model import Instrument
from huizong.instruments.sheet import BODY_FONT, BODY_SIZE, CARRIER_PROPERTY, TITLE_FONT, VALUE_FONT
from huizong.instruments.workbook import form_rows
from huizong.instruments.zip_master import ZipMaster, placeholder

WIDTHS = (Mm(54), Mm(74), Mm(42))
ROW_HEIGHT = Mm(9.6)

_PROPERTIES_TYPE = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_PROPERTIES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"'
    ' xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
    '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="%s">'
    "<vt:lpwstr>%s</vt:lpwstr></property></Properties>"
)


class WordMaster:
    """The personal Word form of an instrument, laid out once and then copied per unit."""

    def __init__(self, instrument: Instrument) -> None:
        """Raises UsageError for an instrument that is no form with one value an item."""
        if instrument.kind != "form":
            raise UsageError(f"表样 {instrument.ref} 是名录（kind: list），不能按统计表排版")
        self._master = word_master(instrument, _table)

    def render(self, unit_name: str, token: str, form_number: str) -> bytes:
        """One unit's .docx: the same arguments give the same bytes."""
        return self._master.render(
            {"unit": unit_name, "token": token, "foot": printed_form_number(form_number)}
        )


def word_master(
    instrument: Instrument, table: Callable[[Any, Instrument], None], *, landscape: bool = False
) -> ZipMaster:
    """Title, unit line, the table that `table` lays out, the form number and the token, as a master."""
    document = Document()
    page(document, landscape=landscape)
    title = paragraph_of(document.add_paragraph(), instrument.title, TITLE_FONT, 20)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_after = Pt(14)
    head = f"{instrument.unit_line}{placeholder('unit')}"
    paragraph_of(document.add_paragraph(), head, BODY_FONT, BODY_SIZE).paragraph_format.space_after = Pt(6)
    table(document, instrument)
    # A document must not end in its table: converters lose such a one.
    small(document.add_paragraph(), placeholder("foot")).paragraph_format.space_before = Pt(3)
    carry(document)
    drop_preview(document.part.package)
    document.core_properties.title = instrument.title
    document.core_properties.author = document.core_properties.comments = ""
    file = io.BytesIO()
    document.save(file)
    return ZipMaster(file.getvalue())


def word_form(instrument: Instrument, unit_name: str, token: str, form_number: str) -> bytes:
    """One unit's .docx; the master is kept for the process."""
    return _master(instrument.model_dump_json()).render(unit_name, token, form_number)


@lru_cache(maxsize=8)
def _master(instrument: str) -> WordMaster:
    return WordMaster(Instrument.model_validate_json(instrument))


def page(document: Any, *, landscape: bool = False) -> None:
    """A4 with the margins of the printed forms."""
    # Without it the punctuation marks come in another country's shape.
    next(document.styles.element.iter(qn("w:lang"))).set(qn("w:eastAsia"), "zh-CN")
    section = document.sections[0]
    section.page_width, section.page_height = (Mm(297), Mm(210)) if landscape else (Mm(210), Mm(297))
    section.left_margin = section.right_margin = Mm(20)
    section.top_margin, section.bottom_margin = Mm(25), Mm(20)


def paragraph_of(paragraph: Any, text: str, font: str, size: float) -> Any:
    """Write one run into an empty paragraph; returns the paragraph."""
    run = paragraph.add_run(text)
    run.font.name, run.font.size = font, Pt(size)
    run._element.rPr.rFonts.set(qn("w:eastAsia"), font)
    paragraph.paragraph_format.space_after = Pt(0)
    return paragraph


def small(paragraph: Any, text: str) -> Any:
    paragraph_of(paragraph, text, VALUE_FONT, 8).alignment = WD_ALIGN_PARAGRAPH.RIGHT
    paragraph.runs[0].font.color.rgb = RGBColor(0x80, 0x80, 0x80)
    return paragraph


def _table(document: Any, instrument: Instrument) -> None:
    entries = list(form_rows(instrument))
    table = document.add_table(rows=len(entries), cols=len(WIDTHS), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, WIDTHS, strict=True):
        column.width = width
    for row, entry in zip(table.rows, entries, strict=True):
        row.height, row.height_rule = ROW_HEIGHT, WD_ROW_HEIGHT_RULE.AT_LEAST
        group, label, value = row.cells
        for cell, width in zip(row.cells, WIDTHS, strict=True):
            cell.width, cell.vertical_alignment = width, WD_CELL_VERTICAL_ALIGNMENT.CENTER
        if not entry.item.label_in_group:
            fill(label, entry.item.label, centred=False)
        fill(value, "", centred=True)
        if entry.group is not None:
            fill(group, entry.group, centred=True)
    for n, entry in enumerate(entries):
        if entry.item.label_in_group:
            table.cell(n, 0).merge(table.cell(n, 1))
        elif entry.span > 1:
            table.cell(n, 0).merge(table.cell(n + entry.span - 1, 0))


def fill(cell: Any, text: str, *, centred: bool) -> None:
    paragraph = paragraph_of(cell.paragraphs[0], text, BODY_FONT, BODY_SIZE)
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    else:
        paragraph.paragraph_format.left_indent = Pt(4)
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(3)


def carry(document: Any) -> None:
    """Two carriers: a document property, and hidden text in the footer."""
    package = document.part.package
    blob = (_PROPERTIES % (CARRIER_PROPERTY, placeholder("token"))).encode()
    part = Part(PackURI("/docProps/custom.xml"), _PROPERTIES_TYPE, blob, package)
    package.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_PROPERTIES)
    footer = document.sections[0].footer.paragraphs[0]
    small(footer, placeholder("token"))
    footer.runs[0].font.hidden = True


def drop_preview(package: Any) -> None:
    """The library's blank document comes with a picture of itself, which file managers would show."""
    for key in [key for key, link in package.rels.items() if link.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del package.rels[key]
