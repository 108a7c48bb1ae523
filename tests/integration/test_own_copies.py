"""Our own letters in our own mailbox are no returns; what a colleague passes on from it is one."""

from __future__ import annotations

from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from email.utils import make_msgid

from sqlalchemy import select

from huizong.ledger.tables import Delivery, File, Letter
from huizong.outbox.queue import message_id
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, OFFICE, all_parts, answer, inbox, sweep
from office import Office, fill, honest

UNIT, OTHER = "410702", "410703"
RESTORED = message_id("reply:77:x", "before the restore", OFFICE)  # no ledger knows it any more


def mail(sender: str, known_as: str, files: dict[str, bytes], inside: Message | None = None) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, OFFICE, "转发：材料", known_as
    made.set_content("材料见附件。")
    for name, data in files.items():
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    if inside is not None:
        made.add_attachment(inside)
    return made.as_bytes()


def found(office: Office, known_as: str) -> Delivery:
    with office.ctx.ledger.read() as session:
        return session.scalars(select(Delivery).where(Delivery.message_id == known_as)).one()


def test_what_a_colleague_passes_on_from_the_shared_mailbox_counts(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    server.deliver(OFFICE, mail(OFFICE, make_msgid(domain="xinxiang.example"), all_parts(mailing, UNIT, 3)))
    before = len(inbox(server, OFFICE))
    sweep(mailing, "2022-06-10T10:00")
    assert mailing.unit(UNIT)["parts"]["statistics"] == "accepted"
    assert len(inbox(server, OFFICE)) == before  # no answer to ourselves
    assert [m.subject for m in inbox(server, ADDRESS[UNIT])][1:]  # the unit hears of its return


def test_letters_that_another_installation_wrote_are_copies_and_a_countys_are_not(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    files = {"统计表.xlsx": fill(mailing.template(UNIT), honest(1))}
    server.deliver(OFFICE, mail(OFFICE, RESTORED, files))
    theirs = RESTORED.replace("@xinxiang", "@county")
    files = {"统计表.xlsx": fill(mailing.template(OTHER), honest(2))}
    server.deliver(OFFICE, mail(ADDRESS[OTHER], theirs, files))
    mailing.receive("2022-06-10T10:00", "mailbox-kjj")
    assert found(mailing, RESTORED).disposition == "own_copy"
    assert mailing.unit(UNIT)["versions"] == 0
    assert mailing.unit(OTHER)["versions"] == 1


def test_our_letters_inside_a_mail_bring_no_return_whatever_became_of_them(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    """Also one of which the process died before it was recorded as sent."""
    doubtful = fill(mailing.template(UNIT), honest(4) | {"public.online": "约5万"})
    first = make_msgid(domain="xinxiang.example")
    server.deliver(OFFICE, mail(ADDRESS[UNIT], first, {"统计表.xlsx": doubtful}))
    sweep(mailing, "2022-06-10T10:00")
    with mailing.ctx.ledger.write() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "correction")).one()
        ours = BytesParser(policy=default).parsebytes(mailing.ctx.store.get(letter.mime or ""))
        letter.state = "claimed"
    assert any((part.get_filename() or "").endswith(".xlsx") for part in ours.walk())
    known_as = make_msgid(domain="xinxiang.example")
    server.deliver(OFFICE, mail(ADDRESS[UNIT], known_as, {}, inside=ours))
    sweep(mailing, "2022-06-11T10:00")
    delivery = found(mailing, known_as)
    with mailing.ctx.ledger.read() as session:
        assert session.scalars(select(File).where(File.delivery_id == delivery.id)).all() == []
        assert session.scalars(select(Letter).where(Letter.kind == "correction")).one().state == "sent"
    assert mailing.unit(UNIT)["versions"] == 1


def test_a_copy_of_our_letter_is_neither_taken_nor_answered(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    (notice,) = inbox(server, ADDRESS[UNIT])
    with mailing.ctx.ledger.read() as session:
        letter = session.scalars(select(Letter).where(Letter.message_id == notice.message_id_raw)).one()
        taken = mailing.ctx.store.get(letter.mime or "")
    answer(server, ADDRESS[OTHER], "收到，谢谢！")
    server.deliver(OFFICE, taken)
    before = len(inbox(server, OFFICE))
    sweep(mailing, "2022-06-10T10:00")
    assert found(mailing, notice.message_id_raw).disposition == "own_copy"
    assert mailing.unit(UNIT)["status"] == "not_started"
    assert len(inbox(server, OFFICE)) == before
