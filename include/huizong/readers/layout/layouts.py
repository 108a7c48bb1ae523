"""Layouts other than the printed one: label and figure in one cell, figures below labels, forms abreast."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from huizong.instruments.model import Instrument
from huizong.readers.layout.columns import Hit, has_figure_beside, is_figure
from huizong.readers.layout.grammar import CellValue, squeeze
from huizong.readers.layout.grid import TOKEN_PREFIX, Grid, Place
from huizong.readers.layout.labels import Labels, Match

_PARTS = re.compile(r"[；;\n，,。]+")
_COLON = re.compile(r"[:：=＝]")
_BEFORE_DIGIT = re.compile(r"(?<=[\u4e00-\u9fff）)])(?=\s*[-－]?[0-9０-９])")
_CLOSING = "。；;，,、 \t\u3000"
_LONGEST = 4_000
_TWIN_ROWS = 5  # rows in which a label stands twice, before forms are looked for side by side
_SHORTEST_TWIN = 4


def pairs(text: str, labels: Labels) -> list[tuple[Match, str]]:
    """举办活动次数：12次；承接科技部活动任务个数：3个 → each label with what stands behind it.

    What follows a figure belongs to it up to the next label: “12次，其中线上3次” is not read as 12.
    """
    if len(text) > _LONGEST or not (_COLON.search(text) or _BEFORE_DIGIT.search(text)):
        return []
    starts = [0, *(m.end() for m in _PARTS.finditer(text))]
    found: list[tuple[Match, int, int]] = []  # the match, where its label begins, where its value does
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if pair := _label_before(text[start:end], labels):
            found.append((pair[0], start, start + pair[1]))
    if not found:
        return []
    ends = [start for _, start, _ in found[1:]] + [len(text)]
    values = [text[at:end].strip(_CLOSING) for (_, _, at), end in zip(found, ends, strict=True)]
    return [(match, value) for (match, _, _), value in zip(found, values, strict=True) if squeeze(value)]


def _label_before(part: str, labels: Labels) -> tuple[Match, int] | None:
    """The label that the part begins with, and where its value begins: the last place that makes one."""
    for colon in reversed(list(_COLON.finditer(part))):
        if match := labels.match(part[: colon.start()]):
            return match, colon.end()
    for place in reversed(list(_BEFORE_DIGIT.finditer(part))):
        match = labels.match(part[: place.start()])
        if match and match.confidence == 1:
            return match, place.start()
    return None


def with_values_below(
    grid: Grid, hits: Sequence[Hit], instrument: Instrument, labels: Labels
) -> tuple[list[Hit], tuple[str, ...]] | None:
    """The labels with the places of their figures in the row below them, and the heads of further figures.

    None where figures stand beside labels as printed, or where it is somebody's summary: a second row of
    figures, or a column that names its rows.
    """
    if any(hit.inline or has_figure_beside(grid, hit, instrument, labels) for hit in hits):
        return None
    below = _placed_below(grid, hits, labels)
    columns: dict[int, dict[int, int]] = defaultdict(dict)  # row of figures → column → row of its label
    for hit in below:
        if hit.value is not None:
            columns[hit.value[0]][hit.value[1]] = hit.place[0]
    heads: list[str] = []
    for row, of_labels in columns.items():
        further = _further(grid, row, of_labels, instrument, labels)
        if further is None or _goes_on(grid, row, of_labels, hits, instrument):
            return None
        heads += further
    figures = sum(_is_figure_at(grid, hit.value, instrument) for hit in below if hit.value)
    return (below, tuple(heads)) if figures >= max(3, len(hits) / 2) else None


def _placed_below(grid: Grid, hits: Sequence[Hit], labels: Labels) -> list[Hit]:
    """The labels with the places below them; one whose group's cell above says the same is one label."""
    by_row: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_row[hit.place[0]].append(hit)
    found: dict[tuple[str, Place], Hit] = {}
    for row, of_row in by_row.items():
        at = next((r for r in (row + 1, row + 2) if _has_value(grid, r, of_row, labels)), row + 1)
        for hit in of_row:
            place = (at, hit.place[1])
            found[hit.code, place] = replace(hit, value=place)
    return list(found.values())


def _goes_on(
    grid: Grid, row: int, columns: Mapping[int, int], hits: Sequence[Hit], instrument: Instrument
) -> bool:
    """Whether a second row of figures follows."""
    is_of_labels = any(hit.place[0] == row + 1 for hit in hits)
    return not is_of_labels and any(_is_figure_at(grid, (row + 1, c), instrument) for c in columns)


def _further(
    grid: Grid, row: int, columns: Mapping[int, int], instrument: Instrument, labels: Labels
) -> list[str] | None:
    """The heads of figures that the form does not have; None if a text stands there: it names the row."""
    head = max(columns.values())
    found: list[str] = []
    for column in grid.columns(row):
        if column in columns or _is_mark(grid.cells[row, column], labels):
            continue
        if not _is_figure_at(grid, (row, column), instrument):
            return None
        found.append(squeeze(str(grid.cells.get((head, column), ""))))
    return [text for text in found if text]


def _has_value(grid: Grid, row: int, hits: Sequence[Hit], labels: Labels) -> bool:
    cells = (grid.cells.get((row, hit.place[1])) for hit in hits)
    return any(cell is not None and not (isinstance(cell, str) and labels.match(cell)) for cell in cells)


def _is_figure_at(grid: Grid, place: Place, instrument: Instrument) -> bool:
    cell = grid.cells.get(place)
    return cell is not None and is_figure(cell, instrument.items[0])


def _is_mark(cell: object, labels: Labels) -> bool:
    text = str(cell)
    return text.startswith(TOKEN_PREFIX) or "表单编号" in text or labels.group(text) is not None


def side_by_side(grid: Grid) -> list[Grid]:
    """The grid, or its parts where forms stand beside one another: the same labels again, some columns on."""
    shifts = list(_twins(grid))
    if len({row for row, _, _ in shifts}) < _TWIN_ROWS:
        return [grid]
    shift = Counter(second - first for _, first, second in shifts).most_common(1)[0][0]
    first = min(column for _, column, _ in shifts)
    count = 1 + max((column - first) // shift for _, _, column in shifts)
    parts: list[dict[Place, CellValue]] = [{} for _ in range(count)]
    for (row, column), cell in grid.cells.items():
        part = max(0, (column - first) // shift)
        if part < count:  # what stands right of all of them belongs to none
            parts[part][row, column] = cell
    return [replace(grid, cells=cells) for cells in parts]


def _twins(grid: Grid) -> Iterator[tuple[int, int, int]]:
    """Row and two columns of each text that stands twice in a row, with something between."""
    seen: dict[tuple[int, str], int] = {}
    for (row, column), text in grid.texts:
        before = seen.get((row, text))
        if before is not None and column - before > 1 and len(text) >= _SHORTEST_TWIN:
            yield row, before, column
        seen[row, text] = column
