"""Holds the readers against any folder of files, as `huizong read` would read them.

    cd tests && ../.venv/bin/python -m corpus.real DIRECTORY…

prints, per kind as told by content: files, forms, dispositions, crashes and time-outs; then the reasons,
the slowest files and the highest memory of all processes together. Exits 1 if anything crashed, hung or ended
without a disposition and a reason.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from huizong.readers.worker import CRASHED, TIMED_OUT
from huizong.stages.read import read_files
from office import CYCLE, Office

Row = dict[str, Any]
SLOW = 30.0  # seconds: the most that one file may take
USUAL = (
    1.0  # what one takes on the average where many are read together, LibreOffice and recognition included
)


@dataclass
class Report:
    """What became of the files."""

    rows: dict[Path, list[Row]] = field(default_factory=dict)
    seconds: dict[Path, float] = field(default_factory=dict)
    errors: dict[Path, str] = field(default_factory=dict)  # exceptions that reached the caller

    def faults(self) -> list[tuple[Path, str]]:
        """Files that break the promise: crash, hang, no disposition, or none taken without a reason."""
        found = list(self.errors.items())
        for path, rows in self.rows.items():
            found += [(path, fault) for fault in filter(None, map(fault_of, rows))]
            found += [] if rows else [(path, "no row")]
            found += [(path, "slow")] if self.seconds.get(path, 0) > SLOW else []
        return found


def fault_of(row: Row) -> str | None:
    """How a row of `huizong read` breaks the promise, or None."""
    if row["reason"] == CRASHED:
        return "crashed"
    if row["reason"] == TIMED_OUT:
        return "timed out"
    if not row["disposition"]:
        return "no disposition"
    if row["disposition"] != "return" and not any("\u4e00" <= ch <= "\u9fff" for ch in row["reason"]):
        return "no reason"
    return None


class Memory:
    """The highest sum of resident memory over this process and all below it, in bytes, while entered."""

    def __init__(self) -> None:
        self.peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._done.wait(0.1):
            self.peak = max(self.peak, sum(map(_resident, [me, *me.children(recursive=True)])))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def drive(paths: Sequence[Path], batch: int) -> Report:
    """Read all files, `batch` of them a call; a call that fails or takes long is repeated one by one."""
    report = Report()
    with tempfile.TemporaryDirectory() as home:
        ctx = Office(Path(home)).ctx
        read_files(ctx, CYCLE, [])  # what is loaded once shall not be counted to the first file
        for start in range(0, len(paths), batch):
            some = paths[start : start + batch]
            if not _read(ctx, some, report) and batch > 1:
                for path in some:
                    _read(ctx, [path], report)
            print(f"{min(start + batch, len(paths))}/{len(paths)}", file=sys.stderr, flush=True)
    return report


def _read(ctx: Any, paths: Sequence[Path], report: Report) -> bool:
    started = time.monotonic()
    try:
        rows = read_files(ctx, CYCLE, paths)["files"]
    except Exception as e:
        for path in paths:
            report.errors[path] = f"{type(e).__name__}: {e} at {traceback.extract_tb(e.__traceback__)[-1]}"
        return False
    took = time.monotonic() - started
    for path in paths:
        report.errors.pop(path, None)
        report.rows[path] = [r for r in rows if belongs(r, path)]
        report.seconds[path] = took / len(paths)
    return took < max(SLOW, USUAL * len(paths)) or len(paths) == 1


def belongs(row: Row, path: Path) -> bool:
    """Whether a row is this file's, or that of a member of it."""
    return row["file"] == str(path) or row["file"].startswith(f"{path}/")


def table(report: Report) -> Iterator[str]:
    """The report as lines of text."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    for rows in report.rows.values():
        for row in rows:
            counts = kinds[row.get("kind", "")]
            counts.update({"rows": 1, row["disposition"]: 1, "forms": bool(row["instrument"])})
            counts.update(filter(None, [fault_of(row)]))
            reasons.update([row["reason"]] if row["reason"] else [])
    columns = ("rows", "forms", "return", "set_aside", "restricted", "triage", "crashed", "timed out")
    yield f"{'kind':12}" + "".join(f"{c:>11}" for c in columns)
    for kind, counts in sorted(kinds.items()):
        yield f"{kind:12}" + "".join(f"{counts[c]:>11}" for c in columns)
    yield ""
    yield from (f"{n:>6}  {reason}" for reason, n in reasons.most_common(40))
    yield ""
    slowest = sorted(report.seconds.items(), key=lambda entry: -entry[1])[:10]
    yield from (f"{seconds:6.1f} s  {path}" for path, seconds in slowest)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="corpus.real", description=__doc__.partition("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--batch", type=int, default=100, help="files a call, default 100")
    parser.add_argument("--match", default="*", help="only names like this, e.g. '*.xlsx'")
    options = parser.parse_args()
    paths = sorted(p for d in options.directories for p in d.rglob(options.match) if p.is_file())
    started = time.monotonic()
    with Memory() as memory:
        report = drive(paths, options.batch)
    print("\n".join(table(report)))
    faults = report.faults()
    for path, fault in faults:
        print(f"FAULT {fault}: {path}")
    minutes, peak = (time.monotonic() - started) / 60, memory.peak / 2**20
    print(f"{len(paths)} files in {minutes:.1f} min, {len(faults)} faults, at most {peak:.0f} MiB in all")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
