"""A list's personal files: what a clerk may type where, and that the token survives an office program."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import docx
import openpyxl
import pytest
from list_files import HEADS, INSTITUTIONS, NUMBER, PROJECTS, TOKEN, UNIT, filled, only, project, template

from huizong.errors import UsageError
from huizong.instruments.list_workbook import ROWS, ListWorkbookMaster
from huizong.instruments.masters import masters
from office import statistics_form


def sheet_of(data: bytes) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def test_every_cell_of_the_empty_rows_may_be_typed_into_and_nothing_else() -> None:
    sheet = sheet_of(template())
    last = 3 + ROWS
    free = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
    assert free == {cell.coordinate for row in sheet[f"A4:J{last}"] for cell in row}
    assert sheet.protection.sheet
    assert not sheet.protection.insertRows  # not forbidden
    assert sheet.row_dimensions[4].height is None  # grows with what is typed
    assert sheet.print_title_rows == "$3:$3"
    assert sheet.print_area == f"'备案表'!$A$1:$J${last + 1}"
    assert [cell.value for cell in sheet[3]][: len(HEADS)] == HEADS


def test_telephone_numbers_are_text_and_choices_drop_down() -> None:
    sheet = sheet_of(template(INSTITUTIONS))
    assert sheet["J4"].number_format == "@"
    checks = {str(check.sqref): check for check in sheet.data_validations.dataValidation}
    assert checks["C4:C53"].formula1 == '"科研机构,大学"'
    assert {check.errorStyle for check in checks.values()} == {"warning"}


def test_the_same_arguments_give_the_same_bytes_and_a_form_is_refused() -> None:
    assert template() == template()
    with pytest.raises(UsageError, match="名录"):
        ListWorkbookMaster(statistics_form())


def test_the_word_list_is_read_like_the_workbook() -> None:
    document = docx.Document(io.BytesIO(masters(PROJECTS)[1].render(UNIT, TOKEN, NUMBER)))
    for cell, value in zip(document.tables[0].rows[2].cells[1:], project(2), strict=True):
        cell.text = str(value)
    out = io.BytesIO()
    document.save(out)
    found = only(out.getvalue(), "备案表.docx")
    assert (found.token, found.form_number, found.unit_text) == (TOKEN, NUMBER, UNIT)
    assert (found.numbers, str(found.rows[0]["project.expected"].number)) == ((2,), "200")
    assert found.rows[0]["contact.phone"].cell == "T1R3C10"


@pytest.mark.slow
def test_a_word_list_printed_over_two_pages(tmp_path: Path) -> None:
    document = docx.Document(io.BytesIO(masters(PROJECTS)[1].render(UNIT, TOKEN, NUMBER)))
    content = "组织学生参观科技馆，开展实验演示、科普讲座与互动体验等系列活动，预计持续两天"
    for n, row in enumerate(document.tables[0].rows[1:], start=1):
        for cell, value in zip(row.cells[1:], project(n, 活动内容=content), strict=True):
            cell.text = str(value)
    document.save(str(tmp_path / "备案表.docx"))
    found = only(converted(tmp_path, "备案表.docx", "pdf"), "备案表.pdf")
    assert found.numbers == tuple(range(1, 13))
    assert {row["project.content"].raw for row in found.rows} == {content}
    assert found.rows[11]["project.name"].raw == "科普进校园第12场"


def converted(folder: Path, name: str, ending: str) -> bytes:
    (folder / "out").mkdir()
    profile, out = f"-env:UserInstallation=file://{folder}/profile", folder / "out"
    command = ["soffice", profile, "--headless", "--convert-to", ending, "--outdir", out, folder / name]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return (out / name).with_suffix(f".{ending}").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["xlsx", "ods", "xls", "pdf"])
def test_an_office_program_keeps_rows_and_marks(tmp_path: Path, ending: str) -> None:
    (tmp_path / "备案表.xlsx").write_bytes(filled([project(n) for n in range(1, 31)]))
    found = only(converted(tmp_path, "备案表.xlsx", ending), f"备案表.{ending}")
    assert (found.form_number, found.unit_text) == (NUMBER, UNIT)
    assert found.token == (None if ending == "pdf" else TOKEN)
    assert found.numbers == tuple(range(1, 31))
    assert [str(row["project.expected"].number) for row in found.rows] == [str(100 * n) for n in range(1, 31)]
    assert found.rows[29]["contact.phone"].raw == "0434-5000000"
