"""Tables from ruling lines, by pdfplumber's functions, which know nothing of PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

Box = tuple[float, float, float, float]  # x0, top, x1, bottom
Ruling = Box  # a line: as wide or as high as nothing

NEAR = 3.0  # points; lines closer than this are one, as in pdfplumber

_SHORTEST = 3.0
MOST_RULINGS = 20_000
_MOST_CROSSINGS = 40_000  # what the search for cells may look at; a form has about 100
_MOST_POINTS = 3_000


@dataclass(frozen=True)
class Ruled:
    """The tables of a page: rows of cells, None where a cell is merged with the one above or left of it."""

    tables: Sequence[Sequence[Sequence[Box | None]]] = ()
    across: tuple[float, ...] = ()  # y of the horizontal lines
    down: tuple[float, ...] = ()  # x of the vertical ones


def tables(rulings: Sequence[Ruling]) -> Ruled:
    """The tables that lines make. Of a page with more lines than any table has: none."""
    if not rulings or len(rulings) > MOST_RULINGS:
        return Ruled()
    from pdfplumber import table as finder  # here, not above: the child starts without it

    edges = finder.merge_edges([e for e in map(_edge, rulings) if e], NEAR, NEAR, NEAR, NEAR)
    edges = [e for e in edges if max(e["width"], e["height"]) >= _SHORTEST]
    across = [e for e in edges if e["orientation"] == "h"]
    down = [e for e in edges if e["orientation"] == "v"]
    if len(across) * len(down) > _MOST_CROSSINGS:
        return Ruled()
    points = finder.edges_to_intersections(edges, NEAR, NEAR)
    if len(points) > _MOST_POINTS:
        return Ruled()
    found = finder.cells_to_tables(finder.intersections_to_cells(points))
    return Ruled(
        tables=[[row.cells for row in _rows(cells)] for cells in found],
        across=_places(e["top"] for e in across),
        down=_places(e["x0"] for e in down),
    )


def _rows(cells: list[Box]) -> list[Any]:
    from pdfplumber import table as finder

    return finder.Table(None, cells).rows  # type: ignore[arg-type]  # rows come from the cells alone


def _edge(ruling: Ruling) -> dict[str, Any] | None:
    x0, top, x1, bottom = ruling
    width, height = x1 - x0, bottom - top
    if not isfinite(x0 + top + x1 + bottom) or min(width, height) > NEAR:
        return None
    orientation = "h" if width >= height else "v"
    return {
        "x0": x0,
        "top": top,
        "x1": x1,
        "bottom": bottom,
        "width": width,
        "height": height,
        "orientation": orientation,
    }


def _places(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted(set(values)))
