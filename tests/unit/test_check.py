"""`huizong check` finds what a clerk of the office would do wrong: file, line, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from huizong.definition.check import check_cycle, review_cycle
from huizong.definition.checking.found import Found
from huizong.home import Home
from huizong.instruments.model import load_instrument
from huizong.rules.fitting import misfits
from huizong.rules.standard import standard_suite
from huizong.rules.suite import suite_text

FORM = """\
code: visits
version: "{year}"
title: {year}年走访情况统计表
items:
  - {{code: visits.held, group: 走访, label: 走访次数, type: integer, unit: 次}}
  - {{code: visits.cost, group: 走访, label: 走访经费, type: decimal, unit: 万元}}
"""
DEFINITION = """\
code: probe-{year}
title: {year}年试报
office_hours: ["08:00-12:00", "14:30-18:00"]
issued_by: [某市科学技术局]
event: {{from: {year}-05-11, to: {year}-05-20}}
channels:
  mailbox: {{address: kjj@city.example}}
notice: {{issue_at: {year}-05-24T09:00}}
collections:
  - code: departments
    office: {{name: 科普科}}
    audience: {{tags: [county]}}
    channel: mailbox
    due: {year}-06-20
    closes: due + 10wd
    parts:
      - {{code: statistics, kind: form, instrument: visits@{year}}}
    ladder:
      - {{rung: nudge, at: due - 5wd}}
"""
ROSTER = """\
code,name,full_name,aliases,parent,relation,tags,contact,email,phone,self
410702,红旗区,红旗区科学技术局,红旗区科技局,,下级,county,联络员,hongqi@city.example,0373-1234567,
410703,卫滨区,卫滨区科学技术局,,,下级,county,甲;乙,a@city.example;b@city.example,1;2,
"""
OLD, NOW = "2023", "2024"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """This year's cycle and last year's, each with its form; nothing is wrong."""
    (tmp_path / "forms").mkdir()
    for year in (OLD, NOW):
        folder = tmp_path / "cycles" / f"probe-{year}"
        folder.mkdir(parents=True)
        previous = f"previous: probe-{OLD}\n" if year == NOW else ""
        (folder / "cycle.yaml").write_text(DEFINITION.format(year=year) + previous, encoding="utf-8")
        (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
        (tmp_path / "forms" / f"visits@{year}.yaml").write_text(FORM.format(year=year), encoding="utf-8")
    return Home.from_environment({"HUIZONG_HOME": str(tmp_path)})


def found(home: Home) -> list[Found]:
    return review_cycle(home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml", home, misfits)


def change(path: Path, was: str, now: str) -> int:
    """Change a file in one place; the line of the place comes back."""
    text = path.read_text(encoding="utf-8")
    assert text.count(was) == 1, was
    path.write_text(text.replace(was, now), encoding="utf-8")
    return text[: text.index(was)].count("\n") + 1


def test_nothing_is_said_where_nothing_is_wrong(home: Home) -> None:
    assert found(home) == []


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("hongqi@city.example", "hongqi＠city.example", 2, "疑为“hongqi@city.example”"),
        ("a@city.example;b@", "a@city.example，b@", 3, "疑为“a@city.example;b@city.example”"),
        ("a@city.example;b@", "a@city.example、b@", 3, "多个邮箱用分号隔开"),
        ("联络员,hongqi@city.example,0373-1234567", "联络员,0373-1234567,hongqi@city.example", 2, "疑为错列"),
        ("联络员,hongqi", "hongqi@city.example,hongqi", 2, "联系人“hongqi@city.example”像是邮箱或电话"),
        ("example,0373-1234567", "example,张科员", 2, "电话“张科员”不是号码"),
        ("example,0373-1234567", "example,1.39123E+10", 2, "被表格软件改成了科学计数"),
        ("0373-1234567,", "0373-1234567,13900000000", 2, "self“13900000000”看不懂"),
        ("410703,", "410702,", 3, "单位代码 410702 重复（红旗区）"),
        (",红旗区科技局,,", ",红旗区科技局,410702,", 2, "又回到它自己"),
    ],
)
def test_a_slip_in_the_roster(home: Home, was: str, now: str, line: int, says: str) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "roster.csv"
    change(path, was, now)
    problems = [f.at for f in found(home) if f.level == "problem"]
    assert [(p.file, p.line) for p in problems][0] == (str(path), line)
    assert any(says in p.message for p in problems)


@pytest.mark.parametrize(
    ("was", "now", "level", "says"),
    [
        ("address: kjj@city", "address: kjj＠city", "problem", "疑为“kjj@city.example”"),
        ("due: 2024-06-20", "due: 2024-06-10", "problem", "是休息日"),  # the Dragon Boat Festival
        ("{tags: [county]}", "{tags: [conty]}", "problem", "没有匹配到任何单位"),
        ("{tags: [county]}", "{tags: [county, town]}", "warning", "没有单位的 tags 是 town"),
        ("{rung: nudge, at: due - 5wd}", "{rung: nudge, at: issue + 1wd}", "warning", "不会发出"),
        ("{rung: nudge, at: due - 5wd}", "{rung: overdue, at: due + 11wd}", "warning", "晚于 closes"),
        (
            "{rung: nudge, at: due - 5wd}",
            "{rung: nudge, at: due - 5wd}\n      - {rung: nudge, at: due}",
            "problem",
            "nudge 写了两次",
        ),
        ('"14:30-18:00"', '"02:30-06:00"', "warning", "24小时制"),
        ('"14:30-18:00"', '"11:30-18:00"', "warning", "前后重叠"),
        ('"08:00-12:00", "14:30-18:00"', '"09:00-10:00"', "warning", "不足3小时"),
        ("issue_at: 2024-05-24", "issue_at: 2024-05-25", "warning", "下发日 2024-05-25 是休息日"),
        ("title: 2024年试报", "title: 2022年试报", "warning", "题目写的是2022年"),
        ("visits@2024", "visits@2023", "warning", "标题是“2023年走访情况统计表”"),
        ("previous: probe-2023", "previous: prob-2023", "warning", "没有名为“prob-2023”"),
    ],
)
def test_a_slip_in_the_definition(home: Home, was: str, now: str, level: str, says: str) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml"
    line = change(path, was, now)
    (one,) = [f for f in found(home) if says in f.at.message]
    assert (one.level, one.at.file) == (level, str(path))
    assert abs(one.at.line - line) <= 1


def test_a_live_cycle_with_an_address_of_the_examples_is_pointed_out(home: Home) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml"
    change(path, "title: 2024", "live: true\ntitle: 2024")
    (one,) = found(home)
    assert one.level == "warning"
    assert "示例地址" in one.at.message


def test_a_collection_written_twice_is_named_by_its_line(home: Home) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml"
    text = path.read_text(encoding="utf-8")
    again = text[text.index("  - code: departments") : text.index("previous:")]
    path.write_text(text.replace("previous:", again + "previous:"), encoding="utf-8")
    (one,) = found(home)
    assert one.at.line == text[: text.index("previous:")].count("\n") + 1
    assert "报送事项 departments 写了两次" in one.at.message


def test_two_collections_of_one_title_are_a_problem(home: Home) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml"
    change(path, "  - code: departments", "  - code: departments\n    title: 各县/各局")
    text = path.read_text(encoding="utf-8")
    again = text[text.index("  - code: departments") : text.index("previous:")]
    again = again.replace("departments", "others").replace("各县/各局", "各县／各局")  # one name for a file
    path.write_text(text.replace("previous:", again + "previous:"), encoding="utf-8")
    (one,) = [f for f in found(home) if "title" in f.at.message]
    assert (one.level, one.at.file) == ("problem", str(path))
    assert path.read_text(encoding="utf-8").splitlines()[one.at.line - 1] == "    title: 各县／各局"
    assert "与 departments 相同" in one.at.message
    change(path, "title: 各县／各局", "title: 其他单位")
    assert [f for f in found(home) if "title" in f.at.message] == []


def test_a_form_that_is_no_longer_asked_for_is_pointed_out(home: Home) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml"
    change(path, "kind: form, instrument: visits@2024}", "kind: document}")
    (one,) = found(home)
    assert (one.level, path.read_text(encoding="utf-8").splitlines()[one.at.line - 1]) == (
        "warning",
        "previous: probe-2023",
    )
    assert "上年的“2023年走访情况统计表”今年没有用到" in one.at.message


def test_who_is_addressed_by_nobody_and_who_shares_an_address(home: Home) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "roster.csv"
    path.write_text(ROSTER + "X1,市教育局,,,,平级,other,丙,a@city.example,3,\n", encoding="utf-8")
    warning, hint = found(home)
    assert (warning.level, warning.at.line) == ("warning", 4)
    assert "没有任何报送事项面向 X1 市教育局" in warning.at.message
    assert (hint.level, hint.at.line) == ("hint", 3)
    assert "410703 卫滨区、X1 市教育局共用邮箱 a@city.example" in hint.at.message


def test_what_last_years_form_had_and_this_ones_has_not(home: Home) -> None:
    path = home.path / "forms" / f"visits@{NOW}.yaml"
    gone = "  - {code: visits.cost, group: 走访, label: 走访经费, type: decimal, unit: 万元}\n"
    change(path, gone, "")
    (one,) = found(home)
    assert (one.level, one.at.file, one.at.line) == ("problem", str(path), 4)
    assert "上年（visits@2023）的“走访经费”（visits.cost）今年没有了" in one.at.message
    change(path, "items:", "dropped: [visits.cost]\nitems:")  # the remedy that the sentence names
    assert found(home) == []


@pytest.mark.parametrize(
    ("was", "now", "line", "says"),
    [
        ("type: decimal, unit: 万元", "type: integer, unit: 万元", 6, "上年为 decimal，今年为 integer"),
        ("code: visits.cost", "code: visits.held", 6, "指标代码 visits.held 写了两次"),
        ("label: 走访经费", "label: 走访次数", 6, "“走访次数”在同一组里写了两次"),
        ('version: "2024"', 'version: "2023"', 2, "文件名是 visits@2024，其中却写着 visits@2023"),
        ("type: decimal", "type: number", 6, "items.1.type: 须为"),
        ("code: visits.cost", "code: 走访.经费", 6, "如 activities.held"),
        ("title: 2024", "kind: list\ntitle: 2024", 1, "key（判定两行相同的栏）"),
        ("items:", "items: [", 5, "不是合法的 YAML"),
    ],
)
def test_a_slip_in_the_form(home: Home, was: str, now: str, line: int, says: str) -> None:
    path = home.path / "forms" / f"visits@{NOW}.yaml"
    change(path, was, now)
    first = found(home)[0]
    assert [f.at for f in found(home) if says in f.at.message]
    assert (first.level, first.at.file, first.at.line) == ("problem", str(path), line)


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("visits.cost", "visits.lost", "visits.lost 表样中没有"),
        ('{"instrument": "visits@2024"}', '{"instrument": "visits@2023"}', "属于表样 visits@2023"),
        ('"visits.cost:places"', '"visits.cost:digits"', "不存在的列“visits.cost:digits”"),
        ('"code": "too_many_places"', '"code": "not_whole"', "类型改为 decimal"),
        ("expect_column", 0, "没有任何审核规则"),
        ('"name"', "name", "visits@2024.json"),
    ],
)  # fmt: skip
def test_rules_that_no_longer_fit_their_form(home: Home, was: str, now: str | int, says: str) -> None:
    form = load_instrument(home.path / "forms" / f"visits@{NOW}.yaml")
    text = suite_text(standard_suite(form))
    if isinstance(now, int):  # all that stands about one item is gone
        text = "\n".join(li for li in text.splitlines() if '"item": "visits.cost"' not in li)
        text = text.replace("},\n]", "}\n]")
    else:
        assert was in text
        text = text.replace(was, now)
    path = home.path / "expectations" / f"visits@{NOW}.json"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    problems = [f.at for f in found(home)]
    assert {p.file for p in problems} == {str(path)}
    assert any(says in p.message for p in problems)
    path.write_text(suite_text(standard_suite(form)), encoding="utf-8")
    assert found(home) == []


def test_a_mark_is_a_problem_until_somebody_has_looked(home: Home) -> None:
    path = home.path / "cycles" / f"probe-{NOW}" / "cycle.yaml"
    line = change(path, "    due: 2024", "    # 请核对：截止日期\n    due: 2024")
    (problem,) = check_cycle(path, home, misfits)
    assert (problem.line, "尚未核对：截止日期" in problem.message) == (line, True)
