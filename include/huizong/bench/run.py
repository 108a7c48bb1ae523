"""The benchmark itself: set up, receive, validate, and the yardsticks, each in a process that is watched."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huizong.bench import work
from huizong.bench.memory import watched
from huizong.clock import Clock
from huizong.home import Home

UNITS = 2844  # the county-level divisions of the country


@dataclass(frozen=True)
class Measured:
    """Seconds of a stage over so many returns, and its process tree's peak memory in MB."""

    seconds: float
    returns: int
    peak_mb: float

    def as_data(self) -> dict[str, float]:
        per_second = self.returns / self.seconds if self.seconds else 0.0
        return {
            "seconds": round(self.seconds, 3),
            "per_second": round(per_second, 1),
            "peak_rss_mb": round(self.peak_mb, 1),
        }


def bench(
    project: Path, clock: Clock, units: int, *, naive: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure receive and validate over `units` seeded returns, in a throwaway home. The contract's JSON.

    Args:
        naive: time the naive way too, which takes minutes; else its ratio is null.
    """
    with tempfile.TemporaryDirectory(prefix="huizong-bench-") as folder:
        home = Home.from_environment({"HUIZONG_HOME": folder, "HUIZONG_PROJECT": str(project)})
        say(f"生成 {units} 家单位的表样和报表")
        with _process() as pool:
            pool.submit(work.set_up, home, clock, units).result()
        with _process() as pool:
            pool.submit(work.import_all).result()
            stages = {}
            for name, stage in (("receive", work.run_receive), ("validate", work.run_validate)):
                say(f"测速：{name}")
                seconds, peak = watched(pool, stage, home, clock)
                stages[name] = Measured(seconds, units, peak)
        ours = sum(stage.seconds for stage in stages.values())
        say("测速：下限（calamine 直读、一次入库、一次审核）")
        with _process() as pool:
            pool.submit(work.import_all).result()
            least = pool.submit(work.run_floor, home, clock).result()
            each = None
            if naive:
                say("测速：逐份处理（pandas、openpyxl、每份一次审核），约需数分钟")
                each = pool.submit(work.run_naive, home, clock).result()
    return _answer(units, stages, ours, least, each)


def _answer(
    units: int, stages: Mapping[str, Measured], ours: float, least: float, each: float | None
) -> dict[str, Any]:
    whole = None if each is None else each * units
    return {
        "units": units,
        "stages": {name: stage.as_data() for name, stage in stages.items()},
        "ratio": {
            "against_naive": None if whole is None else round(whole / ours, 1),
            "against_floor": round(ours / least, 2),
        },
        "floor_seconds": round(least, 3),
        "naive_seconds": None if whole is None else round(whole, 1),
    }


def _process() -> ProcessPoolExecutor:
    """One fresh process: nothing that ran before counts in its memory."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
