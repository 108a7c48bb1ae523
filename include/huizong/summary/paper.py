"""Paper for official documents, as GB/T 9704-2012 lays it out.

A4 with a text area of 156 x 225 mm, 22 lines a page at a fixed pitch of 28.95 pt; title in 小标宋 22 pt, body
in 仿宋 16 pt indented by two characters, first headings in 黑体; page number — 1 — outside, below the text.
The fonts are named, not embedded: offices have them.
"""

from __future__ import annotations

from collections.abc import Sequence

from docx.document import Document
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.enum.text import WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import Table
from docx.text.paragraph import Paragraph
from docx.text.run import Run

TITLE_FONT, BODY_FONT, HEADING_FONT, NOTE_FONT = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312"
LATIN_FONT, NUMBER_FONT = "Times New Roman", "宋体"
TITLE_SIZE, BODY_SIZE, TABLE_SIZE, NUMBER_SIZE = 22, 16, 12, 14
PITCH = 28.95
TEXT_WIDTH = 156  # mm


def add_heading(document: Document, text: str) -> None:
    """A first heading; its outline level puts it into Word's navigation."""
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "0")
    add_paragraph(document, text, HEADING_FONT, keep=True)._element.get_or_add_pPr().append(level)


def add_paragraph(
    document: Document,
    text: str,
    font: str = BODY_FONT,
    size: int = BODY_SIZE,
    align: ALIGN = ALIGN.JUSTIFY,
    *,
    indent: bool = True,
    keep: bool = False,
) -> Paragraph:
    paragraph: Paragraph = document.add_paragraph()
    layout = paragraph.paragraph_format
    paragraph.alignment = align
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(PITCH)
    layout.space_before = layout.space_after = Pt(0)
    layout.keep_with_next = keep
    if indent:
        layout.first_line_indent = Pt(size * 2)
    dress(paragraph.add_run(clean(text)), font, size)
    return paragraph


def dress(run: Run, font: str, size: int) -> None:
    run.font.size = Pt(size)
    run.font.name = LATIN_FONT if font == BODY_FONT else font
    fonts = run._element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), font)
    # Without it “” stand in the Latin font, half as wide.
    fonts.set(qn("w:hint"), "eastAsia")


def add_table(
    document: Document,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
    aligned: Sequence[ALIGN],
) -> Table:
    """A grid; its head row is repeated on every page, and no row is broken over two. Widths in mm."""
    table: Table = document.add_table(rows=len(rows) + 1, cols=len(head))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    for row, texts in zip(table.rows, (head, *rows), strict=True):
        is_head = texts is head
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        if is_head:
            row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
        for cell, text, width, place in zip(row.cells, texts, widths, aligned, strict=True):
            cell.width = Mm(width)
            cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
            paragraph = cell.paragraphs[0]
            paragraph.alignment = ALIGN.CENTER if is_head else place
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
            dress(paragraph.add_run(clean(text)), HEADING_FONT if is_head else BODY_FONT, TABLE_SIZE)
    after = add_paragraph(document, "", indent=False)
    after.paragraph_format.line_spacing = Pt(12)
    return table


def set_page(document: Document) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(23)
    document.settings.odd_and_even_pages_header_footer = True
    _page_number(section.footer.paragraphs[0], ALIGN.RIGHT)
    _page_number(section.even_page_footer.paragraphs[0], ALIGN.LEFT)


def _page_number(paragraph: Paragraph, align: ALIGN) -> None:
    """— 1 —, at the outer edge, one character free."""
    paragraph.alignment = align
    paragraph.paragraph_format.right_indent = paragraph.paragraph_format.left_indent = Pt(NUMBER_SIZE)
    for text in ("— ", None, " —"):
        run = paragraph.add_run(text or "")
        dress(run, NUMBER_FONT, NUMBER_SIZE)
        if text is None:
            _page_field(run)


def _page_field(run: Run) -> None:
    for kind in ("begin", None, "end"):
        element = OxmlElement("w:instrText" if kind is None else "w:fldChar")
        if kind is None:
            element.text = "PAGE"
        else:
            element.set(qn("w:fldCharType"), kind)
        run._element.append(element)


def set_header(document: Document, text: str) -> None:
    """What is not final says so on every page."""
    section = document.sections[0]
    for header in (section.header, section.even_page_header):
        paragraph = header.paragraphs[0]
        paragraph.alignment = ALIGN.RIGHT
        dress(paragraph.add_run(text), HEADING_FONT, TABLE_SIZE)


def clean(text: str) -> str:
    """One line without the control characters that XML cannot hold."""
    return " ".join("".join(ch if ch.isprintable() or ch == "\u3000" else " " for ch in text).split(" "))
