"""A personal form saved again by another office program can still be told apart and read."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import openpyxl
import pytest
from docx import Document
from python_calamine import CalamineWorkbook

from huizong.instruments.form_number import find_form_number, new_form_number
from huizong.instruments.model import load_instrument
from huizong.instruments.sheet import CARRIER_NAME, CARRIER_PROPERTY
from huizong.instruments.token import TokenClaims, TokenKeys, find_token
from huizong.instruments.word_form import word_form
from huizong.instruments.workbook import WorkbookMaster

pytestmark = pytest.mark.slow

FORM = load_instrument(Path(__file__).parents[2] / "include/forms/activity-week-statistics@2022.yaml")
KEYS = TokenKeys.parse("k1:" + "a" * 40)
CLAIMS = TokenClaims("x" * 32, "c" * 32, "o" * 32, "u" * 32, FORM.ref, "s" * 16)
NUMBER = new_form_number()


def converted(source: Path, suffix: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    profile = (folder.parent / "profile").as_uri()
    command = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", suffix]
    subprocess.run(
        [*command, "--outdir", str(folder), str(source)], check=True, timeout=120, capture_output=True
    )
    return folder / f"{source.stem}.{suffix}"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "form.xlsx"
    path.write_bytes(WorkbookMaster(FORM).render("红旗区科学技术局", KEYS.sign(CLAIMS), NUMBER))
    return path


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_the_hidden_column_keeps_the_token_in_every_spreadsheet_format(
    workbook: Path, suffix: str, tmp_path: Path
) -> None:
    again = converted(workbook, suffix, tmp_path / "again")

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(again.read_bytes())).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)

    assert KEYS.verify(rows[0][19]) == CLAIMS
    assert find_form_number(rows[22][0]) == NUMBER
    assert rows[1][0] == "部门/地方（盖章）：红旗区科学技术局"


def test_property_name_and_protection_outlive_another_programs_save(workbook: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(converted(workbook, "xlsx", tmp_path / "again"))
    sheet = book.worksheets[0]

    assert KEYS.verify(book.custom_doc_props[CARRIER_PROPERTY].value) == CLAIMS
    assert KEYS.verify(book.defined_names[CARRIER_NAME].value.strip('"')) == CLAIMS
    assert sheet.protection.sheet
    assert not sheet["C3"].protection.locked
    assert {check.errorStyle for check in sheet.data_validations.dataValidation} == {"warning"}


@pytest.mark.parametrize("name", ["红旗区科学技术局", "某某" * 40])
def test_both_forms_print_on_one_page(name: str, tmp_path: Path) -> None:
    for suffix, content in (
        ("xlsx", WorkbookMaster(FORM).render(name, KEYS.sign(CLAIMS), NUMBER)),
        ("docx", word_form(FORM, name, KEYS.sign(CLAIMS), NUMBER)),
    ):
        path = tmp_path / f"{suffix}.{suffix}"
        path.write_bytes(content)
        pdf = converted(path, "pdf", tmp_path / "printed").read_bytes()
        assert pdf.count(b"/Type/Page\n") + pdf.count(b"/Type/Page/") == 1


def test_a_word_form_saved_as_doc_and_back_keeps_table_token_and_number(tmp_path: Path) -> None:
    path = tmp_path / "form.docx"
    path.write_bytes(word_form(FORM, "红旗区科学技术局", KEYS.sign(CLAIMS), NUMBER))

    old = converted(path, "doc", tmp_path / "old")
    document = Document(str(converted(old, "docx", tmp_path / "again")))

    assert find_token(document.sections[0].footer.paragraphs[0].text) == KEYS.sign(CLAIMS)
    assert find_form_number("\n".join(paragraph.text for paragraph in document.paragraphs)) == NUMBER
    assert [row.cells[1].text for row in document.tables[0].rows][:17] == [i.label for i in FORM.items[:17]]
