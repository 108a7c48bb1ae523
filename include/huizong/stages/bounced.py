"""Letters that came back (退信): which one, and which address takes none any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Contact, Delivery, Letter
from huizong.mime.bounces import Bounce, parse_bounce
from huizong.mime.parse import ParsedMail
from huizong.stages.context import Context
from huizong.stages.issued import log_event

# A report that quotes no Message-ID is about the newest letter to that address; servers try for five days.
REPORTED_WITHIN = timedelta(days=7)
# In a letter's context once it has bounced: whether its address is written to still (mailbox full, say).
ADDRESS_KEPT = "address_kept"
_LEFT = ("sent", "unknown", "claimed")  # a letter in another state has not left, or is to leave once more


def file_bounce(ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail) -> None:
    """Mark the letter that did not arrive, and its contact if nothing ever will."""
    bounce = parse_bounce(mail)
    if bounce is None or bounce.kind == "delayed":
        delivery.reason = "投递状态通知，不是退信" if bounce is None else "投递延迟通知，邮件服务器仍在尝试"
        return
    letter = _letter_of(session, delivery, bounce)
    if letter is None or _is_our_copy(letter, mail, bounce):
        return
    delivery.cycle, delivery.collection, delivery.unit = letter.cycle, letter.collection, letter.unit
    delivery.reason = f"退信：{bounce.recipient or letter.address} {bounce.diagnostic[:200]}".strip()
    gone = bounce.is_bad_address and bounce.recipient in ("", letter.address.lower())
    if letter.state in _LEFT:
        letter.state, letter.finished_at = "bounced", ctx.clock.now()
        letter.reply = bounce.diagnostic[:500] or bounce.status
        letter.context = {**letter.context, ADDRESS_KEPT: not gone}
    log_event(
        session, ctx, "bounced", cycle=letter.cycle, collection=letter.collection, unit=letter.unit,
        letter=letter.id, status=bounce.status,
    )  # fmt: skip
    if gone:
        _give_up(ctx, session, letter)


def _letter_of(session: Session, delivery: Delivery, bounce: Bounce) -> Letter | None:
    """The letter whose Message-ID the bounce names; where it names none, a mailer's word on an address to
    which we have just written."""
    if bounce.original_message_id:
        query = select(Letter).where(Letter.message_id == bounce.original_message_id)
    elif bounce.from_mailer and bounce.recipient:
        query = select(Letter).where(
            func.lower(Letter.address) == bounce.recipient,
            Letter.channel == delivery.channel,
            Letter.state.in_(_LEFT),
            Letter.claimed_at.between(delivery.stored_at - REPORTED_WITHIN, delivery.stored_at),
        )
    else:
        return None
    return session.scalars(query.order_by(Letter.id.desc())).first()


def _is_our_copy(letter: Letter, mail: ParsedMail, bounce: Bounce) -> bool:
    """Whether only the copy to our own mailbox came back."""
    return bounce.recipient != letter.address.lower() and bounce.recipient in mail.to


def _give_up(ctx: Context, session: Session, letter: Letter) -> None:
    """Nothing arrives at the address; that it was the unit's last, `stages.unreachable` tells."""
    contacts = session.scalars(
        select(Contact).where(
            Contact.cycle == letter.cycle, Contact.unit == letter.unit, Contact.invalid_since.is_(None)
        )
    ).all()
    for contact in contacts:
        if contact.address.lower() == letter.address.lower():
            contact.invalid_since = ctx.clock.now()
