"""Layouts that are not the printed one: figures in the label's cell or below it, forms abreast."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from form_files import FORM
from form_grids import WANTED, Row, grid, numbers, one, printed, row_of

from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.labels import labels_of
from huizong.readers.layout.layouts import pairs

LABELS = labels_of(FORM.items)
HEAD: list[Row] = [[FORM.title], [f"{FORM.unit_line}红旗区科学技术局"]]


def lines(form: str = "{label}：{n}{unit}") -> list[Row]:
    told = ([form.format(label=i.label, n=n, unit=i.unit)] for n, i in enumerate(FORM.items, start=5))
    return [*HEAD, *told]


@pytest.mark.parametrize(
    "form",
    ["{label}：{n}", "{label}:{n}{unit}。", "{label}{n}{unit}", "{label} {n} {unit}；", "1、{label}= {n}"],
)
def test_label_and_figure_in_one_cell(form: str) -> None:
    found = one(lines(form))
    assert numbers(found) == WANTED
    assert (found.unit_text, found.title, found.missing, found.unknown) == (
        "红旗区科学技术局",
        FORM.title,
        (),
        (),
    )
    assert found.items["activities.held"].cell == "A3"


def test_lines_of_text_with_headings_between_and_a_row_of_their_own() -> None:
    rows = lines()
    rows.insert(2, ["一、科普活动开展次数"])
    rows.insert(5, ["二、经费情况如下，均以万元计"])
    rows.insert(7, ["社会捐赠：5万元"])
    found = one(rows)
    assert (numbers(found), found.unknown) == (WANTED, ("社会捐赠：5万元",))


def test_all_in_one_paragraph() -> None:
    text = "；".join(str(row[0]) for row in lines()[2:])
    assert numbers(one([*HEAD, [f"{text}。"]])) == WANTED


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("举办活动次数：12次，承接科技部活动任务个数：3个", ["12次", "3个"]),
        ("举办活动次数：约500", ["约500"]),
        ("举办活动次数：12次，其中线上3次", ["12次，其中线上3次"]),
        ("举办活动次数：1,234次，参与媒体数量：3", ["1,234次", "3"]),
        ("实物投入情况（如：捐赠图书、光盘、创新操作室等）：5", ["5"]),
        ("举办活动次数：", []),
        ("今年举办活动次数超过去年：12", []),
        ("部门/地方（盖章）：红旗区科学技术局", []),
    ],
)
def test_what_stands_behind_a_label(text: str, values: list[str]) -> None:
    assert [value for _, value in pairs(text, LABELS)] == values


def test_what_is_no_exact_number_is_none_in_the_labels_cell_either() -> None:
    rows = lines()
    rows[2] = ["举办活动次数：12次，其中线上3次"]
    reading = one(rows).items["activities.held"]
    assert (reading.state, reading.raw) == ("text", "12次，其中线上3次")


def test_a_figure_in_the_labels_cell_and_another_beside_it_is_a_conflict() -> None:
    rows = printed()
    at = row_of(rows, "activities.held")
    rows[at][1] = "举办活动次数：12"
    reading = one(rows).items["activities.held"]
    assert (reading.state, reading.raw) == ("conflict", "12 / 5")
    rows[at] = [*rows[at][:2], None]
    assert one(rows).items["activities.held"].number == 12


def turned(*body: list[Any], groups: bool = True) -> list[Row]:
    """Labels as the heads of columns."""
    heads: list[Row] = [[item.group for item in FORM.items]] if groups else []
    return [*HEAD, *heads, [item.label for item in FORM.items], *body]


@pytest.mark.parametrize("groups", [True, False])
def test_labels_as_heads_with_one_row_of_figures(groups: bool) -> None:
    found = one(turned([*range(5, 25)], [], ["填表人：某某"], groups=groups))
    assert numbers(found) == WANTED
    assert (found.unit_text, found.title, found.unknown) == ("红旗区科学技术局", FORM.title, ())
    assert found.items["activities.ministry_tasks"].cell == ("B5" if groups else "B4")


def test_a_further_head_with_a_figure_is_named() -> None:
    rows = turned([*range(5, 25), 7], groups=False)
    rows[2].append("社会捐赠")
    assert one(rows).unknown == ("社会捐赠",)


@pytest.mark.parametrize(
    "rows",
    [
        turned([*range(5, 25)], [*range(5, 25)]),
        turned([*range(5, 25)], [1, None, 3]),
        [*HEAD, ["单位", *(i.label for i in FORM.items)], ["红旗区", *range(5, 25)]],
        turned(),
    ],
    ids=["two rows", "a second row in part", "a column that names the row", "nothing below"],
)
def test_a_table_with_units_as_rows_stays_no_form(rows: list[Row]) -> None:
    assert find_forms([grid(rows)], [FORM]) == []


def test_each_figure_in_the_row_below_its_label() -> None:
    rows = [*HEAD]
    for n, item in enumerate(FORM.items, start=5):
        rows += [[item.group, item.label], [None, n]]
    found = one(rows)
    assert numbers(found) == WANTED
    assert found.items["activities.ministry_tasks"].cell == "B6"


def test_five_labels_a_row_and_their_figures_below() -> None:
    rows = [*HEAD]
    for start in range(0, 20, 5):
        items = FORM.items[start : start + 5]
        rows += [[i.label for i in items], [start + 5 + n for n in range(5)]]
    assert numbers(one(rows)) == WANTED


def abreast(*, gap: int = 1, title_twice: bool = True) -> list[Row]:
    first, second = printed(), printed()
    second[1] = [f"{FORM.unit_line}卫滨区科学技术局"]
    second[row_of(second, "activities.held")][2] = 99
    if not title_twice:
        second[0] = []
    width = 3 + gap
    return [[*a, *[None] * (width - len(a)), *b] for a, b in zip(first, second, strict=True)]


@pytest.mark.parametrize("gap", [0, 1, 3])
@pytest.mark.parametrize("title_twice", [True, False])
def test_two_forms_abreast(gap: int, title_twice: bool) -> None:
    forms = find_forms([grid(abreast(gap=gap, title_twice=title_twice))], [FORM])
    assert [f.unit_text for f in forms] == ["红旗区科学技术局", "卫滨区科学技术局"]
    assert [f.items["activities.held"].number for f in forms] == [5, 99]
    assert numbers(forms[0]) == WANTED
    assert numbers(forms[1]) == WANTED | {"activities.held": Decimal(99)}
    assert not any(f.missing or f.duplicated or f.unknown for f in forms)
    assert forms[1].items["activities.held"].cell == f"{'FGHI'[gap]}3"


def test_a_token_right_of_two_forms_abreast_is_neither_ones() -> None:
    rows = abreast()
    rows[0] = [*rows[0], *[None] * (19 - len(rows[0])), "hz1.k.payload.mac"]
    assert [f.token for f in find_forms([grid(rows)], [FORM])] == [None, None]


def test_labels_repeated_in_unmerged_cells_are_one_form() -> None:
    rows = [[*row[:2], row[1], *row[2:]] if len(row) > 2 else row for row in printed()]
    assert numbers(one(rows)) == WANTED
