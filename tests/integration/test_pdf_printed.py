"""Forms as other programs print them: LibreOffice's PDFs of workbooks and Word forms, read back."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import docx
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from form_files import FORM, TOKEN, UNIT, VALUES, filled, saved

from huizong.errors import RejectedError
from huizong.instruments.word_form import word_form
from huizong.readers.paper.pdf import read_pdf
from huizong.readers.worker import ReadWorker

pytestmark = pytest.mark.slow

NUMBER = "ACDEFGH20"
_PASSWORD = '{"type":"string","value":"geheim"}'
_TRUE = '{"type":"boolean","value":"true"}'


def workbook() -> tuple[openpyxl.Workbook, Worksheet]:
    book = filled()
    sheet: Worksheet = book.worksheets[0]
    for row in sheet.iter_rows():
        for cell in row:
            if isinstance(cell.value, str) and cell.value.startswith("表单编号"):
                cell.value = "表单编号：ACDE-FGH2-0"
    return book, sheet


def unfitted() -> tuple[openpyxl.Workbook, Worksheet]:
    """Without our setting that all columns go on one page, which clerks lose."""
    book, sheet = workbook()
    sheet.sheet_properties.pageSetUpPr.fitToPage = False
    sheet.page_setup.fitToWidth = 0
    return book, sheet


def wide() -> bytes:
    """Groups, labels and figures on three pages beside one another."""
    book, sheet = unfitted()
    for column, width in (("A", 40), ("B", 45), ("C", 30)):
        sheet.column_dimensions[column].width = width
    return saved(book)


def figures_overleaf() -> bytes:
    """The figures alone on the second page."""
    book, sheet = unfitted()
    for column, width in (("A", 20), ("B", 42), ("C", 30)):
        sheet.column_dimensions[column].width = width
    return saved(book)


def long_and_wide() -> bytes:
    """Two pages down and three across."""
    book, sheet = unfitted()
    sheet.page_setup.fitToHeight = 0
    sheet.column_dimensions["B"].width = 75
    for row in range(1, 23):
        sheet.row_dimensions[row].height = 60
    return saved(book)


def low_rows() -> bytes:
    """Labels over two to four lines in rows high enough for one: they are printed over one another."""
    book, sheet = workbook()
    for row in range(3, 23):
        sheet.row_dimensions[row].height = 14
    for column, width in (("A", 12), ("B", 14)):
        sheet.column_dimensions[column].width = width
    return saved(book)


def word() -> bytes:
    document = docx.Document(io.BytesIO(word_form(FORM, UNIT, TOKEN, NUMBER)))
    for row, item in zip(document.tables[0].rows, FORM.items, strict=True):
        row.cells[-1].text = str(VALUES[item.code])
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def printed(folder: Path, files: Mapping[str, bytes], to: str = "pdf") -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", to, "--outdir", str(folder)]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=180, cwd=folder)
    return {Path(name).stem: (folder / name).with_suffix(".pdf").read_bytes() for name in files}


@pytest.fixture(scope="module")
def pdfs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    files = {
        "workbook.xlsx": saved(workbook()[0]),
        "word.docx": word(),
        "wide.xlsx": wide(),
        "overleaf.xlsx": figures_overleaf(),
        "long.xlsx": long_and_wide(),
        "low.xlsx": low_rows(),
    }
    return printed(tmp_path_factory.mktemp("printed"), files)


@pytest.mark.parametrize(
    ("name", "pages", "place"),
    [
        ("workbook", 1, "第1页T1R1C3"),
        ("word", 1, "第1页T1R1C3"),
        ("overleaf", 2, "第2页T1R1C1"),
        ("wide", 3, "第3页T1R1C1"),
        ("long", 6, "第5页T1R1C1"),
        ("low", 1, "第1页T1R1C3"),
    ],
)
def test_a_printed_form_says_what_the_file_said(
    pdfs: dict[str, bytes], name: str, pages: int, place: str
) -> None:
    with ReadWorker() as worker:
        reading = worker.read(pdfs[name], "来件.pdf", [FORM])
    [form] = reading.forms
    assert (reading.kind, reading.disposition, reading.pages) == ("pdf", "return", pages)
    assert {code: item.number for code, item in form.items.items()} == VALUES
    assert (form.unit_text, form.form_number) == (UNIT, NUMBER)
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert form.items["activities.held"].cell == place


def test_a_password_to_open_is_asked_for_and_one_to_edit_is_not(tmp_path: Path) -> None:
    files = {"form.xlsx": saved(workbook()[0])}
    to_open = f'pdf:calc_pdf_Export:{{"EncryptFile":{_TRUE},"DocumentOpenPassword":{_PASSWORD}}}'
    with pytest.raises(RejectedError, match="文件有密码"):
        read_pdf("pdf", printed(tmp_path / "open", files, to_open)["form"], [FORM])
    to_edit = f'pdf:calc_pdf_Export:{{"RestrictPermissions":{_TRUE},"PermissionPassword":{_PASSWORD}}}'
    data = printed(tmp_path / "edit", files, to_edit)["form"]
    assert b"/Encrypt" in data
    [form] = read_pdf("pdf", data, [FORM]).forms
    assert {code: item.number for code, item in form.items.items()} == VALUES
