"""A filled-in form saved by another office suite in its other formats says the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from form_files import FORM, UNIT, VALUES, docx_bytes, xlsx

from huizong.readers.worker import ReadWorker

pytestmark = pytest.mark.slow


def converted(folder: Path, name: str, data: bytes, to: str) -> bytes:
    """The file as LibreOffice saves it; it exits 0 even where it failed, so the output is asked for."""
    source, out = folder / name, folder / "out"
    source.write_bytes(data)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", to, "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    return next(out.glob(f"{source.stem}.*")).read_bytes()


@pytest.mark.parametrize("to", ["xls", "ods", "xlsx"])
def test_a_workbook_saved_in_another_format(tmp_path: Path, to: str) -> None:
    data = converted(tmp_path, "form.xlsx", xlsx({"activities.held": "１"}), to)
    with ReadWorker() as worker:
        reading = worker.read(data, "来件", [FORM])
    form = reading.forms[0]
    assert (reading.kind, form.unit_text, form.missing, form.unknown) == (to, UNIT, (), ())
    assert {code: item.number for code, item in form.items.items()} == VALUES
    assert "full_width" in form.items["activities.held"].notes


def test_a_word_form_saved_again(tmp_path: Path) -> None:
    data = converted(tmp_path, "form.docx", docx_bytes(), "docx:MS Word 2007 XML")
    with ReadWorker() as worker:
        form = worker.read(data, "来件", [FORM]).forms[0]
    assert (form.unit_text, form.missing, form.unknown, form.duplicated) == (UNIT, (), (), ())
    assert {code: item.number for code, item in form.items.items()} == VALUES
