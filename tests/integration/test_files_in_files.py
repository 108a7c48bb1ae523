"""Archives, old formats and programs that are missing, through the real stages."""

from __future__ import annotations

import itertools
import json
import subprocess
from decimal import Decimal
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import docx
import openpyxl
import pytest

from huizong.stages.read import read_files
from huizong.stages.status import trace
from office import COLLECTION, CYCLE, Office, fill, honest, statistics_form

A, B = "410721", "410724"
SOFFICE = "HUIZONG_SOFFICE"


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def zipped(members: dict[str, bytes]) -> bytes:
    """As a Chinese Windows packs: names in its own code page, without the flag for UTF-8."""
    out = BytesIO()
    names = {name: name.encode("gb18030") for name in members}
    stand_ins = {name: f"{n:x}".rjust(len(raw), "q") for n, (name, raw) in enumerate(names.items())}
    with ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(stand_ins[name], data)
    packed = out.getvalue()
    for name, raw in names.items():
        packed = packed.replace(stand_ins[name].encode(), raw)
    return packed


def message(name: str, data: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "clerk@a.example", "kjj@xinxiang.example", "统计表"
    mail.set_content("见附件")
    mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def test_two_units_forms_in_an_archive_in_an_archive_are_two_returns(issued: Office) -> None:
    inner = BytesIO()
    with ZipFile(inner, "w") as archive:
        archive.writestr("b.xlsx", fill(issued.template(B), honest(2)))
    outer = BytesIO()
    with ZipFile(outer, "w") as archive:
        archive.writestr("材料/a.xlsx", fill(issued.template(A), honest(1)))
        archive.writestr("b.zip", inner.getvalue())
    issued.drop("两县材料", {"材料.zip": outer.getvalue()})
    took = issued.receive_folder("2022-06-10T10:00")
    assert took["dispositions"] == {"return": 2}
    assert issued.validate("2022-06-10T10:05")["by_status"] == {"accepted": 2}
    issued.assemble("2022-07-10T09:00", "final")
    sources = trace(issued.ctx, CYCLE, "activities.held")["sources"]
    assert {s["unit"]: s["file"] for s in sources} == {
        A: "材料.zip/材料/a.xlsx",
        B: "材料.zip/b.zip/b.xlsx",
    }
    for source in sources:
        assert issued.ctx.store.get(source["sha256"]).startswith(b"PK")


def test_a_saved_message_is_opened_too(issued: Office) -> None:
    form = fill(issued.template(A), honest(1))
    issued.drop(A, {"转发.eml": message("统计表.xlsx", form)})
    assert issued.receive_folder("2022-06-10T10:00")["dispositions"]["return"] == 1
    issued.validate("2022-06-10T10:05")
    assert issued.unit(A)["versions"] == 1


@pytest.mark.slow
def test_what_waits_for_a_program_is_driven_again_once_it_is_there(
    issued: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _as_doc(issued, tmp_path)
    issued.drop(A, {"统计表.doc": old, "工作总结.docx": _report()})
    monkeypatch.setenv(SOFFICE, "/nowhere/soffice")
    took = issued.receive_folder("2022-06-10T10:00")
    assert took["dispositions"] == {"return": 1, "set_aside": 1}
    issued.validate("2022-06-10T10:05")
    waiting = issued.unit(A)
    assert (waiting["status"], waiting["versions"]) == ("unsettled", 0)
    issued.validate("2022-06-10T10:35")  # still not there: nothing changes
    assert issued.unit(A)["versions"] == 0
    monkeypatch.delenv(SOFFICE)
    issued.validate("2022-06-11T10:05")
    settled = issued.unit(A)
    assert settled["versions"] == 1
    assert (settled["status"], settled["parts"]["report"]) == ("partial", "accepted")
    replies = [letter["kind"] for letter in issued.letters(unit=A) if letter["kind"] != "notice"]
    assert len(replies) == 2  # what could not be read, and then what was
    values = issued.assemble("2022-07-10T09:00", "final")["totals"][COLLECTION]
    assert {c: Decimal(v) for c, v in values["activity-week-statistics@2022"].items()} == honest(1)


def _report() -> bytes:
    document = docx.Document()
    document.add_paragraph("科技活动周工作总结：举办活动若干场，群众反响良好。" * 5)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def _as_doc(issued: Office, folder: Path) -> bytes:
    """The unit's own Word form, filled and saved by LibreOffice as Word 97 has it."""
    document = docx.Document(str(next((issued.ctx.home.issued(CYCLE) / A).glob("*.docx"))))
    labels = {item.label: item.code for item in statistics_form().items}
    for row in document.tables[0].rows:
        for label, cell in itertools.pairwise(row.cells):
            if (code := labels.get("".join(label.text.split()))) and not cell.text.strip():
                cell.text = str(honest(1)[code])
    document.add_paragraph("以上数据真实。")  # LibreOffice loses a table that ends a document
    source = folder / "form.docx"
    document.save(str(source))
    command = [
        "soffice",
        "--headless",
        f"-env:UserInstallation=file://{folder}/profile",
        "--convert-to",
        "doc",
    ]
    subprocess.run([*command, "--outdir", str(folder), str(source)], check=True, capture_output=True)
    return (folder / "form.doc").read_bytes()


def test_read_says_of_an_archive_and_of_each_member_what_it_is(issued: Office, tmp_path: Path) -> None:
    path = tmp_path / "材料.zip"
    path.write_bytes(
        zipped({"统计表.xlsx": fill(issued.template(A), honest(1)), "坏.xlsx": b"PK\x03\x04garbage"})
    )
    rows = {row["file"]: row for row in read_files(issued.ctx, CYCLE, [path])["files"]}
    assert set(rows) == {str(path), f"{path}/统计表.xlsx", f"{path}/坏.xlsx"}
    form = rows[f"{path}/统计表.xlsx"]
    assert (form["disposition"], form["unit"]) == ("return", A)
    assert form["values"]["activities.held"] == str(honest(1)["activities.held"])
    assert form["cells"]["activities.held"]["matched"] == "exact"
    broken = rows[f"{path}/坏.xlsx"]
    assert broken["disposition"] == "set_aside"
    assert "请" in broken["reason"]


def test_a_hostile_archive_stops_nothing(issued: Office) -> None:
    bomb = BytesIO()
    with ZipFile(bomb, "w", 8) as archive:
        archive.writestr("统计表.xlsx", b"\0" * 120_000_000)
    climber = BytesIO()
    with ZipFile(climber, "w") as archive:
        archive.writestr("../../../统计表.xlsx", fill(issued.template(B), honest(2)))
    many = BytesIO()
    with ZipFile(many, "w") as archive:
        for n in range(10_000):
            archive.writestr(f"{n}.txt", b"x")
    issued.drop(A, {"a.zip": bomb.getvalue()})
    issued.drop(B, {"b.zip": climber.getvalue()})
    issued.drop("410725", {"c.zip": many.getvalue()})
    took = issued.receive_folder("2022-06-10T10:00")
    assert took["dispositions"] == {"set_aside": 2, "return": 1}
    issued.validate("2022-06-10T10:05")
    assert issued.unit(B)["versions"] == 1
    assert issued.unit(A)["status"] == "unsettled"
    told = json.dumps([letter["subject"] for letter in issued.letters(unit=A)], ensure_ascii=False)
    assert "材料" in told


def test_the_operator_sees_what_is_odd_about_a_file(issued: Office) -> None:
    issued.hand_in(A, honest(1), "统计表.xls")  # what is inside is an xlsx
    issued.receive_folder("2022-06-10T10:00")
    issued.validate("2022-06-10T10:05")
    unit = issued.unit(A)
    assert unit["parts"]["statistics"] == "accepted"
    (note,) = unit["notes"]
    assert note.startswith("统计表.xls：扩展名")


@pytest.mark.slow
def test_formulas_that_nobody_could_work_out_stop_nothing_later(
    issued: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = openpyxl.load_workbook(BytesIO(fill(issued.template(A), honest(1))))
    sheet = book.worksheets[0]
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == float(honest(1)["funding.county"]))
    cell.value = "=40+0.06"
    out = BytesIO()
    book.save(out)
    issued.drop(A, {"统计表.xlsx": out.getvalue()})
    monkeypatch.setenv(SOFFICE, "/nowhere/soffice")
    issued.receive_folder("2022-06-10T10:00")
    assert issued.validate("2022-06-10T10:05")["by_status"] == {"rejected": 1}
    monkeypatch.delenv(SOFFICE)
    issued.drop(A, {"统计表（重报）.xlsx": out.getvalue() + b"\0"})
    issued.receive_folder("2022-06-11T10:00")
    issued.validate("2022-06-11T10:05")
    unit = issued.unit(A)
    assert (unit["versions"], unit["parts"]["statistics"]) == (2, "accepted")
    issued.assemble("2022-07-10T09:00", "final")
    sources = trace(issued.ctx, CYCLE, "funding.county")["sources"]
    assert [source["value"] for source in sources] == ["40.06"]
