"""Next year's cycle: dates in working days, years moved, a mark wherever a person must look."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huizong.definition.check import check_cycle, review_cycle
from huizong.definition.edits import YamlText
from huizong.definition.load import load_named
from huizong.definition.renew import renew
from huizong.definition.yaml_file import read_yaml
from huizong.errors import UsageError
from huizong.home import Home
from huizong.rules.fitting import misfits, renewed
from huizong.rules.standard import standard_suite
from huizong.rules.suite import load_suite

PROJECT = Path(__file__).parents[2]
CYCLES = PROJECT / "include" / "cycles"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.from_environment({"HUIZONG_HOME": str(tmp_path / "home")})


def new(home: Home, code: str, old: str) -> dict[str, Any]:
    return renew(code, old, home, renewed)


def looked_at(answer: dict[str, Any]) -> None:
    """A person has looked, and takes the marks away."""
    for path in {Path(place["file"]) for place in answer["look_at"]}:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(li for li in lines if "请核对：" not in li), encoding="utf-8")


def own_cycle(home: Home, was: str, now: str, source: str = "xinxiang-2023") -> Path:
    """A project's cycle in the home, changed in one place."""
    folder = home.path / "cycles" / source
    shutil.copytree(CYCLES / source, folder)
    path = folder / "cycle.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(was) == 1
    path.write_text(text.replace(was, now), encoding="utf-8")
    return folder


def test_xinxiang_2024_out_of_2023(home: Home) -> None:
    answer = new(home, "xinxiang-2024", "xinxiang-2023")
    folder = home.path / "cycles" / "xinxiang-2024"
    assert (answer["cycle"], answer["folder"]) == ("xinxiang-2024", str(folder))
    assert {Path(f).relative_to(home.path).as_posix() for f in answer["files"]} == {
        "cycles/xinxiang-2024/cycle.yaml",
        "cycles/xinxiang-2024/roster.csv",
        "forms/activity-week-statistics@2024.yaml",
        "expectations/activity-week-statistics@2024.json",
    }
    loaded = load_named("xinxiang-2024", home)
    cycle, old = loaded.cycle, load_named("xinxiang-2023", home).cycle
    assert (cycle.title, cycle.live, cycle.previous) == ("2024年全国科技活动周", False, "xinxiang-2023")
    assert cycle.event is not None
    assert (cycle.event.first, cycle.event.last) == (date(2024, 5, 18), date(2024, 5, 29))  # Saturday again
    assert str(cycle.notice.issue_at) == "2024-05-15T09:00"
    (collection,) = cycle.collections
    assert str(collection.due) == "2024-06-03"  # Monday, as 2023-06-05 was
    assert str(collection.closes) == "due + 10wd"
    assert collection.ladder == old.collections[0].ladder
    form = loaded.instruments["activity-week-statistics@2024"]
    assert form.title == "2024年全国科技活动周开展情况统计表"
    assert form.items == load_named("xinxiang-2023", home).instruments["activity-week-statistics@2023"].items
    assert loaded.units == load_named("xinxiang-2023", home).units


def test_the_rules_written_by_hand_come_along(home: Home) -> None:
    new(home, "xinxiang-2024", "xinxiang-2023")
    form = load_named("xinxiang-2024", home).instruments["activity-week-statistics@2024"]
    suite = load_suite(home.path / "expectations" / f"{form.ref}.json")
    old = load_suite(PROJECT / "expectations" / "activity-week-statistics@2023.json")
    assert suite.meta == {"instrument": form.ref}
    assert len(suite.expectations) == len(old.expectations) > len(standard_suite(form).expectations)
    assert not any("2023" in rule.meta.message for rule in suite.expectations)


def test_check_insists_on_each_mark_and_then_passes(home: Home) -> None:
    answer = new(home, "xinxiang-2024", "xinxiang-2023")
    path = home.path / "cycles" / "xinxiang-2024" / "cycle.yaml"
    problems = check_cycle(path, home, misfits)
    assert [(p.file, p.line) for p in problems] == [(a["file"], a["line"]) for a in answer["look_at"]]
    said = " ".join(place["message"] for place in answer["look_at"])
    for word in ("活动日期", "下发时间", "截止日期（上年为 2023-06-05）", "邮箱", "附件", "名录", "发文单位"):
        assert word in said
    for place in answer["look_at"]:  # the line is the mark's own, right above what it is about
        lines = Path(place["file"]).read_text(encoding="utf-8").splitlines()
        assert lines[place["line"] - 1].strip() == f"# 请核对：{place['message']}"
    due = next(place["line"] for place in answer["look_at"] if "截止" in place["message"])
    assert "due: 2024-06-03" in path.read_text(encoding="utf-8").splitlines()[due]
    looked_at(answer)
    assert check_cycle(path, home, misfits) == []


def test_comments_order_and_spelling_are_kept(home: Home) -> None:
    """But for what was changed, and the lines put in, the text is last year's to the letter."""
    new(home, "xinxiang-2024", "xinxiang-2023")
    old = (CYCLES / "xinxiang-2023" / "cycle.yaml").read_text(encoding="utf-8").splitlines()
    now = (home.path / "cycles/xinxiang-2024/cycle.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in now if line in old]
    assert kept == [line for line in old if line in now]
    changed = [line.split(":")[0].strip() for line in old if line not in now]
    assert changed == [
        "# yaml-language-server", "code", "title", "event", "previous", "notice", "due",
        "- {code",
    ]  # fmt: skip
    assert any(line.endswith("# 当日24时止") for line in now)


def test_a_year_later_nothing_has_piled_up(home: Home) -> None:
    first = new(home, "xinxiang-2024", "xinxiang-2023")
    second = new(home, "xinxiang-2025", "xinxiang-2024")  # nobody has looked at the first
    assert len(second["look_at"]) == len(first["look_at"])
    one, two = (
        (home.path / f"cycles/xinxiang-{year}/cycle.yaml").read_text(encoding="utf-8").splitlines()
        for year in (2024, 2025)
    )
    assert len(one) == len(two)
    assert "（上年为 2024-06-03）" in " ".join(place["message"] for place in second["look_at"])


@pytest.mark.parametrize("old", ["xinxiang-2022", "siping-2023", "jilin-2020", "cast-2023"])
def test_the_other_cycles_go_on_too(home: Home, old: str) -> None:
    code = f"{old[:-5]}-2025"
    looked_at(new(home, code, old))
    path = home.path / "cycles" / code / "cycle.yaml"
    assert [f for f in review_cycle(path, home, misfits) if f.level == "problem"] == []
    cycle = load_named(code, home).cycle
    assert "2025年" in cycle.title
    assert all(part.instrument.endswith("@2025") for c in cycle.collections for part in c.forms)  # type: ignore[union-attr]
    if old == "xinxiang-2022":
        assert cycle.document_number == ""


@pytest.mark.parametrize(
    ("due", "code", "moved"),
    [
        ("2023-06-05", "xinxiang-2025", "2025-06-03"),  # Monday 2 June is the Dragon Boat Festival
        ("2023-06-05T17:30", "xinxiang-2024", "2024-06-03T17:30"),
        ("2023-09-29", "xinxiang-2024", "2024-09-27"),  # a Friday of the holidays; a Friday
        ("2023-10-07", "xinxiang-2024", "2024-10-08"),  # a make-up Saturday; past the seven days off
    ],
)
def test_a_due_date_falls_on_a_working_day(home: Home, due: str, code: str, moved: str) -> None:
    own_cycle(home, "due: 2023-06-05", f"due: {due}")
    new(home, code, "xinxiang-2023")
    assert str(load_named(code, home).cycle.collections[0].due) == moved


def test_a_form_that_names_no_year_stays_the_same(home: Home) -> None:
    folder = own_cycle(home, "activity-week-statistics@2023", "visits@a")
    form = (
        "code: visits\nversion: a\ntitle: 走访情况统计表\nitems:\n"
        "  - {code: visits.held, label: 走访次数, type: integer}\n"
    )
    (folder / "forms").mkdir()
    (folder / "forms" / "visits@a.yaml").write_text(form, encoding="utf-8")
    answer = new(home, "xinxiang-2024", "xinxiang-2023")
    assert list(load_named("xinxiang-2024", home).instruments) == ["visits@a"]
    assert (home.path / "cycles/xinxiang-2024/forms/visits@a.yaml").read_text(encoding="utf-8") == form
    assert any("沿用 visits@a" in place["message"] for place in answer["look_at"])
    assert not (home.path / "forms").exists()


def test_a_notice_and_a_document_number_are_asked_for_anew(home: Home) -> None:
    folder = own_cycle(
        home, "notice: {issue_at: 2023-05-17T09:00}",
        "document_number: 新科〔2023〕8号\nnotice: {issue_at: 2023-05-17T09:00, document: 通知.pdf}",
    )  # fmt: skip
    (folder / "通知.pdf").write_bytes(b"%PDF last year's")
    (folder / "letter.md").write_text("信", encoding="utf-8")
    answer = new(home, "xinxiang-2024", "xinxiang-2023")
    there = home.path / "cycles" / "xinxiang-2024"
    assert not (there / "通知.pdf").exists()  # last year's notice must not go out again
    assert (there / "letter.md").exists()
    assert load_named("xinxiang-2024", home).cycle.document_number == ""
    said = [place["message"] for place in answer["look_at"]]
    assert "文号（上年为 新科〔2023〕8号），填今年的" in said
    assert any("通知.pdf" in message for message in said)
    looked_at(answer)
    (problem,) = check_cycle(there / "cycle.yaml", home, misfits)
    assert "通知文件 通知.pdf 不在" in problem.message


@pytest.mark.parametrize(
    ("code", "old", "says"),
    [
        ("xinxiang-2027", "xinxiang-2023", r"2027年的放假安排尚未公布.*calendars/2027\.yaml"),
        ("xinxiang-2022", "xinxiang-2023", "已存在"),
        ("xinxiang", "xinxiang-2023", "没有年份"),
        ("zhengzhou-2023", "xinxiang-2023", "须晚于 xinxiang-2023 的 2023 年"),
        ("Xinxiang-2024", "xinxiang-2023", "不合规"),
        ("xinxiang-2024", "nosuch-2023", "没有名为“nosuch-2023”"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(home: Home, code: str, old: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        new(home, code, old)
    assert not home.path.exists()


def test_a_cycle_is_never_written_over(home: Home) -> None:
    new(home, "xinxiang-2024", "xinxiang-2023")
    path = home.path / "cycles/xinxiang-2024/cycle.yaml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="不覆盖"):
        new(home, "xinxiang-2024", "xinxiang-2023")
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_year_that_the_office_wrote_down_itself_will_do(home: Home) -> None:
    calendar = home.path / "calendars" / "2027.yaml"
    calendar.parent.mkdir(parents=True)
    calendar.write_text("holidays: [2027-06-07]\nworkdays: []\n", encoding="utf-8")
    new(home, "xinxiang-2027", "xinxiang-2023")
    assert str(load_named("xinxiang-2027", home).cycle.collections[0].due) == "2027-06-08"


def test_a_value_is_changed_and_nothing_else() -> None:
    text = "# c\na: &x 'old'  # why\nb: {c: *x, d: \"2023\"}\n\ne:\n  - old\n"
    yaml = YamlText(text)
    for value in yaml.values():
        yaml.replace(value, {"old": "new", "2023": "2024"}[value.text])
        yaml.mark(value, str(value.keys[0]))
    assert yaml.result() == (
        "# c\n# 请核对：a\na: &x 'new'  # why\n# 请核对：b\nb: {c: *x, d: \"2024\"}\n\ne:\n"
        "  # 请核对：e\n  - new\n"
    )


def test_the_schema_line_leads_to_the_projects_schema(home: Home) -> None:
    new(home, "xinxiang-2024", "xinxiang-2023")
    for path in (*home.path.glob("cycles/*/cycle.yaml"), *home.path.glob("forms/*.yaml")):
        head = path.read_text(encoding="utf-8").splitlines()[0]
        place = head.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / place).resolve().is_file()
        assert read_yaml(path)
