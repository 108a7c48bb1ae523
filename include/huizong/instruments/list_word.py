"""A list (名录) as a Word document: the same columns as the workbook's, for clerks who fill in Word."""

from __future__ import annotations

from typing import Any

from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm

from huizong.errors import UsageError
from huizong.instruments.form_number import printed_form_number
from huizong.instruments.list_workbook import NUMBER_HEAD
from huizong.instruments.model import Instrument
from huizong.instruments.word_form import fill, word_master

ROWS = 12  # empty ones; who needs more adds them in Word
_WIDTH = Mm(257)  # of the page between its margins
_NUMBERS = Mm(14)


class ListWordMaster:
    """The personal Word document of a list, laid out once and then copied per unit."""

    def __init__(self, instrument: Instrument) -> None:
        """Raises UsageError for an instrument that is no list."""
        if instrument.kind != "list":
            raise UsageError(f"表样 {instrument.ref} 不是名录（kind: list）")
        self._master = word_master(instrument, _table, landscape=True)

    def render(self, unit_name: str, token: str, form_number: str) -> bytes:
        """One unit's .docx: the same arguments give the same bytes."""
        return self._master.render(
            {"unit": unit_name, "token": token, "foot": printed_form_number(form_number)}
        )


def _table(document: Any, instrument: Instrument) -> None:
    heads = (NUMBER_HEAD, *(item.label for item in instrument.items))
    table = document.add_table(rows=ROWS + 1, cols=len(heads), style="Table Grid")
    table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = [_NUMBERS, *[(_WIDTH - _NUMBERS) // len(instrument.items)] * len(instrument.items)]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for n, row in enumerate(table.rows):
        row.height, row.height_rule = Mm(9), WD_ROW_HEIGHT_RULE.AT_LEAST
        texts = heads if n == 0 else (str(n), *[""] * len(instrument.items))
        for cell, width, text in zip(row.cells, widths, texts, strict=True):
            cell.width, cell.vertical_alignment = width, WD_CELL_VERTICAL_ALIGNMENT.CENTER
            fill(cell, text, centred=True)
    repeated = OxmlElement("w:tblHeader")  # the header comes again on each page
    repeated.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(repeated)
