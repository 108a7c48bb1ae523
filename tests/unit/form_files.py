"""Filled-in forms as real files, made with other programs than those that read them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import docx
import openpyxl
import xlwt

from huizong.instruments.model import load_instrument
from huizong.instruments.workbook import WorkbookMaster, build_form_sheet
from huizong.readers.model import FileReading

ROOT = Path(__file__).parents[2]
FORM = load_instrument(ROOT / "include/forms/activity-week-statistics@2022.yaml")
UNIT = "红旗区科学技术局"
TOKEN = "hz1.k1.eyJ1IjoiNDEwNzAyIn0.c2lnbmF0dXJl"
FORM_NUMBER = "ACDE-FGH2"
VALUES: dict[str, Decimal] = {
    item.code: Decimal(n * n) + (Decimal("0.25") if item.type == "decimal" else 0)
    for n, item in enumerate(FORM.items, start=1)
}


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def template(form_number: str = "ACDEFGH2A") -> bytes:
    return WorkbookMaster(FORM).render(UNIT, TOKEN, form_number)


def filled(changes: Mapping[str, object] | None = None) -> openpyxl.Workbook:
    """The personal workbook with `VALUES` beside their labels, and `changes` (code → cell) over them."""
    book = openpyxl.load_workbook(io.BytesIO(template()))
    for row, item in enumerate(FORM.items, start=3):
        value: object = VALUES[item.code]
        book.worksheets[0].cell(row, 3).value = (changes or {}).get(item.code, value)
    return book


def xlsx(changes: Mapping[str, object] | None = None) -> bytes:
    return saved(filled(changes))


def two_units() -> bytes:
    """One workbook with the forms of two units, a sheet each."""
    book = openpyxl.Workbook()
    book.worksheets[0].title = "红旗区"
    build_form_sheet(book.worksheets[0], FORM, UNIT, VALUES)
    build_form_sheet(
        book.create_sheet("卫滨区"), FORM, "卫滨区科学技术局", VALUES | {"activities.held": Decimal(7)}
    )
    return saved(book)


def xls(changes: Mapping[str, object] | None = None) -> bytes:
    """The same form as an old workbook, from scratch."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("统计表")
    sheet.write_merge(0, 0, 0, 2, FORM.title)
    sheet.write(1, 0, f"{FORM.unit_line}{UNIT}")
    for row, item in enumerate(FORM.items, start=2):
        sheet.write(row, 0 if item.label_in_group else 1, item.label)
        value = (changes or {}).get(item.code, VALUES[item.code])
        if isinstance(value, str) and value.startswith("#"):
            sheet.row(row).set_cell_error(2, value)
        else:
            sheet.write(row, 2, float(value) if isinstance(value, Decimal) else value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def word() -> docx.document.Document:
    """The form in Word: header line above the table, group cells merged down."""
    document = docx.Document()
    document.add_paragraph(FORM.title)
    document.add_paragraph(f"{FORM.unit_line}{UNIT}")
    table = document.add_table(rows=0, cols=3)
    start: dict[str, int] = {}
    for n, item in enumerate(FORM.items):
        cells = table.add_row().cells
        cells[2].text = str(VALUES[item.code])
        if item.label_in_group:
            cells[0].merge(cells[1]).text = item.label
            continue
        cells[1].text = item.label
        if item.group not in start:
            start[item.group] = n
            cells[0].text = item.group
        else:
            table.cell(start[item.group], 0).merge(table.cell(n, 0))
    document.add_paragraph("填表说明：略")
    return document


def docx_bytes(document: docx.document.Document | None = None) -> bytes:
    out = io.BytesIO()
    (document or word()).save(out)
    return out.getvalue()


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


def numbers(reading: FileReading, form: int = 0) -> dict[str, Decimal | None]:
    return {code: item.number for code, item in reading.forms[form].items.items()}


def set_aside(reading: FileReading, reason: str) -> bool:
    return (reading.disposition, reading.reason, reading.forms) == ("set_aside", reason, ())
