"""Bounces: which letter, which address, for good or for now."""

from __future__ import annotations

import pytest

from huizong.mime.bounces import Bounce, parse_bounce

ORIGINAL = "Message-ID: <letter.1@xinxiang.example>\nFrom: kjj@xinxiang.example\nSubject: x\n\nbody\n"


def report(status: str, original: str = ORIGINAL, kind: str = "message/rfc822", head: str = "") -> bytes:
    text = (
        f"From: MAILER-DAEMON@mx.example\nTo: kjj@xinxiang.example\nSubject: Undelivered\n{head}"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=R\n\n"
        "--R\nContent-Type: text/plain\n\nsorry\n"
        f"--R\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--R\nContent-Type: {kind}\n\n{original}\n--R--\n"
    )
    return text.replace("\n", "\r\n").encode()


def block(action: str = "failed", status: str = "5.1.1", diagnostic: str = "") -> str:
    lines = (
        f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; Gone@County.example\nAction: {action}\n"
    )
    return lines + f"Status: {status}\n" + (f"Diagnostic-Code: {diagnostic}\n" if diagnostic else "")


def read(raw: bytes) -> Bounce:
    bounce = parse_bounce(raw)
    assert bounce is not None
    return bounce


def test_a_standard_report() -> None:
    bounce = read(report(block(diagnostic="smtp; 550 5.1.1 <gone@county.example>: User unknown")))
    assert bounce.kind == "permanent"
    assert bounce.original_message_id == "<letter.1@xinxiang.example>"
    assert bounce.recipient == "gone@county.example"
    assert (bounce.status, bounce.code) == ("5.1.1", 550)


def test_coremails_single_block_says_the_truth_in_the_diagnostic_text() -> None:
    one = (
        "Reporting-MTA: dns; 163.example\nFinal-Recipient: rfc822; gone@county.example\nAction: failed\n"
        "Status: 5.0.0\nDiagnostic-Code: smtp; SMTP error, RCPT TO: 450 4.2.1 mailbox busy\n"
    )
    bounce = read(report(one, kind="Message/Rfc822", head="X-CM-Original-Message-ID: <other@x.example>\n"))
    assert (bounce.kind, bounce.status, bounce.code) == ("temporary", "4.2.1", 450)
    assert bounce.original_message_id == "<letter.1@xinxiang.example>"


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind"),
    [
        ("failed", "5.0.0", "smtp; 550 User not found", "permanent"),
        ("failed", "5.0.0", "smtp; 452 Out of storage", "temporary"),
        ("failed", "4.4.7", "smtp; delivery time expired", "temporary"),
        ("delayed", "4.4.1", "smtp; 421 busy", "delayed"),
    ],
)
def test_for_good_or_for_now(action: str, status: str, diagnostic: str, kind: str) -> None:
    assert read(report(block(action, status, diagnostic))).kind == kind


def test_a_report_of_success_is_no_bounce() -> None:
    assert parse_bounce(report(block("delivered", "2.0.0"))) is None


def test_original_known_by_its_headers_or_by_coremails_header() -> None:
    headers = report(block(), ORIGINAL.split("\n\n")[0], "text/rfc822-headers")
    assert read(headers).original_message_id == "<letter.1@xinxiang.example>"
    none = report(block(), "Subject: x", "text/plain", "X-CM-Original-Message-ID: <cm@xinxiang.example>\n")
    assert read(none).original_message_id == "<cm@xinxiang.example>"


def test_the_recipient_that_failed_counts_not_the_one_that_got_it() -> None:
    two = block("delivered", "2.0.0").replace("Gone", "Other") + "\n" + block().split("\n\n")[1]
    assert read(report(two)).recipient == "gone@county.example"


def test_a_bounce_in_words_only() -> None:
    raw = (
        "From: postmaster@qq.example\r\nTo: kjj@xinxiang.example\r\nSubject: 系统退信\r\n"
        "Content-Type: text/plain; charset=gb18030\r\n\r\n"
        "您发送到 gone@county.example 的邮件被退回：550 Mailbox not found.\r\n"
        "Message-ID: <letter.2@xinxiang.example>\r\n"
    ).encode("gb18030")
    bounce = read(raw)
    assert (bounce.kind, bounce.code, bounce.recipient) == ("permanent", 550, "gone@county.example")
    assert bounce.original_message_id == "<letter.2@xinxiang.example>"


@pytest.mark.parametrize(
    "raw",
    [
        b"From: clerk@county.example\r\nSubject: report\r\n\r\n550 activities",
        b"From: clerk@county.example\r\nSubject: Re: x\r\nAuto-Submitted: auto-replied\r\n\r\naway",
        b"",
    ],
)
def test_other_mail_is_no_bounce(raw: bytes) -> None:
    assert parse_bounce(raw) is None
