"""Workbooks whose cells are partly struck out or raised, and what is printed above their sheets."""

from __future__ import annotations

import io
import re
from xml.sax.saxutils import escape

import pytest
import xlwt
from form_files import FORM, VALUES, filled, member, repacked, saved, xlsx
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font
from test_workbooks import ods, read


def test_struck_and_raised_text_is_no_part_of_a_number() -> None:
    """A rich text's pieces, a shared string and one in its cell, and cells struck out as a whole."""
    book = filled()
    sheet, rows = book.worksheets[0], {item.code: n for n, item in enumerate(FORM.items, start=3)}
    small, out = InlineFont(vertAlign="superscript"), InlineFont(strike=True)
    sheet.cell(rows["activities.held"], 3).value = CellRichText(
        TextBlock(out, "5"), TextBlock(InlineFont(), "8")
    )
    sheet.cell(rows["public.online"], 3).value = CellRichText("1", TextBlock(small, "2"))
    sheet.cell(rows["public.offline"], 3).value = CellRichText(TextBlock(InlineFont(b=True), "1"), "2")
    sheet.cell(rows["funding.county"], 3).font = Font(strike=True)
    sheet.cell(rows["staff.other"], 3).font = Font(strike=False)
    data = saved(book)
    items = read(data).forms[0].items
    told = {code: item.raw for code, item in items.items() if item.state == "text"}
    county = VALUES["funding.county"]
    assert told == {
        "activities.held": "5 （删除线）8",
        "public.online": "1¦2",
        "funding.county": f"{county} （删除线）",
    }
    assert (items["public.offline"].number, items["staff.other"].number) == (12, VALUES["staff.other"])
    part = "xl/worksheets/sheet1.xml"
    inline = b't="inlineStr"><is><r><rPr><strike/></rPr><t>5</t></r><r><t>8</t></r></is></c>'
    plain = re.search(rb'<c r="C22"[^>]*>.*?</c>', member(data, part))
    assert plain is not None
    sheet_xml = member(data, part).replace(plain[0], b'<c r="C22" ' + inline)
    assert read(repacked(data, {part: sheet_xml})).forms[0].items["open.universities"].raw == "5 （删除线）8"


def test_a_struck_cell_of_an_old_workbook() -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("统计表")
    for row, item in enumerate(FORM.items):
        style = xlwt.easyxf("font: struck_out on" if row in (0, 1) else "font: bold on")
        sheet.write(row, 0, item.label)
        sheet.write(row, 1, "7" if row == 1 else 7, style)
    out = io.BytesIO()
    book.save(out)
    readings = list(read(out.getvalue()).forms[0].items.values())
    assert [(i.state, i.raw) for i in readings[:2]] == [("text", "7 （删除线）")] * 2
    assert {i.number for i in readings[2:]} == {7}


def test_struck_and_raised_text_of_an_open_document() -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    span = '<text:span text:style-name="{}">{}</text:span>'
    data = ods(
        {
            "activities.held": cell.format(span.format("T1", "5") + "8"),
            "funding.county": cell.format("1" + span.format("T2", "2")),
            "staff.other": cell.format("1" + span.format("T3", "2")),
            "media.outlets": '<table:table-cell table:style-name="T1" office:value-type="float" '
            'office:value="7"><text:p>7</text:p></table:table-cell>',
        }
    )
    manners = {
        "T1": 'line-through-style="solid"',
        "T2": 'position="super 58%"',
        "T3": 'line-through-style="none"',
    }
    styles = "".join(
        f'<style:style style:name="{name}"><style:text-properties style:text-{manner}/></style:style>'
        for name, manner in manners.items()
    )
    space = 'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    content = (
        member(data, "content.xml")
        .decode()
        .replace(
            "<office:body>",
            f"<office:automatic-styles {space}>{styles}</office:automatic-styles><office:body>",
        )
    )
    items = read(repacked(data, {"content.xml": content.encode()})).forms[0].items
    told = {code: item.raw for code, item in items.items() if item.state == "text"}
    assert told == {
        "activities.held": "5 （删除线）8",
        "funding.county": "1¦2",
        "media.outlets": "7 （删除线）",
    }
    assert items["staff.other"].number == 12


# What is printed above a sheet


def headed(kind: str, text: str) -> bytes:
    if kind == "xls":
        old = xlwt.Workbook(encoding="utf-8")
        sheet = old.add_sheet("统计表")
        sheet.write(0, 0, FORM.title)
        sheet._Worksheet__header_str = text  # its setter takes bytes and then fails over them
        out = io.BytesIO()
        old.save(out)
        return out.getvalue()
    if kind == "ods":
        space = "urn:oasis:names:tc:opendocument:xmlns"
        names = f'xmlns:style="{space}:style:1.0" xmlns:text="{space}:text:1.0"'
        header = f"<style:header><text:p>{text}</text:p></style:header>"
        return repacked(ods({}), {"styles.xml": f"<style:styles {names}>{header}</style:styles>".encode()})
    data, part = xlsx(), "xl/worksheets/sheet1.xml"
    header = f"<headerFooter><oddHeader>{escape(text)}</oddHeader></headerFooter></worksheet>"
    sheet_xml = re.sub("<headerFooter.*?</headerFooter>", "", member(data, part).decode(), flags=re.S)
    return repacked(data, {part: sheet_xml.replace("</worksheet>", header).encode()})


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_a_mark_of_secrecy_in_a_print_header(kind: str) -> None:
    code = "" if kind == "ods" else '&L第1号&C&"宋体,加粗"&14&K000000'
    for mark in ("秘密★", "内部资料"):
        assert read(headed(kind, code + mark)).disposition == "restricted"
    assert read(headed(kind, code + "内部审计")).disposition != "restricted"
