"""Real files through the real child process: what is read, and what each fault is called."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import docx
import openpyxl
import psutil
import pytest
from form_files import (
    FORM,
    TOKEN,
    UNIT,
    VALUES,
    docx_bytes,
    filled,
    saved,
    template,
    two_units,
    word,
    xls,
    xlsx,
)

from huizong.errors import TransientError
from huizong.readers import limits
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading
from huizong.readers.sniff import sniff
from huizong.readers.worker import CRASHED, TIMED_OUT, Limits, ReadWorker

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadWorker]:
    with ReadWorker() as one:
        yield one


def read(data: bytes) -> FileReading:
    return read_bytes(data, "来件", [FORM])


def numbers(reading: FileReading, form: int = 0) -> dict[str, Decimal | None]:
    return {code: item.number for code, item in reading.forms[form].items.items()}


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """The same archive with members replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.pop(name, None) or old.read(name))
        for name, content in changes.items():
            new.writestr(name, content)
    return out.getvalue()


def member(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def set_aside(reading: FileReading, reason: str) -> bool:
    return (reading.disposition, reading.reason, reading.forms) == ("set_aside", reason, ())


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
        (b"%PDF-1.7\n", "pdf"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image"),
        (b"\x89PNG\r\n\x1a\n\0", "image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image"),
        (b"\0\0\0\x18ftypheic\0", "image"),
        (b"\0\0\0\x20ftypisom\0", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6", "video"),
        (b"\x1a\x45\xdf\xa3\x01", "video"),
        (b"FLV\x01\x05", "video"),
        ("全市开展活动56场次。\n参与群众3万人。".encode("gb18030"), "text"),
        ("全市开展活动56场次。".encode(), "text"),
    ],
)
def test_material_is_a_return_without_being_read(data: bytes, kind: str) -> None:
    reading = read(data)
    assert (reading.kind, reading.disposition, reading.reason, reading.forms) == (kind, "return", "", ())


def test_plain_text_is_kept_as_text() -> None:
    assert read("\ufeff活动56场次".encode()).text == "活动56场次"
    assert read("活动56场次".encode("gb18030")).text == "活动56场次"
    assert read("活动56场次".encode("utf-16")).text == "活动56场次"


@pytest.mark.parametrize(
    ("data", "kind", "part_of_reason"),
    [
        (b"", "empty", "文件是空的"),
        (b"\0" * 100, "empty", "文件是空的"),
        (b"Rar!\x1a\x07\x01\0", "rar", "解压"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7z", "解压"),
        (b"PK\x05\x06" + b"\0" * 18, "zip", "解压"),
        (b"{\\rtf1\\ansi", "rtf", "另存为 docx"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "html", "另存为 xlsx"),
        ("单位,次数\n红旗区,5\n".encode("gb18030"), "csv", "另存为 xlsx"),
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


# Files that attack their reader


def far_cell(ref: str, inner: str = "<v>1</v>") -> bytes:
    data = xlsx()
    name = "xl/worksheets/sheet1.xml"
    row = "".join(c for c in ref if c.isdigit())
    cell = f'<row r="{row}"><c s="0" r="{ref}">{inner}</c></row></sheetData>'
    return repacked(data, {name: member(data, name).replace(b"</sheetData>", cell.encode())})


@pytest.mark.parametrize("ref", ["XFD1048576", "A1048576", "CW30", "A2001"])
def test_a_far_cell_is_refused_before_anything_is_allocated(worker: ReadWorker, ref: str) -> None:
    assert set_aside(worker.read(far_cell(ref), "a.xlsx", [FORM]), limits.FAR_CELL)


def test_a_far_cell_that_the_look_ahead_misses_costs_only_its_file(worker: ReadWorker) -> None:
    """549 GB asked for: the limit ends the child."""
    data = far_cell("XFD1048576").replace(
        b"worksheets/sheet1.xml", b"worksheetz/sheet1.xml"
    )  # in the directory
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"worksheets/sheet1.xml", b"worksheetz/sheet1.xml"))
    assert set_aside(worker.read(out.getvalue(), "a.xlsx", [FORM]), CRASHED)
    assert numbers(worker.read(xlsx(), "b.xlsx", [FORM])) == VALUES


def test_a_far_cell_without_value_does_no_harm() -> None:
    assert numbers(read(far_cell("A1048576", ""))) == VALUES
    assert numbers(read(far_cell("CV2000"))) == VALUES


def test_a_far_cell_in_an_old_workbook() -> None:
    import xlwt

    book = xlwt.Workbook()
    book.add_sheet("a").write(65_535, 255, 1)
    out = io.BytesIO()
    book.save(out)
    assert set_aside(read(out.getvalue()), limits.FAR_CELL)


def test_zip_bombs() -> None:
    data = xlsx()
    assert set_aside(read(repacked(data, {"xl/comments1.xml": b" " * 20_000_000})), limits.TOO_LARGE)
    many = {f"xl/worksheets/_rels/{n}.rels": b"x" for n in range(limits.MAX_MEMBERS)}
    assert set_aside(read(repacked(data, many)), limits.TOO_LARGE)


def test_a_member_that_is_larger_than_it_says() -> None:
    data = bytearray(repacked(xlsx(), {"xl/comments1.xml": b" " * 20_000_000}))
    size = (20_000_000).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:
        data[at : at + 4] = (2_000_000).to_bytes(4, "little")
    assert set_aside(read(bytes(data)), limits.DAMAGED)


def test_an_external_entity_is_not_followed() -> None:
    data = docx_bytes()
    xml = member(data, "word/document.xml").decode()
    head, _, rest = xml.partition("?>")
    evil = (
        f'{head}?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>{rest.replace("填表说明", "&x;", 1)}'
    )
    assert "root:" not in read(repacked(data, {"word/document.xml": evil.encode()})).text


# The child process


def test_a_killed_child_costs_only_its_file(worker: ReadWorker) -> None:
    worker.read(xlsx(), "a.xlsx", [FORM])
    child = worker.pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=5)
    assert numbers(worker.read(xlsx(), "b.xlsx", [FORM])) == VALUES
    assert worker.pid != child


def test_a_child_killed_in_the_middle_sets_that_file_aside() -> None:
    with ReadWorker() as one:
        one.read(b"%PDF", "a", [FORM])
        child = one.pid
        assert child is not None
        os.kill(child, signal.SIGSTOP)  # so that it is certainly in the middle
        threading.Timer(0.3, os.kill, (child, signal.SIGKILL)).start()
        reading = one.read(xlsx(), "b.xlsx", [FORM])
        assert set_aside(reading, CRASHED)
        assert reading.kind == "xlsx"
        assert numbers(one.read(xlsx(), "c.xlsx", [FORM])) == VALUES


def test_a_file_that_takes_too_long() -> None:
    with ReadWorker(Limits(seconds=1.5)) as one:
        one.read(b"%PDF", "a", [FORM])
        child = one.pid
        assert child is not None
        os.kill(child, signal.SIGSTOP)
        assert set_aside(one.read(xlsx(), "b.xlsx", [FORM]), TIMED_OUT)
        assert not psutil.pid_exists(child)
        assert numbers(one.read(xlsx(), "c.xlsx", [FORM])) == VALUES


def test_memory_is_limited() -> None:
    with ReadWorker(Limits(memory_bytes=320 * 2**20)) as one:
        assert numbers(one.read(xlsx(), "a.xlsx", [FORM])) == VALUES
        assert one.read(b"%PDF" + b"\0" * (240 * 2**20), "b.pdf", [FORM]).disposition == "set_aside"
        assert numbers(one.read(xlsx(), "c.xlsx", [FORM])) == VALUES


def test_a_file_too_large_to_hand_over_is_told_by_its_head() -> None:
    with ReadWorker(Limits(max_bytes=1_000)) as one:
        assert one.read(b"%PDF" + b"\0" * 2_000, "a.pdf", [FORM]).disposition == "return"
        assert set_aside(one.read(xlsx(), "a.xlsx", [FORM]), limits.TOO_LARGE)
        assert one.pid is None


def test_a_child_that_cannot_start_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "huizong").mkdir()
    (tmp_path / "huizong/__init__.py").write_text("raise SystemExit(1)  # a broken installation")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ReadWorker() as one:
        with pytest.raises(TransientError, match="无法启动"):
            one.read(xlsx(), "a.xlsx", [FORM])
        monkeypatch.delenv("PYTHONPATH")
        assert numbers(one.read(xlsx(), "a.xlsx", [FORM])) == VALUES


def test_the_child_has_no_keys_and_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZONG_TOKEN_KEYS", "secret")
    with ReadWorker() as one:
        one.read(b"%PDF", "a", [FORM])
        child = psutil.Process(one.pid)
        assert "HUIZONG_TOKEN_KEYS" not in child.environ()
    assert not child.is_running()


def test_the_child_starts_quickly_and_without_pandas() -> None:
    heavy = ("pandas", "openpyxl", "docx", "sqlalchemy")
    code = f"import sys, huizong.readers.child; print([m for m in {heavy} if m in sys.modules])"
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < 0.6


def test_sniffing_is_by_content_only() -> None:
    assert [sniff(make()) for make in (xlsx, xls, docx_bytes)] == ["xlsx", "xls", "docx"]
