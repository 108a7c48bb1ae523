"""Forms are found by their labels, wherever clerks move them; what is no form is not taken for one."""

from __future__ import annotations

import pytest
from form_files import FORM
from form_grids import WANTED, Row, grid, numbers, one, printed, row_of

from huizong.instruments.form_number import new_form_number, printed_form_number
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grid import a1

LAST_YEAR = FORM.model_copy(update={"version": "2021", "title": "2021年全国科技活动周开展情况统计表"})


def test_the_printed_form() -> None:
    form = one(printed())
    assert numbers(form) == WANTED
    assert (form.instrument, form.title, form.unit_text) == (FORM.ref, FORM.title, "红旗区科学技术局")
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert form.items["activities.held"].cell == "C3"
    assert form.items["open.universities"].cell == "C22"


def test_rows_and_columns_moved() -> None:
    rows = printed()
    rows[2:] = rows[:1:-1]  # bottom up
    moved = [[None, None, *row] for row in [["红头文件"], [], *rows]]
    form = one(moved)
    assert numbers(form) == WANTED
    assert form.items["activities.held"].cell == "E24"


def test_group_labels_missing() -> None:
    assert numbers(one(printed(groups=False))) == WANTED


def test_title_pasted_above_and_header_row() -> None:
    rows = [["附件2"], ["填报单位请勿改动"], *printed()]
    rows.insert(4, ["指标", "内容", "数值"])
    assert numbers(one(rows)) == WANTED


def test_a_serial_a_unit_and_a_code_column() -> None:
    rows = printed()
    rows[5][2] = 70
    wide = [
        [f"说明{r}", *row[:2], "万元", r, *row[2:]] if len(row) > 1 else row for r, row in enumerate(rows)
    ]
    form = one(wide)
    assert numbers(form) == WANTED | {"funding.provincial": 70}
    assert form.items["activities.held"].cell == "F3"


def test_a_column_of_line_numbers_is_not_taken_for_figures() -> None:
    rows = [[*row[:2], r] if len(row) > 1 else row for r, row in enumerate(printed())]
    rows.insert(2, ["指标名称", None, "行次", "数量"])
    form = one(rows)
    assert {r.state for r in form.items.values()} == {"blank"}
    assert form.items["activities.held"].cell == "D4"


def test_the_label_of_the_last_rows_in_either_column_and_its_value_in_the_middle() -> None:
    rows = printed()
    at = row_of(rows, "open.venues")
    rows[at] = [rows[at][0], 22, None]
    rows[at + 1] = [None, rows[at + 1][0], 23]
    rows[at + 2] = [rows[at + 2][0], rows[at + 2][0], 24]
    form = one(rows)
    assert numbers(form) == WANTED
    assert form.items["open.venues"].cell == "B20"


def test_two_different_values_in_one_row_are_a_conflict() -> None:
    rows = printed()
    at = row_of(rows, "open.venues")
    rows[at][1] = 9
    reading = one(rows).items["open.venues"]
    assert (reading.state, reading.number, reading.raw) == ("conflict", None, "22 / 9")
    rows[at][1] = 22
    assert one(rows).items["open.venues"].number == 22


def test_an_empty_form_has_blank_cells_with_their_places() -> None:
    form = one([row[:2] for row in printed()])
    assert {r.state for r in form.items.values()} == {"blank"}
    assert form.items["funding.county"].cell == "C8"


def test_a_remark_is_not_a_value_but_a_figure_beside_the_blank_cell_is() -> None:
    rows = printed()
    held, tasks = row_of(rows, "activities.held"), row_of(rows, "activities.ministry_tasks")
    rows[held] = [*rows[held][:2], None, "无"]
    rows[tasks] = [*rows[tasks][:2], None, 6]
    form = one(rows)
    assert (form.items["activities.held"].state, form.items["activities.held"].cell) == ("blank", "C3")
    assert (form.items["activities.ministry_tasks"].number, form.items["activities.ministry_tasks"].cell) == (
        6,
        "D4",
    )


def test_missing_unknown_and_duplicated_rows_are_named() -> None:
    rows = printed()
    del rows[row_of(rows, "funding.in_kind")]
    rows.insert(row_of(rows, "funding.other"), [None, "区级财政经费投入情况", 77])
    rows.insert(row_of(rows, "media.outlets"), [None, "举办活动次数", 99])
    rows.append(["活动周期间开放的科普基地数量", None, 3])
    form = one(rows)
    assert form.missing == ("funding.in_kind",)
    assert form.unknown == ("区级财政经费投入情况", "活动周期间开放的科普基地数量")
    assert form.duplicated == ("activities.held",)
    assert (form.items["activities.held"].state, form.items["activities.held"].raw) == ("conflict", "5 / 99")
    assert form.items["funding.other"].number == WANTED["funding.other"]


def test_a_table_with_units_as_rows_is_no_form() -> None:
    header: Row = ["单位", *(item.label for item in FORM.items)]
    body: list[Row] = [[f"单位{n}", *range(20)] for n in range(5)]
    assert find_forms([grid([[FORM.title], header, *body])], [FORM]) == []


def test_a_table_with_units_as_columns_is_no_form() -> None:
    rows = [[*row, 3, 4] if len(row) > 1 else row for row in printed()]
    assert find_forms([grid(rows)], [FORM]) == []


def test_a_column_of_remarks_that_say_nothing_is_not_taken_for_figures() -> None:
    rows = [[*row, "无"] if len(row) > 1 else row for row in printed()]
    rows[5][2] = 70
    wanted = WANTED | {"funding.provincial": 70}
    assert numbers(one(rows)) == wanted
    rows.insert(2, [None, None, "数量", "备注"])
    assert numbers(one(rows)) == wanted
    rows[2] = [None, None, "红旗区", "卫滨区"]
    assert find_forms([grid(rows)], [FORM]) == []


def test_half_the_labels_make_a_form_and_fewer_do_not_without_the_title() -> None:
    rows = printed()
    assert len(one(rows[2:12]).missing) == 10
    assert find_forms([grid(rows[2:11])], [FORM]) == []
    assert len(one([rows[0], *rows[2:7]]).missing) == 15
    assert find_forms([grid([rows[0], *rows[2:6]])], [FORM]) == []


@pytest.mark.parametrize("below", [True, False])
def test_two_forms_in_one_workbook(below: bool) -> None:
    first, second = printed(), printed()
    first[0].append("hz1.first")
    second[1] = [f"{FORM.unit_line}卫滨区科学技术局"]
    second[row_of(second, "activities.held")][2] = 99
    second[3].append("hz1.second")
    grids = [grid([*first, [], *second])] if below else [grid(first, "红旗"), grid(second, "卫滨")]
    forms = find_forms(grids, [FORM])
    assert [f.unit_text for f in forms] == ["红旗区科学技术局", "卫滨区科学技术局"]
    assert [f.items["activities.held"].number for f in forms] == [5, 99]
    assert [f.token for f in forms] == ["hz1.first", "hz1.second"]
    assert not any(f.missing or f.duplicated or f.unknown for f in forms)


def test_a_hidden_sheet_is_no_return() -> None:
    assert find_forms([grid(printed(), visible=False)], [FORM]) == []


def test_the_title_tells_this_year_from_last() -> None:
    assert find_forms([grid(printed())], [LAST_YEAR, FORM])[0].instrument == FORM.ref
    rows = printed()
    rows[0] = [LAST_YEAR.title]
    assert find_forms([grid(rows)], [FORM, LAST_YEAR])[0].instrument == LAST_YEAR.ref
    assert one(rows).title == LAST_YEAR.title  # only this year's asked for: the title is there for a rule


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (["部门/地方（盖章）：红旗区科学技术局"], "红旗区科学技术局"),
        (["部门／地方(盖章):__红旗区科学技术局__"], "红旗区科学技术局"),
        (["部门/地方（盖章）", "红旗区科学技术局"], "红旗区科学技术局"),
        (["部门/地方（盖章）：", None, "红旗区科学技术局"], "红旗区科学技术局"),
        (["部门/地方（公章）：红旗区科学技术局"], "红旗区科学技术局"),
        (["部门/地方：红旗区科学技术局（盖章）"], "红旗区科学技术局"),
        (["部门/地方（盖章）：红旗区科学技术局   填表日期：2022年6月1日"], "红旗区科学技术局"),
        (["部门/地方（盖章）：红旗区科学技术局（本级）"], "红旗区科学技术局（本级）"),
        (["部门/地方（盖章）：________"], ""),
        (["部门/地方（盖章）：", "填表人：某某"], ""),
        (["没有这一行"], ""),
    ],
)
def test_the_unit_line(line: Row, name: str) -> None:
    rows = printed()
    rows[1] = line
    assert one(rows).unit_text == name


def test_token_and_form_number() -> None:
    number = new_form_number()
    rows = printed()
    rows[0] = [*rows[0], *[None] * 18, "hz1.k.payload.mac"]
    rows.append([printed_form_number(number)])
    form = one(rows)
    assert (form.token, form.form_number, form.unknown) == ("hz1.k.payload.mac", number, ())
    assert numbers(form) == WANTED


def test_places() -> None:
    assert [a1((0, 0)), a1((8, 25)), a1((9, 26)), a1((1, 701)), a1((1, 702))] == [
        "A1",
        "Z9",
        "AA10",
        "ZZ2",
        "AAA2",
    ]
