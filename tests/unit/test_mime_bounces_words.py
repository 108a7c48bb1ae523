"""What is a bounce and what only speaks of one; what it says of the address."""

from __future__ import annotations

import pytest

from huizong.mime.bounces import Bounce, parse_bounce


def mail(
    text: str, *, sender: str = "postmaster@mx.example", subject: str = "Undelivered Mail", head: str = ""
) -> bytes:
    lines = [
        f"From: {sender}", "To: kjj@xinxiang.example", f"Subject: {subject}", *head.splitlines(),
        "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "",
        text,
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def read(raw: bytes) -> Bounce:
    bounce = parse_bounce(raw)
    assert bounce is not None
    return bounce


POSTFIX = """This is the mail system at host mx.example.
If you need help, send mail to postmaster@mx.example.

<gone@county.example>: host mail.county.example said: 550 5.1.1 User unknown (in reply to RCPT TO command)
"""
DIALOGUE = (
    "Sent <<< RCPT TO:<gone@county.example>\nReceived >>> 550 no such user here\n\nask help@county.example"
)
QUOTING = (
    "<gone@county.example>\nUser unknown\n\nReceived: from a.example\nTo: other@county.example 554 5.7.1 x"
)


@pytest.mark.parametrize("text", [POSTFIX, DIALOGUE, QUOTING])
def test_the_address_complained_of_is_found_among_others(text: str) -> None:
    bounce = read(mail(text))
    assert (bounce.recipient, bounce.kind, bounce.is_bad_address) == (
        "gone@county.example",
        "permanent",
        True,
    )


@pytest.mark.parametrize(
    ("text", "kind", "bad"),
    [
        ("<a@county.example>: 552 5.2.2 mailbox full", "temporary", False),
        ("<a@county.example>: 550 Mailbox is over quota", "temporary", False),
        ("收件人邮箱已满，a@county.example 无法接收，550", "temporary", False),
        ("<a@county.example>: 554 DT:SPM mx, please see the help page", "permanent", False),
        ("<a@county.example>: 552 5.3.4 message too big", "permanent", False),
        ("<a@county.example>: 550 5.1.1 rejected by policy: no such user", "permanent", True),
        ("<a@county.example>: 451 4.7.1 greylisted", "temporary", False),
        ("Your message to a@county.example is delayed. You need do nothing, delivery attempts will continue.",
         "delayed", False),
        ("邮件 a@county.example 投递延迟，系统仍在尝试", "delayed", False),
    ],
)  # fmt: skip
def test_only_a_wrong_address_is_given_up(text: str, kind: str, *, bad: bool) -> None:
    bounce = read(mail(text))
    assert (bounce.kind, bounce.is_bad_address) == (kind, bad)


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("mdaemon@mx.example", "Permanent Delivery Failure", "x"),
        ("imss@mx.example", "Mail could not be delivered", "Received >>> 550 unknown user"),
        ("<>", "Undeliverable: a@county.example", "Did not reach the following recipient: a@county.example"),
        ("scan@mx.example", "Delivery failure notification", "could not be delivered to a@county.example"),
        ("admin@mx.example", "来自系统的邮件投递失败通知", "550 user not found: a@county.example"),
    ],
)
def test_bounces_in_words_from_programs_of_all_names(sender: str, subject: str, text: str) -> None:
    assert parse_bounce(mail(text, sender=sender, subject=subject)) is not None


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: 系统退信", "上次的邮件被退回了，再发一次。"),
        ("关于邮件无法送达的说明", "贵局邮箱无法投递，现将材料重新报送，活动550场。"),
        ("转发：Undelivered Mail Returned to Sender", "请看，550 5.1.1"),
        ("Delivery of our report", "Please find the report of our county below."),
        ("红旗区科技活动周统计表", "共举办活动 550 场，受众 4.2.1 万人。"),
        ("Message from the county", "550 people came"),
    ],
)
def test_a_persons_mail_is_no_bounce(subject: str, text: str) -> None:
    assert parse_bounce(mail(text, sender="clerk@county.example", subject=subject)) is None


def test_what_comes_with_a_file_of_its_own_is_no_bounce() -> None:
    raw = (
        "From: clerk@county.example\r\nSubject: Delivery failure\r\n"
        "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\n"
        "could not be delivered, so once more\r\n--B\r\nContent-Type: application/vnd.ms-excel\r\n"
        "Content-Disposition: attachment; filename=a.xls\r\n\r\nx\r\n--B--\r\n"
    )
    assert parse_bounce(raw.encode()) is None


def test_a_person_may_write_like_a_mailer_but_not_from_its_address() -> None:
    forged = read(mail("<a@county.example>: 550 5.1.1", sender="stranger@evil.example"))
    assert not forged.from_mailer
    assert read(mail("<a@county.example>: 550 5.1.1")).from_mailer
    assert read(mail("<a@county.example>: 550", sender="x@mx.example", head="Return-Path: <>")).from_mailer
