"""Finding lists (名录) in grids: a row that holds the columns' labels, and any number of rows below it.

Columns are told by their labels, never by their place. A head may be of two lines (联系方式 over 联系人 and
联系电话). A list that goes on below a head printed again, or on a further sheet or page, is one list, unless
the marks or the unit's name say that it is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from huizong.instruments.form_number import find_form_number
from huizong.instruments.model import Instrument
from huizong.readers.layout.grammar import squeeze
from huizong.readers.layout.grid import TOKEN_PREFIX, Grid
from huizong.readers.layout.heads import behind
from huizong.readers.layout.labels import Match, labels_of
from huizong.readers.layout.list_rows import EXAMPLE_LEFT_OUT, Columns, Listed, rows_below
from huizong.readers.model import FormReading, ItemReading

_FEWEST = 3  # labels that make a row a header, where half of the list's would be fewer
_OWN = 2  # labels in the upper line of a head of two lines: a line above a table has fewer
_NUMBERING = frozenset({"序号", "编号", "行次"})

_Row = Mapping[str, ItemReading]


@dataclass(frozen=True)
class _Header:
    """A head of one line or two: which column holds which item."""

    instrument: Instrument
    row: int
    last: int
    columns: Mapping[int, str]  # column → item code
    matched: Mapping[str, tuple[str, float]]
    numbering: int | None  # the column of 序号
    unknown: tuple[str, ...]
    duplicated: tuple[str, ...]


def find_lists(grids: Sequence[Grid], instruments: Sequence[Instrument]) -> list[FormReading]:
    """All lists of the grids in order, those that go on made whole."""
    found: list[FormReading] = []
    for reading in (reading for grid in grids for reading in _of_grid(grid, instruments)):
        at = next((n for n in reversed(range(len(found))) if _goes_on(found[n], reading)), None)
        if at is None:
            found.append(reading)
        else:
            found[at] = _joined(found[at], reading)
    return found


def _of_grid(grid: Grid, instruments: Sequence[Instrument]) -> Iterator[FormReading]:
    headers = list(_headers(grid, instruments)) if instruments else []
    marks = _marks(grid) if headers else {}
    listed: list[Listed] = []
    for n, header in enumerate(headers):
        end = headers[n + 1].row if n + 1 < len(headers) else None
        columns = Columns(header.instrument, header.columns, header.matched, header.numbering)
        above = listed[-1].rows[-1:] if n and headers[n - 1].instrument == header.instrument else ()
        listed.append(rows_below(grid, columns, header.last + 1, end, above))
    tops = [0, *(header.last + 1 for header in headers)]
    for header, rows, top in zip(headers, listed, tops, strict=False):
        yield _reading(grid, header, rows, top).model_copy(update=marks)


def _marks(grid: Grid) -> dict[str, str | None]:
    """The token and the form number, wherever on the grid they stand."""
    texts = [text.strip() for _, text in grid.texts]
    return {
        "token": next((text for text in texts if text.startswith(TOKEN_PREFIX)), None),
        "form_number": next((number for text in texts if (number := find_form_number(text))), None),
    }


def _goes_on(first: FormReading, second: FormReading) -> bool:
    """Whether nothing says that the second is another one's list than the first."""
    marks = (
        (first.instrument, second.instrument),
        (first.token, second.token),
        (first.form_number, second.form_number),
        (squeeze(first.unit_text), squeeze(second.unit_text)),
    )
    return all(not a or not b or a == b for a, b in marks)


def _joined(first: FormReading, second: FormReading) -> FormReading:
    same = len(first.rows) == len(second.rows) and _says(first) == _says(second)
    if not second.rows or same:
        return first
    if not first.rows:
        return second.model_copy(update=_named(first, second))
    numbers = (*first.numbers, *second.numbers)
    clear = first.numbers and second.numbers and len(set(numbers)) == len(numbers)
    both = {
        "rows": (*first.rows, *second.rows),
        "numbers": numbers if clear else (),
        "missing": tuple(dict.fromkeys((*first.missing, *second.missing))),
        "duplicated": tuple(dict.fromkeys((*first.duplicated, *second.duplicated))),
        "notes": tuple(dict.fromkeys((*first.notes, *second.notes))),
    }
    return first.model_copy(update={**both, **_named(first, second)})


def _named(first: FormReading, second: FormReading) -> dict[str, str | None]:
    """Whose it is, from whichever of the two says so."""
    return {
        "token": first.token or second.token,
        "form_number": first.form_number or second.form_number,
        "unit_text": first.unit_text or second.unit_text,
        "title": first.title or second.title,
    }


def _says(reading: FormReading) -> list[dict[str, str]]:
    return [{code: squeeze(cell.raw) for code, cell in row.items()} for row in reading.rows]


def _headers(grid: Grid, instruments: Sequence[Instrument]) -> Iterator[_Header]:
    lines: dict[int, dict[int, str]] = {}
    for (row, column), text in grid.texts:
        lines.setdefault(row, {})[column] = text
    behind_last = -1
    for row in lines:
        candidates = [h for i in instruments if (h := _header(i, row, lines))] if row > behind_last else []
        if candidates:
            best = max(candidates, key=lambda h: (len(h.columns), _alike(grid, row, h.instrument)))
            behind_last = best.last
            yield best


def _header(instrument: Instrument, row: int, lines: Mapping[int, Mapping[int, str]]) -> _Header | None:
    found: dict[int, Match] = {}
    unknown: dict[int, str] = {}
    duplicated: list[str] = []
    labels = labels_of(instrument.items)
    for column, text in lines[row].items():
        match = labels.match(text)
        if match is None or len(match.codes) != 1:
            unknown[column] = squeeze(text)
        elif any(match.codes == other.codes for other in found.values()):
            duplicated.append(match.codes[0])
        else:
            found[column] = match
    below = _second_line(instrument, lines[row], lines.get(row + 1, {}), found) if len(found) >= _OWN else {}
    columns = found | below
    if len(columns) < max(_FEWEST, (len(instrument.items) + 1) // 2):
        return None
    known = (u for u in unknown.values() if u and u not in _NUMBERING and not u.startswith(TOKEN_PREFIX))
    return _Header(
        instrument,
        row,
        row + bool(below),
        {column: match.codes[0] for column, match in columns.items()},
        {match.codes[0]: (match.matched, match.confidence) for match in columns.values()},
        next((column for column, text in unknown.items() if text in _NUMBERING), None),
        tuple(known),
        tuple(duplicated),
    )


def _second_line(
    instrument: Instrument, upper: Mapping[int, str], lower: Mapping[int, str], found: Mapping[int, Match]
) -> dict[int, Match]:
    """The labels of the line below: whole ones, and those that only make one with what stands over them."""
    labels = labels_of(instrument.items)
    taken = {match.codes for match in found.values()}
    below: dict[int, Match] = {}
    for column, text in lower.items():
        over = upper[max((c for c in upper if c <= column), default=column)] if upper else ""
        for words in (text, over + text):
            match = labels.match(words)
            if match and len(match.codes) == 1 and match.confidence == 1 and match.codes not in taken:
                below[column] = match
                taken.add(match.codes)
                break
    return {column: match for column, match in below.items() if column not in found}


def _reading(grid: Grid, header: _Header, listed: Listed, top: int) -> FormReading:
    head = [text for _, text in grid.texts_between(top, header.row - 1)]
    found = {*header.columns.values()}
    return FormReading(
        instrument=header.instrument.ref,
        sheet=grid.name,
        title=max(head, key=lambda t: fuzz.ratio(squeeze(t), header.instrument.title), default=""),
        unit_text=_unit_text(head, header.instrument),
        rows=listed.rows,
        numbers=listed.numbers,
        missing=tuple(item.code for item in header.instrument.items if item.code not in found),
        unknown=header.unknown,
        duplicated=header.duplicated,
        notes=(EXAMPLE_LEFT_OUT.format(count=listed.examples),) if listed.examples else (),
    )


def _unit_text(head: Sequence[str], instrument: Instrument) -> str:
    return next((found for text in head if (found := behind(text, instrument.unit_line))), "")


def _alike(grid: Grid, row: int, instrument: Instrument) -> float:
    head = (text for _, text in grid.texts_between(max(0, row - 6), row - 1))
    return max((fuzz.ratio(squeeze(text), squeeze(instrument.title)) for text in head), default=0.0)
