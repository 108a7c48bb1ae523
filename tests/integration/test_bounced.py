"""Bounces: which letter, which contact, who is told; and what must not be taken for one."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from outboxing import CHANNEL, troubles
from sqlalchemy import select

from huizong.ledger.tables import Contact, Delivery, Letter
from huizong.stages.alarms import close_alarm
from huizong_demo.cycle import units
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, BOUNCING, OFFICE, answer, inbox
from office import CYCLE, PROJECT, Office

UNIT, OTHER = "410702", "410703"
SECOND = "hongqi2@xinxiang.example"
NOW, DUE_DAY = "2022-05-25T10:00", "2022-06-20T10:00"


def letters_to(office: Office, address: str) -> list[Letter]:
    with office.ctx.ledger.read() as session:
        return list(session.scalars(select(Letter).where(Letter.address == address).order_by(Letter.id)))


def invalid(office: Office, address: str) -> bool:
    with office.ctx.ledger.read() as session:
        return (
            session.scalars(select(Contact).where(Contact.address == address)).one().invalid_since is not None
        )


def report(
    to: str, about: str = "", *, status: str = "5.1.1", action: str = "failed", sender: str = "MAILER-DAEMON"
) -> bytes:
    """A report as mail programs write it; `about` is the Message-ID that it names."""
    quoted = f"--R\nContent-Type: text/rfc822-headers\n\nMessage-ID: {about}\n" if about else ""
    sender = sender if "@" in sender else f"{sender}@mx.example"
    text = (
        f"From: {sender}\nTo: {OFFICE}\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=R\n\n"
        "--R\nContent-Type: text/plain\n\nsorry\n--R\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {to}\nAction: {action}\n"
        f"Status: {status}\nDiagnostic-Code: smtp; 550 {status} it says\n\n{quoted}--R--\n"
    )
    return text.replace("\n", "\r\n").encode()


def unreachable(office: Office) -> list[str]:
    """What the alarm lists."""
    trouble = troubles(office).get(f"undeliverable:{CYCLE}")
    return trouble.lines if trouble else []


def write_roster(roster: Path, address: str, now: str) -> None:
    roster.write_text(roster.read_text(encoding="utf-8").replace(address, now), encoding="utf-8")


def come(office: Office, server: EmbeddedMailServer, *mails: bytes) -> None:
    for raw in mails:
        server.deliver(OFFICE, raw)
    office.clock.sleep(60)
    office.receive(NOW, CHANNEL)


def test_a_bad_address_is_given_up_and_the_operator_told_until_the_unit_writes(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    address = ADDRESS[UNIT]
    (notice,) = letters_to(mailing, address)
    come(mailing, server, report(address, notice.message_id))
    (notice,) = letters_to(mailing, address)
    assert (notice.state, "550 5.1.1" in (notice.reply or "")) == ("bounced", True)
    assert mailing.unit(UNIT)["status"] == "undeliverable"
    assert f"{UNIT} 红旗区：{address}" in unreachable(mailing)
    mailing.chase(DUE_DAY, send=True)
    assert len(letters_to(mailing, address)) == 1  # nobody writes to it any more
    mailing.clock.sleep(60)
    answer(server, address, "邮箱已恢复，请问报送截止到哪一天？")
    mailing.receive(DUE_DAY, CHANNEL)
    assert UNIT not in "".join(unreachable(mailing))
    assert not invalid(mailing, address)
    # The demo server's own bounce of another unit stands by itself.
    assert mailing.unit(BOUNCING)["status"] == "undeliverable"


def test_the_other_contact_has_the_notice_and_gets_the_reminders(
    office: Office, server: EmbeddedMailServer, request: pytest.FixtureRequest
) -> None:
    folder = office.home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    roster = folder / "roster.csv"
    first = ADDRESS[UNIT]
    roster.write_text(
        roster.read_text(encoding="utf-8").replace(first, f"{first};{SECOND}"), encoding="utf-8"
    )
    mailing: Office = request.getfixturevalue("mailing")
    (notice,) = letters_to(mailing, first)
    assert [letter.kind for letter in letters_to(mailing, SECOND)] == ["notice"]
    come(mailing, server, report(first, notice.message_id))
    assert invalid(mailing, first)
    assert mailing.unit(UNIT)["status"] == "not_started"
    assert UNIT not in "".join(unreachable(mailing))
    mailing.chase(DUE_DAY)
    assert [letter.kind for letter in letters_to(mailing, SECOND)] == ["notice", "reminder"]
    assert [letter.kind for letter in letters_to(mailing, first)] == ["notice"]
    (second, _) = letters_to(mailing, SECOND)
    come(mailing, server, report(SECOND, second.message_id))
    assert UNIT in "".join(unreachable(mailing))
    new = "hongqi3@xinxiang.example"
    write_roster(roster, SECOND, new)
    mailing.issue("2022-06-21T09:00")  # follows the roster, and writes to whom nobody has written yet
    mailing.receive("2022-06-21T10:00", CHANNEL)
    assert UNIT not in "".join(unreachable(mailing))
    assert [letter.kind for letter in letters_to(mailing, new)] == ["notice"]


def test_what_is_no_wrong_address_gives_nobody_up(mailing: Office, server: EmbeddedMailServer) -> None:
    address, other = ADDRESS[UNIT], ADDRESS[OTHER]
    (notice,), (second,) = letters_to(mailing, address), letters_to(mailing, other)
    come(
        mailing, server,
        report(address, notice.message_id, action="delayed", status="4.4.1"),
        report(OFFICE, notice.message_id, status="5.2.2"),  # only the copy to ourselves came back
        report(address, "<somebody.elses@xinxiang.example>"),  # a colleague's letter
        report("another@far.example"),
        report(address, sender="stranger@evil.example"),  # no mailer, and it names nothing of ours
    )  # fmt: skip
    assert [letter.state for letter in letters_to(mailing, address)] == ["sent"]
    assert not invalid(mailing, address)
    come(mailing, server, report(other, second.message_id, status="5.2.2"))
    assert [letter.state for letter in letters_to(mailing, other)] == ["bounced"]
    assert not invalid(mailing, other)
    with mailing.ctx.ledger.read() as session:
        bounces = session.scalars(select(Delivery).where(Delivery.disposition == "bounce")).all()
    assert all(delivery.reason for delivery in bounces)
    assert all(mail.in_reply_to == "" for mail in inbox(server, address))  # nobody answered a robot


def test_a_mailers_report_that_names_no_letter_is_about_the_newest_to_that_address(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    come(mailing, server, report(ADDRESS[UNIT].upper()))
    assert [letter.state for letter in letters_to(mailing, ADDRESS[UNIT])] == ["bounced"]
    mailing.clock.instant += timedelta(days=8)
    come(mailing, server, report(ADDRESS[OTHER]))
    assert [letter.state for letter in letters_to(mailing, ADDRESS[OTHER])] == ["sent"]
    assert not invalid(mailing, ADDRESS[OTHER])


def test_however_many_units_one_run_finds_unreachable_the_operator_gets_one_letter(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    mailing.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = mailing.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"]
    del mailing.ctx
    asked = {unit.code: unit.address for unit in units(PROJECT)}  # those to whom this mailbox writes
    come(mailing, server, *(report(address) for address in asked.values()))
    told = [x["subject"] for x in mailing.letters(kind="alarm") if "无法送达" in x["subject"]]
    assert [subject.partition("等")[2] for subject in told] == [f"{len(asked)}家单位的邮箱无法送达"]
    assert all(unit in "".join(unreachable(mailing)) for unit in asked)
    mailing.clock.sleep(60)
    close_alarm(mailing.ctx, f"undeliverable:{CYCLE}", by="小李", reason="已逐家电话联系")
    come(mailing, server)
    assert unreachable(mailing) == []


def test_a_bounce_settles_only_what_has_left(mailing: Office, server: EmbeddedMailServer) -> None:
    for unit, state, after in (
        (UNIT, "queued", "queued"),
        (OTHER, "unknown", "bounced"),
        ("410704", "claimed", "bounced"),
    ):
        (notice,) = letters_to(mailing, ADDRESS[unit])
        with mailing.ctx.ledger.write() as session:
            session.get_one(Letter, notice.id).state = state
        come(mailing, server, report(ADDRESS[unit], notice.message_id))
        assert [letter.state for letter in letters_to(mailing, ADDRESS[unit])] == [after]
        assert invalid(mailing, ADDRESS[unit])
