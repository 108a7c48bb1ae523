"""The demo as a whole: Airflow, mail server, clerks and one cycle from issue to results. Minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from huizong.home import PROJECT
from huizong_demo.cast import CAST
from huizong_demo.facts import form
from huizong_demo.run import run_demo

pytestmark = [pytest.mark.demo, pytest.mark.timeout(600)]


def huizong(home: Path, *words: str) -> dict:
    done = subprocess.run(
        [Path(sys.executable).with_name("huizong"), *words, "--json"],
        env={**os.environ, "HUIZONG_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def sums_of_the_clerks(home: Path) -> dict[str, Decimal]:
    """Printed label -> sum of what each unit's clerk wrote last, from the clerks' own diary."""
    newest: dict[str, dict[str, str]] = {}
    for line in (home / "clerks.jsonl").read_text(encoding="utf-8").splitlines():
        newest |= json.loads(line).get("figures", {})
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for figures in newest.values():
        for label, figure in figures.items():
            sums[label] += Decimal(figure)
    return sums


def test_one_cycle_from_issue_to_results(tmp_path):
    home = tmp_path / "demo"

    assert run_demo(home=home) == 0

    assert psutil.Process().children(recursive=True) == [], "the demo left processes behind"
    told = huizong(home, "assemble", "xinxiang-2022", "--as-of", "2099-01-01T00:00", "--edition", "final")
    (totals,) = told["totals"]["science-departments"].values()
    sums = sums_of_the_clerks(home)
    assert len(sums) == len(totals) == 20
    for item in form(PROJECT).items:
        (label,) = (label for label in sums if item.label.startswith(label))
        assert Decimal(totals[item.code]) == sums[label], item.label
    coverage = told["coverage"]["science-departments"]
    assert coverage["expected"] == len(CAST)
    assert set(coverage["missing"]) == {"410773", "XX-WJW"}
