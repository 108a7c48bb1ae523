"""Other people's mail in the shared mailbox: after ninety days its hash and headers are all that is kept."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from huizong.errors import UsageError
from huizong.ledger.tables import Delivery, File
from huizong.stages.retention import forget_strangers
from huizong.stages.triage import release
from huizong.store import LostError
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, OFFICE, STRANGER, answer, report
from office import Office

PRIVATE = "体检报告请查收，各项指标见附件。"


def strangers_mail(server: EmbeddedMailServer, office: Office) -> None:
    """Other business, with a file of its own and one that we ourselves had sent out."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = STRANGER, OFFICE, "体检"
    mail.set_content(PRIVATE)
    for name, data in (("体检.docx", report()), ("转来的表.xlsx", office.template("410721"))):
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    server.deliver(OFFICE, mail.as_bytes())


def test_only_what_belongs_to_nobody_is_forgotten(mailing: Office, server: EmbeddedMailServer) -> None:
    note = EmailMessage()
    note["From"], note["To"], note["Subject"] = STRANGER, OFFICE, "团购通知"
    note.set_content(PRIVATE)
    server.deliver(OFFICE, note.as_bytes())
    answer(server, ADDRESS["410721"], "见附件", {"总结报告.docx": report()})
    mailing.receive("2022-06-10T10:00", "mailbox-kjj")
    ctx = mailing.ctx
    assert forget_strangers(ctx) == 0
    mailing.clock.instant += timedelta(days=91)
    assert forget_strangers(ctx) == 1
    assert forget_strangers(ctx) == 0
    with ctx.ledger.read() as session:
        by_sender = {d.sender: d for d in session.scalars(select(Delivery))}
        files = session.scalars(select(File)).all()
    other, theirs = by_sender[STRANGER], by_sender[ADDRESS["410721"]]
    head = ctx.store.get(other.headers or "")
    assert b"Subject:" in head
    assert PRIVATE.encode() not in head
    with pytest.raises(LostError):
        ctx.store.get(other.digest or "")
    assert ctx.store.get(theirs.digest or "")
    assert all(ctx.store.get(file.digest) for file in files)
    assert mailing.receive("2022-09-10T10:00", "mailbox-kjj")["messages"] == 0  # its hash is still known
    with pytest.raises(UsageError, match="只留邮件头"):
        release(ctx, f"d{other.id}", by="王", reason="再看一遍")


def test_what_something_else_stands_on_stays(mailing: Office, server: EmbeddedMailServer) -> None:
    strangers_mail(server, mailing)
    mailing.receive("2022-06-10T10:00", "mailbox-kjj")
    ctx = mailing.ctx
    with ctx.ledger.write() as session:
        delivery = session.scalars(select(Delivery).where(Delivery.sender == STRANGER)).one()
        delivery.disposition, delivery.cycle, delivery.unit = "other", None, None
        digests = set(session.scalars(select(File.digest).where(File.delivery_id == delivery.id)))
    mailing.clock.instant += timedelta(days=91)
    assert forget_strangers(ctx) == 1
    kept = {digest for digest in digests if _is_there(mailing, digest)}
    assert len(digests - kept) == 1  # the file of its own is gone
    assert mailing.template("410721") in [ctx.store.get(digest) for digest in kept]


def _is_there(office: Office, digest: str) -> bool:
    try:
        return bool(office.ctx.store.get(digest))
    except LostError:
        return False
