"""Each morning before and after the deadline: whom to ring, and what was said."""

from __future__ import annotations

from typing import Any

import docx
import openpyxl
import pytest

from huizong.errors import UsageError
from huizong.ledger.tables import Letter
from huizong.stages.callsheet import log_contact
from huizong.stages.issued import issued_cycle
from huizong.stages.leadership import work_papers
from office import COLLECTION, CYCLE, Office, at, honest

A, B = "410721", "410724"


@pytest.fixture
def issued(office: Office) -> Office:
    office.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = "smtp://caozuo%40office.example:x@127.0.0.1:1/?ssl=false"
    office.issue()
    return office


def sheet(office: Office, day: str) -> list[tuple[Any, ...]]:
    path = office.home / "callsheets" / CYCLE / f"{day}.xlsx"
    return list(openpyxl.load_workbook(path).worksheets[0].values) if path.exists() else []


def line_of(office: Office, day: str, name: str) -> tuple[Any, ...]:
    return next(row for row in sheet(office, day) if row[1] == name)


def names(office: Office, day: str) -> list[str]:
    return [row[1] for row in sheet(office, day)[2:-1]]


def units(office: Office) -> list[str]:
    cycle = issued_cycle(office.ctx, CYCLE)
    return [unit.name for unit in cycle.loaded.frame(cycle.collection(COLLECTION))]


def test_the_list_begins_three_working_days_before_and_ends_at_closing(issued: Office) -> None:
    for day in ("2022-06-14", "2022-06-15", "2022-06-18", "2022-06-21", "2022-07-29"):
        issued.chase(f"{day}T08:30")
    made = {path.stem for path in (issued.home / "callsheets" / CYCLE).iterdir()}
    assert made == {"2022-06-15", "2022-06-21"}  # the 18th is a Saturday
    assert names(issued, "2022-06-21")[:18] == units(issued)


def test_who_has_sent_all_or_something_we_hold_is_not_rung(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    issued.drop(B, {"统计表.doc": b"unreadable"})
    issued.receive_folder("2022-06-16T10:00")
    issued.chase("2022-06-21T08:30")
    wanted = names(issued, "2022-06-21")
    with_form, unread = (issued_cycle(issued.ctx, CYCLE).unit(code).name for code in (A, B))
    assert unread not in wanted
    assert line_of(issued, "2022-06-21", with_form)[4] == "统计表盖章扫描件、总结报告"


def test_what_was_said_on_the_telephone_is_on_the_next_list(issued: Office) -> None:
    said = "电话联系张科员，答应明日报"
    log_contact(issued.ctx, CYCLE, A, at("2022-06-20T15:00"), by="李科", reason=said)
    issued.chase("2022-06-21T08:30")
    name = issued_cycle(issued.ctx, CYCLE).unit(A).name
    assert line_of(issued, "2022-06-21", name)[5] == "6月20日电话联系张科员，答应明日报（李科）"
    with pytest.raises(UsageError, match="--by"):
        log_contact(issued.ctx, CYCLE, A, at("2022-06-20T15:00"), by="李科", reason=" ")
    with pytest.raises(UsageError, match="没有单位"):
        log_contact(issued.ctx, CYCLE, "999999", at("2022-06-20T15:00"), by="李科", reason=said)


def test_the_operator_gets_the_list_once_a_day(issued: Office) -> None:
    for moment in ("2022-06-20T08:30", "2022-06-20T09:00", "2022-06-21T08:30"):
        issued.chase(moment)
    letters = issued.letters(kind="digest")
    assert len(letters) == 2
    with issued.ctx.ledger.read() as session:
        ((name, stored),) = session.get_one(Letter, letters[0]["id"]).attachments
    laid_out = issued.home / "callsheets" / CYCLE / "2022-06-20.xlsx"
    assert (name, issued.ctx.store.get(stored)) == ("催报电话单2022-06-20.xlsx", laid_out.read_bytes())


def test_the_leaders_list_says_what_was_tried_and_nothing_of_it_goes_to_a_unit(issued: Office) -> None:
    log_contact(issued.ctx, CYCLE, A, at("2022-06-23T15:00"), by="李科", reason="已电话联系")
    issued.chase("2022-06-27T09:00")
    written = len(issued.letters())
    told = work_papers(issued.ctx, CYCLE)
    assert any("提请领导协调，清单（内部使用）" in line for line in told)
    assert any("催报电话单" in line and line.endswith("2022-06-27.xlsx") for line in told)
    issued.chase("2022-06-28T09:00")
    (path,) = (issued.home / "editions" / CYCLE).glob(f"协调事项清单-{COLLECTION}-*.docx")
    rows = [[cell.text for cell in row.cells] for row in docx.Document(str(path)).tables[0].rows]
    assert [row[1] for row in rows[1:]] == units(issued)
    of_a = next(row for row in rows if row[1] == issued_cycle(issued.ctx, CYCLE).unit(A).name)
    assert "统计表" in of_a[2]
    assert of_a[4] == "6月23日已电话联系（李科）"
    assert not [x for x in issued.letters() if x["kind"] == "escalation"]
    assert len([x for x in issued.letters() if x["unit"]]) <= written


def test_a_unit_without_a_number_leaves_its_remarks_free_and_each_page_has_the_heads(issued: Office) -> None:
    issued.chase("2022-06-21T08:30")
    sheet = openpyxl.load_workbook(issued.home / "callsheets" / CYCLE / "2022-06-21.xlsx").worksheets[0]
    rows = list(sheet.iter_rows(min_row=3, max_row=sheet.max_row - 1, values_only=True))
    assert len(rows) > 20 and sheet.page_setup.fitToHeight == 0
    assert {row[3] for row in rows} == {"名录中没有电话"}
    assert not [row[6] for row in rows if "电话" in (row[6] or "")]
    assert sheet.print_title_rows == "$1:$2"
    assert "&P" in sheet.oddFooter.right.text and "&N" in sheet.oddFooter.right.text
