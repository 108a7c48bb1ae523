"""cast-2023's key activities: a folder filled by whoever wants to, nobody chased, rows merged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from huizong.cli.app import run
from huizong.clock import FixedClock
from huizong.stages.status import status
from huizong.stages.triage import assign, waiting
from huizong.stages.volunteers import code_of, plain_name
from office import PROJECT, Office, at

ISSUED, DAY = "2023-07-24T09:00", "2023-09-01T09:00"
BLANK = "2023年全国科普日重点活动登记表（空白表样）"
OBSERVATORY, MUSEUM = "上海天文馆", "北京科技馆"


@pytest.fixture
def cast(tmp_path: Path) -> Office:
    office = Office(tmp_path / "home", cycle="cast-2023")
    office.issue(ISSUED)
    return office


def activities(office: Office, names: Sequence[str], organiser: str, unit: str = "") -> bytes:
    """The blank list that `issue` laid out, filled in; `unit` typed behind 填报单位."""
    book = openpyxl.load_workbook(office.home / f"issued/cast-2023/{BLANK}.xlsx")
    sheet = book.worksheets[0]
    sheet["A2"] = f"{sheet['A2'].value}{unit}"
    for n, name in enumerate(names, start=4):
        row = [
            name,
            organiser,
            "讲座",
            "9月17日",
            f"{organiser}报告厅",
            "讲座与互动",
            120,
            "某甲",
            "021-60000000",
        ]
        for column, value in enumerate(row, start=2):
            sheet.cell(n, column).value = value
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def take(office: Office, moment: str = DAY) -> None:
    office.receive(moment, "uploads")
    office.validate(moment)


def answering(office: Office, moment: str = "2023-10-25T09:00") -> dict[str, dict[str, Any]]:
    """Who stands in the voluntary collection, by name."""
    units = status(office.ctx, "cast-2023", at(moment))["units"]
    return {u["name"]: u for u in units if u["collection"] == "key-activities"}


def lists_of(files: Sequence[str]) -> list[list[Any]]:
    """The rows of the merged list."""
    path = next(p for p in files if "重点活动登记表汇总" in p and "公开版" not in p)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def test_the_blank_form_lies_beside_the_units_folders_and_bears_nobodys_mark(cast: Office) -> None:
    folder = cast.home / "issued/cast-2023"
    assert {p.name for p in folder.iterdir()} == {f"{BLANK}.xlsx", f"{BLANK}.docx"}
    before = (folder / f"{BLANK}.xlsx").read_bytes()
    assert b"hz1." not in b"".join(
        str(c.value).encode() for r in openpyxl.load_workbook(BytesIO(before)).worksheets[0] for c in r
    )
    (folder / f"{BLANK}.xlsx").unlink()
    cast.issue(ISSUED)
    assert (folder / f"{BLANK}.xlsx").read_bytes() == before


def test_anybody_answers_under_its_own_name_and_a_registered_unit_under_its_code(cast: Office) -> None:
    cast.drop(OBSERVATORY, {"一.xlsx": activities(cast, ["观星一", "观星二"], OBSERVATORY)}, "uploads")
    cast.drop("平台导出7", {"二.xlsx": activities(cast, ["开放日"], MUSEUM, f"{MUSEUM}（盖章）")}, "uploads")
    cast.drop("110000", {"三.xlsx": activities(cast, ["北京专场"], "北京科协")}, "uploads")
    cast.drop("江苏科协", {"四.xlsx": activities(cast, ["江苏专场"], "江苏科协")}, "uploads")
    cast.drop(
        "转来", {"五.xlsx": activities(cast, ["山西专场"], "山西科协", "山西省科学技术协会")}, "uploads"
    )
    take(cast)
    found = answering(cast)
    registered = {"北京科协": "110000", "江苏科协": "320000", "山西科协": "140000"}
    volunteers = {name: code_of(name) for name in (OBSERVATORY, MUSEUM)}
    assert {name: u["code"] for name, u in found.items()} == registered | volunteers
    assert {u["status"] for u in found.values()} == {"complete"}
    assert list(found)[:3] == ["北京科协", "山西科协", "江苏科协"]  # the established order, then the others
    done = cast.assemble("2023-09-25T09:00")
    cover = done["coverage"]["key-activities"]
    assert (cover["expected"], cover["returned"], cover["missing"]) == (0, 5, [])
    rows = lists_of(done["files"])
    for unit, name in [
        (OBSERVATORY, "观星一"),
        (OBSERVATORY, "观星二"),
        (MUSEUM, "开放日"),
        ("北京科协", "北京专场"),
    ]:
        assert any(unit in row and name in row for row in rows), (unit, name)


def test_many_returns_of_one_organiser_add_up_and_the_same_one_is_a_duplicate(cast: Office) -> None:
    first = activities(cast, ["观星一"], OBSERVATORY)
    cast.drop(OBSERVATORY, {"一.xlsx": first}, "uploads")
    take(cast)
    cast.drop(OBSERVATORY, {"再来.xlsx": first}, "uploads")
    cast.drop("导出9", {"二.xlsx": activities(cast, ["观星二"], OBSERVATORY, "上海 天文馆")}, "uploads")
    got = cast.receive("2023-09-02T09:00", "uploads")
    assert got["dispositions"] == {"duplicate": 1, "return": 1}
    cast.validate("2023-09-02T09:00")
    (only,) = answering(cast).values()
    assert only["code"] == code_of(OBSERVATORY)
    rows = lists_of(cast.assemble("2023-09-25T09:00")["files"])
    assert sum(OBSERVATORY in row for row in rows) == 2


def test_two_lists_in_one_workbook_both_count_however_each_writes_the_units_name(cast: Office) -> None:
    book = openpyxl.load_workbook(BytesIO(activities(cast, ["甲"], "北京科协", "北京科协")))
    second = openpyxl.load_workbook(BytesIO(activities(cast, ["乙"], "北京科协", "北京市科学技术协会")))
    copy = book.create_sheet("第二批")
    for cell in (cell for row in second.worksheets[0].iter_rows() for cell in row if cell.value is not None):
        copy[cell.coordinate].value = cell.value
    out = BytesIO()
    book.save(out)
    cast.drop("110000", {"两批.xlsx": out.getvalue()}, "uploads")
    take(cast)
    rows = lists_of(cast.assemble("2023-09-25T09:00")["files"])
    assert [row[2] for row in rows[3:]] == ["甲", "乙"]


def test_nobody_is_written_to_or_chased_and_no_rate_counts_it(cast: Office) -> None:
    cast.drop(OBSERVATORY, {"一.xlsx": activities(cast, ["观星一"], "")}, "uploads")  # 主办单位 is missing
    take(cast)
    assert answering(cast)[OBSERVATORY]["status"] == "in_query"
    for moment in ("2023-09-25T09:00", "2023-10-10T09:00", "2023-10-17T09:00"):
        done = cast.chase(moment)
        assert set(done["rungs"]) <= {"due_day", "overdue", "superior_informed"}
    assert not [letter for letter in cast.letters() if letter["unit"] == code_of(OBSERVATORY)]
    assert status(cast.ctx, "cast-2023", at("2023-10-17T10:00"))["reporting_rate"] == "0"


def test_before_it_opens_and_after_it_closes_a_return_is_kept_and_said_to_be_so(cast: Office) -> None:
    cast.drop(OBSERVATORY, {"一.xlsx": activities(cast, ["观星一"], OBSERVATORY)}, "uploads")
    take(cast, "2023-08-20T23:00")
    assert "早于本报送事项开始时间收到" in answering(cast)[OBSERVATORY]["notes"][0]
    cast.drop(MUSEUM, {"二.xlsx": activities(cast, ["开放日"], MUSEUM)}, "uploads")
    take(cast, "2023-09-24T00:00")
    assert "逾期后收到" in answering(cast)[MUSEUM]["notes"][0]
    cast.drop("110000", {"三.xlsx": activities(cast, ["专场"], "北京科协")}, "uploads")
    take(cast, "2023-09-23T23:59")
    assert answering(cast)["北京科协"]["notes"] == []
    # both count in the edition that is made next; after a final one that is a revised one
    final = cast.assemble("2023-10-25T09:00")
    assert final["edition"] == "final"
    assert final["coverage"]["key-activities"]["returned"] == 3
    cast.drop("后来者", {"四.xlsx": activities(cast, ["补报"], "后来者")}, "uploads")
    take(cast, "2023-10-26T09:00")
    revised = cast.assemble("2023-10-26T10:00", "revised")
    assert revised["coverage"]["key-activities"]["returned"] == 4


def test_a_list_that_names_nobody_waits_and_a_person_gives_it_to_whoever_sent_it(cast: Office) -> None:
    cast.drop("", {"无名.xlsx": activities(cast, ["观星一"], "")}, "uploads")
    take(cast)
    (row,) = waiting(cast.ctx)["waiting"]
    assert "未写明填报单位" in row["reason"]
    done = assign(
        cast.ctx, row["id"], unit=OBSERVATORY, collection="key-activities", by="甲", reason="电话核实"
    )
    assert done["unit"] == code_of(OBSERVATORY)
    cast.validate("2023-09-02T09:00")
    assert list(answering(cast)) == [OBSERVATORY]


def test_one_name_has_one_code_however_it_is_written() -> None:
    assert code_of("上海天文馆") == code_of(" 上海　天文馆 ") == code_of(plain_name("上海天文馆（盖章）"))
    assert code_of("上海天文馆") != code_of("上海科技馆")
    assert len(code_of("上海天文馆")) == 12


def test_the_folder_channel_the_whole_way_by_the_command_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    places = {"HUIZONG_HOME": str(tmp_path / "home"), "HUIZONG_PROJECT": str(PROJECT)}

    def huizong(*words: str) -> dict[str, Any]:
        assert run([*words, "--json"], places, FixedClock()) == 0
        found: dict[str, Any] = json.loads(capfd.readouterr().out)
        return found

    huizong("issue", "cast-2023", "--as-of", ISSUED, "--no-send")
    office = Office(tmp_path / "home", cycle="cast-2023")
    office.drop(OBSERVATORY, {"一.xlsx": activities(office, ["观星一"], OBSERVATORY)}, "uploads")
    got = huizong("receive", "uploads", "--as-of", "2023-09-01T09:00+08:00")
    assert got["dispositions"] == {"return": 1}
    assert huizong("receive", "uploads", "--as-of", "2023-09-01T10:00+08:00")["files"] == 0
    assert huizong("validate", "cast-2023", "--as-of", DAY, "--no-send")["by_status"] == {"accepted": 1}
    units = huizong("status", "cast-2023", "--as-of", DAY)["units"]
    assert [u["name"] for u in units if u["collection"] == "key-activities"] == [OBSERVATORY]
    done = huizong("assemble", "cast-2023", "--as-of", "2023-09-25T09:00")
    assert any(OBSERVATORY in row for row in lists_of(done["files"]))
