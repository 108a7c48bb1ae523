"""`huizong bench` measures the real stages over whole work; how fast they are is no test's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from office import PROJECT

pytestmark = pytest.mark.slow

HUIZONG = Path(sys.executable).with_name("huizong")
UNITS = 60


def test_the_benchmark_says_what_the_contract_asks_and_leaves_nothing_behind(tmp_path: Path) -> None:
    home, scratch = tmp_path / "home", tmp_path / "tmp"
    scratch.mkdir()
    environ = {"HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT), "TMPDIR": str(scratch)}
    done = subprocess.run(
        [str(HUIZONG), "bench", "--units", str(UNITS), "--json"],
        env={**os.environ, **environ}, text=True, capture_output=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # it fails where not every return was accepted
    told = json.loads(done.stdout)
    assert told["units"] == UNITS
    assert list(told["stages"]) == ["receive", "validate"]
    for stage in told["stages"].values():
        assert stage["per_second"] == pytest.approx(UNITS / stage["seconds"], rel=0.01)
        assert stage["peak_rss_mb"] > 20  # a Python process at work, not an empty sample
    ours = sum(stage["seconds"] for stage in told["stages"].values())
    assert told["ratio"]["against_floor"] == pytest.approx(ours / told["floor_seconds"], abs=0.01)
    assert told["ratio"]["against_naive"] is None  # only where it was asked for
    assert not home.exists()
    assert list(scratch.iterdir()) == []
