"""The same form saved by LibreOffice in all the formats that it writes: one call a format, one profile."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from form_files import docx_bytes, word

from corpus.cases import Case, SetAside, one
from corpus.sheets import xlsx

# Line of the table, LibreOffice's name of the format, the ending; of the workbook, then of the document.
_WORKBOOKS = (
    ("xlsx", "xlsx:Calc MS Excel 2007 XML", "xlsx"),
    ("xls", "xls:MS Excel 97", "xls"),
    ("xls", "xlt:MS Excel 97 Vorlage/Template", "et"),
    ("ods", "ods:calc8", "ods"),
    ("fods", "fods:OpenDocument Spreadsheet Flat XML", "fods"),
    ("html", "html:HTML (StarCalc)", "html"),
    ("html", "xhtml:XHTML Calc File", "xls"),
    ("pdf, digital", "pdf:calc_pdf_Export", "pdf"),
)
_DOCUMENTS = (
    ("docx", "docx:MS Word 2007 XML", "docx"),
    ("doc, wps", "doc:MS Word 97", "wps"),
    ("rtf", "rtf:Rich Text Format", "rtf"),
    ("odt", "odt:writer8", "odt"),
    ("pdf, digital", "pdf:writer_pdf_Export", "pdf"),
)


def cases(folder: Path) -> Iterator[Case]:
    """Make them in `folder`; needs soffice."""
    document = word()
    document.tables[0].style = "Table Grid"
    sources = (("form.xlsx", xlsx(), _WORKBOOKS), ("form.docx", docx_bytes(document), _DOCUMENTS))
    for source, data, formats in sources:
        (folder / source).write_bytes(data)
        for n, (line, wanted, ending) in enumerate(formats):
            made = convert(folder, folder / source, wanted, f"{source[-4:]}-{n}")
            outcome = SetAside("xlsx") if line == "fods" else None  # flat XML: nobody sends it by intention
            yield one(line, f"另存-{source[-4:]}-{n}.{ending}", made, outcome)


def convert(folder: Path, source: Path, wanted: str, name: str) -> bytes:
    """A file as LibreOffice saves it. It exits 0 even where it failed, so the output is asked for."""
    out = folder / name
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", wanted, "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return next(out.glob(f"{source.stem}.*")).read_bytes()
