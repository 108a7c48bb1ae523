"""The roster as a workbook: what goes out comes back, and what a program did to it is undone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from huizong.definition.roster_book import HEADS, export_roster, import_roster
from huizong.definition.yaml_file import DefinitionError
from huizong.errors import UsageError
from huizong.frame.roster import COLUMNS, read_roster
from huizong.home import Home

CYCLES = Path(__file__).parents[2] / "include" / "cycles"
ROSTER = """\
code,name,full_name,aliases,parent,relation,tags,contact,email,phone,self
001,市本级,某市科学技术局,某市科技局;市科技局,,下级,office,丙,benji@city.example,03731234567,1
002,甲县,甲县科学技术局,"甲县科技局,旧称",001,下级,county;north,张三;李四,a@city.example;b@city.example,13900000001;13900000002,
X-9,=乙区,乙区科学技术局,,001,平级,county,,,,
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "cycles" / "probe-2024"
    folder.mkdir(parents=True)
    (folder / "cycle.yaml").write_text("code: probe-2024\n", encoding="utf-8")
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return Home.from_environment({"HUIZONG_HOME": str(tmp_path)})


def roster(home: Home) -> str:
    return (home.path / "cycles" / "probe-2024" / "roster.csv").read_text(encoding="utf-8")


def edited(home: Home, edit: Callable[[Any], None]) -> Path:
    """The exported workbook, changed as a clerk would."""
    file = home.path / "名录.xlsx"
    export_roster("probe-2024", file, home)
    book = openpyxl.load_workbook(file)
    edit(book.worksheets[0])
    book.save(file)
    return file


def column(name: str) -> int:
    return COLUMNS.index(name) + 1


def test_what_was_exported_imports_to_the_same_bytes(home: Home) -> None:
    file = edited(home, lambda sheet: None)
    answer = import_roster("probe-2024", file, home)
    assert roster(home) == ROSTER
    assert answer == {
        "cycle": "probe-2024",
        "file": str(home.path / "cycles/probe-2024/roster.csv"),
        "units": 3,
        "added": [],
        "removed": [],
        "changed": [],
    }


@pytest.mark.parametrize("code", sorted(p.parent.name for p in CYCLES.glob("*/roster.csv")))
def test_the_projects_rosters_go_out_and_come_back(code: str, tmp_path: Path) -> None:
    shutil.copytree(CYCLES / code, tmp_path / "cycles" / code)
    home = Home.from_environment({"HUIZONG_HOME": str(tmp_path)})
    export_roster(code, tmp_path / "r.xlsx", home)
    import_roster(code, tmp_path / "r.xlsx", home)
    assert (tmp_path / "cycles" / code / "roster.csv").read_text("utf-8") == (
        CYCLES / code / "roster.csv"
    ).read_text("utf-8")


def test_the_workbook_has_chinese_heads_and_nothing_but_text(home: Home) -> None:
    file = edited(home, lambda sheet: None)
    sheet = openpyxl.load_workbook(file).worksheets[0]
    rows = list(sheet.iter_rows(max_row=4))
    assert [cell.value for cell in rows[0]] == list(HEADS.values())
    cells = [cell for row in rows[1:] for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}  # 001 keeps its zeros, =乙区 is no formula
    assert {cell.number_format for cell in cells} == {"@"}
    assert sheet.cell(10, 1).number_format == "@"  # and what is typed below them stays as typed


def test_what_a_program_made_numbers_is_read_as_the_digits_it_was(home: Home) -> None:
    def edit(sheet: Any) -> None:
        sheet.cell(2, 1).value, sheet.cell(2, 1).number_format = 1, "000"
        sheet.cell(2, column("phone")).value = 1.3912345678e10
        sheet.cell(2, column("self")).value = 1
        sheet.cell(4, 1).value = 410702
        sheet.cell(4, 2).value = "乙区"
        sheet.cell(3, column("phone")).value = "13900000001\n13900000002"  # Alt+Enter
        sheet.cell(3, column("contact")).value = "张三、李四"

    answer = import_roster("probe-2024", edited(home, edit), home)
    units, problems = read_roster(roster(home))
    assert problems == []
    assert [u.code for u in units] == ["001", "002", "410702"]
    assert units[0].own
    assert [c.phone for u in units[:2] for c in u.contacts] == ["13912345678", "13900000001", "13900000002"]
    assert [c.name for c in units[1].contacts] == ["张三", "李四"]
    assert (answer["added"], answer["removed"], answer["changed"]) == (["410702"], ["X-9"], ["001"])


def test_a_clerks_own_table_is_read_by_its_heads(home: Home) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["某市科技活动周联络员名单"],
        [],
        ["序号", "单位名称", "单位代码 ", "联系电话", "电子邮箱", "姓名", "分类", "备注"],
        [1, "甲县", "410721", 13900000001.0, "a@city.example", "张三", "county", "新任"],
    ):
        book.worksheets[0].append(row)
    file = home.path / "t.xlsx"
    book.save(file)
    import_roster("probe-2024", file, home)
    (unit,) = read_roster(roster(home))[0]
    assert (unit.code, unit.name, unit.tags) == ("410721", "甲县", ("county",))
    assert [(c.name, c.address, c.phone) for c in unit.contacts] == [
        ("张三", "a@city.example", "13900000001")
    ]


@pytest.mark.parametrize(
    ("row", "name", "value", "says"),
    [
        (3, "email", "a＠city.example", "疑为“a@city.example”"),
        (3, "email", "a@city.example，b@city.example", "疑为“a@city.example;b@city.example”"),
        (4, "code", "002", "单位代码 002 重复（甲县）"),
        (4, "relation", "邻居", "“关系”“邻居”须为 下级、平级、上级、成员 之一"),
        (4, "name", None, "单位名称为空"),
        (2, "phone", "无", "“电话”列写电话"),
        (1, "tags", "标记", "不认识的栏“标记”"),
        (1, "phone", "邮箱", "“邮箱”有两栏"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_changed(
    home: Home, row: int, name: str, value: Any, says: str
) -> None:
    def edit(sheet: Any) -> None:
        sheet.cell(row, column(name)).value = value

    file = edited(home, edit)
    with pytest.raises(DefinitionError) as raised:
        import_roster("probe-2024", file, home)
    problem = raised.value.problems[0]
    assert (problem.file, problem.line) == (str(file), row)
    assert says in problem.message
    assert roster(home) == ROSTER


def test_the_row_named_is_the_sheets_even_behind_empty_ones(home: Home) -> None:
    def edit(sheet: Any) -> None:
        sheet.insert_rows(3, 2)
        sheet.cell(6, column("email")).value = "x"

    with pytest.raises(DefinitionError) as raised:
        import_roster("probe-2024", edited(home, edit), home)
    assert [p.line for p in raised.value.problems] == [6]


def test_what_cannot_be_imported(home: Home, tmp_path: Path) -> None:
    file = edited(home, lambda sheet: None)
    with pytest.raises(UsageError, match="示例，不改"):
        import_roster("xinxiang-2023", file, home)
    with pytest.raises(UsageError, match="没有名为“nosuch”"):
        import_roster("nosuch", file, home)
    with pytest.raises(UsageError, match="文件不存在"):
        import_roster("probe-2024", tmp_path / "none.xlsx", home)
    with pytest.raises(UsageError, match=r"另存为 \.xlsx"):
        import_roster("probe-2024", tmp_path / "old.xls", home)
    (tmp_path / "broken.xlsx").write_bytes(b"no zip")
    with pytest.raises(UsageError, match="不是完好的"):
        import_roster("probe-2024", tmp_path / "broken.xlsx", home)
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(UsageError, match="没有找到表头"):
        import_roster("probe-2024", tmp_path / "empty.xlsx", home)

    def emptied(sheet: Any) -> None:
        sheet.delete_rows(2, 10)

    with pytest.raises(DefinitionError, match="表中没有单位"):
        import_roster("probe-2024", edited(home, emptied), home)
    assert roster(home) == ROSTER
