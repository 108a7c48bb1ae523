"""Letters that came back (退信): which one, whether its addressee can be reached at all, who is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Contact, Delivery, Letter
from huizong.ledger.upkeep import Trouble
from huizong.mime.bounces import Bounce, parse_bounce
from huizong.mime.parse import ParsedMail
from huizong.stages.alarms import end_alarm, raise_alarm
from huizong.stages.context import Context
from huizong.stages.issued import log_event

# A report that quotes no Message-ID is about the newest letter to that address; servers try for five days.
REPORTED_WITHIN = timedelta(days=7)
_LEFT = ("sent", "unknown", "claimed")  # a letter in another state has not left, or is to leave once more
_ROBOTS = ("auto_reply", "bounce", "read_receipt", "own_copy")
_UNDELIVERABLE = "undeliverable:"


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
    if letter.state in _LEFT:
        letter.state = "bounced"
        letter.reply = bounce.diagnostic[:500] or bounce.status
    log_event(
        session, ctx, "bounced", cycle=letter.cycle, collection=letter.collection, unit=letter.unit,
        letter=letter.id, status=bounce.status,
    )  # fmt: skip
    if bounce.is_bad_address and bounce.recipient in ("", letter.address.lower()):
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
    """Nothing arrives at the address; the operator hears of it if it was the unit's last."""
    contacts = session.scalars(
        select(Contact).where(
            Contact.cycle == letter.cycle, Contact.unit == letter.unit, Contact.invalid_since.is_(None)
        )
    ).all()
    gone = [contact for contact in contacts if contact.address.lower() == letter.address.lower()]
    for contact in gone:
        contact.invalid_since = ctx.clock.now()
    if gone and len(gone) == len(contacts):
        unit = letter.context["letter"].get("unit_name") or letter.unit
        raise_alarm(
            ctx, session, f"{_UNDELIVERABLE}{letter.cycle}:{letter.unit}", f"{unit}的邮箱无法送达",
            f"发往 {letter.address} 的《{letter.subject}》被退回，该单位已没有可用的邮箱，催报无法送达。",
            "请电话联系该单位，在名录（roster.csv）中更正邮箱后运行 huizong issue，系统会补发通知。",
            cycle=letter.cycle,
        )  # fmt: skip


def tell_reachable(ctx: Context) -> None:
    """An address from which somebody writes is alive again; a unit that has one, or has written from
    elsewhere, is no trouble any more."""
    invalid = select(Contact).where(Contact.invalid_since.is_not(None))
    open_ = select(Trouble).where(Trouble.name.startswith(_UNDELIVERABLE), Trouble.over_at.is_(None))
    with ctx.ledger.read() as session:
        if session.scalars(invalid).first() is None and session.scalars(open_).first() is None:
            return
    with ctx.ledger.write() as session:
        for contact in session.scalars(invalid):
            if _written(session, contact.invalid_since, Delivery.sender == contact.address.lower()):
                contact.invalid_since = None
        session.flush()
        for trouble in session.scalars(open_):
            _, cycle, unit = trouble.name.split(":")
            of_unit = (Contact.cycle == cycle, Contact.unit == unit, Contact.invalid_since.is_(None))
            reached = session.scalars(select(Contact.id).where(*of_unit)).first() is not None
            if reached or _written(session, trouble.since, Delivery.cycle == cycle, Delivery.unit == unit):
                end_alarm(ctx, session, trouble.name, "该单位已来件，或已登记可用的邮箱。")


def _written(session: Session, since: datetime | None, *whose: ColumnElement[bool]) -> bool:
    """Whether something that no machine wrote came since."""
    query = select(Delivery.id).where(
        *whose, Delivery.stored_at > since, Delivery.disposition.not_in(_ROBOTS)
    )
    return session.scalars(query.limit(1)).first() is not None
