"""Mailboxes that break off, fall silent, come back from a backup: every mail stored, none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from mailbed import Netease

from faults.bed import Bed, count_mails, mail
from faults.killing import LOTS
from faults.shaky import Fault, ShakyLine
from faults.table import Count
from huizong.intake.imap import Mailbox
from huizong.stages import mailboxes
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE

pytestmark = pytest.mark.slow

RAWS = [mail(n, text="附件稍后补上。" * 60) for n in range(30)]
TRIES = 3


def filled(raws: list[bytes]) -> EmbeddedMailServer:
    server = EmbeddedMailServer({OFFICE: "secret"})
    server.start()
    for raw in raws:
        server.deliver(OFFICE, raw)
    return server


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedMailServer]:
    running = filled(RAWS)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute's wait for an answer is two seconds here."""
    monkeypatch.setattr(mailboxes, "Mailbox", partial(Mailbox, read_timeout=2))


SHAKY: list[tuple[str, Fault]] = [
    ("IMAP: line cut in a mail", "cut"),
    ("IMAP: silent peer", "silent"),
    ("IMAP: server gone", "gone"),
]


@pytest.mark.parametrize(("fault", "kind"), SHAKY, ids=[fault for fault, _ in SHAKY])
def test_lines(
    fault: str,
    kind: Fault,
    server: EmbeddedMailServer,
    three: Path,
    beds: Callable[[Path], Bed],
    counted: Callable[[str], Count],
) -> None:
    count = counted(fault)
    for _ in range(TRIES):
        with ShakyLine(server.imap_port, kind, lambda: LOTS.randint(100, 30_000)) as line:
            bed = beds(three).connect(imap=line.port)
            line.faults = 2
            bed.until_taken_in()
            count.tries += line.struck
            count_mails(count, RAWS, bed.stored())
            bed.close()
    assert count.tries >= TRIES
    assert (count.lost, count.doubled) == (0, 0)


@pytest.mark.parametrize("fault", ["IMAP: server rebuilt", "IMAP: server rebuilt, UIDVALIDITY 1 as before"])
def test_rebuilt(
    fault: str, three: Path, beds: Callable[[Path], Bed], counted: Callable[[str], Count]
) -> None:
    count = counted(fault)
    for _ in range(TRIES):
        bed = beds(three)
        before, after = RAWS[:20], RAWS[5:]  # some were not in the backup, some are new
        LOTS.shuffle(after)
        for raws in (before, after):
            one = filled(raws)
            with Netease(one.imap_port, strict="UIDVALIDITY" in fault) as proxy:
                bed = Bed(bed.home).connect(imap=proxy.port)
                bed.until_taken_in()
                bed.close()
            one.stop()
        count.tries += 1
        count_mails(count, RAWS, bed.stored())
        bed.close()
    assert (count.lost, count.doubled) == (0, 0)


def test_wrong_password(
    server: EmbeddedMailServer,
    three: Path,
    beds: Callable[[Path], Bed],
    counted: Callable[[str], Count],
) -> None:
    count = counted("IMAP: wrong password three times")
    for _ in range(TRIES):
        bed = beds(three)
        with Netease(server.imap_port, strict=False) as proxy:
            wrong = Bed(bed.home).connect(imap=proxy.port, password="old")
            assert [wrong.take_in() for _ in range(6)] == [False] * 6
            count.tries += proxy.commands.count("LOGIN")
            assert proxy.commands.count("LOGIN") == 3  # nobody knocks any more
            wrong.close()
            bed = Bed(bed.home).connect(imap=proxy.port)
            assert bed.take_in()  # another password is tried by itself
        count_mails(count, RAWS, bed.stored())
        bed.close()
    assert (count.lost, count.doubled) == (0, 0)
