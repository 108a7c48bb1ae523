"""Mail that no person wrote: bounces, automatic answers, read receipts, copies of our own letters."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Delivery, Letter
from huizong.mime.parse import ParsedMail
from huizong.mime.robots import automatic_kind
from huizong.outbox.queue import is_message_id
from huizong.stages.bounced import file_bounce
from huizong.stages.context import Context


def automatic(ctx: Context, mail: ParsedMail | None, own_addresses: Collection[str] = ()) -> str | None:
    """What kind of machine sent this, or None for a person.

    A letter of ours is told by its Message-ID and not by its sender: a colleague who forwards a clerk's file
    from the shared mailbox to itself brings a return. Letters that this ledger does not know (it was restored
    from a backup, or another installation writes from the same mailbox) are told by the form of theirs.
    """
    if mail is None:
        return None
    if is_message_id(mail.message_id_raw):
        if mail.from_address in own_addresses:
            return "own_copy"
        with ctx.ledger.read() as session:
            query = select(Letter.id).where(Letter.message_id == mail.message_id_raw)
            if session.scalars(query).first() is not None:
                return "own_copy"
    return automatic_kind(mail)


def file_automatic(
    ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail | None, kind: str
) -> None:
    """What a program sent is never answered; a bounce marks the letter that did not arrive."""
    delivery.disposition = "other" if kind == "list" else kind
    delivery.reason = {
        "auto_reply": "自动回复，不予答复",
        "bounce": "退信",
        "read_receipt": "已读回执",
        "own_copy": "本系统发出的信件",
    }.get(kind, "群发邮件")
    if kind == "bounce" and mail is not None:
        file_bounce(ctx, session, delivery, mail)
