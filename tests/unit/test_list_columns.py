"""What is typed into a list's columns: days as people write them, and counts that are none, by row."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_files import PROJECTS, UNIT, filled, only, project

from huizong.rules.listed import judge
from huizong.rules.model import Finding, FormRow
from huizong.rules.standard import standard_suite
from huizong.rules.suite import suite_text


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suite") / f"{PROJECTS.ref}.json"
    path.write_text(suite_text(standard_suite(PROJECTS)), encoding="utf-8")
    return path


def findings(suite: Path, *rows: list[object]) -> list[Finding]:
    form = only(filled(rows))
    whole = FormRow(
        key="1", unit_name=UNIT, address_as="你单位", items={}, rows=form.rows, numbers=form.numbers,
        title=form.title, unit_text=form.unit_text,
    )  # fmt: skip
    return judge([whole], PROJECTS, suite)["1"]


def test_days_as_people_write_them_are_days(suite: Path) -> None:
    days = [
        "8月23日", "2020.8.23", "2020年8月23日—29日", "8.23", "20200823", "2020/8/23",
        "8月下旬", "活动周期间", "每周六上午", "暑假", "2020-08-23",
    ]  # fmt: skip
    assert findings(suite, *(project(n, 活动时间=day) for n, day in enumerate(days, start=1))) == []


def test_what_is_no_day_and_no_count_is_asked_about_in_its_rows(suite: Path) -> None:
    rows = [
        project(1, 活动时间="待定"), project(2, 预计参与人数="约500人"), project(3, 活动时间="44066"),
        project(4, 活动时间="待定"),
    ]  # fmt: skip
    said = {(f.severity, f.item, f.message, f.cell) for f in findings(suite, *rows)}
    assert ("verify", "project.time", "第1、4行“活动时间”未写明日期（待定），请核实。", "E4、E7") in said
    assert ("verify", "project.time", "第3行“活动时间”未写明日期（44066），请核实。", "E6") in said
    (count,) = [(severity, cell) for severity, item, _, cell in said if item == "project.expected"]
    assert count == ("mandatory", "H5")
