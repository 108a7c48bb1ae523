"""Lists as clerks fill them in: what is a row, which column is which, and what a cell says."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from typing import Any

import docx
import openpyxl
import pytest
import xlwt
from form_files import xlsx as statistics_workbook
from list_files import (
    HEADS,
    INSTITUTIONS,
    NUMBER,
    PROJECTS,
    TOKEN,
    UNIT,
    filled,
    names,
    only,
    plain,
    project,
    read,
    said,
    saved,
    sheet,
    template,
)

from huizong.intake.blank import is_filled
from office import statistics_form


def numbered(*rows: Sequence[Any]) -> list[list[Any]]:
    return [[n, *row] for n, row in enumerate(rows, start=1)]


def test_the_personal_workbook_is_read_row_by_row_with_its_cells() -> None:
    found = only(filled([project(1), project(2)]))
    assert (found.unit_text, found.token, found.form_number) == (UNIT, TOKEN, NUMBER)
    assert names(found) == ["科普进校园第1场", "科普进校园第2场"]
    expected = found.rows[1]["project.expected"]
    assert (str(expected.number), expected.sheet, expected.cell) == ("200", "备案表", "H5")
    assert (found.numbers, found.missing, found.duplicated) == ((1, 2), (), ())


def test_an_untouched_template_has_no_rows_and_counts_as_blank() -> None:
    empty, full = only(template()), only(filled([project(1)]))
    assert empty.rows == ()
    assert not is_filled(empty)
    assert is_filled(full)


def test_rows_left_out_between_keep_their_printed_numbers() -> None:
    found = only(filled([project(1), [], project(3)]))
    assert (names(found), found.numbers) == (["科普进校园第1场", "科普进校园第3场"], (1, 3))


def test_more_rows_than_the_template_has_below_its_foot() -> None:
    book = openpyxl.load_workbook(io.BytesIO(filled([project(n) for n in range(1, 51)])))
    for n in range(51, 58):
        for column, cell in enumerate([n, *project(n)], start=1):
            book.worksheets[0].cell(n + 5, column).value = cell
    found = only(saved(book))
    assert len(found.rows) == 57
    assert names(found)[-1] == "科普进校园第57场"


BROKEN = [head[:2] + "\n" + head[2:] for head in HEADS]


@pytest.mark.parametrize("heads", [HEADS[1:], [*HEADS[5:], *HEADS[1:5]], BROKEN])
def test_columns_are_told_by_their_labels(heads: list[str]) -> None:
    cells = dict(zip(HEADS, [1, *project(1)], strict=True))
    found = only(saved(plain([heads, [cells[head.replace("\n", "")] for head in heads]])))
    assert said(found)[0]["联系电话"] == "0434-5000000"
    assert str(found.rows[0]["project.expected"].number) == "100"
    assert found.missing == ()


def test_a_head_of_two_lines() -> None:
    upper = ["序号", "项目名称", "主办单位", "承办单位", "活动", None, None, "预计参与人数", "联系方式", None]
    lower = [None, None, None, None, "时间", "地点", "内容", None, "联系人", "联系电话"]
    book = plain([upper, lower, *numbered(project(1), project(2))])
    for area in ("A3:A4", "B3:B4", "E3:G3", "I3:J3"):
        book.worksheets[0].merge_cells(area)
    found = only(saved(book))
    assert found.missing == ()
    assert [row["活动地点"] for row in said(found)] == ["第1会议室", "第2会议室"]
    assert found.rows[0]["contact.phone"].cell == "J5"


def test_a_missing_column_and_one_that_stands_twice_are_told() -> None:
    heads = [*HEADS[:-1], "联系人"]
    found = only(saved(plain([heads, [1, *project(1)]])))
    assert (found.missing, found.duplicated) == (("contact.phone",), ("contact.name",))


def merged_host(book: openpyxl.Workbook) -> openpyxl.Workbook:
    book.worksheets[0].merge_cells("C4:C6")
    return book


def hosts(form: Any) -> list[str]:
    return [row["project.host"].raw for row in form.rows]


def test_a_cell_merged_over_several_rows_speaks_for_all_of_them() -> None:
    rows = numbered(project(1), *(project(n, 主办单位=None) for n in (2, 3, 4)))
    found = only(saved(merged_host(plain([HEADS, *rows]))))
    assert hosts(found) == ["梨树县科协", "梨树县科协", "梨树县科协", ""]
    assert found.rows[2]["project.host"].cell == "C4"


def _row(cells: Sequence[Any], third: str = "<td>") -> str:
    """A row of an HTML table."""
    opening = ["<td>", "<td>", third, *["<td>"] * len(cells)]
    return f"<tr>{''.join(f'{tag}{cell}' for tag, cell in zip(opening, cells, strict=False))}</tr>"


def test_merged_cells_in_word_html_and_an_old_workbook() -> None:
    document = docx.Document()
    document.add_paragraph(PROJECTS.title)
    table = document.add_table(rows=3, cols=len(HEADS))
    for row, texts in zip(table.rows, [HEADS, *numbered(project(1), project(2, 主办单位=""))], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = str(text)
    table.cell(1, 2).merge(table.cell(2, 2))
    out = io.BytesIO()
    document.save(out)
    assert hosts(only(out.getvalue(), "备案表.docx")) == ["梨树县科协"] * 2

    page = (
        _row(HEADS)
        + _row(["1", "甲", *project(1)[1:]], "<td rowspan=2>")
        + _row(["2", "乙", *project(2)[2:]])
    )
    found = only(f"<html><meta charset=utf-8><table>{page}</table></html>".encode(), "备案表.html")
    assert hosts(found) == ["梨树县科协"] * 2
    assert names(found) == ["甲", "乙"]

    book = xlwt.Workbook()
    old = book.add_sheet("备案表")
    for r, cells in enumerate([HEADS, *numbered(project(1), project(2))]):
        for c, value in enumerate(cells):
            if c != 2:
                old.write(r, c, value)
    old.write(0, 2, HEADS[2])
    old.write_merge(1, 2, 2, 2, "梨树县科协")
    out = io.BytesIO()
    book.save(out)
    assert hosts(only(out.getvalue(), "备案表.xls")) == ["梨树县科协"] * 2


def test_examples_sums_headings_and_notes_are_no_rows_and_examples_are_noted() -> None:
    lines = [
        HEADS,
        ["示例", *project(9)],
        ["例：", *project(8)],
        ["一、县直单位"],
        *numbered(project(1), project(2)),
        ["合  计", None, None, None, None, None, None, 300],
        ["备注：以上为初步安排"],
        ["填表人：某乙", None, None, "联系电话：0434-5000001"],
    ]
    reading = read(saved(plain(lines)))
    assert names(reading.forms[0]) == ["科普进校园第1场", "科普进校园第2场"]
    assert reading.notes == ("名录中的示例行未计入：2行",)


def test_a_row_in_which_the_clerk_wrote_a_foots_words_is_still_a_row() -> None:
    lines = [HEADS, *numbered(project(1, 联系电话="联系电话：0434-5000000"), project(2))]
    assert len(only(saved(plain(lines))).rows) == 2


def test_a_name_typed_alone_is_a_row_where_rows_follow() -> None:
    lines = [HEADS[1:], project(1), ["天文观测"], project(2), ["以上项目均已审核"]]
    assert names(only(saved(plain(lines)))) == ["科普进校园第1场", "天文观测", "科普进校园第2场"]


def test_telephone_numbers_and_dates_that_a_program_rewrote() -> None:
    rows = numbered(
        project(1, 联系电话=1.39e10 + 12345678 - 1e7, 活动时间=datetime.date(2020, 8, 23)),
        project(2, 联系电话="1.3902345678E+10", 活动时间="2020-08-24 00:00:00"),
        project(3, 联系电话="1.39023E+10"),
    )
    found = said(only(saved(plain([HEADS, *rows]))))
    assert [row["联系电话"] for row in found] == ["13902345678", "13902345678", "1.39023E+10"]
    assert [row["活动时间"] for row in found[:2]] == ["2020-08-23", "2020-08-24"]


def test_a_list_that_goes_on_over_sheets_is_one_list() -> None:
    book = plain([HEADS, *numbered(project(1), project(2))])
    sheet(book.create_sheet("续"), [HEADS, [3, *project(3)]], unit="")
    found = only(saved(book))
    assert (len(found.rows), found.numbers) == (3, (1, 2, 3))
    assert found.rows[2]["project.name"].sheet == "续"


def test_the_same_sheet_twice_counts_once_and_another_units_apart() -> None:
    book = plain([HEADS, [1, *project(1)]])
    sheet(book.create_sheet("副本"), [HEADS, [1, *project(1)]])
    sheet(book.create_sheet("另一家"), [HEADS, [1, *project(1)]], unit="双辽市科学技术局")
    found = read(saved(book)).forms
    assert [(form.unit_text, len(form.rows)) for form in found] == [(UNIT, 1), ("双辽市科学技术局", 1)]


def test_both_lists_in_one_workbook_and_a_list_beside_a_form() -> None:
    book = openpyxl.load_workbook(io.BytesIO(filled([project(1)])))
    second = openpyxl.load_workbook(io.BytesIO(template(INSTITUTIONS))).worksheets[0]
    copy = book.create_sheet("开放单位")
    for row in second.iter_rows():
        for cell in row:
            copy[cell.coordinate].value = cell.value
    copy["B4"], copy["C4"] = "某某大学", "大学"
    found = read(saved(book)).forms
    assert [(form.instrument, len(form.rows)) for form in found] == [(PROJECTS.ref, 1), (INSTITUTIONS.ref, 1)]

    both = openpyxl.load_workbook(io.BytesIO(statistics_workbook()))
    sheet(both.create_sheet("项目"), [HEADS, *numbered(project(1), project(2))])
    found = read(saved(both), instruments=(statistics_form(), PROJECTS)).forms
    assert [(form.instrument, len(form.items), len(form.rows)) for form in found] == [
        (statistics_form().ref, 20, 0),
        (PROJECTS.ref, 0, 2),
    ]


def test_formulas_that_nobody_worked_out_ask_for_it_and_hidden_rows_are_noted() -> None:
    book = plain([HEADS, *numbered(project(1, 预计参与人数="=50+50"), project(2))])
    assert read(saved(book)).needs == "recalculate"
    book = plain([HEADS, *numbered(project(1), project(2))])
    book.worksheets[0].row_dimensions[5].hidden = True
    assert any("隐藏的行或列中有填报数据：B5、" in note for note in read(saved(book)).notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_comma_separated_list(encoding: str) -> None:
    lines = [[PROJECTS.title], [f"填报单位（盖章）：{UNIT}"], HEADS, *numbered(project(1), project(2))]
    text = "\r\n".join(",".join(map(str, line)) for line in lines)
    found = only(text.encode(encoding), "备案表.csv")
    assert (len(found.rows), found.unit_text) == (2, UNIT)
    assert str(found.rows[1]["project.expected"].number) == "200"
