"""What runs in the measured process: each function takes seconds by the clock it is handed, imports apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from huizong.bench import returns, yardsticks
from huizong.clock import Clock
from huizong.connections import EnvironmentConnections
from huizong.definition.load import load_named
from huizong.errors import OperatorError
from huizong.home import Home
from huizong.instruments.model import Instrument
from huizong.stages.context import Context, open_context
from huizong.stages.issue import issue
from huizong.stages.receive import receive_folder
from huizong.stages.validate import validate


def set_up(home: Home, clock: Clock, units: int) -> int:
    """A cycle over so many units, issued, and every unit's workbook filled; how many files."""
    returns.make_cycle(home, units)
    issue(_open(home, clock), returns.CYCLE, returns.ISSUED, send=False)
    drop = returns.fill_all(home, _instrument(home))
    return len(_files(drop))


def import_all() -> None:
    """Load what the stages and the yardsticks import where they need it."""
    import great_expectations  # noqa: F401
    import openpyxl  # noqa: F401
    import pandas  # noqa: F401
    import python_calamine  # noqa: F401


def run_receive(home: Home, clock: Clock) -> float:
    """Seconds that receiving the whole folder takes."""
    ctx = _open(home, clock)
    drop = home.path / "drop"
    expected = len(_files(drop))

    def work() -> int:
        done = receive_folder(ctx, drop, returns.CYCLE, returns.RECEIVED)
        return int(done["dispositions"].get("return", 0))

    return _timed(clock, work, expected)


def run_validate(home: Home, clock: Clock) -> float:
    """Seconds that validating and answering all that was received takes."""
    ctx = _open(home, clock)
    expected = len(_files(home.path / "drop"))

    def work() -> int:
        done = validate(ctx, returns.CYCLE, returns.RECEIVED, send=False)
        return int(done["by_status"].get("accepted", 0))

    return _timed(clock, work, expected)


def run_floor(home: Home, clock: Clock) -> float:
    """Seconds of the least that reading, keeping and judging the same files can cost."""
    instrument = _instrument(home)
    suite = returns.suite_of(home, instrument)
    files = _files(home.path / "drop")
    database = home.path / "floor.sqlite3"
    return _timed(clock, lambda: yardsticks.floor(files, instrument, suite, database), len(files))


def run_naive(home: Home, clock: Clock) -> float:
    """Seconds a form, the naive way, over the first forms."""
    instrument = _instrument(home)
    suite = returns.suite_of(home, instrument)
    files = _files(home.path / "drop")[: yardsticks.SAMPLE]
    return _timed(clock, lambda: yardsticks.naive(files, instrument, suite), len(files)) / len(files)


def _timed(clock: Clock, work: Callable[[], int], expected: int) -> float:
    """Seconds of a piece of work that must have come to `expected` forms: half the work is no measure.

    Raises:
        OperatorError: it came to others.
    """
    began = clock.now()
    done = work()
    seconds = (clock.now() - began).total_seconds()
    if done != expected:
        raise OperatorError(f"测速无效：应处理 {expected} 份，实际 {done} 份。")
    return seconds


def _open(home: Home, clock: Clock) -> Context:
    return open_context(home, clock, EnvironmentConnections({}))


def _instrument(home: Home) -> Instrument:
    loaded = load_named(returns.CYCLE, home)
    instrument = loaded.instrument_of(loaded.cycle.collections[0])
    if instrument is None:
        raise OperatorError(f"{returns.SOURCE} 的第一项报送事项没有统计表，无法测速。")
    return instrument


def _files(drop: Path) -> list[Path]:
    return sorted(drop.glob(f"*/{returns.FILE}"))
