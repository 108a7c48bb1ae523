"""`kill -9` at a random moment, of work in a forked child: all is imported, so that all its time is work."""

from __future__ import annotations

import os
import random
import select
import signal
import time
import traceback
from collections.abc import Callable

LOTS = random.Random(20220620)


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes in a child that is let live."""
    began = time.monotonic()
    assert not killed(work, 300)
    return time.monotonic() - began


def killed(work: Callable[[], object], after: float) -> bool:
    """Kill the work after so many seconds; False if it was done before."""
    child = os.fork()
    if child == 0:
        _live(work)
    end = os.pidfd_open(child)
    select.select([end], [], [], after)
    os.close(end)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, -signal.SIGKILL}, "the work failed by itself, see above"
    return code != 0


def _live(work: Callable[[], object]) -> None:
    """The child's life; it never comes back into the test."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
