"""Lists that add up, assigned and summed; and that what is held is fetched once, and not for every unit."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from list_files import HEADS, PROJECTS, plain, project, saved, sheet
from sqlalchemy import event, select

from huizong.ledger.tables import FindingRow
from huizong.stages import validate as validating
from huizong.stages.status import trace
from huizong.stages.triage import assign, waiting
from material_files import report
from office import PROJECT, Office

JILIN, SIPING = "jilin-2020", "siping-2023"
CHANGCHUN, JILIN_CITY = "220100", "220200"
TIEXI, TIEDONG, LISHU = "220302", "220303", "220322"
WHO = {"by": "小李", "reason": "电话核实"}


@contextmanager
def statements(office: Office, wanted: Callable[[str], bool]) -> Iterator[list[str]]:
    """What is asked of the ledger meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if wanted(text):
            seen.append(text)

    engine = office.ctx.ledger.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def adding_up(tmp_path: Path) -> Office:
    """The lists of key projects add up; the cycle is issued."""
    office = Office(tmp_path / "home", cycle=JILIN)
    folder = office.ctx.home.path / "cycles" / JILIN
    shutil.copytree(PROJECT / "include/cycles" / JILIN, folder)
    text = (folder / "cycle.yaml").read_text(encoding="utf-8")
    text = text.replace("instrument: key-projects@2020}", "instrument: key-projects@2020, keeps: append}")
    (folder / "cycle.yaml").write_text(text, encoding="utf-8")
    office.issue("2020-07-23T09:00")
    return office


def two_lists(first: int, second: int) -> bytes:
    """A workbook of a body that nobody knows, with its departments' lists, a sheet each."""
    book = plain([HEADS, [1, *project(first)]], unit="某单位一部")
    sheet(book.create_sheet("第二批"), [HEADS, [1, *project(second)]], unit="某单位二部")
    return saved(book)


def test_two_lists_in_one_file_that_add_up_are_assigned_both_and_fetched_at_once(adding_up: Office) -> None:
    for n, unit in enumerate((CHANGCHUN, JILIN_CITY)):
        adding_up.drop("某处", {f"{n}.xlsx": two_lists(1 + 2 * n, 2 + 2 * n)})
        adding_up.receive_folder("2020-07-28T09:00")
        (row,) = waiting(adding_up.ctx)["waiting"]
        assign(adding_up.ctx, row["id"], unit, "registration", **WHO)
    assert adding_up.validate("2020-07-28T09:30")["by_status"] == {"accepted": 4}

    with statements(adding_up, lambda sql: "FROM value" in sql) as asked:
        done = adding_up.assemble("2020-08-07T18:00")
    assert done["totals"]["registration"][PROJECTS.ref] == {"project.expected": "1000"}
    assert len([sql for sql in asked if "ORDER BY value." in sql]) == 1
    with statements(adding_up, lambda sql: "FROM value" in sql) as asked:
        found = trace(adding_up.ctx, JILIN, "project.expected")
    assert [source["value"] for source in found["sources"]] == ["100", "200", "300", "400"]
    assert len(asked) == 1


def test_all_reports_are_read_once_to_judge_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validating, "_AT_ONCE", 1)
    office = Office(tmp_path / "home", cycle=SIPING)
    office.issue("2023-05-17T09:00")
    same = report("各单位")
    for unit in (TIEXI, TIEDONG, LISHU):
        office.drop(unit, {"活动总结.docx": same if unit != LISHU else report("梨树县科学技术局")})
    office.receive_folder(as_of := "2023-06-01T09:00")
    with statements(office, lambda sql: "file.reading" in sql and "version.status !=" in sql) as asked:
        office.validate(as_of)
    assert len(asked) == 1
    with office.ctx.ledger.read() as session:
        told = session.scalars(select(FindingRow.message)).all()
    assert len([message for message in told if "另一单位" in message]) == 1  # who came second is asked
