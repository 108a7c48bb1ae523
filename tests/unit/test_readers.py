"""Real files through the real child process: what is read, and what each fault is called."""

from __future__ import annotations

from collections.abc import Iterator

import docx
import openpyxl
import pytest
from form_files import (
    FORM,
    TOKEN,
    UNIT,
    VALUES,
    docx_bytes,
    filled,
    member,
    numbers,
    repacked,
    saved,
    set_aside,
    template,
    two_units,
    word,
    xls,
    xlsx,
)

from huizong.readers import limits
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading
from huizong.readers.worker import ReadWorker

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadWorker]:
    with ReadWorker() as one:
        yield one


def read(data: bytes) -> FileReading:
    return read_bytes(data, "来件", [FORM])


# What is read


def test_a_filled_personal_workbook(worker: ReadWorker) -> None:
    reading = worker.read(xlsx(), "统计表.xlsx", [FORM])
    assert (reading.kind, reading.disposition, reading.reason) == ("xlsx", "return", "")
    assert numbers(reading) == VALUES
    form = reading.forms[0]
    assert (form.unit_text, form.token, form.title) == (UNIT, TOKEN, FORM.title)
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert (form.items["funding.county"].sheet, form.items["funding.county"].cell) == ("统计表", "C8")


def test_an_empty_personal_workbook_is_blank_where_it_should_be_filled_in() -> None:
    form = read(template()).forms[0]
    assert {item.state for item in form.items.values()} == {"blank"}
    assert [item.cell for item in form.items.values()] == [f"C{row}" for row in range(3, 23)]
    assert (form.missing, form.unknown) == ((), ())


def test_an_old_workbook(worker: ReadWorker) -> None:
    reading = worker.read(xls(), "统计表.xlsx", [FORM])  # the name lies
    assert (reading.kind, numbers(reading), reading.forms[0].unit_text) == ("xls", VALUES, UNIT)


def test_a_word_form(worker: ReadWorker) -> None:
    reading = worker.read(docx_bytes(), "统计表.docx", [FORM])
    assert (reading.kind, numbers(reading)) == ("docx", VALUES)
    form = reading.forms[0]
    assert (form.unit_text, form.title, form.missing, form.unknown) == (UNIT, FORM.title, (), ())
    assert (form.items["activities.held"].cell, form.items["open.universities"].cell) == ("T1R1C3", "T1R20C3")
    assert not any("text_number" in item.notes for item in form.items.values()), (
        "in Word all numbers are text"
    )


def test_two_units_in_one_workbook_are_two_forms() -> None:
    reading = read(two_units())
    assert [form.unit_text for form in reading.forms] == [UNIT, "卫滨区科学技术局"]
    assert [form.sheet for form in reading.forms] == ["红旗区", "卫滨区"]
    assert numbers(reading, 1)["activities.held"] == 7


def test_numbers_as_clerks_type_them() -> None:
    reading = read(xlsx({"activities.held": "５６", "public.online": "1,234,567", "funding.county": "约5万"}))
    items = reading.forms[0].items
    assert (items["activities.held"].number, items["public.online"].number) == (56, 1234567)
    assert (items["funding.county"].state, items["funding.county"].raw) == ("text", "约5万")


def test_a_formula_without_result_and_an_error_are_not_blank() -> None:
    typed = {"activities.held": "=1+1", "funding.county": "#REF!", "media.outlets": None, "staff.other": " "}
    items = read(xlsx(typed)).forms[0].items
    assert (items["activities.held"].state, items["activities.held"].raw) == ("formula", "=1+1")
    assert (items["funding.county"].state, items["funding.county"].raw) == ("error", "#REF!")
    assert {items[c].state for c in ("media.outlets", "staff.other")} == {"blank"}
    assert items["media.outlets"].cell == "C18"


def test_an_error_in_an_old_workbook_is_not_blank() -> None:
    items = read(xls({"activities.held": "#DIV/0!", "funding.county": ""})).forms[0].items
    assert (items["activities.held"].state, items["activities.held"].raw) == ("error", "#DIV/0!")
    assert items["funding.county"].state == "blank"


def test_the_token_survives_in_a_property_when_its_cell_is_gone() -> None:
    book = filled()
    book.worksheets[0]["T1"].value = None
    assert read(saved(book)).forms[0].token == TOKEN


def test_hidden_sheets_are_not_read() -> None:
    book = filled()
    copy = book.copy_worksheet(book.worksheets[0])
    copy.sheet_state = "hidden"
    assert len(read(saved(book)).forms) == 1


def test_a_report_without_a_form_is_a_return_with_its_text() -> None:
    document = docx.Document()
    document.add_paragraph("2022年科技活动周工作总结")
    document.add_paragraph("全区" * 20_000)
    reading = read(docx_bytes(document))
    assert (reading.kind, reading.disposition, reading.reason, reading.forms) == ("docx", "return", "", ())
    assert reading.text.startswith("2022年科技活动周工作总结\n全区")
    assert len(reading.text) == 20_000


def test_word_text_that_python_docx_loses() -> None:
    """A tracked insertion counts, a deletion does not; content controls, nested tables are looked through."""
    data = docx_bytes()
    xml = member(data, "word/document.xml").decode()
    first, last = VALUES["activities.held"], VALUES["open.universities"]
    assert xml.count(f"<w:t>{last}</w:t>") == 1
    xml = xml.replace(
        f"<w:r><w:t>{last}</w:t></w:r>",
        f"<w:ins><w:r><w:t>{last}</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>9</w:delText><w:t>9</w:t></w:r></w:del>",
    )
    xml = xml.replace(
        f"<w:r><w:t>{first}</w:t></w:r>",
        f"<w:sdt><w:sdtContent><w:r><w:t>{first}</w:t></w:r></w:sdtContent></w:sdt>",
    )
    start, end = xml.index("<w:tbl>"), xml.index("</w:tbl>") + len("</w:tbl>")
    xml = f"{xml[:start]}<w:tbl><w:tr><w:tc><w:p/>{xml[start:end]}<w:p/></w:tc></w:tr></w:tbl>{xml[end:]}"
    reading = read(repacked(data, {"word/document.xml": xml.encode()}))
    assert numbers(reading) == VALUES
    assert reading.forms[0].items["activities.held"].cell == "T2R1C3"


def _run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def _box(text: str) -> str:
    return f"<w:r><w:pict><w:txbxContent><w:p>{_run(text)}</w:p></w:txbxContent></w:pict></w:r>"


def _control(text: str) -> str:
    return f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{_run(text)}</w:sdtContent></w:sdt>"


def _with_runs(data: bytes, replaced: str, runs: str) -> bytes:
    xml = member(data, "word/document.xml").decode()
    plain = f"<w:r><w:t>{replaced}</w:t></w:r>"
    assert xml.count(plain) == 1
    return repacked(data, {"word/document.xml": xml.replace(plain, runs).encode()})


_STRIKE, _RAISED = "<w:strike/>", '<w:vertAlign w:val="superscript"/>'
_MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
_CODE = "".join(
    f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>{{}}' for kind in ("begin", "separate", "end")
)


@pytest.mark.parametrize(
    ("runs", "raw"),
    [
        (_run("5", _STRIKE) + _run("8"), "5 （删除线）8"),
        (_run("8") + _run("5", "<w:dstrike/>"), "8¦5 （删除线）"),
        (_run("2", _STRIKE) + _run("1", _STRIKE), "21 （删除线）"),
        (_run("7", "<w:vanish/>") + _run("1"), "7 （隐藏文字）1"),
        (_run("1") + _run("2", _RAISED), "1¦2"),
        ("<w:r><w:t>10</w:t><w:noBreakHyphen/><w:t>20</w:t></w:r>", "10-20"),
        ('<w:r><w:t>10</w:t><w:sym w:font="Symbol" w:char="F07E"/><w:t>20</w:t></w:r>', "10¦20"),
        ('<w:r><w:sym w:font="Symbol" w:char="F02D"/><w:t>20</w:t></w:r>', "¦20"),
        ("<w:r><w:t>5</w:t><w:softHyphen/><w:t>6</w:t></w:r>", "5¦6"),
        ("<w:r><w:t>5</w:t><w:ptab/><w:t>6</w:t></w:r>", "5\t6"),
        ("<w:r><w:t>5</w:t><w:drawing/><w:t>6</w:t></w:r>", "5¦6"),
        (
            f"{_run('1')}<m:oMath {_MATH}><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num>"
            "<m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>",
            "1¦1 （公式）¦2 （公式）",
        ),
        (f"<w:r><w:ruby><w:rt>{_run('1')}</w:rt><w:rubyBase>{_run('2')}</w:rubyBase></w:ruby></w:r>", "1¦2"),
        (_run("12") + _box("3"), "12¦\n3"),
        (_run("4") + _control("5"), "4¦5 （占位文字）"),
    ],
)
def test_pieces_that_are_not_one_number_in_word(runs: str, raw: str) -> None:
    item = read(_with_runs(docx_bytes(), "1", runs)).forms[0].items["activities.held"]
    assert (item.state, item.number, item.raw) == ("text", None, raw)


@pytest.mark.parametrize(
    ("runs", "number"),
    [
        (_run("1") + '<w:bookmarkStart w:id="1" w:name="a"/><w:proofErr/>' + _run("2"), 12),
        (_run("12", '<w:strike w:val="0"/>'), 12),
        (_run("12", '<w:vertAlign w:val="baseline"/>'), 12),
        (_run("12", _RAISED), 12),
        (_run("12") + "<w:r><w:drawing/></w:r>", 12),
        (_run("12") + "<w:r><w:footnoteReference w:id='2'/></w:r>", 12),
        (_run("12") + _control("单击此处输入文字"), 12),
        (_control("单击此处输入文字"), None),
        (_CODE.format(_run("7"), _run("12"), ""), 12),
        (f"<m:oMath {_MATH}><m:r><m:t>12</m:t></m:r></m:oMath>", 12),
    ],
)
def test_pieces_that_are_one_number_in_word(runs: str, number: int | None) -> None:
    item = read(_with_runs(docx_bytes(), "1", runs)).forms[0].items["activities.held"]
    assert (item.state, item.number) == ("blank" if number is None else "number", number)


def test_a_mark_of_secrecy_in_a_word_header_or_a_box_at_the_head() -> None:
    document = word()
    document.sections[0].header.paragraphs[0].text = "机密★1年\t第1页"
    assert read(docx_bytes(document)).disposition == "restricted"
    document = word()
    document.sections[0].footer.paragraphs[0].text = "内部使用"
    assert read(docx_bytes(document)).disposition == "return"
    title = _run(FORM.title)
    assert read(_with_runs(docx_bytes(), FORM.title, title + _box("机密★1年"))).disposition == "restricted"
    assert read(_with_runs(docx_bytes(), FORM.title, title + _box("附件1"))).disposition == "return"


def test_token_and_number_in_a_word_footer() -> None:
    from huizong.instruments.form_number import new_form_number, printed_form_number

    number, document = new_form_number(), word()
    document.sections[0].footer.paragraphs[0].text = f"{printed_form_number(number)} {TOKEN}"
    form = read(docx_bytes(document)).forms[0]
    assert (form.token, form.form_number) == (TOKEN, number)


def test_macros_are_recorded_and_the_form_read() -> None:
    reading = read(repacked(xlsx(), {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"}))
    assert (reading.macros, numbers(reading)) == (True, VALUES)
    assert not read(xlsx()).macros


# What is told by content and kept, or set aside with its reason


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image"),
    ],
)
def test_material_is_a_return_without_being_read(data: bytes, kind: str) -> None:
    reading = read(data)
    assert (reading.kind, reading.disposition, reading.reason, reading.forms) == (kind, "return", "", ())


@pytest.mark.parametrize(
    ("data", "kind", "part_of_reason"),
    [
        (b"", "empty", "文件是空的"),
        (b"\0" * 100, "empty", "文件是空的"),
        (b'<?xml version="1.0"?><Workbook/>', "xml", "另存为 xlsx"),
        (bytes(range(256)), "unknown", "无法识别"),
        (b"PK\x03\x04 and no more", "damaged", "已损坏"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "damaged", "已损坏"),
    ],
)
def test_every_other_kind_has_its_sentence(data: bytes, kind: str, part_of_reason: str) -> None:
    reading = read(data)
    assert (reading.kind, reading.disposition) == (kind, "set_aside")
    assert part_of_reason in reading.reason
    assert reading.reason.endswith("。")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("make", [xlsx, xls, docx_bytes])
def test_truncated_files(make: object, share: float) -> None:
    data = make()  # type: ignore[operator]
    assert set_aside(read(data[: int(len(data) * share)]), limits.DAMAGED)


def test_bytes_turned_over_never_crash() -> None:
    data = bytearray(xlsx())
    for at in range(40, len(data), len(data) // 60):
        broken = data.copy()
        broken[at] ^= 0xFF
        reading = read(bytes(broken))
        assert reading.disposition == "set_aside" or numbers(reading) == VALUES


def test_a_workbook_without_the_form() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["单位", *(item.label for item in FORM.items)])
    book.worksheets[0].append(["红旗区", *range(20)])
    reading = read(saved(book))
    assert (reading.kind, reading.disposition, reading.forms) == ("xlsx", "set_aside", ())
    assert "未找到本次统计表" in reading.reason


def test_a_password() -> None:
    # The record FilePass behind the first one says that an old workbook is encrypted ([MS-XLS] 2.4.117).
    data = xls()
    at = data.index(b"\x09\x08\x10\x00\x00\x06")
    assert set_aside(read(data[: at + 20] + b"\x2f\0" + data[at + 22 :]), limits.PASSWORD)
    flagged = bytearray(xlsx())
    entry = flagged.index(b"PK\x01\x02")
    flagged[entry + 8] |= 1
    assert set_aside(read(bytes(flagged)), limits.PASSWORD)
