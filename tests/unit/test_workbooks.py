"""What a workbook says beside its values: number formats, unsaved formulas, hidden rows, macros and links."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from typing import Any

import pytest
import xlwt
from form_files import FORM, VALUES, docx_bytes, filled, member, repacked, saved, template, word, xls, xlsx
from xlwt.CompoundDoc import XlsDoc

from huizong.readers import limits
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading
from huizong.readers.worker import ReadWorker


def read(data: bytes) -> FileReading:
    return read_bytes(data, "", [FORM])


def shown(reading: FileReading) -> dict[str, str]:
    return {code: item.shown for code, item in reading.forms[0].items.items() if item.shown}


def formatted(formats: dict[str, tuple[Any, str]]) -> bytes:
    """The filled-in workbook with some cells' value and number format changed."""
    book = filled({code: value for code, (value, _) in formats.items()})
    for row, item in enumerate(FORM.items, start=3):
        if item.code in formats:
            book.worksheets[0].cell(row, 3).number_format = formats[item.code][1]
    return saved(book)


# Number formats


def test_a_format_that_shows_another_figure_than_the_cell_holds() -> None:
    reading = read(
        formatted(
            {
                "funding.county": (30000, '0!.0,"万"'),
                "funding.central": (12.46, "0.0"),
                "funding.in_kind": (5.5, 'General"万元"'),
                "public.online": (30000, '0!.0,"万"'),
                "public.offline": (300, "0,"),
                "funding.other": (0.5, "0%"),
                "staff.other": (7, ";;;"),
            }
        )
    )
    assert shown(reading) == {
        "funding.county": "3.0万",
        "public.offline": "0",
        "funding.other": "50%",
        "staff.other": "（不显示）",
    }
    assert reading.forms[0].items["funding.county"].number == 30000


def test_the_same_in_an_old_workbook() -> None:
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("统计表")
    formats = {0: '0.0,"万"', 1: "0%", 2: '0"万元"'}
    for row, item in enumerate(FORM.items):
        style = xlwt.easyxf(num_format_str=formats.get(row, "General"))
        sheet.write(row, 0, item.label)
        sheet.write(row, 1, 30000 if row == 0 else row + 0.5, style)
    out = io.BytesIO()
    book.save(out)
    assert shown(read(out.getvalue())) == {
        "activities.held": "30.0万",
        "activities.ministry_tasks": "150%",
    }


def test_text_and_plain_formats_are_not_asked_about() -> None:
    assert shown(read(formatted({"funding.county": ("3.0", '0!.0,"万"')}))) == {}
    assert shown(read(template())) == shown(read(xlsx())) == shown(read(xls())) == {}


# Formulas and dates


def test_a_formula_without_a_result_asks_for_a_second_reading() -> None:
    reading = read(xlsx({"activities.held": "=1+1"}))
    assert (reading.needs, reading.forms[0].items["activities.held"].state) == ("recalculate", "formula")
    assert read(xlsx()).needs == ""


def test_results_that_the_writer_left_to_the_next_program_are_none() -> None:
    """Report generators write 0 as every formula's result and ask for it to be worked out at opening."""
    data = repacked(xlsx(), {})
    sheet = member(data, "xl/worksheets/sheet1.xml").replace(b"<v>1</v>", b"<f>SUM(1,2)</f><v>0</v>", 1)
    book = member(data, "xl/workbook.xml")
    assert b'fullCalcOnLoad="1"' in book, "openpyxl writes it"
    changed = repacked(data, {"xl/worksheets/sheet1.xml": sheet})
    item = read(changed).forms[0].items["activities.held"]
    assert (item.state, item.raw) == ("formula", "=SUM(1,2)")
    worked_out = repacked(changed, {"xl/workbook.xml": book.replace(b' fullCalcOnLoad="1"', b"")})
    assert read(worked_out).forms[0].items["activities.held"].number == 0


def test_a_formula_in_an_old_workbook_that_nobody_worked_out() -> None:
    reading = read(xls({"activities.held": xlwt.Formula("SUM(1,2)")}))
    assert (reading.needs, reading.forms[0].items["activities.held"].state) == ("recalculate", "formula")


def test_a_number_in_a_cell_for_dates_stays_what_a_person_must_settle() -> None:
    items = read(formatted({"activities.held": (5, "yyyy-mm-dd")})).forms[0].items
    assert (items["activities.held"].state, items["activities.held"].raw) == ("text", "1900-01-05")


# Hidden things


def test_a_form_on_a_hidden_sheet_only_is_named() -> None:
    book = filled()
    book.create_sheet("说明")
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    reading = read(saved(book))
    assert (reading.disposition, reading.forms) == ("set_aside", ())
    assert reading.reason == "统计表在隐藏的工作表“统计表”中，请取消隐藏并核对后重新发送。"


def test_figures_in_hidden_rows_are_read_and_the_operator_told() -> None:
    book = filled({"funding.county": None})
    for row in (5, 8):
        book.worksheets[0].row_dimensions[row].hidden = True
    reading = read(saved(book))
    assert reading.forms[0].items["funding.central"].number == VALUES["funding.central"]
    assert reading.notes == ("隐藏的行或列中有填报数据：C5",)
    assert read(xlsx()).notes == (), "the template's own hidden column holds no figures"


# OpenDocument


def ods(cells: dict[str, str]) -> bytes:
    """A sheet of labels, a repeated empty column, and figures; `cells` are XML in their place."""
    space = "urn:oasis:names:tc:opendocument:xmlns:{0}:1.0"
    names = " ".join(f'xmlns:{n}="{space.format(n)}"' for n in ("office", "table", "text"))
    figure = (
        '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
    )
    rows = "".join(
        f'<table:table-row><table:table-cell office:value-type="string"><text:p>{item.label}</text:p>'
        '</table:table-cell><table:table-cell table:number-columns-repeated="2"/>'
        f"{cells.get(item.code, figure)}</table:table-row>"
        for item in FORM.items
    )
    body = f'<office:body><office:spreadsheet><table:table table:name="表">{rows}</table:table>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        content = f"<office:document-content {names}>{body}</office:spreadsheet></office:body>"
        archive.writestr("content.xml", f"{content}</office:document-content>")
    return out.getvalue()


def test_errors_unsaved_formulas_and_shown_texts_of_an_open_document() -> None:
    cell = '<table:table-cell table:formula="of:=A1" {}</table:table-cell>'
    value = 'office:value-type="float" office:value="{}"><text:p>{}</text:p>'
    reading = read(
        ods(
            {
                "activities.held": cell.format(
                    'office:value-type="string" office:string-value=""><text:p>#DIV/0!</text:p>'
                ),
                "funding.central": cell.format(">"),
                "funding.county": cell.format(value.format(30000, "3.0万")),
                "funding.other": cell.format(value.format(12.46, "12.5")),
                "staff.other": "<table:table-cell/>",
            }
        )
    )
    items = reading.forms[0].items
    assert (items["activities.held"].state, items["activities.held"].raw) == ("error", "#DIV/0!")
    assert (items["funding.central"].state, reading.needs) == ("formula", "recalculate")
    assert items["staff.other"].state == "blank"
    assert shown(reading) == {"funding.county": "3.0万"}


# What is never run


@pytest.mark.parametrize(
    ("part", "content", "note"),
    [
        ("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0", "含宏"),
        ("xl/macrosheets/sheet1.xml", b"<x/>", "含宏"),
        ("xl/externalLinks/externalLink1.xml", b"<externalLink><externalBook/></externalLink>", "含外部链接"),
        (
            "xl/externalLinks/externalLink1.xml",
            b'<externalLink><ddeLink ddeService="cmd"/></externalLink>',
            "含DDE",
        ),
    ],
)
def test_macros_and_links_are_named_and_the_form_read(part: str, content: bytes, note: str) -> None:
    reading = read(repacked(xlsx(), {part: content}))
    assert (reading.notes, reading.macros) == ((note,), note == "含宏")
    assert reading.forms[0].items["activities.held"].number == 1


def word_with(field: str = "", relation: str = "") -> bytes:
    document = word()
    data = docx_bytes(document)
    xml = member(data, "word/document.xml").decode()
    half = len(field) // 2
    runs = "".join(f"<w:r><w:instrText>{part}</w:instrText></w:r>" for part in (field[:half], field[half:]))
    rels = member(data, "word/_rels/document.xml.rels").decode()
    return repacked(
        data,
        {
            "word/document.xml": xml.replace("<w:sectPr", f"<w:p>{runs}</w:p><w:sectPr", 1).encode(),
            "word/_rels/document.xml.rels": rels.replace(
                "</Relationships>", f"{relation}</Relationships>"
            ).encode(),
        },
    )


def test_fields_and_links_of_a_document() -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    link = '<Relationship Id="r99" Type="{}{}" Target="http://a.example/x" TargetMode="External"/>'
    assert read(word_with('DDEAUTO c:\\\\x.exe "/k"')).notes == ("含DDE",)
    assert read(word_with("PAGE")).notes == ()
    assert read(word_with(relation=link.format(kind, "attachedTemplate"))).notes == ("含外部链接",)
    assert read(word_with(relation=link.format(kind, "hyperlink"))).notes == ()


def test_a_form_typed_as_lines_of_a_document() -> None:
    import docx

    document = docx.Document()
    document.add_paragraph(FORM.title)
    document.add_paragraph(f"{FORM.unit_line}红旗区科学技术局")
    for item in FORM.items:
        document.add_paragraph(f"{item.label}：{VALUES[item.code]}{item.unit}")
    form = read(docx_bytes(document)).forms[0]
    assert {code: item.number for code, item in form.items.items()} == VALUES
    assert (form.unit_text, form.title) == ("红旗区科学技术局", FORM.title)


# Other dresses of the same formats


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml",
    ],
)
def test_macro_workbooks_and_templates_are_read(content_type: str) -> None:
    data = xlsx()
    types = member(data, "[Content_Types].xml").decode()
    plain = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    assert plain in types
    reading = read(repacked(data, {"[Content_Types].xml": types.replace(plain, content_type).encode()}))
    assert (reading.kind, reading.forms[0].items["activities.held"].number) == ("xlsx", 1)


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def excel_95() -> bytes:
    """The form as BIFF5 in the stream `Book`, texts in code page 936."""
    cells = b""
    for row, item in enumerate(FORM.items):
        text = item.label.encode("gbk")
        cells += _record(0x0204, struct.pack("<HHHH", row, 0, 0, len(text)) + text)
        cells += _record(0x0203, struct.pack("<HHHd", row, 1, 0, float(VALUES[item.code])))
    name = "统计表".encode("gbk")
    head = _record(0x0809, struct.pack("<HHHH", 0x0500, 0x0005, 0, 0)) + _record(0x0042, b"\xa8\x03")
    start = len(head) + 4 + 7 + len(name) + 4
    bound = _record(0x0085, struct.pack("<IBBB", start, 0, 0, len(name)) + name)
    sheet = _record(0x0809, struct.pack("<HHHH", 0x0500, 0x0010, 0, 0)) + cells + _record(0x000A, b"")
    stream = head + bound + _record(0x000A, b"") + sheet
    out = io.BytesIO()
    XlsDoc().save(out, stream + b"\0" * max(0, 4096 - len(stream)))
    name_of_stream = "Workbook".encode("utf-16-le")
    data = out.getvalue()
    at = data.index(name_of_stream)
    book = "Book".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 10)
    return data[:at] + book + data[at + len(book) :]


def test_a_workbook_of_1995_is_left_to_the_converter() -> None:
    """calamine would read its Chinese texts byte by byte."""
    reading = read(excel_95())
    assert (reading.kind, reading.needs, reading.disposition) == ("xls", "convert", "set_aside")
    assert reading.reason == "文件由很旧的表格软件保存，请另存为 xlsx 后重新发送。"


@pytest.mark.slow
def test_a_workbook_of_1995_is_read_once_converted() -> None:
    with ReadWorker() as worker:
        reading = worker.read(excel_95(), "统计表.xls", [FORM])
    assert (reading.kind, reading.disposition) == ("xls", "return")
    assert {code: item.number for code, item in reading.forms[0].items.items()} == VALUES


def test_a_sheet_as_large_as_is_taken() -> None:
    rows = [[item.label, "5"] for item in FORM.items]
    more = [[f"第{n}行{c}" for c in range(limits.MAX_COLUMN)] for n in range(limits.MAX_ROW - len(rows))]
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in row) + "</row>"
        for row in [*rows, *more]
    )
    part = "xl/worksheets/sheet1.xml"
    head = member(xlsx(), part).partition(b"<sheetData>")[0]
    sheet = head + f"<sheetData>{cells}</sheetData></worksheet>".encode()
    began = time.process_time()
    form = read(repacked(xlsx(), {part: sheet})).forms[0]
    assert {item.number for item in form.items.values()} == {5}
    assert time.process_time() - began < 15
