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
from huizong.readers.model import FormReading

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


# --- under which unit ----------------------------------------------------------------------------------

FUNDING = {i.code: "元" for i in FORM.items if i.unit == "万元"}


def units(form: FormReading) -> dict[str, str]:
    return {code: reading.unit for code, reading in form.items.items() if reading.unit}


def relabelled(code: str, label: str) -> list[Row]:
    rows = printed()
    rows[row_of(rows, code)][1] = label
    return rows


def test_a_groups_unit_is_that_of_all_its_items_and_of_no_others() -> None:
    rows = printed()
    rows[row_of(rows, "funding.central")][0] = "活动经费投入数量\n（单位：元）"
    found = one(rows)
    assert (units(found), numbers(found)) == (FUNDING, WANTED)


@pytest.mark.parametrize(
    ("code", "label", "unit"),
    [
        ("funding.county", "县级财政经费投入情况（元）", "元"),
        ("funding.county", "县级财政经费投入情况（单位：元）", "元"),
        ("funding.county", "县级财政经费投入情况（万元）", ""),
        ("funding.county", "县级财政经费投入情况（万元/元）", ""),
        ("funding.county", "县级财政经费投入情况（含乡镇）", ""),
        ("funding.county", "县级财政经费投入情况（请勿以元计）", ""),
        ("funding.in_kind", "实物投入情况（如：捐赠图书、光盘；单位：元）", "元"),
        ("public.offline", "线下活动群众参与数量（万人次）", "万人次"),
        ("public.offline", "线下活动群众参与数量（人）", ""),
        ("staff.volunteers", "招募科技志愿者数量/千人", "千人"),
        ("activities.held", "举办活动次数（场次）", ""),
    ],
)
def test_a_labels_unit_is_the_figures(code: str, label: str, unit: str) -> None:
    found = one(relabelled(code, label))
    assert (units(found), numbers(found)) == ({code: unit} if unit else {}, WANTED)


def test_a_unit_in_a_cell_of_its_own() -> None:
    rows = printed()
    for row, item in zip(rows[2:], FORM.items, strict=True):
        row[2:] = [{"万元": "元", "人次": "（万人次）", "次": "场"}.get(item.unit or "", item.unit), row[2]]
    found = one(rows)
    assert units(found) == FUNDING | {"public.offline": "万人次", "public.online": "万人次"}
    assert numbers(found) == WANTED


@pytest.mark.parametrize(
    ("place", "text", "wanted"),
    [
        ("head", "数量（元）", FUNDING),
        ("head", "数量（万元、人次）", {}),
        ("line", "单位：元", FUNDING),
        ("line", "填报单位：元氏县科技局", {}),
        ("line", "单位：万人次", {"public.offline": "万人次", "public.online": "万人次"}),
        ("below", "注：经费以元为单位。", FUNDING),
    ],
)
def test_a_unit_over_or_under_the_table_is_that_of_its_sort(
    place: str, text: str, wanted: dict[str, str]
) -> None:
    rows = printed()
    if place == "below":
        rows.append([text])
    else:
        rows.insert(2, ["类别", "项目", text] if place == "head" else [None, None, None, text])
    found = one(rows)
    assert (units(found), numbers(found)) == (wanted, WANTED)


def test_a_unit_over_another_table_of_the_same_document_is_not_ours() -> None:
    budget: list[Row] = [["经费预算表"], ["单位：元"], *([f"支出{n}", n] for n in range(8))]
    assert units(one([*budget, *printed()])) == {}
    assert units(one([*printed(), [], [], *([f"工作情况{n}"] for n in range(4)), *budget])) == {}


def test_a_unit_where_label_and_figure_share_a_cell() -> None:
    rows = lines("{label}（万{unit}）：{n}")
    assert units(one(rows))["public.offline"] == "万人次"
    assert units(one(lines("{label}（元）：{n}{unit}"))) == {}  # every figure brings its own unit


# --- columns that are not the form's -------------------------------------------------------------------


@pytest.mark.parametrize("head", ["2021年", "２０２１年度", "上年数"])
@pytest.mark.parametrize("filled", [True, False])
def test_another_years_column_is_not_read(head: str, filled: bool) -> None:
    rows = printed()
    for row in rows[2:]:
        row[2:] = [1000, row[2] if filled else None]
    rows.insert(2, [None, None, head, "2022年"])
    assert numbers(one(rows)) == (WANTED if filled else dict.fromkeys(WANTED))


def test_two_columns_that_could_both_be_meant_are_no_form() -> None:
    rows = printed()
    for n, row in enumerate(rows[2:], start=5):
        row[2:] = [n * n, n * n + 5]
    rows.insert(2, [None, None, "2022年计划", "2022年实际"])
    assert find_forms([grid(rows)], [FORM]) == []


# --- the line for the unit's name ----------------------------------------------------------------------

LINK = '=HYPERLINK("http://x","点")'


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ([f"{FORM.unit_line}{LINK}"], LINK),
        ([FORM.unit_line, LINK], LINK),
        ([f"{FORM.unit_line}单位名称：红旗区科学技术局"], "红旗区科学技术局"),
        (["部门/地方（公章）：红旗区科学技术局"], "红旗区科学技术局"),
    ],
)
def test_the_units_name_is_read_whole(line: Row, name: str) -> None:
    rows = printed()
    rows[1] = line
    assert one(rows).unit_text == name
