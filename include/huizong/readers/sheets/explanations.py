"""Reading back what a clerk typed into the list before the form, which `rules.marked` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from huizong.readers.layout.grammar import squeeze
from huizong.readers.layout.grid import Grid
from huizong.readers.model import Explanation

SHEET = "审核意见"
_NUMBER, _ITEM, _PROBLEM, _TEXT = "序号", "项目", "问题", "说明"
_HEADINGS = frozenset({_NUMBER, _ITEM, _PROBLEM, _TEXT})
_ITEM_NUMBER = re.compile(r"第([1-9][0-9]{0,3})项")
_WHOLE_FORM = "全表"
_COLUMN = re.compile("“.+”栏")  # of a list; which finding of it is meant is told by the problem
_LONGEST = 2_000


def find_explanations(grids: Sequence[Grid]) -> tuple[Explanation, ...]:
    """The filled lines of the column 说明, in order; columns may have been moved, rows inserted."""
    return tuple(e for grid in grids if grid.visible and grid.name == SHEET for e in _explanations(grid))


def _explanations(grid: Grid) -> Iterator[Explanation]:
    rows: dict[int, dict[int, str]] = {}
    for (row, column), text in grid.texts:
        rows.setdefault(row, {})[column] = text
    columns: dict[str, int] = {}
    for cells in rows.values():
        if not columns:
            headings = {squeeze(text): column for column, text in cells.items()}
            columns = headings if headings.keys() >= _HEADINGS else {}
            continue
        text = cells.get(columns[_TEXT], "").strip()[:_LONGEST]
        item = squeeze(cells.get(columns[_ITEM], ""))
        number = _ITEM_NUMBER.fullmatch(item)
        if text and (number or item == _WHOLE_FORM or _COLUMN.fullmatch(item)):
            problem = cells.get(columns[_PROBLEM], "")
            yield Explanation(item=int(number[1]) if number else None, text=text, problem=problem)
