"""A letter goes out once: whatever the server does, and however often `send` is run."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from mailbed import FaultMode, FaultySmtp
from outboxing import (
    CHANNEL,
    CLERK,
    account,
    attempts,
    connect,
    copies,
    drain,
    limit,
    post,
    row,
    troubles,
)
from sqlalchemy import select

from huizong.connections import MailServer
from huizong.errors import OperatorError
from huizong.ledger.tables import Letter
from huizong.ledger.upkeep import Attempt
from huizong.outbox.sender import Sender
from huizong.stages.accounts import StoppedError, stop
from huizong.stages.caps import Cap
from huizong.stages.send import send
from huizong_demo.cycle import units
from mailing import OFFICE
from office import PROJECT, Office, at


@pytest.mark.parametrize("mode", ["accept_then_drop", "accept_then_hang"])
def test_a_lost_answer_leaves_one_copy_and_is_never_sent_again(
    office: Office, mode: FaultMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huizong.stages.sending.Sender", partial(Sender, timeout=1))
    with FaultySmtp(mode) as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        assert drain(office) == {"sent": 0, "failed": 1, "cancelled": 0, "left": 0}
        faulty.mode = "ok"
        for _ in range(3):
            office.clock.sleep(3600)
            drain(office)
        assert list(copies(faulty).values()) == [1]
    assert row(office, letter).state == "unknown"
    (tried,) = attempts(office, letter)
    assert (tried.state, tried.stage, tried.ended_at is not None) == ("unknown", "data", True)


@pytest.mark.parametrize("mode", ["drop_at_mail", "drop_at_rcpt", "421_at_mail", "452_at_rcpt"])
def test_what_failed_before_the_text_was_sent_is_tried_again(office: Office, mode: FaultMode) -> None:
    with FaultySmtp(mode) as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        assert drain(office)["left"] == 1
        assert row(office, letter).state == "rejected_temporary"
        faulty.mode = "ok"
        office.clock.sleep(15 * 60)
        assert drain(office)["sent"] == 1
        assert list(copies(faulty).values()) == [1]
    assert [a.state for a in attempts(office, letter)] == ["rejected_temporary", "sent"]
    assert row(office, letter).attempts == 2


def test_a_server_that_breaks_every_line_is_not_asked_for_each_letter(office: Office) -> None:
    with FaultySmtp("drop_at_mail") as faulty:
        connect(office, faulty.port)
        ids = post(office, 10)
        assert drain(office)["left"] == 10
        assert faulty.logins == 3
        faulty.mode = "ok"
        assert drain(office)["sent"] == 10
        assert faulty.logins == 4
        faulty.mode = "accept_then_drop"
        ids = post(office, 10)
        drain(office)
        for _ in range(3):
            drain(office)  # the account rests
        states = [row(office, i).state for i in ids]
        assert states == ["unknown"] * 3 + ["queued"] * 7
        assert set(copies(faulty).values()) == {1}


def test_a_letter_that_is_put_off_for_days_becomes_a_persons_business(office: Office) -> None:
    with FaultySmtp("452_at_rcpt") as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        began = office.clock.now()
        while row(office, letter).state != "rejected_permanent":
            drain(office)
            early = office.clock.now() - began < timedelta(minutes=85)
            office.clock.sleep(300 if early else 4 * 3600)
        tried = [a.began_at for a in attempts(office, letter)]
        gaps = [(b - a).total_seconds() / 60 for a, b in zip(tried, tried[1:], strict=False)]
        assert gaps[:6] == [5, 5, 5, 10, 20, 35]  # 0, 2, 4, 8… minutes, at the clock's next stroke
        assert timedelta(days=3) <= tried[-1] - began <= timedelta(days=3, hours=8)
        assert "不再自动重试" in (row(office, letter).reply or "")
        assert f"letters:{CHANNEL}" in troubles(office)


def test_fifty_letters_keep_the_limits(office: Office) -> None:
    limit(office, "limits: {minute: 5, quarter_hour: 40, connection: 10}")
    with FaultySmtp("ok") as faulty:
        server = connect(office, faulty.port)
        connect(office, faulty.port, "mailbox-kx")  # another channel of the same account
        post(office, 40)
        post(office, 10, channel="mailbox-kx")
        began = office.clock.now()
        first = send(office.ctx, [CHANNEL, "mailbox-kx"], at("2022-05-24T09:00"))
        assert (first["sent"], first["left"]) == (40, 10)
        assert faulty.logins == 4
        assert office.clock.now() - began == timedelta(minutes=7)  # slept, five a minute
        assert send(office.ctx, ["mailbox-kx"], at("2022-05-24T09:00"))["sent"] == 0
        office.clock.sleep(8 * 60)
        assert send(office.ctx, ["mailbox-kx"], at("2022-05-24T09:00"))["sent"] == 10
        assert set(copies(faulty).values()) == {1}
    with office.ctx.ledger.read() as session:
        began_at = list(session.scalars(select(Attempt.began_at).order_by(Attempt.began_at)))
    for window, most in ((timedelta(minutes=1), 5), (timedelta(minutes=15), 40)):
        assert max(sum(a <= b < a + window for b in began_at) for a in began_at) == most
    assert account(office, server).paused_until is None


def test_the_days_limit_is_kept_over_many_runs(office: Office) -> None:
    limit(office, "limits: {day: 2}")
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        post(office, 5)
        sent = []
        for _ in range(9):
            sent.append(drain(office)["sent"])
            office.clock.sleep(8 * 3600)
        assert sent == [2, 0, 0, 2, 0, 0, 1, 0, 0]


def test_two_processes_send_each_letter_once(office: Office) -> None:
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        ids = post(office, 12)
        command = [Path(sys.executable).with_name("huizong"), "outbox", "send", "--json"]
        running = [subprocess.Popen(command, env=office.environ, stdout=subprocess.DEVNULL) for _ in range(2)]
        assert [process.wait(60) for process in running] == [0, 0]
        assert set(copies(faulty).values()) == {1}
        assert len(faulty.accepted) == 12
        assert faulty.logins <= 2
    assert {row(office, i).state for i in ids} == {"sent"}


class Locking(list[bytes]):
    """What a server accepted; with each letter somebody else takes the database and keeps it."""

    def __init__(self, database: Path) -> None:
        super().__init__()
        self.other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)

    def append(self, raw: bytes) -> None:
        self.other.execute("BEGIN IMMEDIATE")
        super().append(raw)


def test_an_answer_is_not_lost_while_the_database_is_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huizong.ledger.engine.BUSY_SECONDS", 1)
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        faulty.accepted = locking = Locking(office.home / "ledger.sqlite3")
        waited: list[float] = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                locking.other.rollback()

        monkeypatch.setattr(office.clock, "sleep", sleep)
        assert drain(office)["sent"] == 1
        assert len(waited) == 2
        locking.other.close()
    assert row(office, letter).state == "sent"


def test_claims_of_a_process_that_died_are_unknown(office: Office) -> None:
    with FaultySmtp("ok") as faulty:
        server = connect(office, faulty.port)
        ids = post(office, 2)
        with office.ctx.ledger.write() as session:
            session.get_one(Letter, ids[0]).state = "claimed"
        assert drain(office)["sent"] == 1
        assert [row(office, i).state for i in ids] == ["unknown", "sent"]
        with office.ctx.ledger.write() as session:
            stop(office.ctx, session, "smtp", server, "535")
        assert drain(office)["sent"] == 0  # nothing to send: nobody is told of the account again
        assert len(faulty.accepted) == 1


def test_a_stopped_account_does_not_hold_up_another(office: Office) -> None:
    with FaultySmtp("535_at_login") as refusing, FaultySmtp("ok") as well:
        connect(office, refusing.port)
        connect(office, well.port, "mailbox-kx")
        post(office)
        for expected in (OperatorError, StoppedError, StoppedError):
            post(office, channel="mailbox-kx")
            with pytest.raises(expected):
                send(office.ctx, [CHANNEL, "mailbox-kx"], at("2022-05-24T09:00"))
        assert (refusing.logins, len(well.accepted)) == (1, 3)
        (name,) = troubles(office)
        assert name.startswith("login:smtp:")


@pytest.mark.parametrize("wait", [timedelta(hours=1), None])
def test_what_an_address_may_not_get_waits_or_is_cancelled(
    office: Office, wait: timedelta | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = office.clock.now() + wait if wait else None

    def capped(*_: object) -> Cap | None:
        return Cap("该地址一小时内已收到5封", until) if until is None or office.clock.now() < until else None

    monkeypatch.setattr("huizong.stages.sending.capped", capped)
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        counts = drain(office)
        assert row(office, letter).reply == "该地址一小时内已收到5封"
        assert row(office, letter).attempts == 0
        if wait is None:
            assert (counts["cancelled"], row(office, letter).state) == (1, "cancelled")
        else:
            assert (counts["left"], row(office, letter).state) == (1, "queued")
            office.clock.sleep(3600)
            assert drain(office)["sent"] == 1
        assert len(faulty.accepted) == (0 if wait is None else 1)


def test_our_own_copy_goes_with_the_letter_and_only_with_it() -> None:
    with FaultySmtp("ok") as faulty:
        server = MailServer("127.0.0.1", faulty.port, OFFICE, "secret", ssl=False, starttls=False)
        with Sender(server, timeout=5) as sender:
            assert sender.send(CLERK, b"x\r\n", OFFICE).state == "sent"
            faulty.says[CLERK] = "550 Invalid User"
            assert sender.send(CLERK, b"x\r\n", OFFICE).state == "rejected_permanent"
            assert faulty.commands[-3:] == [f"MAIL FROM:<{OFFICE}>", f"RCPT TO:<{CLERK}>", "RSET"]
            faulty.says = {OFFICE: "550 RP:RCL"}
            assert sender.send(CLERK, b"x\r\n", OFFICE).state == "sent"
            faulty.says = {}
            assert sender.send(OFFICE, b"x\r\n", OFFICE).state == "sent"
        assert faulty.envelopes == [(CLERK, OFFICE), (CLERK,), (OFFICE,)]


def test_a_channel_that_proves_by_copies_sends_one_of_each_letter(office: Office) -> None:
    limit(office, "proof: blind_copy")
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        office.issue(send=True)
        assert len(faulty.envelopes) == 18
        assert all(envelope[1:] == (OFFICE,) for envelope in faulty.envelopes)
        assert {envelope[0] for envelope in faulty.envelopes} == {unit.address for unit in units(PROJECT)}
        assert faulty.logins == 1
