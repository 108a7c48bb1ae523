"""Forms in plain text: csv and tsv in any encoding of the country, and forms typed or pasted as text.

Never by LibreOffice, whose default filter makes mojibake of GBK and of UTF-8.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from io import StringIO

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grid import Grid, Place, Raw
from huizong.readers.model import FileReading, FormReading, State
from huizong.readers.sheets.spreadsheet import NO_FORM
from huizong.readers.sniff import decode
from huizong.readers.words.word import MAX_TEXT

_READ = 4 * 2**20  # bytes; a form has some kilobytes
_LONGEST_CELL = 32_767  # as in Excel
# How people part columns without a program, from the surest sign to the weakest; a colon in brackets is none.
_ALIGNED = (re.compile(r"[|│]|\t+| {2,}|\u3000+"), re.compile(r"[|│]|[:：](?![^（(]{0,80}[)）])|\s+"))
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
Rows = list[list[str]]


def read_delimited(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read the forms of a csv or of a plain text. A text without one is a return all the same, a csv is not.

    Raises:
        RejectedError: no text after all.
    """
    text = decode(data[:_READ])
    if text is None:
        raise RejectedError(limits.DAMAGED)
    forms = _best_forms(text, instruments)
    kept = kind == "text" or bool(forms)
    return FileReading(
        kind=kind,
        disposition="return" if kept else "set_aside",
        reason="" if kept else NO_FORM,
        forms=tuple(forms),
        text=text[:MAX_TEXT],
    )


def _best_forms(text: str, instruments: Sequence[Instrument]) -> list[FormReading]:
    """The forms of the first way to part columns that finds every item, else of the one that finds most."""
    best: list[FormReading] = []
    for grid in _ways(text):
        forms = find_forms([grid], instruments)
        if sum(map(_cells_in, forms)) > sum(map(_cells_in, best)):
            best = forms
        if best and not any(form.missing for form in best):
            break
    return best


def _cells_in(form: FormReading) -> int:
    return len(form.items) + sum(len(row) for row in form.rows)


def _ways(text: str) -> Iterator[Grid]:
    for mark in "\t,;":
        if mark in text and (rows := _rows_by(text, mark)):
            yield _grid(*(_torn(rows) if mark == "," else (rows, {})))
    lines = text.splitlines()[: limits.MAX_ROW]
    for parting in _ALIGNED:
        yield _grid([[cell for cell in parting.split(line) if cell.strip()] for line in lines], {})


def _rows_by(text: str, mark: str) -> Rows:
    reader = csv.reader(StringIO(text, newline=""), delimiter=mark)
    rows: Rows = []
    try:
        for row in reader:
            rows.append(row)
            if len(rows) >= limits.MAX_ROW:
                break
    except csv.Error:  # a cell without end: the quotation mark was only a quotation mark
        return []
    return rows


class _Torn(Raw):
    """Figures that commas have torn: one of thousands, or several, which nobody but the unit can say."""

    def __init__(self, figures: dict[Place, str]) -> None:
        self._figures = figures

    def state(self, place: Place) -> tuple[State, str]:
        return ("conflict", self._figures[place]) if place in self._figures else ("blank", "")


def _torn(rows: Rows) -> tuple[Rows, dict[Place, str]]:
    """The rows without what unquoted commas have torn (12,500 in a file parted by commas), and that by place.

    Torn is a row that is longer than most and ends like one number in groups of three, unless a row above
    has a head for its further cells.
    """
    rows = [row[: len(row) - _empty_at_end(row)] for row in rows]
    lengths = Counter(len(row) for row in rows if len(row) > 1)
    width = max(lengths, key=lambda length: (lengths[length], -length), default=0)
    kept, torn, headed = [], {}, False
    for r, row in enumerate(rows):
        tail = ",".join(cell.strip() for cell in row[width - 1 :])
        is_torn = 1 < width < len(row) and _THOUSANDS.fullmatch(tail) and not headed
        headed = headed or (len(row) > width > 0 and not any(map(str.isdigit, tail)))
        if is_torn:
            torn[r, width - 1] = tail
        kept.append(row[: width - 1] if is_torn else row)
    return kept, torn


def _empty_at_end(row: list[str]) -> int:
    return next((n for n, cell in enumerate(reversed(row)) if cell.strip()), len(row))


def _grid(rows: Rows, torn: dict[Place, str]) -> Grid:
    cells = {
        (r, c): cell[:_LONGEST_CELL]
        for r, row in enumerate(rows)
        for c, cell in enumerate(row[: limits.MAX_COLUMN])
        if cell.strip()
    }
    return Grid(name="", cells=dict(cells), typed=False, raw=_Torn(torn))
