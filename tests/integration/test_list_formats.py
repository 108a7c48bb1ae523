"""The lists' templates as offices save them come to the same rows through `huizong read`.

For xls, ods and pdf see test_list_templates."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from list_files import project, saved

from huizong.stages.read import read_files
from office import Office

pytestmark = pytest.mark.slow

UNIT, TITLE = "220100", "2020年吉林省科技活动周重点项目备案表"
ROWS = [project(n) for n in range(1, 6)]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = Office(tmp_path_factory.mktemp("home") / "home", cycle="jilin-2020")
    office.issue("2020-07-23T09:00")
    return office


def blank(office: Office, ending: str) -> bytes:
    folder = office.ctx.home.issued("jilin-2020") / UNIT
    return next(p for p in folder.glob(f"{TITLE}*.{ending}")).read_bytes()


def workbook(office: Office) -> bytes:
    """As a clerk leaves it: a row left out in the middle, and a sum below."""
    book = openpyxl.load_workbook(io.BytesIO(blank(office, "xlsx")))
    sheet = book.worksheets[0]
    for at, row in zip((4, 5, 7, 8, 9), ROWS, strict=True):
        for column, value in enumerate(row, start=2):
            sheet.cell(at, column).value = value
    sheet["B10"], sheet["H10"] = "合计", 1500
    return saved(book)


def word(office: Office) -> bytes:
    paper = docx.Document(io.BytesIO(blank(office, "docx")))
    for row, values in zip(paper.tables[0].rows[1:], ROWS, strict=False):
        for cell, value in zip(row.cells[1:], values, strict=True):
            cell.text = str(value)
    out = io.BytesIO()
    paper.save(out)
    return out.getvalue()


def office_program(folder: Path, name: str, data: bytes, *endings: str) -> list[Path]:
    """The file as LibreOffice saves it in these formats, and itself."""
    (folder / name).write_bytes(data)
    made = [folder / name]
    for ending in endings:
        kind = ending.partition(":")[0]
        out = folder / kind
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", ending, "--outdir", out, folder / name]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        made.append((out / name).with_suffix(f".{kind}"))
    return made


def check(office: Office, files: list[Path]) -> None:
    rows: list[dict[str, Any]] = read_files(office.ctx, "jilin-2020", files)["files"]
    assert [Path(row["file"]).suffix for row in rows] == [path.suffix for path in files]
    for row in rows:
        assert (row["disposition"], row["unit"], row["collection"]) == ("return", UNIT, "registration"), row
        listed = [(r["project.name"], r["project.expected"], r["contact.phone"]) for r in row["rows"]]
        assert listed == [(r[0], str(r[6]), r[8]) for r in ROWS], row["file"]
        assert row["findings"] == [], row["file"]


def test_the_workbook_and_the_text_that_an_office_program_makes_of_it(tmp_path: Path, office: Office) -> None:
    utf8 = "csv:Text - txt - csv (StarCalc):44,34,76"
    check(office, office_program(tmp_path, "备案表.xlsx", workbook(office), utf8))


def test_the_word_form_and_the_old_format_of_it(tmp_path: Path, office: Office) -> None:
    check(office, office_program(tmp_path, "备案表.docx", word(office), "doc"))
