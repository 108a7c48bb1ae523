"""What one address, and one account, may get of letters that nobody signs one by one."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from huizong.connections import MailServer
from huizong.errors import UsageError
from huizong.ledger.tables import Event, EventPerson, Letter
from huizong.stages.accounts import StoppedError, check_account, stop
from huizong.stages.alarms import open_troubles
from huizong.stages.caps import LETTERS_A_DAY, REPLIES_A_DAY, REPLIES_AN_HOUR, STORM, Cap, capped
from huizong.stages.resuming import resume_accounts
from huizong.stages.status import outbox
from huizong.stages.suppression import end_chatter, lift, suppress, unanswered
from office import Office

CHANNEL, ADDRESS = "mailbox-kjj", "clerk@county.example"
SMTP = MailServer("mail.example", 465, "kjj@xinxiang.example", "code", True, False)


@pytest.fixture
def sending(office: Office) -> Office:
    """An installation that can send and has issued nothing: these rules know letters only."""
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"] = "smtp://kjj%40xinxiang.example:code@mail.example:465/"
    return office


def letter(office: Office, number: int, **columns: Any) -> Letter:
    given = {
        "kind": "receipt", "channel": CHANNEL, "cycle": "c", "collection": "k", "unit": "u",
        "address": ADDRESS, "state": "queued", "claimed_at": None,
    } | columns  # fmt: skip
    return Letter(
        id=number + 1, key=f"reply:{number}:{given['address']}:{given['kind']}",
        addressee="", subject="回执", context={},
        message_id=f"<{number}.{given['kind']}@xinxiang.example>", attachments=[], attempts=0,
        queued_at=office.clock.now(), **given,
    )  # fmt: skip


def sent(office: Office, *ages: timedelta, first: int = 0, **columns: Any) -> None:
    """Letters that left so long ago."""
    with office.ctx.ledger.write() as session:
        session.add_all(
            letter(
                office,
                number,
                **{"state": "sent", "claimed_at": office.clock.now() - age, **columns},
            )
            for number, age in enumerate(ages, start=first)
        )


def cap(office: Office, **columns: Any) -> Cap | None:
    """What is said of one more letter."""
    with office.ctx.ledger.write() as session:
        row = letter(office, 100_000, **columns)
        session.add(row)
        session.flush()
        found = capped(office.ctx, session, row)
        session.delete(row)
    return found


def troubles(office: Office) -> list[str]:
    with office.ctx.ledger.read() as session:
        return [trouble.name for trouble in open_troubles(session)]


def minutes(*values: float) -> list[timedelta]:
    return [timedelta(minutes=value) for value in values]


def test_five_replies_an_hour_and_the_sixth_when_there_is_room(sending: Office) -> None:
    sent(sending, *minutes(50, 40, 30, 20))
    assert cap(sending) is None
    sent(sending, *minutes(10), first=10)
    held = cap(sending)
    assert held is not None
    assert held.until == sending.clock.now() + timedelta(minutes=10)  # the one of 50 minutes ago is gone then
    assert troubles(sending) == []
    sending.clock.sleep(10 * 60)
    assert cap(sending) is None


def test_twenty_replies_a_day_and_the_operator_is_told_once(sending: Office) -> None:
    sent(sending, *(timedelta(hours=n + 1) for n in range(REPLIES_A_DAY)))
    held = cap(sending)
    assert held is not None
    assert held.until == sending.clock.now() + timedelta(hours=4)
    assert troubles(sending) == [f"chatter:{ADDRESS}"]
    cap(sending)
    assert len(troubles(sending)) == 1
    assert cap(sending, address="other@county.example") is None


def test_of_many_replies_over_the_cap_only_the_last_waits(sending: Office) -> None:
    sent(sending, *(timedelta(hours=n + 1) for n in range(REPLIES_A_DAY)))
    sent(sending, timedelta(), first=200_000, state="queued", claimed_at=None)  # a later one of the same unit
    held = cap(sending)
    assert held is not None
    assert held.until is None


@pytest.mark.parametrize("state", ["claimed", "unknown", "bounced"])
def test_a_letter_that_may_have_arrived_counts(sending: Office, state: str) -> None:
    sent(sending, *minutes(*range(REPLIES_AN_HOUR)), state=state)
    assert cap(sending) is not None


@pytest.mark.parametrize("state", ["rejected_temporary", "rejected_permanent", "cancelled"])
def test_a_letter_that_did_not_arrive_does_not(sending: Office, state: str) -> None:
    sent(sending, *minutes(*range(REPLIES_AN_HOUR)), state=state)
    assert cap(sending) is None


def test_reminders_and_replies_together_are_thirty_a_day(sending: Office) -> None:
    sent(sending, *(timedelta(hours=2, minutes=n) for n in range(LETTERS_A_DAY)), kind="reminder")
    for kind in ("reminder", "nudge", "receipt"):
        held = cap(sending, kind=kind)
        assert held is not None
        assert held.until == sending.clock.now() + timedelta(hours=21, minutes=31)
    assert troubles(sending) == []


@pytest.mark.parametrize("kind", ["notice", "result", "formal_notice", "alarm"])
def test_what_a_person_approved_is_neither_counted_nor_held_up(sending: Office, kind: str) -> None:
    sent(sending, *minutes(*range(40)), kind=kind)
    assert cap(sending, kind=kind) is None
    assert cap(sending) is None


def test_an_alarm_is_never_held_up(sending: Office) -> None:
    sent(sending, *minutes(*range(40)))
    assert cap(sending, channel="operator", kind="alarm") is None


# --- the account as a whole --------------------------------------------------------------------------


def storm(office: Office, count: int, first: int = 0, channel: str = CHANNEL) -> None:
    with office.ctx.ledger.write() as session:
        session.add_all(
            letter(office, n, address=f"a{n}@county.example", state="sent", channel=channel,
                   claimed_at=office.clock.now() - timedelta(minutes=5))
            for n in range(first, first + count)
        )  # fmt: skip


def test_an_account_that_answers_without_end_is_stopped(sending: Office) -> None:
    storm(sending, STORM - 1)
    assert cap(sending) is None
    storm(sending, 1, first=STORM)
    held = cap(sending)
    assert held is not None
    assert held.stopped
    assert held.until is not None  # the reply waits, it is not given up
    with pytest.raises(StoppedError, match="相互答复"):
        check_account(sending.ctx, "smtp", SMTP)
    assert troubles(sending) == ["login:smtp:mail.example:465:kjj@xinxiang.example"]

    resume_accounts(sending.ctx, CHANNEL, by="张某", reason="已停止对程序的答复")
    assert check_account(sending.ctx, "smtp", SMTP) is None
    sending.clock.sleep(60)
    assert cap(sending) is None  # what was before, a person has looked at
    assert troubles(sending) == []


def test_as_many_replies_as_there_are_units_are_no_storm(sending: Office) -> None:
    from huizong.ledger.tables import FrameUnit

    with sending.ctx.ledger.write() as session:
        session.add_all(
            FrameUnit(cycle="c", version=version, collection="k", unit=f"u{n}", position=n)
            for version in (1, 2)
            for n in range(3000)
        )
    storm(sending, 3000)
    assert cap(sending) is None
    storm(sending, 3000, first=3000)
    assert cap(sending) is not None


def test_another_account_is_none_of_this_ones_business(sending: Office) -> None:
    sending.environ["AIRFLOW_CONN_MAILBOX_KX_SMTP"] = "smtp://kx%40xinxiang.example:code@mail.example:465/"
    storm(sending, STORM, channel="mailbox-kx")
    assert cap(sending) is None
    assert cap(sending, channel="mailbox-kx") is not None


def test_a_claim_among_thousands_of_letters_costs_milliseconds(sending: Office) -> None:
    storm(sending, 280)
    with sending.ctx.ledger.write() as session:
        session.add_all(letter(sending, n, address=f"a{n}@county.example", state="queued")
                        for n in range(1000, 4000))  # fmt: skip
        session.add_all(
            letter(sending, n, address=f"a{n}@county.example", state="sent", kind="notice",
                   claimed_at=sending.clock.now() - timedelta(minutes=5))
            for n in range(4000, 7000)
        )  # fmt: skip
    with sending.ctx.ledger.write() as session:
        rows = session.scalars(select(Letter).where(Letter.state == "queued").limit(200)).all()
        began = time.process_time()
        assert not any(capped(sending.ctx, session, row) for row in rows)
        assert (time.process_time() - began) / len(rows) < 0.005


# --- what a person decides ---------------------------------------------------------------------------


def test_a_suppressed_address_gets_reminders_and_no_replies(sending: Office) -> None:
    suppress(sending.ctx, ADDRESS.upper(), by="张某", reason="自动回复程序", days=2)
    held = cap(sending)
    assert held is not None
    assert held.until == sending.clock.now() + timedelta(days=2)  # it waits, and is not given up
    assert "自动回复程序" in held.reason
    assert cap(sending, kind="reminder") is None
    sending.clock.sleep(2 * 86400)
    assert cap(sending) is None


def test_a_reply_waits_until_the_suppression_is_lifted(sending: Office) -> None:
    suppress(sending.ctx, ADDRESS, by="张某", reason="自动回复程序")
    listed = outbox(sending.ctx)["suppressions"]
    assert [(row["address"], row["until"], row["by"]) for row in listed] == [(ADDRESS, None, "张某")]
    held = cap(sending)
    assert held is not None
    with sending.ctx.ledger.write() as session:
        session.add(letter(sending, 1, not_before=held.until, reply=held.reason))
    sending.clock.sleep(400 * 86400)
    assert cap(sending) is not None
    with sending.ctx.ledger.read() as session:
        ((unit, (note,)),) = unanswered(session, "c", sending.clock.now()).items()
    assert unit == ("k", "u")
    assert "请电话告知该单位" in note
    lift(sending.ctx, ADDRESS, by="李某", reason="已关闭自动回复")
    with sending.ctx.ledger.read() as session:
        waiting = session.get_one(Letter, 2)
        assert (waiting.state, waiting.not_before, waiting.reply) == ("queued", None, None)
        assert unanswered(session, "c", sending.clock.now()) == {}
    assert outbox(sending.ctx)["suppressions"] == []


def test_the_breaker_does_not_search_the_log(sending: Office) -> None:
    storm(sending, STORM)
    cap(sending)
    resume_accounts(sending.ctx, CHANNEL, by="张某", reason="已停止对程序的答复")
    asked: list[str] = []
    listen(sending.ctx.ledger.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert cap(sending) is None
    assert asked
    assert not [statement for statement in asked if "FROM event" in statement]


def test_lifting_lets_replies_out_again_and_is_logged(sending: Office) -> None:
    suppress(sending.ctx, ADDRESS, by="张某", reason="自动回复程序")
    lift(sending.ctx, ADDRESS, by="李某", reason="已关闭自动回复")
    assert cap(sending) is None
    with sending.ctx.ledger.read() as session:
        kinds = session.scalars(select(Event.kind).order_by(Event.id)).all()
        people = session.scalars(select(EventPerson.by).order_by(EventPerson.event_id)).all()
    assert (list(kinds), list(people)) == (["suppressed", "suppression_lifted"], ["张某", "李某"])
    with pytest.raises(UsageError, match="没有停止自动答复"):
        lift(sending.ctx, ADDRESS, by="李某", reason="再来一次")


@pytest.mark.parametrize(("by", "reason"), [("", "理由"), ("张某", " ")])
def test_decisions_have_a_name_and_a_reason(sending: Office, by: str, reason: str) -> None:
    for decide in (suppress, lift):
        with pytest.raises(UsageError, match="--by"):
            decide(sending.ctx, ADDRESS, by=by, reason=reason)
    with pytest.raises(UsageError, match="--by"):
        resume_accounts(sending.ctx, CHANNEL, by=by, reason=reason)


def test_what_is_no_address_cannot_be_suppressed(sending: Office) -> None:
    with pytest.raises(UsageError):
        suppress(sending.ctx, "某县科技局", by="张某", reason="自动回复")
    with pytest.raises(UsageError, match="正整数"):
        suppress(sending.ctx, ADDRESS, by="张某", reason="自动回复", days=0)
    with pytest.raises(UsageError, match="3650"):
        suppress(sending.ctx, ADDRESS, by="张某", reason="自动回复", days=99_999_999)


def test_resuming_names_what_it_did_or_why_there_is_nothing_to_do(sending: Office) -> None:
    with pytest.raises(UsageError, match="没有配置邮件连接"):
        resume_accounts(sending.ctx, "mailbox-none", by="张某", reason="已更换授权码")
    with pytest.raises(UsageError, match="没有停用"):
        resume_accounts(sending.ctx, CHANNEL, by="张某", reason="已更换授权码")
    with sending.ctx.ledger.write() as session:
        stop(sending.ctx, session, "smtp", SMTP, "授权码错误")
    done = resume_accounts(sending.ctx, CHANNEL, by="张某", reason="已更换授权码")
    assert done["resumed"] == ["smtp:mail.example:465:kjj@xinxiang.example"]


def test_the_trouble_is_over_when_the_address_is_quiet(sending: Office) -> None:
    sent(sending, *(timedelta(hours=n + 1) for n in range(REPLIES_A_DAY)))
    cap(sending)
    for hours, over in ((1, 0), (8, 0), (16, 1)):
        sending.clock.sleep(hours * 3600)
        with sending.ctx.ledger.write() as session:
            assert end_chatter(sending.ctx, session) == over
    assert troubles(sending) == []
