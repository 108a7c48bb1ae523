"""Which of several columns is the form's, and whether its title is: never by what is fuller or likest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from form_files import FORM
from form_grids import WANTED, Row, grid, numbers, one, printed

from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grid import Place, Raw

HEAD: list[Row] = [[FORM.title], [f"{FORM.unit_line}红旗区科学技术局"]]


def beside(cells: list[Row], heads: Row | None = None) -> list[Row]:
    """The form with these cells in the columns behind its labels, and a line of heads over them."""
    rows = [[*row[:2], *of_row] for row, of_row in zip(printed()[2:], cells, strict=True)]
    return [*HEAD, *([[None, None, *heads]] if heads else []), *rows]


PART = [n if n < 13 else None for n in range(5, 25)]  # the first eight figures of WANTED
LAST = [1000 + n for n in range(20)]
NOTHING = dict.fromkeys(WANTED)
PARTLY = {code: n if n < 13 else None for code, n in WANTED.items()}


@pytest.mark.parametrize(
    "heads", [("2021年", "2022年"), (2021, 2022), ("上年同期", "本期"), ("计划", "本年")]
)
def test_the_fuller_column_of_another_year_is_not_taken(heads: tuple[Any, Any]) -> None:
    pairs_of = [[a, b] for a, b in zip(LAST, PART, strict=True)]
    assert numbers(one(beside(pairs_of, [*heads]))) == PARTLY
    turned_round = [[b, a] for a, b in pairs_of]
    assert numbers(one(beside(turned_round, [*reversed(heads)]))) == PARTLY


@pytest.mark.parametrize(
    "heads", [("红旗区", "卫滨区"), ("2022年上半年", "2022年下半年"), ("卫滨区", "合计")]
)
def test_two_units_or_years_that_complete_each_other_are_no_form(heads: tuple[str, str]) -> None:
    cells: list[Row] = [[n, None] if n is not None else [None, m] for n, m in zip(PART, LAST, strict=True)]
    assert find_forms([grid(beside(cells, [*heads]))], [FORM]) == []


@pytest.mark.parametrize("heads", [None, ["计划数", "实际数"]])
def test_a_few_rows_with_figures_in_two_columns_are_no_form(heads: Row | None) -> None:
    cells: list[Row] = [[n, n * n if n in (7, 9) else None] for n in range(5, 25)]
    assert find_forms([grid(beside(cells, heads))], [FORM]) == []


class _Hidden(Raw):
    def is_hidden(self, place: Place) -> bool:
        return place[1] == 2


def test_a_hidden_column_is_never_the_forms() -> None:
    rows = beside([[a, b] for a, b in zip(LAST, PART, strict=True)])
    assert numbers(find_forms([replace(grid(rows), raw=_Hidden())], [FORM])[0]) == PARTLY
    rows = beside([[a] for a in LAST])
    assert numbers(find_forms([replace(grid(rows), raw=_Hidden())], [FORM])[0]) == NOTHING


@pytest.mark.parametrize(
    ("heads", "stray"),
    [(["2022年", "2021年"], 777), (["数量", "备注"], 2), (["数量", "其中线上"], 2), (["数量", "无"], 0)],
)
def test_a_blank_cell_is_not_filled_from_a_column_with_a_head(heads: Row, stray: int) -> None:
    cells: list[Row] = [[n if n != 8 else None, stray if n == 8 else None] for n in range(5, 25)]
    form = one(beside(cells, heads))
    blank = form.items["funding.provincial"]
    assert (blank.state, blank.number, blank.cell) == ("blank", None, "C7")
    assert numbers(form) == WANTED | {"funding.provincial": None}


def test_a_blank_cell_is_not_filled_from_a_column_with_other_figures() -> None:
    cells: list[Row] = [[n if n > 6 else None, n if n < 7 else None] for n in range(5, 25)]
    form = one(beside(cells))
    assert [r.state for r in form.items.values()] == ["blank"] * 2 + ["number"] * 18


# --- the title -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("2022年全国科普日活动开展情况统计表", True),
        ("附件2：2022年科技工作者日情况统计表", True),
        ("新乡市科普基地一览表", True),
        ("2021年全国科技活动周开展情况统计表", True),
        (FORM.title, False),
        ("红旗区2022年科技活动周开展情况统计表", False),
        ("２０２２年全国科技活动周情况汇总表（盖章）", False),
    ],
)
def test_another_forms_title_is_kept_and_told_from_ours(title: str, other: bool) -> None:
    form = one([[title], *printed()[1:]])
    assert form.title == title
    assert FORM.is_of_another_form(form.title) is other


@pytest.mark.parametrize("line", ["请各单位如实填写本统计表", "填表人：某某，代表", "附表", "红头文件"])
def test_a_line_that_is_no_title_is_none(line: str) -> None:
    form = one([[line], *printed()[1:]])
    assert (form.title, FORM.is_of_another_form(form.title)) == ("", False)
