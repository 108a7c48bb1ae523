"""The next cycle without a programmer: last year's goes on, and a new form and list by YAML alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from huizong.cli.app import run
from huizong.clock import FixedClock
from office import PROJECT

Call = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def call(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """One command of the command line; its JSON comes back, the exit code is as expected."""
    environ = {"HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT)}

    def command(*arguments: object, code: int = 0) -> Any:
        found = run([*map(str, arguments), "--json"], environ, FixedClock())
        told = capsys.readouterr()
        assert found == code, told.err
        return json.loads(told.out) if told.out else told.err

    return command


# --- last year's cycle goes on --------------------------------------------------------------------------


def test_next_year_from_last_year_to_its_issue(call: Call, home: Path, tmp_path: Path) -> None:
    made = call("new", "xinxiang-2024", "--from", "xinxiang-2023")
    folder = Path(made["folder"])
    assert made["cycle"] == "xinxiang-2024"
    assert made["look_at"]

    (row,) = call("check", "xinxiang-2024", code=1)["cycles"]  # nobody has looked yet
    assert len(row["problems"]) == len(made["look_at"])

    # The roster: a unit's new contact, and one unit more, in a workbook.
    book_file = tmp_path / "名录.xlsx"
    assert call("roster", "export", "xinxiang-2024", book_file)["units"] == 23
    book = openpyxl.load_workbook(book_file)
    sheet = book.worksheets[0]
    sheet.cell(2, 10).value = 1.3900000001e10
    unit = {1: "410799", 2: "试验区", 6: "下级", 7: "county", 9: "shiyan＠x.example"}
    for column, value in unit.items():
        sheet.cell(25, column).value = value
    book.save(book_file)
    refused = call("roster", "import", "xinxiang-2024", book_file, code=2)
    assert "第25行" in refused
    assert "shiyan@x.example" in refused

    sheet.cell(25, 9).value = "shiyan@x.example"
    book.save(book_file)
    imported = call("roster", "import", "xinxiang-2024", book_file)
    assert (imported["added"], imported["removed"], imported["changed"]) == (["410799"], [], ["410700-self"])

    for path in (folder / "cycle.yaml", *home.glob("forms/*.yaml")):  # a person looks
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(li for li in lines if "# 请核对：" not in li), encoding="utf-8")
    assert call("check", "xinxiang-2024")["cycles"][0]["ok"]

    issued = call("issue", "xinxiang-2024", "--as-of", "2024-05-15T09:00", "--no-send")
    assert issued["units"] == 24
    (form,) = (Path(issued["templates_dir"]) / "410799").glob("*.xlsx")
    assert openpyxl.load_workbook(form).worksheets[0]["A1"].value == "2024年全国科技活动周开展情况统计表"


def test_what_stands_in_the_way_is_said_in_a_line(call: Call) -> None:
    assert "2027年的放假安排尚未公布" in call("new", "xinxiang-2027", "--from", "xinxiang-2023", code=2)
    assert "已存在" in call("new", "xinxiang-2022", "--from", "xinxiang-2023", code=2)
    assert "写 cycle 或 form" in call("schema", "roster", code=2)
    assert call("schema", "cycle")["title"] == "统计任务（cycle.yaml）"


# --- a new form and a new list, only written ------------------------------------------------------------

FORM = """\
code: reading-week
version: "2024"
title: 2024年全民阅读周情况统计表
unit_line: 填报单位：
items:
  - {code: events.talks, group: 活动, label: 举办讲座场数, type: integer, unit: 场}
  - {code: events.people, group: 活动, label: 到场读者人数, type: integer, unit: 人}
  - {code: money.books, group: 购书, label: 购书经费, type: decimal, unit: 万元}
  - {code: money.rooms, group: 购书, label: 阅览室改造经费, type: decimal, unit: 万元}
  - {code: rooms.open, group: 阅览室数, label: 阅览室数, type: integer, unit: 间, label_in_group: true}
"""
LIST = """\
code: reading-rooms
version: "2024"
kind: list
title: 2024年开放阅览室登记表
unit_line: 填报单位：
key: [room.name]
items:
  - {code: room.name, label: 阅览室名称, type: text}
  - {code: room.kind, label: 类别, type: text, choices: [公共, 学校]}
  - {code: room.seats, label: 座位数, type: integer, unit: 个}
  - {code: contact.phone, label: 联系电话, type: text, format: phone, private: true}
"""
CYCLE = """\
code: reading-2024
title: 2024年全民阅读周
issued_by: [某市文化局]
event: {from: 2024-04-20, to: 2024-04-26}
area: 某市
channels:
  uploads: {folder: uploads}
notice: {issue_at: 2024-04-15T09:00}
collections:
  - code: libraries
    office: {name: 公共服务科}
    audience: {tags: [county]}
    channel: uploads
    due: 2024-05-10
    closes: due + 5wd
    parts:
      - {code: figures, kind: form, instrument: reading-week@2024}
      - {code: rooms, kind: list, title: 开放阅览室登记表, instrument: reading-rooms@2024}
"""
ROSTER = "code,name,full_name,tags\nA-1,甲县,甲县文化局,county\nA-2,乙县,乙县文化局,county\n"
LABELS = ("举办讲座场数", "到场读者人数", "购书经费", "阅览室改造经费", "阅览室数")
FIGURES: dict[str, dict[str, Any]] = {
    "A-1": dict(zip(LABELS, (12, 3456, 1.2345, 0.1, 2), strict=True)),
    "A-2": dict(zip(LABELS, (7, 1001, 20.0005, 0.2, 1), strict=True)),
}
ROOMS = {
    "A-1": [["县图书馆阅览室", "公共", 120, "0373-1234567"], ["一中阅览室", "学校", 60, "13900000001"]],
    "A-2": [["乙县书屋", "公共", 35, "0373-7654321"]],
}
TOTALS = {
    "events.talks": "19",
    "events.people": "4457",
    "money.books": "21.235",
    "money.rooms": "0.3",
    "rooms.open": "3",
}


def write_definitions(home: Path) -> None:
    """All that the office writes: three YAML files and its units."""
    for name, text in (
        ("forms/reading-week@2024.yaml", FORM),
        ("forms/reading-rooms@2024.yaml", LIST),
        ("cycles/reading-2024/cycle.yaml", CYCLE),
        ("cycles/reading-2024/roster.csv", ROSTER),
    ):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def fill_form(template: bytes, figures: Mapping[str, Any]) -> bytes:
    """Each figure into the first unlocked cell beside its label."""
    book = openpyxl.load_workbook(BytesIO(template))
    sheet = book.worksheets[0]
    left = dict(figures)
    for row in sheet.iter_rows():
        for cell in row:
            if (label := "".join(str(cell.value or "").split())) in left:
                beside = sheet[cell.row][cell.column :]
                target = next(
                    c for c in beside if not c.protection.locked and type(c).__name__ != "MergedCell"
                )
                target.value = left.pop(label)
    assert not left
    return saved(book)


def fill_list(template: bytes, rows: Sequence[Sequence[Any]]) -> bytes:
    """Each row below the heads, behind its number."""
    book = openpyxl.load_workbook(BytesIO(template))
    sheet = book.worksheets[0]
    head = next(row[0].row for row in sheet.iter_rows() if row[1].value == "阅览室名称")
    for n, cells in enumerate(rows, start=head + 1):
        for column, value in enumerate(cells, start=2):
            sheet.cell(n, column).value = value
    return saved(book)


def saved(book: Any) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def hand_in(templates: Path, drop: Path, unit: str) -> None:
    """Both files of a unit, filled as a clerk does."""
    (drop / unit).mkdir(parents=True)
    for path in (templates / unit).glob("*.xlsx"):
        data = path.read_bytes()
        is_list = "登记表" in str(openpyxl.load_workbook(BytesIO(data)).worksheets[0]["A1"].value)
        filled = fill_list(data, ROOMS[unit]) if is_list else fill_form(data, FIGURES[unit])
        (drop / unit / path.name).write_bytes(filled)


@pytest.mark.slow
def test_a_new_form_and_a_new_list_are_yaml_files_and_nothing_else(call: Call, home: Path) -> None:
    write_definitions(home)
    assert call("check", "reading-2024")["cycles"] == [{"code": "reading-2024", "ok": True, "problems": []}]
    issued = call("issue", "reading-2024", "--as-of", "2024-04-15T09:00", "--no-send")
    for unit in FIGURES:
        hand_in(Path(issued["templates_dir"]), home / "drop", unit)
    when = ("--as-of", "2024-05-08T10:00")
    call("receive", "--folder", home / "drop", "--cycle", "reading-2024", *when)
    checked = call("validate", "reading-2024", "--no-send", *when)
    assert checked["by_status"]["accepted"] == 4, checked
    assert not any(checked["findings"].values())

    standing = call("status", "reading-2024", *when)
    assert {unit["code"]: unit["status"] for unit in standing["units"]} == {
        "A-1": "complete",
        "A-2": "complete",
    }

    summary = call("assemble", "reading-2024", "--as-of", "2024-05-20T09:00", "--edition", "final")
    totals = summary["totals"]["libraries"]["reading-week@2024"]
    assert {item: str(Decimal(total).normalize()) for item, total in totals.items()} == TOTALS
    assert summary["coverage"]["libraries"]["returned"] == 2

    merged, public = _merged(summary["files"])
    rows = [["甲县", *ROOMS["A-1"][0]], ["甲县", *ROOMS["A-1"][1]], ["乙县", *ROOMS["A-2"][0]]]
    assert _holds(merged, rows)
    assert _holds(public, [row[:-1] for row in rows])  # without the phone numbers
    assert not any("13900000001" in str(value) for row in public for value in row)

    traced = call("trace", "reading-2024", "money.books", "--edition", "final")
    assert {source["unit"]: source["value"] for source in traced["sources"]} == {
        "A-1": "1.2345",
        "A-2": "20.0005",
    }


@pytest.mark.slow
def test_the_new_forms_rules_follow_from_it(call: Call, home: Path) -> None:
    write_definitions(home)
    issued = call("issue", "reading-2024", "--as-of", "2024-04-15T09:00", "--no-send")
    files = {
        "登记表" in str(openpyxl.load_workbook(path).worksheets[0]["A1"].value): path
        for path in (Path(issued["templates_dir"]) / "A-1").glob("*.xlsx")
    }
    wrong = FIGURES["A-1"] | {"举办讲座场数": "约12", "购书经费": -1}
    form, rooms = home / "f.xlsx", home / "l.xlsx"
    form.write_bytes(fill_form(files[False].read_bytes(), wrong))
    rooms.write_bytes(fill_list(files[True].read_bytes(), [["某阅览室", "社区", "若干", "无"]]))
    read = call("read", "reading-2024", form, rooms, code=1)
    found = {(f["severity"], f["item"]) for file in read["files"] for f in file["findings"]}
    assert {
        ("mandatory", "events.talks"),
        ("mandatory", "money.books"),
        ("mandatory", "room.seats"),
        ("verify", "room.kind"),
        ("verify", "contact.phone"),
    } <= found


def _merged(files: Sequence[str]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows of the merged list, and of the one for the public."""
    lists = [path for path in files if "阅览室" in Path(path).name]
    (own,) = [path for path in lists if "公开" not in path]
    (public,) = [path for path in lists if "公开" in path]

    def rows(path: str) -> list[tuple[Any, ...]]:
        return list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))

    return rows(own), rows(public)


def _holds(sheet: Sequence[tuple[Any, ...]], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the rows stand there in this order, each whole, whatever stands around them."""
    wanted = [[str(value) for value in row] for row in rows]
    found = [[str(value) for value in row if value is not None] for row in sheet]
    places = [n for row in wanted for n, cells in enumerate(found) if set(row) <= set(cells)]
    return len(places) == len(wanted) and places == sorted(places)
