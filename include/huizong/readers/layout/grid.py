"""A neutral sheet: what every format is turned into before forms are looked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from itertools import islice

from huizong.instruments.model import Item
from huizong.readers.layout.grammar import CellValue
from huizong.readers.model import State

_MOST_SPANS = 200_000  # a file may say anything of its cells

Place = tuple[int, int]  # row, column, counted from 0
Area = tuple[Place, Place]  # merged cells: the first one, which shows the value, and the last one
TOKEN_PREFIX = "hz1."  # noqa: S105 (DESIGN 5: what every token begins with)


def a1(place: Place) -> str:
    """(0, 0) → A1."""
    row, column = place
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"


class Raw:
    """What a file itself says of a sheet's cells beside their values; this one has nothing to say."""

    def state(self, place: Place) -> tuple[State, str]:
        """Of a cell that looks empty: blank, a formula without a saved result, or an error; its raw text."""
        return "blank", ""

    def shown(self, place: Place, number: Decimal, item: Item) -> str:
        """What a cell with a number shows, where that is another figure; else an empty text."""
        return ""

    def is_hidden(self, place: Place) -> bool:
        """Whether the cell's row or column is hidden."""
        return False

    def unsaved(self) -> Collection[Place]:
        """Cells with a value that nobody has worked out: formulas whose program left that to the next one."""
        return ()

    def marked(self, cells: Mapping[Place, CellValue]) -> Mapping[Place, str]:
        """What those of the cells say that are struck out or raised, wholly or in part (see `pieces`)."""
        return {}

    def headers(self) -> Collection[str]:
        """The texts that are printed above each page of the sheet."""
        return ()


@dataclass(frozen=True)
class Grid:
    """One sheet, or one Word document (its paragraphs are rows of one cell, the tables' rows between them).

    `cells` holds only what is not empty.
    """

    name: str
    cells: Mapping[Place, CellValue]
    visible: bool = True
    typed: bool = True  # cells have types, so that a number typed as text is worth a note
    wrapped: bool = False  # lines are words broken to fit the column, as on a printed page
    refs: Mapping[Place, str] = field(default_factory=dict)  # where A1 is not what a reader calls a cell
    raw: Raw = field(default_factory=Raw)
    areas: Callable[[], Sequence[Area]] = tuple  # asked for where a list is found: few sheets have any

    def ref(self, place: Place) -> str:
        """What a person calls the cell: B5, or T1R5C3 in Word."""
        return self.refs.get(place) or a1(place)

    @cached_property
    def last_row(self) -> int:
        """The lowest row that holds something; -1 where none does."""
        return max((row for row, _ in self.cells), default=-1)

    @cached_property
    def spans(self) -> Mapping[Place, Place]:
        """Cells that are merged with one above them → that one, which shows their value."""
        cells = (
            ((row, column), (top, column))
            for (top, column), (bottom, _) in self.areas()
            for row in range(top + 1, min(bottom, self.last_row) + 1)
        )
        return dict(islice(cells, _MOST_SPANS))

    @cached_property
    def texts(self) -> tuple[tuple[Place, str], ...]:
        """All text cells, row by row."""
        cells = sorted(self.cells.items(), key=lambda entry: entry[0])
        return tuple((place, cell) for place, cell in cells if isinstance(cell, str))

    def texts_between(self, first: int, last: int | None) -> Sequence[tuple[Place, str]]:
        """The text cells of the rows from `first` to `last` (None: to the end), both inclusive."""
        end = len(self.texts) if last is None else bisect_left(self.texts, ((last + 1, 0), ""))
        return self.texts[bisect_left(self.texts, ((first, 0), "")) : end]

    def columns(self, row: int) -> Sequence[int]:
        """The columns of a row that hold something, from the left."""
        return self._columns.get(row, ())

    @cached_property
    def _columns(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for row, column in sorted(self.cells):
            found.setdefault(row, []).append(column)
        return found
