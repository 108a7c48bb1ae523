"""Odd mails through the whole intake: winmail.dat, forwards of our own letters, damage."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import outlook_files as made
import pytest
from sqlalchemy import select

from corpus.mails import damaged, take_in
from huizong.ledger.tables import File, Letter
from mailing import ADDRESS, OFFICE, all_parts
from office import Office, fill, honest

UNIT = "410721"


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def part(data: bytes, headers: str) -> bytes:
    head = f"--B\r\n{headers}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode("gbk")
    return head + base64.encodebytes(data) + b"\r\n"


def mail(*parts: bytes) -> bytes:
    head = (
        f"From: {ADDRESS[UNIT]}\r\nTo: {OFFICE}\r\nSubject: 活动周统计表\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\n见附件\r\n"
    )
    return head.encode("gbk") + b"".join(parts) + b"--B--\r\n"


def filed(office: Office) -> dict[str, str]:
    with office.ctx.ledger.read() as session:
        rows = session.execute(select(File.name, File.disposition)).all()
    return {row.name: row.disposition for row in rows}


def test_a_form_in_winmail_dat_counts(issued: Office) -> None:
    form = fill(issued.template(UNIT), honest(1))
    packed = made.tnef(made.attached(form, b"TONGJI~1.XLS", made.unicode_name("㛃县统计表.xlsx")))
    raw = mail(part(packed, "Content-Type: application/ms-tnef; name=winmail.dat"))
    assert take_in(issued, [("", raw)]).faults == []
    assert filed(issued) == {"winmail.dat/㛃县统计表.xlsx": "return"}


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
def test_the_blank_form_in_a_forwarded_letter_of_ours_is_no_return(issued: Office, kind: str) -> None:
    with issued.ctx.ledger.read() as session:
        own = session.scalars(select(Letter.message_id).where(Letter.unit == UNIT)).first()
    blank = part(issued.template(UNIT), "Content-Type: a/b; name=blank.xlsx").replace(b"--B", b"--I")
    letter = f"Message-ID: {own}\r\nContent-Type: multipart/mixed; boundary=I\r\n\r\n".encode()
    letter += blank + b"--I--\r\n"
    forward = f'--B\r\nContent-Type: {kind}; name="通知.eml"\r\n\r\n'.encode("gbk") + letter
    form = part(fill(issued.template(UNIT), honest(1)), 'Content-Type: a/b; name="统计表.xlsx"')
    assert take_in(issued, [("", mail(forward, form))]).faults == []
    assert filed(issued) == {"统计表.xlsx": "return"}


def test_damaged_returns_are_all_kept_and_filed(issued: Office) -> None:
    whole = EmailMessage()
    whole["From"], whole["Subject"] = ADDRESS[UNIT], "活动周材料"
    whole["Message-ID"] = "<b@county.example>"
    whole.set_content("见附件")
    for name, data in all_parts(issued, UNIT, 1).items():
        whole.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    copies = {damaged(whole.as_bytes(), seed) for seed in range(40)}
    report = take_in(issued, [("", raw) for raw in copies])
    assert report.faults == []
    assert report.counts.total() == len(copies)
    assert report.counts["set_aside"] > 10 and report.counts["return"]
