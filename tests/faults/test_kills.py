"""`kill -9` at a hundred random moments in receiving two hundred mails and in sending fifty letters."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from imapclient import IMAPClient
from sqlalchemy import func, select

from faults.bed import CHANNEL, RECEIVED, Bed, count_letters, count_mails, mail
from faults.killing import LOTS, killed, timed
from faults.table import Count
from huizong.bench.returns import FILE, ISSUED, fill_all
from huizong.ledger.tables import Delivery, Letter, Version
from huizong.stages.receive import receive
from huizong.stages.send import send
from mailing import OFFICE
from office import statistics_form

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = 100
LIVES = 10  # kills in one installation
MAILS, LETTERS = 200, 50


@dataclass(frozen=True)
class Server:
    """A mail server in a process of its own; `log` has a line for each mail that it took."""

    imap_port: int
    smtp_port: int
    log: Path

    def taken(self) -> Counter[str]:
        lines = self.log.read_text("utf-8").splitlines() if self.log.exists() else []
        return Counter(json.loads(line)["message_id"] for line in lines)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    users = [OFFICE, *(f"u{n}@bench.example" for n in range(1, 51))]
    log, config = tmp_path / "taken.jsonl", tmp_path / "server.json"
    config.write_text(json.dumps({"users": dict.fromkeys(users, "secret"), "log": str(log)}), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "huizong_demo.mailserver", "--config", str(config)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield Server(**json.loads(process.stdout.readline()), log=log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def struck(
    count: Count,
    beds: Callable[[], Bed],
    work: Callable[[Bed], object],
    left: Callable[[Bed], float],
    over: Callable[[Bed, int], None],
) -> None:
    """Kill a hundred times, a few in each of several installations, and let each come to its end.

    left: the part of an installation's work that is still to do, which tells how long its next life may be.
    over: called with each installation at its end, and how often it was killed.
    """
    bed = beds()
    whole = timed(lambda: work(bed))
    over(bed, 0)
    for _ in range(KILLS // LIVES):
        bed, hits = beds(), 0
        for _ in range(LIVES):  # early moments more often than late ones: each life begins anew
            hits += killed(lambda bed=bed: work(bed), whole * left(bed) * LOTS.random() ** 2)
        work(bed)
        over(bed, hits)
        count.tries += hits
    assert count.tries >= 0.8 * KILLS, "too many of the kills came after the work was done"


def test_killed_while_receiving(
    fifty: Path, server: Server, beds: Callable[[Path], Bed], counted: Callable[[str], Count]
) -> None:
    raws = mails(beds(fifty))
    with IMAPClient("127.0.0.1", server.imap_port, ssl=False) as client:
        client.login(OFFICE, "secret")
        for raw in raws:
            client.append("INBOX", raw)
    count = counted("kill -9 in receiving 200 mails")

    def over(bed: Bed, _kills: int) -> None:
        count_mails(count, raws, bed.stored())
        with bed.ctx.ledger.read() as session:
            assert session.scalar(select(func.count()).where(Delivery.processed_at.is_(None))) == 0
            versions = session.execute(select(Version.unit, Version.number)).all()
        assert sorted(versions) == [(f"U{n:06d}", 1) for n in range(1, 51)]
        bed.close()

    def left(bed: Bed) -> float:
        with bed.alone() as session:
            filed = session.scalar(select(func.count()).where(Delivery.processed_at.is_not(None))) or 0
            stored = session.scalar(select(func.count()).select_from(Delivery)) or 0
        return 1 - (stored + filed) / MAILS / 2

    struck(
        count,
        lambda: beds(fifty).connect(imap=server.imap_port),
        lambda bed: receive(bed.ctx, [CHANNEL], RECEIVED),
        left,
        over,
    )
    assert (count.lost, count.doubled) == (0, 0)


def mails(bed: Bed) -> list[bytes]:
    """Fifty filled forms among a hundred and fifty mails that are only words."""
    drop = fill_all(bed.ctx.home, statistics_form())
    bed.close()
    forms = [
        mail(n, {FILE: (drop / f"U{n:06d}" / FILE).read_bytes()}, "统计表见附件。") for n in range(1, 51)
    ]
    found = forms + [mail(n) for n in range(51, MAILS + 1)]
    LOTS.shuffle(found)
    return found


def test_killed_while_sending(
    fifty: Path, server: Server, beds: Callable[[Path], Bed], counted: Callable[[str], Count]
) -> None:
    count = counted("kill -9 in sending 50 letters")
    before: Counter[str] = Counter()  # every installation is a copy, with the same Message-IDs

    def over(bed: Bed, kills: int) -> None:
        letters, taken = bed.rows(), server.taken()
        count_letters(count, letters, taken - before)
        assert len(letters) == LETTERS
        assert {letter.state for letter in letters} <= {"sent", "unknown"}
        assert sum(letter.state == "unknown" for letter in letters) <= kills
        before.update(taken - before)
        bed.close()

    def left(bed: Bed) -> float:
        with bed.alone() as session:
            return (session.scalar(select(func.count()).where(Letter.state == "queued")) or 0) / LETTERS

    struck(
        count,
        lambda: beds(fifty).connect(smtp=server.smtp_port),
        lambda bed: send(bed.ctx, [CHANNEL], ISSUED),
        left,
        over,
    )
    assert (count.lost, count.doubled) == (0, 0)
