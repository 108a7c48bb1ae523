"""Fifteen more slips of an office clerk: each is told on its own line, in Chinese, with what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from huizong.definition.check import review_cycle
from huizong.definition.checking.found import Found
from huizong.definition.roster_book import import_roster
from huizong.definition.yaml_file import DefinitionError
from huizong.errors import UsageError
from huizong.home import Home
from huizong.rules.fitting import misfits
from office import PROJECT

CYCLE = "xinxiang-2022"
FRAMED = PROJECT / "include/cycles" / CYCLE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "cycles" / CYCLE
    folder.mkdir(parents=True)
    for name in ("cycle.yaml", "roster.csv"):
        (folder / name).write_bytes((FRAMED / name).read_bytes())
    return Home.from_environment({"HUIZONG_HOME": str(tmp_path), "HUIZONG_PROJECT": str(PROJECT)})


def slip(home: Home, name: str, was: str, now: str) -> tuple[int, list[Found]]:
    """Change the first such place of a file: its line, and what is then found."""
    path = home.path / "cycles" / CYCLE / name
    text = path.read_text(encoding="utf-8")
    line = text[: text.index(was)].count("\n") + 1
    path.write_text(text.replace(was, now, 1), encoding="utf-8")
    return line, review_cycle(path.with_name("cycle.yaml"), home, misfits)


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("    due: 2022-06-20", "\tdue: 2022-06-20", "制表符（Tab），请改为空格"),
        ("    due: 2022-06-20", "    due：2022-06-20", "缺少冒号.*半角冒号加一个空格"),
        ("    due: 2022-06-20", "    due:2022-06-20", "缺少冒号.*半角冒号加一个空格"),
        ("due: 2022-06-20", "due: 2022年6月20日", "看不懂的时间.*写成 2022-06-20"),
        ("due: 2022-06-20", "due: 2022-06-31", "看不懂的时间“2022-06-31”"),
        ("closes: due + 10wd", "closes: due + 10个工作日", "看不懂的时间.*due \\+ 3wd"),
        ("issued_by: [", "issued_by: [[", "括号没有配对"),
        ("issued_by: [", "issued_by: [某办公室，", "中文逗号或顿号.*半角逗号"),
        ("{tags: [science-department]}", "{tags: ［science-department］}", "须为列表，如 \\[a, b\\]"),
        ("kind: scan", "kind: 扫描件", "须为 form、list、scan、"),
        ("of: statistics", "of: statistic", "不是本事项的材料（有：statistics、"),
        ('"08:00-12:00"', "“08:00-12:00”", "看不懂的办公时间"),
        ("live: false", "live: 否", "须为 true 或 false"),
        ("title: 2022年", "title: 2022 #年", "数字请加引号"),
        ("channel: mailbox-kjj", "channel: mailbox-kjx", "未在 channels 中定义（有：mailbox-kjj"),
    ],
)
def test_in_the_definition(home: Home, was: str, now: str, says: str) -> None:
    line, found = slip(home, "cycle.yaml", was, now)
    (told,) = [f.at for f in found if f.level != "hint"]
    assert told.line == line
    assert re.search(says, told.message)
    assert not re.search("[a-z]+ [a-z]+ [a-z]+", told.message)  # no sentence of a program's


def test_a_key_written_twice_is_named_where_it_stands_again(home: Home) -> None:
    line, (found,) = slip(home, "cycle.yaml", "live: false", "live: false\nlive: true")
    assert (found.at.line, found.at.message) == (line + 1, "“live”写了两次，请只留一个")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
def test_in_another_encoding(home: Home, encoding: str) -> None:
    path = home.path / "cycles" / CYCLE / "cycle.yaml"
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    (found,) = review_cycle(path, home, misfits)
    assert found.at.message == "不是 UTF-8 编码，请在编辑器中另存为 UTF-8"


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("410702,", "４１０７０２,", "疑为“410702”"),
        ("410702,", "4.10702E+05,", "被表格软件改成了科学计数"),
        ("410702,红旗区,", ",红旗区,", "单位代码为空"),
        ("红旗区联络员", '"红旗区联络员', "引号不成对"),
        ("science-department,红旗区", "science-department、county,红旗区", "几个标签请用分号隔开"),
        ("science-department,红旗区", '"science-department，county",红旗区', "几个标签请用分号隔开"),
        ("hongqi@xinxiang.example,,", "hongqi@xinxiang.example,,1", "红旗区与市本级都标为本级"),
        ("hongqi@xinxiang.example", "kjj@xinxiang.example", "就是接收报送的邮箱"),
        ("hongqi@xinxiang.example", "hongqi@xinxiang.example b@xinxiang.example", "多个邮箱用分号隔开"),
    ],
)
def test_in_the_roster(home: Home, was: str, now: str, says: str) -> None:
    line, found = slip(home, "roster.csv", was, now)
    first = next(f.at for f in found if f.level != "hint")
    assert (Path(first.file).name, first.line) == ("roster.csv", line)
    assert says in first.message


# --- the roster as a workbook -----------------------------------------------------------------------------

HEADS = ["单位代码", "单位名称", "全称", "上级单位", "关系", "标签", "联系人", "邮箱", "电话"]
ONE = ["410702", "红旗区", "红旗区科技局", "", "下级", "county", "甲", "a@x.example", "0373-1234567"]
TWO = ["410703", "卫滨区", "卫滨区科技局", "", "下级", "county", "乙", "b@x.example", "13800000000"]
OWN = "my-2022"


def changed(row: Sequence[Any], **cells: Any) -> list[Any]:
    return [cells.get(head, cell) for head, cell in zip(HEADS, row, strict=True)]


def imported(home: Home, *rows: Sequence[Any], then: Callable[[Worksheet], Any] | None = None) -> list[str]:
    """A workbook whose heads stand in its second row; the roster's lines."""
    folder = home.path / "cycles" / OWN
    folder.mkdir(exist_ok=True)
    (folder / "cycle.yaml").write_bytes((FRAMED / "cycle.yaml").read_bytes())
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (["某市单位名录"], HEADS, *rows):
        sheet.append(list(row))
    sheet.merge_cells("A1:I1")
    if then:
        then(sheet)
    book.save(home.path / "名录.xlsx")
    import_roster(OWN, home.path / "名录.xlsx", home)
    return (folder / "roster.csv").read_text(encoding="utf-8").splitlines()[1:]


LINES = [
    "410702,红旗区,红旗区科技局,,,下级,county,甲,a@x.example,0373-1234567,",
    "410703,卫滨区,卫滨区科技局,,,下级,county,乙,b@x.example,13800000000,",
]


@pytest.mark.parametrize(
    "rows",
    [
        (ONE, [None] * 9, TWO, [None] * 9),
        (changed(ONE, 单位代码=410702), changed(TWO, 电话=1.38e10)),
        (changed(ONE, 单位代码="410702 ", 单位名称="红旗\n区\u200b", 邮箱=" a@x.example\xa0"), TWO),
        (changed(ONE, 标签="county"), changed(TWO, 关系="下级\u3000")),
    ],
)
def test_what_is_clear_is_read_as_it_was_meant(home: Home, rows: tuple[Sequence[Any], ...]) -> None:
    assert imported(home, *rows) == LINES


def test_a_merged_cell_holds_for_each_of_its_rows(home: Home) -> None:
    assert imported(home, ONE, changed(TWO, 标签=None), then=lambda s: s.merge_cells("F3:F4")) == LINES


def test_two_addresses_parted_by_a_chinese_semicolon_are_two(home: Home) -> None:
    (line,) = imported(home, changed(ONE, 联系人="甲、乙", 邮箱="a@x.example；b@x.example"))
    assert "甲;乙,a@x.example；b@x.example" in line


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ((changed(ONE, 单位代码="010101"), changed(TWO, 单位代码=10102)), "第4行 .*前面的 0（010102）"),
        ((ONE, changed(TWO, 电话="1.38E+10")), "第4行 .*被表格软件改成了科学计数"),
        ((changed(ONE, 全称='=B3&"科技局"'), TWO), "第3行 .*C3 是没有结果或出错的公式"),
        ((changed(ONE, 全称="#REF!"), TWO), "第3行 .*C3 是没有结果或出错的公式"),
        ((ONE, changed(TWO, 电话=date(2022, 1, 1))), "第4行 .*不是号码"),
        ((ONE, TWO, ["合计", "2家"]), "第5行 .*不是单位的行请删去"),
        ((ONE, changed(TWO, 邮箱="b@x.example,c@x.example")), "第4行 .*疑为“b@x.example;c@x.example”"),
        ((ONE, changed(TWO, 关系="下属单位")), "第4行 .*须为 下级、平级、上级、成员 之一"),
    ],
)
def test_what_is_not_is_asked_for_by_its_row(home: Home, rows: tuple[Sequence[Any], ...], says: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        imported(home, *rows)
    (problem,) = refused.value.problems
    assert re.search(says, f"第{problem.line}行 {problem.message}")


@pytest.mark.parametrize(
    "data", [b"", b"\xd0\xcf\x11\xe0", "单位代码,单位名称\n".encode(), b"PK\x05\x06" + b"\0" * 18]
)
def test_no_workbook_at_all(home: Home, data: bytes) -> None:
    imported(home, ONE)
    (home.path / "名录.xlsx").write_bytes(data)
    with pytest.raises(
        UsageError, match=r"^名录.xlsx 不是完好的 .xlsx 工作簿（或加了密码）；请.*另存为 .xlsx。$"
    ):
        import_roster(OWN, home.path / "名录.xlsx", home)
