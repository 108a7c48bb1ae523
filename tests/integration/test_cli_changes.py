"""amend, recheck, new, check and roster through `huizong`: keys, exit codes, and who signs what."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import openpyxl
import pytest

from commandline import Call, command_line, is_refused
from office import CYCLE, PROJECT, Office, honest

UNIT = "410721"
DAY = ("--as-of", "2022-06-11T10:00")
SIGNED = ("--by", "科长", "--reason", "活动延期")
SUITE = PROJECT / "expectations/activity-week-statistics@2022.json"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def call(home: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    return command_line(home, capfd)


# --- amend -------------------------------------------------------------------------------------------


def test_amend_foretells_then_does_and_then_has_nothing_to_do(call: Call, home: Path) -> None:
    folder = home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    is_refused(call("amend", CYCLE, *SIGNED), "尚未下发")
    Office(home).issue()
    is_refused(call("amend", CYCLE, *SIGNED), "没有可变更的内容")
    path = folder / "cycle.yaml"
    path.write_text(path.read_text("utf-8").replace("due: 2022-06-20", "due: 2022-06-24", 1), "utf-8")
    is_refused(call("status", CYCLE), f"huizong amend {CYCLE}")
    is_refused(call("amend", CYCLE, "--by", "科长"), "--reason")
    is_refused(call("amend", CYCLE, "--by", " ", "--reason", "活动延期"), "--by")
    keys = {"cycle", "version", "changes", "told", "added", "removed", "letters"}
    foretold = call("amend", CYCLE, *SIGNED, *DAY, "--dry-run", "--json")
    assert foretold.code == 0, foretold.err
    assert foretold.json.keys() == keys | {"dry_run"}
    is_refused(call("status", CYCLE), f"huizong amend {CYCLE}")  # nothing was done
    done = call("amend", CYCLE, *SIGNED, *DAY, "--no-send", "--json")
    assert (done.code, done.json.keys()) == (0, keys)
    assert {**foretold.json, "letters": done.json["letters"]} == {**done.json, "dry_run": True}
    assert list(done.json["told"]) == ["science-departments"]
    assert "6月24日" in done.json["told"]["science-departments"][0]
    assert done.json["letters"]["queued"] > 0
    assert call("status", CYCLE, *DAY, "--json").code == 0
    is_refused(call("amend", CYCLE, *SIGNED), "与第2版一致")


# --- recheck -----------------------------------------------------------------------------------------


def test_recheck_says_no_only_where_the_rules_make_a_difference(call: Call, home: Path) -> None:
    office = Office(home)
    office.issue()
    office.hand_in(UNIT, honest(1) | {"funding.county": 50000})  # asked about: 元 for 万元
    office.receive_folder("2022-06-10T10:00")
    office.validate("2022-06-10T10:05")
    same = call("recheck", CYCLE, "--rules", SUITE, *DAY, "--json")
    assert (same.code, same.json["changed"]) == (0, [])
    suite = json.loads(SUITE.read_text("utf-8"))
    rule = next(r for r in suite["expectations"] if r["meta"]["code"] == "yuan_for_wan"
                and r["meta"]["item"] == "funding.county")  # fmt: skip
    rule["severity"], rule["meta"]["severity"] = "critical", "mandatory"
    rules = home / "rules.json"
    rules.write_text(json.dumps(suite), "utf-8")
    changed = call("recheck", CYCLE, "--rules", rules, *DAY, "--json")
    assert changed.code == 1
    (row,) = changed.json["changed"]
    expected = {"unit": UNIT, "item": "funding.county", "was": "verify", "now": "mandatory"}
    assert expected.items() <= row.items()
    assert "必须更正" in call("recheck", CYCLE, "--rules", rules, *DAY).out
    # what a person decided is no matter of the rules
    call("unit", CYCLE, UNIT, "send-back", "--by", "李科", "--reason", "与总结不符", *DAY)
    assert call("recheck", CYCLE, "--rules", SUITE, *DAY, "--json").code == 0
    is_refused(call("recheck", CYCLE, "--rules", home / "none.json"), "none.json")
    is_refused(call("recheck", CYCLE, "--rules", PROJECT / "README.md"), "README.md 不是 JSON 文件")
    is_refused(call("recheck", CYCLE), "--rules")


# --- new, check, roster ------------------------------------------------------------------------------


def test_next_years_cycle_is_written_checked_and_its_roster_goes_round(call: Call, home: Path) -> None:
    made = call("new", "xinxiang-2024", "--from", "xinxiang-2023", "--json")
    assert made.code == 0, made.err
    assert {"cycle", "folder", "files", "look_at"} <= made.json.keys()
    assert all(Path(name).is_file() for name in made.json["files"])
    assert {"file", "line", "message"} <= made.json["look_at"][0].keys()
    is_refused(call("new", "xinxiang-2024", "--from", "xinxiang-2023"), "已存在")
    is_refused(call("new", "xinxiang-2025", "--from", "nosuch"), "xinxiang-2023")
    is_refused(call("new", "xinxiang-2025"), "--from")

    checked = call("check", "xinxiang-2024", "--json")
    (row,) = checked.json["cycles"]
    assert (checked.code, row["ok"]) == (1, False)  # a person has to look first
    marked = {(place["file"], place["line"]) for place in made.json["look_at"]}
    assert marked == {(p["file"], p["line"]) for p in row["problems"]}

    book, roster = home / "roster.xlsx", home / "cycles/xinxiang-2024/roster.csv"
    before = roster.read_text("utf-8-sig").splitlines()
    out = call("roster", "export", "xinxiang-2024", book, "--json")
    assert (out.code, out.json["units"]) == (0, len(before) - 1)
    back = call("roster", "import", "xinxiang-2024", book, "--json")
    assert back.code == 0, back.err
    assert [back.json[key] for key in ("added", "removed", "changed")] == [[], [], []]
    sheet = openpyxl.load_workbook(book)
    codes = next(column for column in sheet.worksheets[0].columns if column[0].value == "单位代码")
    codes[2].value = codes[1].value
    sheet.save(book)
    is_refused(call("roster", "import", "xinxiang-2024", book), "第3行")
    assert roster.read_text("utf-8-sig").splitlines() == before
    is_refused(call("roster", "import", "xinxiang-2024", home / "none.xlsx"), "none.xlsx")


# --- who and why, everywhere -------------------------------------------------------------------------

DECISIONS = [
    ("triage", "assign", "f1", "--unit", UNIT, "--collection", "science-departments"),
    ("triage", "release", "f1"),
    ("triage", "close", "f1"),
    ("outbox", "resolve", "1", "sent"),
    ("outbox", "drop", "1"),
    ("outbox", "resume", "mailbox-kjj"),
    ("outbox", "suppress", "hongqi@xinxiang.example"),
    ("outbox", "lift", "hongqi@xinxiang.example"),
    ("paper", "drop", "1"),
    ("alarms", "close", "disk"),
]


@pytest.mark.parametrize("words", DECISIONS, ids=lambda words: " ".join(words[:2]))
def test_every_decision_says_who_and_why(call: Call, words: tuple[str, ...]) -> None:
    is_refused(call(*words, "--by", "李科"), "--reason")
    is_refused(call(*words, "--reason", "电话核实"), "--by")
    is_refused(call(*words, "--by", " ", "--reason", "电话核实"), "--by")
    is_refused(call(*words, "--by", "李科", "--reason", " "), "--reason")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("paper", "key", "f1"), "--by"),
        (("paper", "confirm", "1"), "--by"),
        (("paper", "key", "f1", "--by", " "), "--by"),
        (("paper", "confirm", "1", "--by", " "), "--by"),
        (("approve", CYCLE, "issue", "--by", "科长"), "--basis"),
        (("approve", CYCLE, "issue", "--basis", "纸质签批"), "--by"),
        (("approve", CYCLE, "issue", "--by", "科长", "--basis", " "), "--basis"),
        (("approve", CYCLE, "last", "--by", "科长", "--basis", "纸质签批"), "formal_notice"),
    ],
)
def test_a_signature_is_complete(call: Call, words: tuple[str, ...], told: str) -> None:
    is_refused(call(*words), told)
