"""What is wrong with one letter, one address or one connection is no trouble of the others."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest
from mailbed import FaultySmtp
from outboxing import CHANNEL, account, attempts, connect, copies, drain, limit, post, row, troubles

from huizong.connections import MailServer
from huizong.errors import HuizongError, UsageError
from huizong.ledger.tables import Letter
from huizong.stages.accounts import StoppedError, check_account, login_refused, login_worked, stop
from huizong.stages.outbox import drop, resolve
from huizong.stages.send import channels_to_send
from huizong.stages.settling import settle
from office import CYCLE, Office

NAME = f"letters:{CHANNEL}"


@pytest.mark.parametrize("said", ["450 4.1.2 Recipient address rejected: Domain not found", "450 MI:CEL"])
def test_an_address_that_is_put_off_lets_the_others_go_first(office: Office, said: str) -> None:
    with FaultySmtp("ok") as faulty:
        server = connect(office, faulty.port)
        bad, *good = post(office, 3)
        faulty.says[row(office, bad).address] = said
        began = office.clock.now()
        drain(office)
        assert (account(office, server).paused_until is not None) == ("MI:CEL" in said)
        office.clock.sleep(16 * 60)
        drain(office)
        assert [row(office, i).state for i in good] == ["sent", "sent"]
        while row(office, bad).state != "rejected_permanent":
            assert office.clock.now() - began < timedelta(days=4)
            office.clock.sleep(4 * 3600)
            drain(office)
        assert office.clock.now() - began >= timedelta(days=3)
        assert len(attempts(office, bad)) < 40
    assert NAME in troubles(office)


def test_a_letter_that_cannot_be_made_is_held_and_told_and_the_others_go(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        bad, *good = post(office, 3)
        with office.ctx.ledger.write() as session:
            letter = session.get_one(Letter, bad)
            letter.mime, letter.context = None, {"letter": {"kind": "a word that no template has"}}
            kept = dict(letter.context)
        assert drain(office)["sent"] == 2
        assert [row(office, i).state for i in good] == ["sent", "sent"]
        held = row(office, bad)
        assert (held.state, held.attempts) == ("rejected_temporary", 0)
        assert "未能生成" in troubles(office)[NAME].lines[1]
        assert kept == held.context
        office.clock.sleep(3600)
        monkeypatch.setattr("huizong.stages.sending.freeze", lambda *_: row(office, good[0]).mime)
        assert drain(office)["sent"] == 1  # somebody has mended the template
        assert troubles(office) == {}


def test_what_waits_for_its_turn_costs_no_bytes_in_the_store(office: Office) -> None:
    limit(office, "limits: {day: 1}")
    office.issue()
    folder = Path(office.ctx.store.url.removeprefix("file://"))
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        drain(office)
        before = sum(path.is_file() for path in folder.rglob("*"))
        for _ in range(3):
            office.clock.sleep(300)
            drain(office)
        assert sum(path.is_file() for path in folder.rglob("*")) == before
        assert len(faulty.accepted) == 1


def test_limits_hold_while_the_cycles_file_is_broken(office: Office) -> None:
    limit(office, "limits: {day: 1}, proof: blind_copy")
    office.issue()
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        drain(office)
        file = office.home / "cycles" / CYCLE / "cycle.yaml"
        written = file.read_text(encoding="utf-8")
        for broken in ("title: [broken\n", written.replace("day: 1", "day: one"), ""):
            file.write_text(broken, encoding="utf-8")
            drain(office)
        assert len(faulty.envelopes) == 1
        office.clock.sleep(timedelta(days=1).total_seconds())
        drain(office)
        assert [len(envelope) for envelope in faulty.envelopes] == [2, 2]


def test_a_run_ends_before_a_scheduler_would_end_it(office: Office) -> None:
    limit(office, "limits: {minute: 2}")
    office.issue()
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        post(office, 40)
        began = office.clock.now()
        assert drain(office)["left"] > 0
        assert office.clock.now() - began <= timedelta(minutes=16)
        while drain(office)["left"]:
            pass  # the next runs go on
        assert set(copies(faulty).values()) == {1}


class _Particular(FaultySmtp):
    """Takes one password only, and keeps those that it saw."""

    def __init__(self) -> None:
        super().__init__("ok")
        self.passwords: list[str] = []

    def _answer(self, line: IO[bytes], words: str, taken: list[str]) -> bool:
        if not words.upper().startswith("AUTH PLAIN"):
            return super()._answer(line, words, taken)
        self.passwords.append(base64.b64decode(words.split()[2]).split(b"\0")[-1].decode())
        right = self.passwords[-1] == "secret"
        return self._say(line, "235 ok" if right else "535 Error: authentication failed")


def test_a_wrong_code_beside_a_right_one_is_tried_once(office: Office) -> None:
    with _Particular() as faulty:
        connect(office, faulty.port)
        connect(office, faulty.port, "operator", "wrong")
        post(office, 1, channel="operator")
        for _ in range(4):
            post(office)
            with pytest.raises(HuizongError, match="授权码"):
                drain(office)
            office.clock.sleep(300)
        assert faulty.passwords.count("wrong") == 1
        assert len(faulty.accepted) == 4
        connect(office, faulty.port, "operator")
        drain(office)
        assert len(faulty.accepted) >= 5


def test_each_password_is_counted_for_itself(office: Office) -> None:
    right, wrong = (
        MailServer("imap.example", 993, "kjj@xinxiang.example", password, ssl=True, starttls=False)
        for password in ("right", "wrong")
    )
    for _ in range(3):
        for server, says in ((right, login_worked), (wrong, None)):
            assert check_account(office.ctx, "imap", server) is None
            with office.ctx.ledger.write() as session:
                if says is None:
                    login_refused(office.ctx, session, "imap", server, "no")
                else:
                    says(office.ctx, session, "imap", server)
    for _ in range(2):
        with pytest.raises(StoppedError, match="授权码"):
            check_account(office.ctx, "imap", wrong)
        assert check_account(office.ctx, "imap", right) is None


def test_a_login_does_not_lift_a_stop_that_is_not_about_logging_in(office: Office) -> None:
    server = connect(office, 1)
    with office.ctx.ledger.write() as session:
        stop(office.ctx, session, "smtp", server, "一小时内已自动答复300封")
        login_worked(office.ctx, session, "smtp", server)
    for password in ("secret", "another"):
        with pytest.raises(StoppedError, match="300"):
            check_account(office.ctx, "smtp", connect(office, 1, password=password))


def test_a_letter_that_came_back_is_sent_again_or_given_up_by_a_person(office: Office) -> None:
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        first, second = post(office, 2)
        drain(office)
        with office.ctx.ledger.write() as session:
            for i in (first, second):
                letter = session.get_one(Letter, i)
                letter.state, letter.reply = "bounced", "552 5.2.2 mailbox full"
                letter.context = {**letter.context, "address_kept": i == first}
        settle(office.ctx)
        (trouble,) = troubles(office).values()
        assert (trouble.title, len(trouble.lines)) == (f"渠道 {CHANNEL} 有信件被退回", 3)
        assert "被退回：552 5.2.2 mailbox full" in trouble.lines[1]
        with pytest.raises(UsageError, match="不需要"):
            resolve(office.ctx, first, "sent", by="王芳", reason="已查")
        resolve(office.ctx, first, "resend", by="王芳", reason="对方已清理邮箱")
        assert troubles(office) == {}
        drop(office.ctx, second, by="王芳", reason="已电话通知")
        assert drain(office)["sent"] == 1
        assert [row(office, i).state for i in (first, second)] == ["sent", "cancelled"]


def test_a_channel_that_nobody_has_is_named_with_those_there_are(office: Office) -> None:
    office.issue()
    with pytest.raises(UsageError, match=rf"“nosuch”，现有：.*{CHANNEL}"):
        channels_to_send(office.ctx, "nosuch")
    assert channels_to_send(office.ctx, CHANNEL) == [CHANNEL]
