"""Filing a message that brings no file: a robot's, or a person's words."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.intake.relevance import EXPLANATION, NIL, mentions, words_only
from huizong.ledger.tables import Contact, Decision, Delivery, Letter
from huizong.mime.bounces import parse_bounce
from huizong.mime.parse import ParsedMail
from huizong.mime.robots import is_acknowledgement, own_words
from huizong.stages.context import Context
from huizong.stages.explanations import asked_findings, record_letter
from huizong.stages.filing import Filing
from huizong.stages.issued import log_event


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


def file_words(ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail, filing: Filing) -> None:
    """A message without files: from somebody we know it is told apart, a stranger's may be other business."""
    if filing.place_sender():
        if delivery.unit is None and filing.thread_unit and filing.thread_unit in filing.senders:
            filing.place_unit(filing.thread_unit)
        collection = filing.sender_collection
        nil_allowed = collection is not None and collection.nil == "reply"
        asked = asked_findings(session, filing)
        delivery.disposition, delivery.reason = words_only(
            mail, nil_allowed=nil_allowed, asked=bool(asked), reported=filing.has_reported()
        )
        if delivery.reason == NIL:
            _record_nil(ctx, session, delivery, mail)
        elif delivery.reason == EXPLANATION:
            record_letter(ctx, session, delivery, mail.text, asked)
    elif filing.thread_unit and not is_acknowledgement(mail.text):
        delivery.cycle = filing.home_cycle.code if filing.home_cycle else None
        filing.place_unit(filing.thread_unit)
        delivery.disposition, delivery.reason = "triage", "未登记的地址答复我方信件，未见附件"
    elif mentions(mail, filing.words()):
        delivery.disposition, delivery.reason = "triage", "发件地址未登记，未见附件"
    else:
        delivery.disposition, delivery.reason = "other", "与本任务无关"


def _record_nil(ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail) -> None:
    """A nil return is the unit's own statement; a return that comes later stands over it."""
    session.add(
        Decision(
            cycle=delivery.cycle,
            collection=delivery.collection,
            unit=delivery.unit,
            kind="nil",
            value={"delivery": delivery.id},
            by=delivery.sender,
            reason=own_words(mail.text),
            as_of=delivery.received_at,
            recorded_at=ctx.clock.now(),
        )
    )
