"""Text that begins as a formula does is text in everything that we write: another program shows it so."""

from __future__ import annotations

import dataclasses
import subprocess
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from form_files import FORM
from test_summary import DATA, UNITS

from corpus.sheets import inline_xlsx, rows
from huizong.instruments.workbook import WorkbookMaster
from huizong.rules.marked import mark_workbook
from huizong.rules.model import Finding
from huizong.summary.workbook import write_workbook

pytestmark = pytest.mark.slow

HOSTILE = (
    '=HYPERLINK("http://x.example","点此")',
    "=1+1",
    "+1+1",
    "-2+3",
    "@SUM(1;1)",
    "\t=1+1",
    "=cmd|'/c calc'!A0",
)
ALL_SHEETS = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"


def written(text: str) -> dict[str, bytes]:
    """Every kind of workbook that leaves the house, with the text wherever a sender has a say."""
    unit = dataclasses.replace(UNITS[0], name=text, notes=text, status=text)
    finding = Finding("not_exact", "mandatory", "funding.county", text, text, "统计表", "C8")
    theirs = inline_xlsx(rows({"activities.held": text}, unit=text))
    marked = mark_workbook(theirs, [finding], FORM.numbers)
    assert marked is not None
    form = FORM.model_copy(update={"unit_line": "", "title": text})
    return {
        "summary": write_workbook(dataclasses.replace(DATA, units=(unit,), cycle_title=text, area_name=text)),
        "template": WorkbookMaster(form).render(text, "hz1.a.b.c", "ACDEFGH2A"),
        "marked": marked,
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return {f"{kind}-{n}": data for n, text in enumerate(HOSTILE) for kind, data in written(text).items()}


def test_no_cell_is_a_formula(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        sheets = openpyxl.load_workbook(BytesIO(data)).worksheets
        cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row]
        assert [(name, c.coordinate) for c in cells if c.data_type == "f"] == []


def test_another_program_shows_the_text(files: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in files.items():
        (tmp_path / f"{name}.xlsx").write_bytes(data)
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    sources = map(str, tmp_path.glob("*.xlsx"))
    command = [
        "soffice",
        "--headless",
        profile,
        "--convert-to",
        ALL_SHEETS,
        "--outdir",
        str(tmp_path),
        *sources,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=200)
    for name in files:
        shown = "\n".join(p.read_text(errors="replace") for p in tmp_path.glob(f"{name}-*.csv"))
        text = HOSTILE[int(name.rpartition("-")[2])].strip()
        assert text in shown.replace('""', '"'), (name, shown[:500])
