"""What is said of a list: rows by their 序号, findings of many rows told once, all their cells marked."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from list_files import HEADS, PROJECTS, UNIT, filled, only, plain, project, read, saved

from huizong.intake.twins import Twin, dispute
from huizong.outbox.contents import LetterFinding, UnitFindings
from huizong.readers.model import FormReading
from huizong.rules.listed import judge
from huizong.rules.marked import SHEET, mark_workbook
from huizong.rules.model import Finding, FormRow
from huizong.rules.standard import standard_suite
from huizong.rules.suite import suite_text

COLUMNS: Mapping[str, int | str] = {item.code: f"“{item.label}”栏" for item in PROJECTS.items}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suite") / f"{PROJECTS.ref}.json"
    path.write_text(suite_text(standard_suite(PROJECTS)), encoding="utf-8")
    return path


def whole(key: str, form: FormReading) -> FormRow:
    return FormRow(
        key=key, unit_name=UNIT, address_as="你单位", items={}, rows=form.rows, numbers=form.numbers,
        missing=form.missing, duplicated=form.duplicated, title=form.title, unit_text=form.unit_text,
    )  # fmt: skip


def faulty() -> dict[str, FormReading]:
    """Lists with one thing wrong each, and one with nothing."""
    many = [project(n, 联系人=None if n > 2 else "某甲") for n in range(1, 14)]
    lines = [[n, *project(n)] for n in (1, 2)]
    formula = plain([HEADS, [1, *project(1)], [2, *project(2, 活动地点="=A1&B1")]])
    return {
        "good": only(filled([project(1), project(2, 承办单位=None)])),
        "gap": only(filled([project(1), [], project(3, 联系电话=None), project(4, 联系电话="同上")])),
        "many": only(filled(many)),
        "twice": only(filled([project(1), project(2), project(1, 主办单位="梨树县 科协")])),
        "figures": only(filled([project(1, 预计参与人数="约500"), project(2, 预计参与人数=3.5)])),
        "short": only(saved(plain([[h for h in HEADS if h != "活动内容"], *(r[:6] + r[7:] for r in lines)]))),
        "empty": only(filled([])),
        "formula": only(saved(formula)),
        "other": only(saved(plain([HEADS, *lines], title="2019年吉林省科技活动周重点项目备案表"))),
    }


def test_what_is_wrong_is_said_with_its_rows_and_nothing_else(suite: Path) -> None:
    found = judge([whole(key, form) for key, form in faulty().items()], PROJECTS, suite)
    said = {key: [(f.severity, f.message, f.cell) for f in list_] for key, list_ in found.items()}
    assert said["good"] == []
    assert said["gap"] == [
        ("mandatory", "第3行“联系电话”未填，请补填。", "J6"),
        ("verify", "第4行“联系电话”不像电话号码（同上），请核实。", "J7"),
    ]
    cells = "、".join(f"I{row}" for row in range(6, 17))
    assert said["many"] == [
        ("mandatory", "第3、4、5、6、7、8、9、10等11行“联系人”未填，请补填。", cells),
    ]
    repeated = "第1行与第3行的项目名称、主办单位相同，请核实是否重复填报。"
    assert said["twice"] == [("verify", repeated, "")]
    assert [(s, c) for s, _, c in said["figures"]] == [("mandatory", "H4"), ("mandatory", "H5")]
    assert said["figures"][0][1].startswith("第1行“预计参与人数”应填一个数字，现为“约500”")
    assert said["short"][0][1].startswith("来表与本次表样不一致（缺“活动内容”）")
    assert [m for _, m, _ in said["empty"]] == ["表内未填写任何内容，请填写后重新报送。"]
    assert [m[:13] for _, m, _ in said["formula"]] == ["第2行“活动地点”显示为公"]
    assert said["other"][0][0] == "verify"
    assert "2019年" in said["other"][0][1]


def test_all_cells_of_a_finding_are_marked_and_its_reason_comes_back() -> None:
    data = filled([project(n, 联系电话="同上") for n in (1, 2)])
    finding = Finding(
        "no_phone", "verify", "contact.phone", "第1、2行“联系电话”不像电话号码（同上），请核实。",
        "", "备案表", "J4、J5",
    )  # fmt: skip
    marked = mark_workbook(data, [finding], COLUMNS)
    assert marked is not None
    book = openpyxl.load_workbook(io.BytesIO(marked))
    sheet, listed = book["备案表"], book[SHEET]
    assert all(sheet[cell].comment.text.startswith("【请核实并说明】第1、2行") for cell in ("J4", "J5"))
    assert sheet["J6"].comment is None
    assert (listed["C5"].value, listed["F5"].value) == ("“联系电话”栏", "备案表 J4、J5")
    assert listed["F5"].hyperlink.location == "'备案表'!J4"
    listed["G5"] = "系本县统一值守电话分机号"
    back = read(saved(book))
    (reason,) = back.explanations
    assert (reason.item, reason.text, reason.problem) == (None, "系本县统一值守电话分机号", finding.message)
    assert [form.rows for form in back.forms] == [read(data).forms[0].rows]


def test_a_letter_names_columns_and_leaves_out_what_is_too_much() -> None:
    items = tuple(
        LetterFinding(
            severity="verify", message=f"第{n}行“联系电话”不像电话号码（{n}），请核实。", label="联系电话"
        )
        for n in range(1, 36)
    )
    told = UnitFindings(unit_name=UNIT, form_title="重点项目备案表", items=items)
    assert {line.subject for line in told.lines} == {"联系电话"}
    assert (len(told.lines), told.more) == (30, 5)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ([project(1), project(2)], [project(2), project(1)], None),  # their order says nothing
        ([project(1, 预计参与人数="１００")], [project(1)], None),
        ([project(1)], [project(1), project(2)], "1/2行，不同的有科普进校园第2场"),
        ([project(1)], [project(1, 活动地点="操场")], "1/1行，不同的有科普进校园第1场"),
        ([project(1)], [], None),  # an untouched one is no rival
    ],
)
def test_the_same_list_twice_and_two_that_differ(one: list[Any], other: list[Any], said: str | None) -> None:
    found = dispute([Twin("甲.xlsx", only(filled(one))), Twin("乙.xlsx", only(filled(other)))], {})
    assert (found.reason.rpartition("：")[2] if found else None) == said
