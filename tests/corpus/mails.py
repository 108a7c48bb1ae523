"""Holds the reading of mail against any folder of messages, such as the test suites of mail parsers.

    cd tests && ../.venv/bin/python -m corpus.mails DIRECTORY… [--damaged 10] [--intake]

takes every file that is a message by its name or content, and the messages of every mbox, once each; parses
them and judges them (robot, bounce); with `--damaged N` also N damaged copies of each. With `--intake` it
receives all of them as one mailbox into a fresh installation and processes them. Prints what came out; exits
1 if anything raised, took long, was not kept byte for byte or ended without a disposition.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from corpus.real import Memory
from huizong.intake.arrivals import BATCH, Arrivals, Message
from huizong.ledger.tables import Delivery, Event
from huizong.mime.bounces import parse_bounce
from huizong.mime.parse import parse_message
from huizong.mime.robots import automatic_kind
from huizong.readers.sniff import sniff
from huizong.stages.processing import process_pending
from huizong.store import sha256
from office import Office, at

SLOW = 5.0  # seconds: the most that one message may take
CHANNEL, NOW = "mailbox-kjj", "2022-06-10T10:00"
ARRIVED = datetime(2022, 6, 10, tzinfo=UTC)
_BETWEEN = re.compile(rb"(?:\A|\r?\n\r?\n)From [^\r\n]*\d{4}[^\r\n]*\r?\n")
_NAMED = {".eml", ".msg", ".email", ".mbox"}
_START = re.compile(
    rb"From |(?:Return-Path|Received|From|To|Subject|Date|Message-ID|MIME-Version|Content-Type|X-[\w-]+): ",
    re.I,
)
_SPLINTERS = [
    b"\x00",
    b"\r\n",
    b"\n\n",
    b"\xff",
    b"--",
    b"=?gb2312?B?",
    b"?=",
    b'"',
    b";",
    b"; charset=undefined",
]
_SPLINTERS += [
    b"; boundary=B",
    b"\r\nContent-Type: message/rfc822\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
]


@dataclass
class Report:
    """What became of the messages: counts by what was seen, and each message that breaks the promise."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


def messages(directories: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Each message with where it was found, once."""
    seen: set[str] = set()
    for path in sorted(p for d in directories for p in d.rglob("*") if p.is_file() and not p.is_symlink()):
        data = path.read_bytes()
        if sniff(data) not in ("eml", "mht") and path.suffix not in _NAMED and not _START.match(data):
            continue
        pieces = [p for p in _BETWEEN.split(data) if p.strip()] if data.startswith(b"From ") else [data]
        for number, raw in enumerate(pieces):
            if (digest := sha256(raw)) not in seen:
                seen.add(digest)
                yield f"{path}#{number}", raw


def parse_all(mails: Sequence[tuple[str, bytes]]) -> Report:
    """Parse and judge each message by itself."""
    report = Report()
    for place, raw in mails:
        started = time.monotonic()
        try:
            mail = parse_message(raw)
            kind, bounce = automatic_kind(mail), parse_bounce(mail)
        except Exception as e:
            where = traceback.extract_tb(e.__traceback__)[-1]
            report.faults.append((place, f"{type(e).__name__}: {e} at {where}"))
            continue
        seconds = time.monotonic() - started
        report.slowest = max(report.slowest, (seconds, place))
        report.faults += [(place, f"{seconds:.1f} s")] if seconds > SLOW else []
        report.faults += [(place, "a file without a name") for leaf in mail.leaves if not leaf.name]
        report.counts.update(messages=1, files=len(mail.leaves), without_words=not mail.text)
        report.counts.update([f"robot {kind}"] if kind else [])
        report.counts.update([f"bounce {bounce.kind}"] if bounce else [])
        report.counts.update(f"problem {problem}" for problem in mail.problems)
    return report


def damaged(raw: bytes, seed: int) -> bytes:
    """A copy with a few pieces changed, cut out, doubled or moved; the same for the same seed."""
    draw, data = random.Random(seed), bytearray(raw)
    for _ in range(draw.randint(1, 6)):
        at_, length = draw.randrange(len(data) + 1), draw.randint(1, 40)
        piece = bytes(data[at_ : at_ + length])
        del data[at_ : at_ + length * draw.randrange(2)]
        new = draw.choice([b"", piece * 3, draw.randbytes(length), *_SPLINTERS])
        at_ = draw.choice([at_, draw.randrange(len(data) + 1)])
        data[at_:at_] = new
    return bytes(data)


def take_in(office: Office, mails: Sequence[tuple[str, bytes]]) -> Report:
    """Receive and process all of them as one mailbox; the office has issued its cycle."""
    ctx, report = office.ctx, Report()
    arrivals, raws = Arrivals(ctx.ledger, ctx.store, ctx.clock), [raw for _, raw in mails]
    for start in range(0, len(raws), BATCH):  # not through a server: its own parser would refuse some of them
        some = [Message(uid, ARRIVED, raw) for uid, raw in enumerate(raws[start : start + BATCH], start + 1)]
        arrivals.keep_messages(CHANNEL, "INBOX;1", some, at(NOW))
    process_pending(ctx, at(NOW))
    with ctx.ledger.read() as session:
        deliveries = {d.digest: d for d in session.scalars(select(Delivery))}
        failed = {
            event.data["delivery"]: event.data["error"]
            for event in session.scalars(select(Event).where(Event.kind == "processing_failed"))
        }
    for place, raw in mails:
        row = deliveries.get(sha256(raw))
        if row is None:
            report.faults.append((place, "no row"))
            continue
        report.counts.update([str(row.disposition)])
        report.faults += [(place, "raw not kept")] if ctx.store.get(sha256(raw)) != raw else []
        report.faults += [(place, "no disposition")] if not row.disposition or not row.processed_at else []
        report.faults += [(place, f"processing failed: {failed[row.id]}")] if row.id in failed else []
    return report


def show(title: str, report: Report, seconds: float) -> None:
    print(f"{title}: {seconds:.1f} s, {len(report.faults)} faults")
    print("\n".join(f"{count:>8}  {what}" for what, count in sorted(report.counts.items())))
    print("\n".join(f"FAULT {fault}: {place}" for place, fault in report.faults))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="corpus.mails", description=__doc__.partition("\n")[0])
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--intake", action="store_true", help="also receive and process them")
    parser.add_argument("--damaged", type=int, default=0, help="damaged copies of each that are parsed too")
    options = parser.parse_args()
    mails = list(messages(options.directories))
    with Memory() as memory, tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        reports = [parse_all(mails)]
        show("parsing", reports[0], time.monotonic() - started)
        if options.damaged:
            started = time.monotonic()
            copies = [(f"{p} seed {n}", damaged(raw, n)) for p, raw in mails for n in range(options.damaged)]
            reports.append(parse_all(copies))
            show("parsing damaged copies", reports[-1], time.monotonic() - started)
        seconds, place = max(report.slowest for report in reports)
        print(f"slowest {seconds:.2f} s: {place}")
        if options.intake:
            office = Office(Path(home))
            office.issue()
            started = time.monotonic()
            reports.append(take_in(office, mails))
            show("intake", reports[-1], time.monotonic() - started)
    faults = sum(len(report.faults) for report in reports)
    print(f"{len(mails)} messages, {faults} faults, at most {memory.peak / 2**20:.0f} MiB in all")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
