"""Reading a cycle's folder: what is right loads and freezes, what is wrong is named by file and line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import process_time

import pytest

from huizong.definition.check import check_cycle
from huizong.definition.load import (
    LoadedCycle,
    differences,
    find_cycles,
    load_cycle,
    load_named,
    refrozen,
    thaw,
)
from huizong.definition.yaml_file import DefinitionError, Problem
from huizong.errors import UsageError
from huizong.frame.roster import read_roster
from huizong.home import Home
from huizong.rules.fitting import misfits

CYCLES = Path(__file__).parents[2] / "include" / "cycles"
CODE = "probe-2022"
DEFINITION = """\
code: probe-2022
title: 试报
timezone: Asia/Shanghai
calendar: state_council
issued_by: [某市科学技术局]
event: {from: 2022-05-11, to: 2022-06-10}
upward: {to: 省科技厅, due: null}
channels:
  mailbox: {address: kjj@city.example}
notice: {issue_at: 2022-05-24T09:00}
collections:
  - code: departments
    office: {name: 科普科}
    audience: {tags: [county]}
    channel: mailbox
    due: 2022-06-20
    closes: due + 10wd
    parts:
      - {code: statistics, kind: form, instrument: activity-week-statistics@2022}
      - {code: report, kind: document}
    ladder:
      - {rung: nudge, at: due - 5wd}
"""
ROSTER = """\
code,name,full_name,aliases,parent,relation,tags,contact,email,phone,self
410702,红旗区,红旗区科学技术局,红旗区科技局,,下级,county,联络员,hongqi@city.example,,
410703,卫滨区,卫滨区科学技术局,,,下级,county,甲;乙,a@city.example;B@city.example,1;2,
XX-JYJ,市教育局,市教育局,,,平级,other,,,,
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.from_environment({"HUIZONG_HOME": str(tmp_path)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "cycles" / CODE
    folder.mkdir(parents=True)
    (folder / "cycle.yaml").write_text(DEFINITION, encoding="utf-8")
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return folder


def problems(folder: Path, home: Home) -> list[Problem]:
    return check_cycle(folder / "cycle.yaml", home, misfits)


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


# --- what is right ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(p.parent.name for p in CYCLES.glob("*/cycle.yaml")))
def test_every_cycle_of_the_project_is_right(code: str, home: Home) -> None:
    assert check_cycle(CYCLES / code / "cycle.yaml", home, misfits) == []


def test_the_probe_itself_is_right(folder: Path, home: Home) -> None:
    assert problems(folder, home) == []


def test_a_byte_order_mark_from_an_editor_does_no_harm(folder: Path, home: Home) -> None:
    for name, text in (("cycle.yaml", DEFINITION), ("roster.csv", ROSTER)):
        (folder / name).write_text(text, encoding="utf-8-sig")
    assert problems(folder, home) == []


def test_the_frame_is_who_has_the_tag_or_is_named_in_the_established_order(folder: Path, home: Home) -> None:
    text = DEFINITION.replace("{tags: [county]}", "{tags: [county], units: [XX-JYJ]}")
    (folder / "cycle.yaml").write_text(text, encoding="utf-8")
    loaded = load_named(CODE, home)
    assert [u.code for u in loaded.frame(loaded.cycle.collections[0])] == ["410702", "410703", "XX-JYJ"]
    second = loaded.units[1]
    assert [(c.name, c.address, c.phone) for c in second.contacts] == [
        ("甲", "a@city.example", "1"),
        ("乙", "b@city.example", "2"),
    ]
    assert second.address_as == "你单位"
    assert loaded.units[2].address_as == "贵单位"


def test_the_homes_cycle_stands_over_the_projects(folder: Path, home: Home, tmp_path: Path) -> None:
    found = find_cycles(home)
    assert found[CODE] == folder / "cycle.yaml"
    assert "xinxiang-2022" in found
    own = tmp_path / "cycles" / "xinxiang-2022"
    own.mkdir()
    (own / "cycle.yaml").write_text(DEFINITION, encoding="utf-8")
    assert find_cycles(home)["xinxiang-2022"] == own / "cycle.yaml"


def test_an_unknown_cycle_names_those_there_are(folder: Path, home: Home) -> None:
    with pytest.raises(UsageError, match=r"nosuch.*probe-2022"):
        load_named("nosuch", home)


# --- what is wrong in the definition --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "at", "says"),
    [
        ("    due: 2022-06-20", "    due: 2022-06-20\n    colour: red", "colour: red", "没有这个键"),
        ("title: 试报\n", "", "code: probe-2022", "title: 缺少这一项"),
        ("title: 试报", "title: 2022", "title: 2022", "须为文字"),
        (
            "channel: mailbox",
            "channel: mailbx",
            "channel: mailbx",
            "mailbx 未在 channels 中定义（有：mailbox）",
        ),
        ("due: 2022-06-20", "due: 20 June", "due: 20 June", "写成 2022-06-20"),
        ("due: 2022-06-20", "due: 2022-06-31", "due: 2022-06-31", "看不懂的时间"),
        ("at: due - 5wd", "at: due - 5", "at: due - 5", "看不懂的时间"),
        ("rung: nudge", "rung: shout", "rung: shout", "须为 nudge、"),
        ("timezone: Asia/Shanghai", "timezone: Beijing", "timezone: Beijing", "如 Asia/Shanghai"),
        ("{address: kjj@city.example}", "{}", "mailbox: {}", "写 address（邮箱）或 folder"),
        ("kind: document}", "kind: form}", "code: report, kind: form", "须写 instrument"),
        ("issue_at: 2022-05-24T09:00", "issue_at: due - 5wd", "issue_at: due - 5wd", "issue_at 须写明日期"),
        ("to: 2022-06-10", "to: 2022-05-10", "event:", "to 早于 from"),
        ("statistics@2022", "statistics@1999", "statistics@1999", "缺少 include/forms/activity-week"),
        ("code: probe-2022", "code: probe-2023", "code: probe-2023", "与文件夹名 probe-2022 不一致"),
        ("due: 2022-06-20", "due: 2022-06-19", "due: 2022-06-19", "是休息日，请改为工作日"),
        ("due: 2022-06-20", "due: 2022-06-03", "due: 2022-06-03", "是休息日，请改为工作日"),
        ("due: 2022-06-20", "due: 2022-05-23", "due: 2022-05-23", "截止时间早于下发时间"),
        ("closes: due + 10wd", "closes: due - 1wd", "closes: due - 1wd", "closes 早于 due"),
        ("due: 2022-06-20", "due: closes", "due: closes", "closes 未给出"),
        ("due: 2022-06-20", "due: 2099-06-22", "due: 2099-06-22", "2099年的放假安排尚未公布"),
        ("due: null}", "due: 2022-06-30}", "due: 2022-06-30}", "请提前 final_at"),
        ("{tags: [county]}", "{tags: [town]}", "audience:", "没有匹配到任何单位"),
        ("{tags: [county]}", "{tags: [county], units: [NO-1]}", "audience:", "名录中没有单位 NO-1"),
        ("T09:00}", "T09:00, document: notice.pdf}", "notice:", "notice.pdf 不在"),
        ("channels:", "channels: [", "notice:", "不是合法的 YAML"),
        ("title: 试报", "title: 试报\ntitle: 再报", "title: 再报", "“title”写了两次"),
    ],
)
def test_a_wrong_definition_is_named_by_line_with_what_to_write(
    folder: Path, home: Home, was: str, now: str, at: str, says: str
) -> None:
    assert DEFINITION.count(was) == 1
    text = DEFINITION.replace(was, now)
    (folder / "cycle.yaml").write_text(text, encoding="utf-8")
    (problem,) = problems(folder, home)
    assert problem.file == str(folder / "cycle.yaml")
    assert says in problem.message
    if "YAML" not in says:  # where a parser stumbles is its own business; that it names a line is ours
        assert problem.line == line_of(text, at)
    assert problem.line > 1 or at == "code: probe-2022" or at == "code: probe-2023"


def test_all_that_is_wrong_is_told_at_once(folder: Path, home: Home) -> None:
    text = DEFINITION.replace("due: 2022-06-20", "due: soon").replace("title: 试报", "titel: 试报")
    (folder / "cycle.yaml").write_text(text, encoding="utf-8")
    assert len(problems(folder, home)) == 3  # title missing, titel unknown, due
    with pytest.raises(DefinitionError, match=r"cycle\.yaml:\d+: .*另有 2 处"):
        load_named(CODE, home)


@pytest.mark.parametrize("data", ["标题: 试报".encode("gb18030"), b"", b"- a\n- b\n"])
def test_a_file_that_is_no_definition(folder: Path, home: Home, data: bytes) -> None:
    (folder / "cycle.yaml").write_bytes(data)
    (problem,) = problems(folder, home)
    assert problem.line == 1
    assert "UTF-8" in problem.message or "键: 值" in problem.message


# --- what is wrong in the roster ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("410703,", "410702,", 3, "单位代码 410702 重复（红旗区）"),
        ("410703,", "卫滨,", 3, "只用字母、数字和连字符"),
        ("hongqi@", "hongqi＠", 2, "检查全角＠"),
        ("hongqi@city.example", "hongqi@city", 2, "不合规"),
        ("hongqi@city.example", "hong qi@city.example", 2, "不合规"),
        ("卫滨区,卫滨区科学", ",卫滨区科学", 3, "单位名称为空"),
        ("卫滨区,卫滨区科学技术局", "卫滨区,红旗区科技局", 3, "单位名称“红旗区科技局”与 410702 重复"),
        ("平级", "邻居", 4, "relation“邻居”须为"),
        ("code,name", "number,name", 1, "缺少列 code"),
        ("contact,email", "contact,e-mail", 1, "没有名为“e-mail”的列"),
        ("市教育局,市教育局", "市教育局,市教育局,多", 4, "多于 11 列"),
        ("红旗区,红旗区科学", '红旗区,"红旗区科学', 2, "引号不成对"),
    ],
)
def test_a_wrong_roster_is_named_by_line_with_what_to_write(
    folder: Path, home: Home, was: str, now: str, line: int, says: str
) -> None:
    assert ROSTER.count(was) == 1
    (folder / "roster.csv").write_text(ROSTER.replace(was, now), encoding="utf-8")
    found = problems(folder, home)
    assert [(p.file, p.line) for p in found][0] == (str(folder / "roster.csv"), line)
    assert says in found[0].message


def test_a_roster_that_is_not_utf8_says_how_to_save_it(folder: Path, home: Home) -> None:
    (folder / "roster.csv").write_bytes(ROSTER.encode("gb18030"))
    (problem,) = problems(folder, home)
    assert "CSV UTF-8" in problem.message
    (folder / "roster.csv").unlink()
    (problem,) = problems(folder, home)
    assert "缺少单位名录" in problem.message


# --- frozen --------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(folder: Path, home: Home) -> LoadedCycle:
    return load_cycle(folder / "cycle.yaml", home)


def test_what_is_frozen_thaws_to_the_same(loaded: LoadedCycle, home: Home) -> None:
    again = thaw(loaded.frozen(), loaded.folder, home)
    assert again.frozen() == loaded.frozen()
    assert again.digest == loaded.digest
    assert again.schedule.editions() == loaded.schedule.editions()
    collection = loaded.cycle.collections[0]
    assert again.schedule.rungs(collection) == loaded.schedule.rungs(collection)
    assert [u.names for u in again.units] == [u.names for u in loaded.units]
    assert all(not u.contacts for u in again.units)


def test_what_a_newer_program_knows_besides_is_no_change(loaded: LoadedCycle) -> None:
    older = json.loads(loaded.frozen())
    del older["cycle"]["ladder_rules"], older["cycle"]["collections"][0]["nil"], older["units"][0]["own"]
    assert refrozen(json.dumps(older)) == loaded.frozen()
    older["cycle"]["title"] = "再报"
    assert refrozen(json.dumps(older)) != loaded.frozen()


def test_contacts_and_going_live_are_not_frozen(loaded: LoadedCycle) -> None:
    units = tuple(u.model_copy(update={"contacts": ()}) for u in loaded.units)
    live = loaded.cycle.model_copy(update={"live": True})
    assert replace(loaded, units=units, cycle=live).digest == loaded.digest


@pytest.mark.parametrize(
    ("file", "was", "now", "says"),
    [
        ("cycle.yaml", "due: 2022-06-20", "due: 2022-06-21",
         ['cycle.collections[departments].due："2022-06-20" → "2022-06-21"']),
        ("cycle.yaml", "title: 试报", "title: 再报", ['cycle.title："试报" → "再报"']),
        ("roster.csv", "卫滨区,卫滨区科学", "卫滨新区,卫滨区科学",
         ['units[410703].name："卫滨区" → "卫滨新区"']),
        ("roster.csv", "XX-JYJ,市教育局,市教育局,,,平级,other,,,,\n", "",
         ['units[XX-JYJ]：{"code": "XX-JYJ", "name": "市教育局"} → （无）']),
        ("cycle.yaml", "      - {code: report, kind: document}\n", "",
         ['cycle.collections[departments].parts[report]：{"code": "report"} → （无）']),
    ],
)  # fmt: skip
def test_differences_name_what_and_both_values(
    folder: Path, home: Home, loaded: LoadedCycle, file: str, was: str, now: str, says: list[str]
) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(was) == 1
    (folder / file).write_text(text.replace(was, now), encoding="utf-8")
    current = load_cycle(folder / "cycle.yaml", home)
    assert current.digest != loaded.digest
    assert differences(loaded.frozen(), current.frozen()) == says


def test_another_order_is_a_difference(folder: Path, home: Home, loaded: LoadedCycle) -> None:
    lines = ROSTER.splitlines()
    (folder / "roster.csv").write_text("\n".join([lines[0], lines[2], lines[1], lines[3]]), encoding="utf-8")
    found = differences(loaded.frozen(), load_cycle(folder / "cycle.yaml", home).frozen())
    assert "units：顺序不同" in found


def test_many_differences_are_counted() -> None:
    was, now = ({str(n): n * factor for n in range(1, 9)} for factor in (1, 2))
    found = differences(json.dumps(was), json.dumps(now))
    assert len(found) == 6
    assert found[-1] == "……共 8 处"


def test_an_address_written_twice_is_one_contact() -> None:
    (unit,), problems = read_roster(
        "code,name,email,contact\nA,甲,a@x.example;A@x.example;b@x.example,王;李;张"
    )
    assert not problems
    assert [(c.address, c.name) for c in unit.contacts] == [("a@x.example", "王"), ("b@x.example", "张")]


def test_three_thousand_units_are_read_in_a_moment() -> None:
    lines = [f"U{n},第{n}单位,第{n}单位科学技术局,第{n}局;{n}号,u{n}@x.example" for n in range(3000)]
    before = process_time()
    units, problems = read_roster("\n".join(["code,name,full_name,aliases,email", *lines]))
    assert (len(units), problems) == (3000, [])
    assert process_time() - before < 2
