"""From the lines of text on scanned pages to a grid in which forms are looked for.

Rows are where labels stand: what is right of a label and nearest to it belongs to it. So a page may lie
askew or be photographed at an angle, and a label or a group's cell may take several lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from huizong.instruments.model import Instrument
from huizong.readers.layout.grammar import squeeze
from huizong.readers.layout.grid import Grid, Place
from huizong.readers.layout.labels import labels_of
from huizong.readers.paper.ocr import Line

_STROKES = frozenset("—一―─–−ー-－_")  # to a machine a dash, a one written 一 and a piece of a line are alike
UNSURE = "—?"  # what a lone stroke becomes: never a number, never 无
_LONG = 4.0  # width to height from which a line's slope is worth measuring
_MOST_JOINED = 4  # lines of one label
_NEAR = 0.8  # line heights between two lines of one cell, at most
_LABEL_COLUMN = 1
IsLabel = Callable[[str], bool]


@dataclass(frozen=True)
class _Cell:
    """A text with its place on the straightened page."""

    text: str
    score: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class Scanned:
    """The grid of all pages, one below another, and how well each cell was read, by its reference."""

    grid: Grid
    scores: dict[str, float]


def grid_of(pages: Sequence[Sequence[Line]], instruments: Sequence[Instrument]) -> Scanned:
    """The pages' lines as a grid; a cell is called 第1页R5C3 (row, column: as read, not as ruled)."""
    labels = [labels_of(i.items) for i in instruments if i.kind == "form"]

    def is_label(text: str) -> bool:
        return any(known.match(text) for known in labels)

    def is_known(text: str) -> bool:
        return any(known.match(text) or known.group(text) for known in labels)

    cells: dict[Place, str] = {}
    refs: dict[Place, str] = {}
    scores: dict[str, float] = {}
    first = 0
    for number, lines in enumerate(pages, start=1):
        rows = list(_rows(_joined(_straightened(lines), is_known), is_label))
        width = max((column for columns in rows for column in columns), default=0)
        for row, columns in enumerate(rows):
            for column in range(width + 2):
                refs[first + row, column] = f"第{number}页R{row + 1}C{column + 1}"
            for column, cell in columns.items():
                place = (first + row, column)
                cells[place] = UNSURE if set(squeeze(cell.text)) <= _STROKES else cell.text
                scores[refs[place]] = cell.score
        first += len(rows)
    return Scanned(Grid("第1页", cells, typed=False, refs=refs), scores)


def _straightened(lines: Sequence[Line]) -> list[_Cell]:
    """Cells whose y is what it would be on a page that lies straight.

    The slope of long lines is fitted as a linear function of their height on the page: constant for a page
    laid askew, changing from top to bottom for one photographed at an angle.
    """
    if not lines:
        return []
    corners = np.array([line.box for line in lines], np.float64)  # n x 4 x 2
    along, centre = corners[:, 1] - corners[:, 0], corners.mean(axis=1)
    heights = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
    long = (along[:, 0] > _LONG * heights) & (np.abs(along[:, 1]) < 0.3 * np.abs(along[:, 0]))
    slope = np.zeros(len(lines))
    if long.any():
        slopes = along[long, 1] / along[long, 0]
        slope += np.median(slopes)
        if long.sum() >= 8:
            slope = np.polyval(np.polyfit(centre[long, 1], slopes, 1), centre[:, 1])
    y = centre[:, 1] - slope * (centre[:, 0] - centre[:, 0].mean())
    left, right = corners[:, :, 0].min(axis=1), corners[:, :, 0].max(axis=1)
    return [
        _Cell(line.text, line.score, left[n], right[n], y[n] - heights[n] / 2, y[n] + heights[n] / 2)
        for n, line in enumerate(lines)
    ]


def _joined(cells: Sequence[_Cell], is_known: IsLabel) -> list[_Cell]:
    """Labels and group names that take several lines, made whole: the longest that is known as one."""
    left = sorted(cells, key=lambda cell: cell.y)
    done: list[_Cell] = []
    while left:
        chain = [left.pop(0)]
        while len(chain) < _MOST_JOINED and (below := _below(chain[-1], left)) is not None:
            chain.append(below)
        texts = ["".join(part.text for part in chain[:n]) for n in range(1, len(chain) + 1)]
        length = max((n for n, text in enumerate(texts, start=1) if is_known(text)), default=1)
        parts = chain[:length]
        left = [cell for cell in left if all(cell is not part for part in parts)]
        done.append(
            replace(
                parts[0],
                text=texts[length - 1],
                score=min(part.score for part in parts),
                left=min(part.left for part in parts),
                right=max(part.right for part in parts),
                bottom=parts[-1].bottom,
            )
        )
    return done


def _below(cell: _Cell, others: Sequence[_Cell]) -> _Cell | None:
    """The line that may continue the cell: close beneath it, and over or under most of the narrower one."""
    for other in others:
        shared = min(cell.right, other.right) - max(cell.left, other.left)
        narrower = min(cell.right - cell.left, other.right - other.left)
        gap, height = other.top - cell.bottom, min(cell.height, other.height)
        if shared > 0.5 * narrower and -0.5 * height < gap < _NEAR * height:
            return other
    return None


def _rows(cells: Sequence[_Cell], is_label: IsLabel) -> Iterator[dict[int, _Cell]]:
    """Column → cell, row by row. Labels are in column 1, what is left of one in 0, figures from 2 on."""
    labels = sorted((cell for cell in cells if is_label(cell.text)), key=lambda cell: cell.y)
    rows: list[tuple[float, list[_Cell]]] = [(label.y, []) for label in labels]
    loose: list[_Cell] = []
    for cell in cells:
        n = _row_of(cell, labels)
        if n is not None and cell is not labels[n]:
            rows[n][1].append(cell)
        elif n is None:
            loose.append(cell)
    starts = _column_starts([cell for _, members in rows for cell in members])
    found = [(y, _columns(label, members, starts)) for label, (y, members) in zip(labels, rows, strict=True)]
    found += [(line[0].y, dict(enumerate(line))) for line in _lines_of(loose)]
    yield from (columns for _, columns in sorted(found, key=lambda entry: entry[0]))


def _row_of(cell: _Cell, labels: Sequence[_Cell]) -> int | None:
    """The label in whose row the cell stands: itself, or the nearest to the left of it."""
    for n, label in enumerate(labels):
        if cell is label:
            return n
    left_of_it = [n for n, label in enumerate(labels) if cell.left > (label.left + label.right) / 2]
    if not left_of_it:
        return None
    nearest = min(left_of_it, key=lambda n: abs(labels[n].y - cell.y))
    pitch = [b.y - a.y for a, b in zip(labels, labels[1:], strict=False)]
    reach = max(0.7 * median(pitch) if pitch else 0.0, labels[nearest].height)
    return nearest if abs(labels[nearest].y - cell.y) <= reach else None


def _column_starts(cells: Sequence[_Cell]) -> list[float]:
    """The left edges of the columns right of the labels: what overlaps from side to side is one column."""
    starts: list[float] = []
    right = float("-inf")
    for cell in sorted(cells, key=lambda cell: cell.left):
        if cell.left > right:
            starts.append(cell.left)
        right = max(right, cell.right)
    return starts


def _columns(label: _Cell, members: Sequence[_Cell], starts: Sequence[float]) -> dict[int, _Cell]:
    columns = {_LABEL_COLUMN: label}
    for cell in sorted(members, key=lambda cell: (cell.left, cell.y)):
        column = _LABEL_COLUMN + sum(start <= cell.left for start in starts)
        other = columns.get(column)
        both = (
            replace(cell, text=f"{other.text} {cell.text}", score=min(other.score, cell.score))
            if other
            else cell
        )
        columns[column] = both
    return columns


def _lines_of(cells: Sequence[_Cell]) -> Iterator[list[_Cell]]:
    """Cells that stand beside one another, from the left."""
    line: list[_Cell] = []
    for cell in sorted(cells, key=lambda cell: cell.y):
        if line and cell.y - line[0].y > 0.5 * line[0].height:
            yield sorted(line, key=lambda cell: cell.left)
            line = []
        line.append(cell)
    if line:
        yield sorted(line, key=lambda cell: cell.left)
