"""Next year's cycle run to its end, and a form with words in it: on the command line, without Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from huizong.cli.app import run
from huizong.clock import FixedClock
from office import PROJECT, fill, honest

Call = Callable[..., Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def call(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    environ = {"HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT)}

    def command(*arguments: object, code: int = 0) -> Any:
        found = run([*map(str, arguments), "--json"], environ, FixedClock())
        told = capsys.readouterr()
        assert found == code, told.err
        return json.loads(told.out) if told.out else told.err

    return command


@pytest.mark.slow
def test_next_years_cycle_from_its_issue_to_its_summary(call: Call, home: Path) -> None:
    new = "xinxiang-2024"
    folder = Path(call("new", new, "--from", "xinxiang-2023")["folder"])
    for path in (folder / "cycle.yaml", *home.glob("forms/*.yaml")):  # a person looks
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(li for li in lines if "# 请核对：" not in li), encoding="utf-8")
    assert call("check", new)["cycles"][0]["problems"] == []
    issued = call("issue", new, "--as-of", "2024-05-15T09:00", "--no-send")

    units = ("410702", "410703")
    for seed, unit in enumerate(units):
        (blank,) = (Path(issued["templates_dir"]) / unit).glob("*.xlsx")
        (home / "drop" / unit).mkdir(parents=True)
        (home / "drop" / unit / "统计表.xlsx").write_bytes(fill(blank.read_bytes(), honest(seed)))
    when = ("--as-of", "2024-05-30T10:00")
    call("receive", "--folder", home / "drop", "--cycle", new, *when)
    assert call("validate", new, "--no-send", *when)["by_status"] == {"accepted": 2}

    done = call("assemble", new, "--as-of", "2024-07-30T09:00", "--edition", "final")
    ((code, cover),) = done["coverage"].items()
    assert (cover["expected"], cover["returned"]) == (issued["units"], 2)
    totals = done["totals"][code]["activity-week-statistics@2024"]
    both = [honest(seed) for seed in range(2)]
    assert {item: Decimal(total) for item, total in totals.items()} == {
        item: both[0][item] + both[1][item] for item in both[0]
    }


FORM = """\
code: open-day
version: "2024"
title: 2024年开放日情况表
unit_line: 填报单位：
items:
  - {code: day.visits, label: 接待人数, type: integer, unit: 人}
  - {code: day.cost, label: 经费支出, type: decimal, unit: 万元}
  - {code: day.way, label: 开放方式, type: text, choices: [现场, 线上]}
"""
CYCLE = """\
code: open-2024
title: 2024年开放日
issued_by: [某市文化局]
area: 某市
channels:
  uploads: {folder: uploads}
notice: {issue_at: 2024-04-15T09:00}
collections:
  - code: museums
    office: {name: 公共服务科}
    audience: {tags: [museum]}
    channel: uploads
    due: 2024-05-10
    parts:
      - {code: figures, kind: form, instrument: open-day@2024}
"""
ROSTER = (
    "code,name,full_name,tags\nA-1,甲馆,甲博物馆,museum\nA-2,乙馆,乙博物馆,museum\nA-3,丙馆,丙馆,museum\n"
)
TYPED = {"A-1": (120, 1.25, "现场"), "A-2": (80, 0.5, "电话"), "A-3": (1, 1, None)}


@pytest.mark.slow
def test_a_form_with_a_word_to_choose_needs_no_rule_of_its_own(call: Call, home: Path) -> None:
    for name, text in (
        ("forms/open-day@2024.yaml", FORM),
        ("cycles/open-2024/cycle.yaml", CYCLE),
        ("cycles/open-2024/roster.csv", ROSTER),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    assert call("check", "open-2024")["cycles"][0]["problems"] == []
    issued = call("issue", "open-2024", "--as-of", "2024-04-15T09:00", "--no-send")
    for unit, values in TYPED.items():
        (blank,) = (Path(issued["templates_dir"]) / unit).glob("*.xlsx")
        (home / "drop" / unit).mkdir(parents=True)
        book = openpyxl.load_workbook(blank)
        by_label = dict(zip(("接待人数", "经费支出", "开放方式"), values, strict=True))
        for row in book.worksheets[0].iter_rows():
            for cell in row:
                label = "".join(str(cell.value or "").split())
                if label in by_label:
                    beside = row[cell.column :]
                    free = (c for c in beside if not c.protection.locked and type(c).__name__ != "MergedCell")
                    next(free).value = by_label.pop(label)
        assert not by_label
        book.save(home / "drop" / unit / "表.xlsx")
    when = ("--as-of", "2024-05-08T10:00")
    call("receive", "--folder", home / "drop", "--cycle", "open-2024", *when)
    counts = call("validate", "open-2024", "--no-send", *when)
    assert counts["by_status"] == {"accepted": 1, "accepted_with_queries": 1, "rejected": 1}
    files = [home / "drop" / unit / "表.xlsx" for unit in ("A-2", "A-3")]
    asked, refused = call("read", "open-2024", *files, code=1)["files"]
    assert [(f["severity"], f["item"]) for f in asked["findings"]] == [("verify", "day.way")]
    assert "现场、线上之一" in asked["findings"][0]["message"]
    assert [(f["severity"], f["item"]) for f in refused["findings"]] == [("mandatory", "day.way")]

    done = call("assemble", "open-2024", "--as-of", "2024-05-20T09:00", "--edition", "final")
    totals = done["totals"]["museums"]["open-day@2024"]
    assert {item: Decimal(t) for item, t in totals.items()} == {
        "day.visits": 200,
        "day.cost": Decimal("1.75"),
    }
