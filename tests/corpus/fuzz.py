"""Mutates honest files and reads them in the real limited child process.

    cd tests && PYTHONPATH=unit ../.venv/bin/python -m corpus.fuzz --minutes 10 [--seed 1] [--more DIRECTORY]

Every entry (format) gets an equal share of the time. Containers are mutated as bytes, and as containers: a
member is changed and packed again with the right checksum, so that the parser behind is reached. Printed per
entry: files, forms still found, set aside, children that died, time-outs, highest memory of the child; then
the exceptions by which readers gave up, for files that were called damaged. Exits 1 if an exception reached
the caller. Same seed, same mutations (how many are made depends on the time).
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import random
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from form_files import FORM

from corpus import honest, office_made
from huizong.readers import confine, entry, limits
from huizong.readers.packing.archives import ARCHIVES
from huizong.readers.sniff import sniff
from huizong.readers.worker import CRASHED, NOT_UNPACKED, TIMED_OUT, Limits, ReadWorker, Source

SECONDS = 10.0  # for one file
EXPLAINED = 200  # files an entry of which the exception is asked
_CONTAINERS = frozenset({"xlsx", "xlsb", "ods", "docx", "odt", "ofd", "zip"})
_NUMBERS = (b"0", b"-1", b"65536", b"2147483648", b"99999999999999999999", b"1e308", b"NaN")

Mutation = Callable[[random.Random, bytes], bytes]


def _flip(dice: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 4, 32))):
        out[dice.randrange(len(out))] ^= 1 << dice.randrange(8)
    return bytes(out)


def _cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randrange(1, len(data) + 1)]


def _block(dice: random.Random, data: bytes) -> bytes:
    """Delete, double, move or overwrite a block."""
    start, size = dice.randrange(len(data)), dice.choice((1, 4, 16, 512))
    block, rest = data[start : start + size], data[:start] + data[start + size :]
    there = dice.randrange(len(rest) + 1)
    new = dice.choice((b"", block * dice.choice((2, 2, 1000)), dice.randbytes(size)))
    if dice.random() < 0.3:
        return rest[:there] + block + rest[there:]
    return data[:start] + new + data[start + size :]


def _number(dice: random.Random, data: bytes) -> bytes:
    """Another number where digits stand in a text, or where four bytes of a binary stand."""
    places = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
    if places and dice.random() < 0.8:
        place = dice.choice(places)
        return data[:place] + dice.choice(_NUMBERS) + data[place + 1 :]
    place = dice.randrange(len(data))
    return (
        data[:place]
        + dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"))
        + data[place + 4 :]
    )


_MUTATIONS: Sequence[Mutation] = (_flip, _cut, _block, _number)


def mutated(dice: random.Random, data: bytes, kind: str) -> bytes:
    """One mutation, in two thirds of the containers behind their packing."""
    mutation = dice.choice(_MUTATIONS)
    if kind not in _CONTAINERS or dice.random() < 0.34:
        return mutation(dice, data)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        target = dice.choice([m for m in old.infolist() if m.file_size])
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info.filename, mutation(dice, content) if info is target else content)
    return out.getvalue()


@dataclass
class Tally:
    """What became of one entry's files."""

    counts: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    peak: int = 0  # kB of the child
    slowest: float = 0.0


def fuzz(seeds: Sequence[bytes], kind: str, dice: random.Random, seconds: float, keep: Path) -> Tally:
    """Mutate and read until the time is over; what kills the child or reaches the caller goes to `keep`."""
    tally = Tally()
    until = time.monotonic() + seconds
    with ReadWorker(Limits(seconds=SECONDS)) as worker:
        while time.monotonic() < until:
            data = mutated(dice, dice.choice(seeds), kind) or b"\0"
            started = time.monotonic()
            try:
                outcome = _outcome(worker, data)
            except Exception as e:
                outcome = f"reached the caller: {type(e).__name__}: {e}"
            tally.slowest = max(tally.slowest, time.monotonic() - started)
            tally.counts.update(("files", outcome))
            tally.peak = max(tally.peak, _peak(worker))
            if outcome not in ("form", "no form", "set aside", "damaged"):
                (keep / f"{kind}-{tally.counts['files']}").write_bytes(data)
            elif outcome == "damaged" and tally.given_up.total() < EXPLAINED:
                tally.given_up[_why(data)] += 1
    return tally


def _outcome(worker: ReadWorker, data: bytes) -> str:
    if sniff(data) in ARCHIVES:
        unpacked = worker.unpack(data, "来件")
        return "died" if unpacked.reason == NOT_UNPACKED else "set aside" if unpacked.reason else "no form"
    reading = worker._read(Source("来件", data), [FORM])  # without conversion and recognition
    named = {CRASHED: "died", TIMED_OUT: "timed out", limits.DAMAGED: "damaged"}
    if reading.disposition == "set_aside":
        return named.get(reading.reason, "set aside")
    return "form" if reading.forms else "no form"


def _peak(worker: ReadWorker) -> int:
    try:
        status = Path(f"/proc/{worker.pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def _why(data: bytes) -> str:
    """The exception behind 文件已损坏, asked in a process of its own; named refusals are no news."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_read_openly, args=(data, theirs))
    process.start()
    theirs.close()
    try:
        return str(ours.recv()) if ours.poll(SECONDS) else "no answer"
    except EOFError:
        return "process ended"
    finally:
        process.kill()
        process.join()


def _read_openly(data: bytes, answer: multiprocessing.connection.Connection) -> None:
    confine.limit(Limits().memory_bytes, file_bytes=0)
    try:
        entry._read(sniff(data), data, [FORM])
        answer.send("none")
    except BaseException as e:
        own = [f for f in traceback.extract_tb(e.__traceback__) if "huizong" in f.filename]
        cause = f" from {type(e.__cause__).__name__}" if e.__cause__ else ""
        answer.send(f"{type(e).__name__}{cause} in {Path(own[-1].filename).name}:{own[-1].lineno}")


def seeds(folder: Path, more: Path | None) -> dict[str, list[bytes]]:
    """Honest files by kind: the corpus, what LibreOffice makes, and those of a folder (at most 40 a kind)."""
    found: dict[str, list[bytes]] = {}
    files: Iterator[bytes] = (case.data for case in (*honest.formats(), *office_made.cases(folder)))
    others = sorted(p for p in more.rglob("*") if p.is_file()) if more else []
    for data in (*files, *(p.read_bytes() for p in others if p.stat().st_size < 2**18)):
        same = found.setdefault(sniff(data), [])
        if len(same) < 40 and data:
            same.append(data)
    return found


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="corpus.fuzz", description="Mutates honest files and reads them.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="kinds, e.g. xlsx zip")
    parser.add_argument("--more", type=Path, help="a folder of further files to mutate")
    options = parser.parse_args()
    keep = Path(tempfile.mkdtemp(prefix="fuzz-"))
    with tempfile.TemporaryDirectory() as folder:
        kinds = {
            k: v
            for k, v in seeds(Path(folder), options.more).items()
            if not options.only or k in options.only
        }
    tallies: dict[str, Tally] = {}
    columns = ("files", "form", "no form", "set aside", "damaged", "died", "timed out")
    print(f"{'entry':16}" + "".join(f"{c:>11}" for c in columns) + f"{'MiB':>7}{'slowest s':>11}")
    for kind, whole in sorted(kinds.items()):
        dice = random.Random(f"{options.seed} {kind}")
        share = options.minutes * 60 / len(kinds)
        tally = tallies[kind] = fuzz(whole, kind, dice, share, keep)
        numbers = "".join(f"{tally.counts[c]:>11}" for c in columns)
        print(f"{kind:16}{numbers}{tally.peak // 1024:>7}{tally.slowest:>11.1f}", flush=True)
    reached = {n: c for t in tallies.values() for n, c in t.counts.items() if n.startswith("reached")}
    for kind, tally in tallies.items():
        print(kind, json.dumps(dict(tally.given_up.most_common(12)), ensure_ascii=False))
    print(f"{sum(reached.values())} exceptions reached the caller {reached or ''}; files kept in {keep}")
    return 1 if reached else 0


if __name__ == "__main__":
    sys.exit(main())
