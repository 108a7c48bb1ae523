"""A mailbox read to its end, whatever server and mails do: what came, what was stored, what was doubled."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from mailbed import Netease
from sqlalchemy import select

from huizong.connections import MailServer
from huizong.errors import TransientError
from huizong.intake.arrivals import Arrivals
from huizong.intake.imap import Mailbox
from huizong.intake.mailsweep import MailSweep, Swept
from huizong.ledger.tables import Delivery, Location
from huizong.ledger.upkeep import Unfetched
from huizong_demo.mailserver import EmbeddedMailServer
from office import Office, at

BOX = "kjj@xinxiang.example"
TURN = timedelta(hours=1)


def mail(number: int, pad: int = 0) -> bytes:
    return b"Message-ID: <n%d@x.example>\r\nSubject: %d\r\n\r\nmail-%d.\r\n%s" % (
        number, number, number, b"x" * pad,
    )  # fmt: skip


def fresh(count: int) -> EmbeddedMailServer:
    server = EmbeddedMailServer({BOX: "secret"})
    server.start()
    for number in range(count):
        server.deliver(BOX, mail(number))
    return server


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer({BOX: "secret"}) as running:
        yield running


@pytest.fixture
def netease(server: EmbeddedMailServer) -> Iterator[Netease]:
    with Netease(server.imap_port) as proxy:
        yield proxy


def sweep(office: Office, port: int, *also: str, patience: float = 5) -> Swept:
    connection = MailServer("127.0.0.1", port, BOX, "secret", ssl=False, starttls=False)
    arrivals = Arrivals(office.ctx.ledger, office.ctx.store, office.clock)
    with Mailbox(connection, read_timeout=patience) as box:
        return MailSweep(arrivals, "mailbox-kjj", box, at("2022-06-10T10:00")).run(also)


def stored(office: Office) -> Counter[bytes]:
    """Every mail's bytes, and how often it is a delivery."""
    with office.ctx.ledger.read() as session:
        digests = session.scalars(select(Delivery.digest)).all()
    return Counter(office.ctx.store.get(digest) for digest in digests if digest)


def expected(*numbers: int) -> Counter[bytes]:
    return Counter(mail(n) for n in numbers)


def unfetched(office: Office) -> dict[str, int]:
    with office.ctx.ledger.read() as session:
        return {row.mark: row.tries for row in session.scalars(select(Unfetched))}


def test_one_mail_that_breaks_the_line_holds_up_no_other(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    for number in range(60):
        server.deliver(BOX, mail(number))
    netease.cut_in = b"mail-30."
    assert len(sweep(office, netease.port).new) == 59
    assert stored(office) == expected(*(n for n in range(60) if n != 30))
    assert list(unfetched(office).values()) == [1]
    assert netease.commands.count("LOGIN") == 3  # at first, after the batch, after the mail by itself
    for _ in range(3):
        sweep(office, netease.port)
        assert list(unfetched(office).values()) == [2]  # tried again at once, then it rests for an hour
    office.clock.instant += TURN
    sweep(office, netease.port)
    assert list(unfetched(office).values()) == [3]
    netease.cut_in = None
    sweep(office, netease.port)
    assert list(unfetched(office).values()) == [3]  # for a day
    office.clock.instant += 24 * TURN
    assert len(sweep(office, netease.port).new) == 1
    assert stored(office) == expected(*range(60))
    assert unfetched(office) == {}
    assert not {"SELECT", "STORE", "UID STORE", "EXPUNGE", "COPY", "UID COPY", "CLOSE"} & set(
        netease.commands
    )


def test_a_mail_that_is_listed_and_not_given_is_asked_for_again(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    for number in range(3):
        server.deliver(BOX, mail(number))
    netease.withhold = b"mail-1."
    assert len(sweep(office, netease.port).new) == 2
    with office.ctx.ledger.read() as session:
        (row,) = session.scalars(select(Unfetched)).all()
    assert "没有给出内容" in row.reason
    assert "字节" in row.reason  # how large, and when it came
    netease.withhold = None
    office.clock.instant += TURN
    sweep(office, netease.port)
    assert stored(office) == expected(0, 1, 2)


def test_many_bad_mails_do_not_log_in_for_ever(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    for number in range(30):
        server.deliver(BOX, mail(number))
    netease.cut_in = b"mail-1"  # 1 and 10 to 19
    ended = 0
    for _ in range(6):
        with contextlib.suppress(TransientError):
            sweep(office, netease.port)
            ended += 1
        assert netease.commands.count("LOGIN") <= 6
        netease.commands.clear()
    assert ended
    assert stored(office) == expected(*(n for n in range(30) if n != 1 and not 10 <= n <= 19))
    assert len(unfetched(office)) == 11


def test_a_peer_that_falls_silent_ends_the_sweep(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    server.deliver(BOX, mail(0))
    sweep(office, netease.port)
    server.deliver(BOX, mail(1))
    for command in ("LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH"):
        netease.silent_at = command
        began = time.monotonic()
        with contextlib.suppress(TransientError):
            assert sweep(office, netease.port, patience=0.2).unread or unfetched(office)
        assert time.monotonic() - began < 5
        assert stored(office) == expected(0)
    netease.silent_at = None
    sweep(office, netease.port)
    assert stored(office) == expected(0, 1)
    assert unfetched(office) == {}


def test_wrong_sizes_are_no_failure(office: Office, server: EmbeddedMailServer, netease: Netease) -> None:
    for number in range(30):
        server.deliver(BOX, mail(number))
    netease.false_sizes = True
    for _ in range(2):
        sweep(office, netease.port)
        assert stored(office) == expected(*range(30))
    assert unfetched(office) == {}


@pytest.mark.parametrize("through_netease", [False, True])
def test_a_server_that_was_rebuilt_loses_and_doubles_nothing(office: Office, through_netease: bool) -> None:
    """Other UIDs for the same mails, and one that is new; 163 says the same UIDVALIDITY as before."""
    old = fresh(12)
    new = EmbeddedMailServer({BOX: "secret"})
    new.start()
    with Netease(old.imap_port, strict=through_netease) as proxy:
        sweep(office, proxy.port)
        for number in (20, *reversed(range(12))):
            new.deliver(BOX, mail(number))
        proxy.upstream = new.imap_port
        assert len(sweep(office, proxy.port).new) == 1
        assert sweep(office, proxy.port).new == []
    old.stop()
    new.stop()
    assert stored(office) == expected(*range(12), 20)
    with office.ctx.ledger.read() as session:
        assert len(session.scalars(select(Location.id)).all()) == 12 + 13  # where each was seen, both times


def test_folders_beside_the_inbox(office: Office, server: EmbeddedMailServer) -> None:
    folders = ["INBOX", "垃圾邮件", "广告邮件", "订阅邮件", "病毒文件夹", "报送/2022"]
    for number, folder in enumerate([*folders, "已发送", "草稿箱"]):
        server.deliver(BOX, mail(number), folder=folder)
    server.deliver(BOX, mail(0), folder="报送/2022")  # filed there by a colleague
    swept = sweep(office, server.imap_port, "报送/2022", "不存在")
    assert swept.absent == ["不存在"]
    assert stored(office) == expected(*range(6))
