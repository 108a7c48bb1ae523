"""The peak of a process tree's memory, sampled from outside."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from typing import Any, TypeVar

import psutil

Result = TypeVar("Result")
INTERVAL = 0.2  # seconds between two samples: looking costs processor time too


def watched(pool: Executor, work: Callable[..., Result], *arguments: Any) -> tuple[Result, float]:
    """What `work` returns in the pool's one process, and the most that this process and its descendants held
    together at any one time, in MB (resident; shared pages count in each process).
    """
    root = psutil.Process(pool.submit(_pid).result())
    task: Future[Result] = pool.submit(work, *arguments)
    peak = 0
    while not task.done():
        peak = max(peak, _resident(root))
        wait([task], INTERVAL)
    return task.result(), peak / 1e6


def _pid() -> int:
    return psutil.Process().pid


def _resident(root: psutil.Process) -> int:
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
