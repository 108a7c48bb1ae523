"""What a mailbox that refuses, is stopped, busy or incomplete means for receiving, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from mailbed import Netease
from sqlalchemy import select

from huizong.connections import MailServer
from huizong.errors import HuizongError, OperatorError, TransientError
from huizong.intake.imap import BusyError, RefusedError, login_refused
from huizong.ledger.tables import Delivery
from huizong.ledger.upkeep import Account, Sweep
from huizong.stages.accounts import resume
from huizong.stages.alarms import open_troubles
from huizong.stages.issued import issued_cycle
from huizong.stages.receive import receive_for
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE
from office import CYCLE, Office, at

WHEN = "2022-06-10T10:00"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer({OFFICE: "secret"}) as running:
        yield running


@pytest.fixture
def netease(office: Office, server: EmbeddedMailServer) -> Iterator[Netease]:
    with Netease(server.imap_port) as proxy:
        connect(office, proxy.port)
        office.issue()
        yield proxy


def connect(office: Office, port: int, code: str = "secret") -> None:
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = (
        f"imap://{quote(OFFICE)}:{code}@127.0.0.1:{port}/?ssl=false"
    )


def deliveries(office: Office) -> int:
    with office.ctx.ledger.read() as session:
        return len(session.scalars(select(Delivery.id)).all())


def troubles(office: Office) -> list[str]:
    with office.ctx.ledger.read() as session:
        return [trouble.name for trouble in open_troubles(session)]


def refused(office: Office, kind: type[HuizongError]) -> str:
    with pytest.raises(kind) as told:
        office.receive(WHEN, "mailbox-kjj")
    return str(told.value)


def test_a_wrong_code_is_tried_three_times_and_then_nobody_knocks(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    server.deliver(OFFICE, b"Message-ID: <a@x.example>\r\n\r\na\r\n")
    connect(office, netease.port, "wrong")
    for _ in range(6):
        assert "授权码" in refused(office, OperatorError)
    assert netease.commands.count("LOGIN") == 3
    (name,) = (t for t in troubles(office) if t.startswith("login:"))
    # A person who has changed something elsewhere may have it tried again; it is refused again.
    with office.ctx.ledger.write() as session:
        resume(office.ctx, session, name.removeprefix("login:"), by="小李", reason="已核对")
    refused(office, OperatorError)
    assert netease.commands.count("LOGIN") == 4
    # Another code in the connection is tried at once.
    connect(office, netease.port)
    assert office.receive(WHEN, "mailbox-kjj")["messages"] == 1
    assert [t for t in troubles(office) if t.startswith("login:")] == []


def test_unsafe_login_stops_too(office: Office, netease: Netease) -> None:
    netease.unsafe = True
    for _ in range(5):
        refused(office, OperatorError)
    assert netease.commands.count("LOGIN") == 3
    assert [t for t in troubles(office) if t.startswith("login:")]


def test_a_busy_server_is_given_longer_and_longer_pauses(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    office.receive(WHEN, "mailbox-kjj")
    server.deliver(OFFICE, b"Message-ID: <a@x.example>\r\n\r\na\r\n")
    netease.commands.clear()
    netease.refusal = b"[UNAVAILABLE] Too many connections, try again later"
    pauses = []
    for _ in range(7):
        refused(office, TransientError)
        with office.ctx.ledger.read() as session:
            (until,) = session.scalars(select(Account.paused_until)).all()
        assert until is not None
        pauses.append((until - office.clock.now()) / MINUTE)
        office.clock.instant = until - MINUTE
        refused(office, TransientError)
        assert netease.commands.count("LOGIN") == len(pauses)  # it is left alone meanwhile
        office.clock.instant = until + MINUTE
    for pause, least in zip(pauses, (15, 15, 30, 60, 120, 240, 240), strict=True):
        assert least <= pause <= 240 * 1.2
    assert pauses[1] <= 25
    assert [t for t in troubles(office) if t.startswith("login:")] == []
    netease.refusal = None
    office.clock.instant += 300 * MINUTE
    assert office.receive(WHEN, "mailbox-kjj")["messages"] == 1
    assert deliveries(office) == 1


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("LOGIN Login error or password error", RefusedError),
        ("Login fail. Account is abnormal, service is not open, password is incorrect, login frequency"
         " limited, or system is busy.", RefusedError),
        ("[AUTHENTICATIONFAILED] Authentication failed", RefusedError),
        ("[UNAVAILABLE] Temporary authentication failure", BusyError),
        ("Too many simultaneous connections", BusyError),
        ("[INUSE] mailbox busy", BusyError),
    ],
)  # fmt: skip
def test_what_the_words_of_a_refusal_mean(words: str, kind: type[HuizongError]) -> None:
    server = MailServer("imap.x.example", 993, OFFICE, "x", ssl=True, starttls=False)
    assert type(login_refused(server, words)) is kind


def test_each_sweep_is_noted(office: Office, netease: Netease) -> None:
    def row() -> Sweep:
        with office.ctx.ledger.read() as session:
            return session.get_one(Sweep, "mailbox-kjj")

    office.receive(WHEN, "mailbox-kjj")
    assert (row().ok_at, row().failures, row().failed_at) == (office.clock.now(), 0, None)
    ok_at = office.clock.now()
    netease.refusal = b"[UNAVAILABLE] later"
    office.clock.instant += MINUTE
    refused(office, TransientError)
    refused(office, TransientError)
    assert (row().ok_at, row().failures, row().failed_at) == (ok_at, 2, office.clock.now())
    assert row().reason
    netease.refusal = None
    office.clock.instant += 30 * MINUTE
    office.receive(WHEN, "mailbox-kjj")
    assert (row().ok_at, row().failures, row().reason) == (office.clock.now(), 0, "")


def test_the_operator_hears_once_of_a_mail_that_cannot_be_had(
    office: Office, server: EmbeddedMailServer, netease: Netease
) -> None:
    server.deliver(OFFICE, b"Message-ID: <bad@x.example>\r\n\r\nbad mail\r\n")
    server.deliver(OFFICE, b"Message-ID: <good@x.example>\r\n\r\ngood mail\r\n")
    netease.withhold = b"bad mail"
    issued = issued_cycle(office.ctx, CYCLE)
    assert office.receive(WHEN, "mailbox-kjj")["messages"] == 1
    assert "mailbox-kjj" in receive_for(office.ctx, issued, at(WHEN))  # it may be a return: nobody is chased
    assert troubles(office) == []
    for _ in range(3):
        office.clock.instant += 61 * MINUTE
        office.receive(WHEN, "mailbox-kjj")
    with office.ctx.ledger.read() as session:
        (trouble,) = open_troubles(session)
    assert trouble.name == "fetch:mailbox-kjj"
    assert trouble.number == 1
    assert "INBOX" in trouble.lines[0]
    assert "UID" in trouble.lines[0]
    assert "字节" in trouble.lines[0]
    assert receive_for(office.ctx, issued, at(WHEN)) == {}  # now a person knows
    netease.withhold = None
    office.clock.instant += 24 * 60 * MINUTE
    office.receive(WHEN, "mailbox-kjj")
    assert troubles(office) == []
    assert deliveries(office) == 2


def test_a_folder_that_is_not_there_is_told_once(
    office: Office, server: EmbeddedMailServer, netease: Netease, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huizong.definition.model import Channel
    from huizong.stages import mailboxes

    channel = Channel(address=OFFICE, folders=("报送", "没有的"))
    monkeypatch.setattr(mailboxes, "channel_today", lambda ctx, code: channel)
    server.deliver(OFFICE, b"Message-ID: <a@x.example>\r\n\r\na\r\n", folder="报送")
    for _ in range(2):
        office.receive(WHEN, "mailbox-kjj")
        assert troubles(office) == ["folder:mailbox-kjj:没有的"]
    assert deliveries(office) == 1
    server.deliver(OFFICE, b"Message-ID: <b@x.example>\r\n\r\nb\r\n", folder="没有的")
    office.receive(WHEN, "mailbox-kjj")
    assert troubles(office) == []
    assert deliveries(office) == 2
