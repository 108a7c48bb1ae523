"""Mail that no person wrote: bounces, automatic answers, read receipts, copies of our own letters."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Contact, Delivery, Letter
from huizong.mime.bounces import parse_bounce
from huizong.mime.parse import ParsedMail
from huizong.mime.robots import automatic_kind
from huizong.stages.context import Context
from huizong.stages.issued import log_event


def automatic(ctx: Context, mail: ParsedMail | None) -> str | None:
    """What kind of machine sent this, or None for a person; a letter of ours is told by its Message-ID."""
    if mail is None:
        return None
    if mail.message_id_raw:
        with ctx.ledger.read() as session:
            own = session.scalars(select(Letter.id).where(Letter.message_id == mail.message_id_raw)).first()
        if own is not None:
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
        _bounced(ctx, session, delivery, mail)


def _bounced(ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail) -> None:
    """Mark the letter that did not arrive, and its contact if it never will."""
    bounce = parse_bounce(mail)
    if bounce is None or bounce.kind == "delayed":
        return
    letter = session.scalars(select(Letter).where(Letter.message_id == bounce.original_message_id)).first()
    if letter is None:
        return
    delivery.cycle, delivery.collection, delivery.unit = letter.cycle, letter.collection, letter.unit
    delivery.reason = f"退信：{bounce.recipient or letter.address} {bounce.diagnostic[:200]}".strip()
    letter.state = "bounced"
    letter.reply = bounce.diagnostic[:500] or bounce.status
    if bounce.kind != "permanent":
        return
    contacts = session.scalars(
        select(Contact).where(
            Contact.cycle == letter.cycle,
            Contact.unit == letter.unit,
            Contact.address == letter.address,
            Contact.invalid_since.is_(None),
        )
    ).all()
    for contact in contacts:
        contact.invalid_since = ctx.clock.now()
    log_event(
        session, ctx, "bounced", cycle=letter.cycle, collection=letter.collection, unit=letter.unit,
        letter=letter.id,
    )  # fmt: skip
