"""The form of the first cycle as a grid: as printed, and as one that a test has changed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from form_files import FORM

from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import Grid
from huizong.readers.model import FormReading

Row = list[CellValue]
WANTED = {item.code: Decimal(n) for n, item in enumerate(FORM.items, start=5)}


def printed(*, groups: bool = True, label_column: int = 1) -> list[Row]:
    """The form as printed and filled in: item n holds n + 4. Rows 18 to 20 have their label in column A."""
    rows: list[Row] = [[FORM.title], [f"{FORM.unit_line}红旗区科学技术局"]]
    seen = ""
    for n, item in enumerate(FORM.items, start=5):
        group = item.group if groups and item.group != seen else None
        seen = item.group
        row: Row = [None, None, n]
        row[0] = group
        row[0 if item.label_in_group else label_column] = item.label
        rows.append(row)
    return rows


def grid(rows: Sequence[Row], name: str = "Sheet1", *, visible: bool = True) -> Grid:
    cells = {(r, c): v for r, row in enumerate(rows) for c, v in enumerate(row) if v is not None}
    return Grid(name=name, cells=cells, visible=visible)


def one(rows: Sequence[Row]) -> FormReading:
    forms = find_forms([grid(rows)], [FORM])
    assert len(forms) == 1
    return forms[0]


def numbers(form: FormReading) -> dict[str, Decimal | None]:
    return {code: reading.number for code, reading in form.items.items()}


def row_of(rows: Sequence[Row], code: str) -> int:
    return next(r for r, row in enumerate(rows) if FORM.by_code[code].label in row[:2])
