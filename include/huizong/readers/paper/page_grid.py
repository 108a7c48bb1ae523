"""From printed pages (PDF and OFD alike) to a grid.

All pages become one grid, as a Word document does: a table's rows, and the lines above and below it as rows
of their own. Columns are told by where cells begin on the paper, so that a table continued on the next page,
in which other cells are merged, keeps its columns; a table whose right part was printed on a page of its own
is put together again.

Units are points (1/72 inch), y grows downwards.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isfinite

from huizong.readers.layout.grammar import CellValue, squeeze
from huizong.readers.layout.grid import Grid, Place
from huizong.readers.paper.pages import Page, Run
from huizong.readers.paper.ruled import NEAR, Box, tables

# In heights of the text: what stands further apart on a line is another cell; with tables, and without.
_WIDE_GAP = 2.0
_GAP = 1.0
_WORD_GAP = 0.2  # and this much is a space
_PITCH = 1.8  # lines of one cell follow one another at most so far
_INSIDE = 1.5
_CENTRED = 0.15  # of a row's height
_MOST_COMPARISONS = 3_000_000
_FEWEST, _MOST_LINES = 3, 500  # across a table that is put together from two pages
_FEW = 0.2  # of the lines
_SAME_TEXT = 4  # shorter texts (figures) are never taken for a label drawn twice


@dataclass(frozen=True)
class _Piece:
    x0: float
    x1: float
    text: str
    ref: str
    ruled: bool = False  # a cell with lines on all sides

    @property
    def x(self) -> float:
        """Where its column is looked for: a cell may reach over several."""
        return self.x0 + NEAR if self.ruled else (self.x0 + self.x1) / 2

    def moved(self, by: float) -> _Piece:
        return replace(self, x0=self.x0 + by, x1=self.x1 + by)


@dataclass
class _Row:
    top: float
    bottom: float
    ruled: bool
    pieces: list[_Piece] = field(default_factory=list)

    def holds(self, y: float) -> bool:
        return self.top <= y < self.bottom


@dataclass
class _Sheet:
    """One page, or several printed side by side."""

    rows: list[_Row]
    edges: list[float]  # where columns begin, and where the last ends
    across: tuple[float, ...]  # y of the horizontal lines
    down: tuple[float, ...]  # x of the vertical ones

    def texts(self, *, ruled: bool) -> set[str]:
        pieces = (piece for row in self.rows for piece in row.pieces if piece.ruled or not ruled)
        return {text for piece in pieces if len(text := squeeze(piece.text)) >= _SAME_TEXT}


def grid_of(pages: Sequence[Page]) -> Grid:
    """All pages as one grid. A cell is called 第1页T1R5C3 (table, row, column), a line 第1页第3行."""
    sheets: list[_Sheet] = []
    for page in pages:
        sheet = _sheet(page)
        left = next((other for other in sheets if _continues(other, sheet)), None)
        if left is None:
            sheets.append(sheet)
        else:
            _put_beside(left, sheet)
    edges = _distinct(edge for sheet in sheets for edge in sheet.edges)
    rows = [row for sheet in sheets for row in sorted(sheet.rows, key=lambda r: r.top)]
    ruled = bool(edges)
    if not ruled:
        edges = _gutters(rows)
    cells: dict[Place, CellValue] = {}
    refs: dict[Place, str] = {}
    for number, row in enumerate(rows):
        for order, piece in enumerate(sorted(row.pieces, key=lambda p: p.x)):
            # Lines outside a table's rows have no columns; their cells are only counted.
            column = bisect_right(edges, piece.x) if row.ruled or not ruled else order
            place = (number, column)
            refs.setdefault(place, piece.ref)
            if piece.text:
                cells[place] = f"{cells[place]} {piece.text}" if place in cells else piece.text
    return Grid(name="", cells=cells, typed=False, wrapped=True, refs=refs)


def _sheet(page: Page) -> _Sheet:
    ruled = tables(page.rulings)
    runs = [r for r in page.runs if isfinite(r.x0 + r.top + r.x1 + r.bottom)]
    boxes = [box for table in ruled.tables for row in table for box in row if box]
    if len(boxes) * len(runs) > _MOST_COMPARISONS:
        ruled, boxes = tables(()), []
    inside: dict[Box, list[Run]] = defaultdict(list)
    outside: list[Run] = []
    gap = _WIDE_GAP if boxes else _GAP
    for block in _blocks(runs, boxes, gap):
        whole = _around(block)
        box = _box_of(whole, boxes)
        if box is None:
            outside += block
        else:
            inside[box] += block
    rows = _table_rows(page.number, ruled.tables, inside)
    _lay_outside(page.number, rows, outside, gap)
    edges = [box[0] for box in boxes] + [box[2] for box in boxes]
    return _Sheet(rows, edges, ruled.across, ruled.down)


def _table_rows(
    number: int, found: Sequence[Sequence[Sequence[Box | None]]], inside: dict[Box, list[Run]]
) -> list[_Row]:
    rows = []
    for t, table in enumerate(found, start=1):
        for r, boxes in enumerate(table, start=1):
            row = _Row(min(b[1] for b in boxes if b), min(b[3] for b in boxes if b), ruled=True)
            for c, box in enumerate(boxes, start=1):
                if box:
                    text = _text_of(inside.get(box, ()))
                    row.pieces.append(_Piece(box[0], box[2], text, f"第{number}页T{t}R{r}C{c}", ruled=True))
            rows.append(row)
    return rows


def _lay_outside(number: int, rows: list[_Row], outside: Sequence[Run], gap: float) -> None:
    """Text in no cell: in the row of a table that is open at its side, or on a line of its own."""
    lines: list[list[Run]] = []
    for run in sorted(outside, key=lambda r: (r.y, r.x0)):
        if lines and _on_line(lines[-1], run):
            lines[-1].append(run)
        else:
            lines.append([run])
    for n, line in enumerate(lines, start=1):
        whole = _around(line)
        row = next((r for r in rows if r.ruled and r.holds(whole.y)), None)
        if row is None:
            row = _Row(whole.top, whole.bottom, ruled=False)
            rows.append(row)
        for piece in _pieces(sorted(line, key=lambda r: r.x0), gap):
            row.pieces.append(_Piece(piece.x0, piece.x1, piece.text, f"第{number}页第{n}行"))


def _on_line(line: Sequence[Run], run: Run) -> bool:
    """Figures and words of one line are not always drawn at quite the same height."""
    return run.y - line[-1].y < 0.35 * run.height and run.y - line[0].y < 0.7 * run.height


def _pieces(line: Iterable[Run], gap: float) -> list[Run]:
    """Neighbours on one line, with a space between them where there is one on the paper."""
    joined: list[Run] = []
    for run in line:
        if joined and run.x0 - joined[-1].x1 < gap * run.height:
            joined[-1] = _append(joined[-1], run)
        else:
            joined.append(run)
    return joined


def _append(left: Run, right: Run) -> Run:
    space = " " if right.x0 - left.x1 > _WORD_GAP * right.height else ""
    return Run(
        left.text + space + right.text,
        min(left.x0, right.x0),
        min(left.top, right.top),
        max(left.x1, right.x1),
        max(left.bottom, right.bottom),
    )


def _blocks(runs: Sequence[Run], boxes: Sequence[Box], gap: float) -> list[list[Run]]:
    """Lines drawn one after another and one below another: a cell's text, also where its row is too low.

    Spreadsheets print all lines of a cell whose row is too low for them, over the rows above and below, so
    only the middle of all its lines says whose they are.
    """
    blocks: list[list[Run]] = []
    homes: dict[int, Box | None] = {}  # index of a block -> where its last line belongs by itself
    for run in runs:
        home = _box_of(run, boxes)
        last = blocks[-1][-1] if blocks else None
        before = homes.get(len(blocks) - 1)
        if last and home == before and _same_line(last, run, gap):
            blocks[-1][-1] = _append(last, run)
        elif last and _follows(last, run) and not _apart(last, before, run, home):
            blocks[-1].append(run)
        else:
            blocks.append([run])
        homes[len(blocks) - 1] = home
    return blocks


def _same_line(left: Run, right: Run, gap: float) -> bool:
    close = -0.5 * right.height < right.x0 - left.x1 < gap * right.height
    return close and abs(right.y - left.y) < 0.3 * right.height


def _follows(above: Run, below: Run) -> bool:
    return (
        0.5 * above.height < below.top - above.top <= _PITCH * above.height
        and min(above.x1, below.x1) > max(above.x0, below.x0)
        and abs(above.height - below.height) < 0.2 * above.height
    )


def _apart(above: Run, its_box: Box | None, below: Run, other: Box | None) -> bool:
    """Whether two lines stand in cells of their own, each by itself, or outside all of them."""
    if its_box == other:
        return its_box is None
    return _at_home(above, its_box) and _at_home(below, other)


def _at_home(run: Run, box: Box | None) -> bool:
    if box is None:
        return True
    _, top, _, bottom = box
    centred = abs(run.y - (top + bottom) / 2) < _CENTRED * (bottom - top)
    return centred or (top - _INSIDE <= run.top and run.bottom <= bottom + _INSIDE)


def _box_of(run: Run, boxes: Sequence[Box]) -> Box | None:
    x, y = run.x, run.y
    return next((b for b in boxes if b[0] <= x < b[2] and b[1] <= y < b[3]), None)


def _around(runs: Sequence[Run]) -> Run:
    return Run(
        "",
        min(r.x0 for r in runs),
        min(r.top for r in runs),
        max(r.x1 for r in runs),
        max(r.bottom for r in runs),
    )


def _text_of(runs: Sequence[Run]) -> str:
    """A cell's text: two figures in one cell stay two, for whoever reads the value to refuse."""
    text = ""
    for before, run in zip((None, *runs), runs, strict=False):
        beside = before is not None and abs(run.y - before.y) < 0.3 * run.height
        text += (" " if beside else "\n" if text else "") + run.text
    return text


def _continues(left: _Sheet, right: _Sheet) -> bool:
    """Whether one page shows the columns that did not fit on the other: the same rows, other columns.

    The forms of two units on two pages have the same rows too, but they have their labels in common.
    """
    counts = len(left.across), len(right.across)
    if min(counts) < _FEWEST or max(counts) > _MOST_LINES or _alike(left.down, right.down):
        return False
    few, many = sorted((left.across, right.across), key=len)
    ends = abs(few[0] - many[0]) < NEAR and abs(few[-1] - many[-1]) < NEAR
    shared = sum(any(abs(y - other) < NEAR for other in many) for y in few)
    common = left.texts(ruled=True) & right.texts(ruled=True)
    return ends and shared >= 0.8 * len(few) and len(common) < 2


def _alike(some: Sequence[float], others: Sequence[float]) -> bool:
    return len(some) == len(others) and all(abs(a - b) < NEAR for a, b in zip(some, others, strict=True))


def _put_beside(left: _Sheet, right: _Sheet) -> None:
    """Text that runs over the edge of the paper is drawn whole on both pages: it is taken once."""
    known = left.texts(ruled=False)
    offset = max(left.edges, default=0.0) + 10_000
    for other in right.rows:
        row = next((r for r in left.rows if _same_row(r, other)), None)
        pieces = [
            p.moved(offset)
            for p in other.pieces
            if len(t := squeeze(p.text)) < _SAME_TEXT or not any(t in text for text in known)
        ]
        if row is None:
            left.rows.append(_Row(other.top, other.bottom, other.ruled, pieces))
        else:
            row.pieces += pieces
            if other.ruled:
                row.top, row.bottom, row.ruled = other.top, other.bottom, True
    left.edges += [edge + offset for edge in right.edges]


def _same_row(one: _Row, other: _Row) -> bool:
    if one.ruled and other.ruled:
        return abs(one.top - other.top) < NEAR
    return one.holds((other.top + other.bottom) / 2) or other.holds((one.top + one.bottom) / 2)


def _distinct(edges: Iterable[float]) -> list[float]:
    found: list[float] = []
    for edge in sorted(edges):
        if not found or edge - found[-1] > NEAR:
            found.append(edge)
    return found


def _gutters(rows: Sequence[_Row]) -> list[float]:
    """Without ruling lines: where columns part, although one or two lines (a header) reach across."""
    lines = [row.pieces for row in rows if len(row.pieces) > 1]
    least = max(2.0, _FEW * len(lines))
    ends = sorted([(p.x0, 1) for line in lines for p in line] + [(p.x1, -1) for line in lines for p in line])
    filled: list[tuple[float, float]] = []
    depth, start = 0, 0.0
    for x, step in ends:
        if step > 0 and depth < least <= depth + 1:
            start = x
        elif step < 0 and depth >= least > depth - 1:
            filled.append((start, x))
        depth += step
    return [(left[1] + right[0]) / 2 for left, right in pairwise(filled)]
