"""Filing a message that brings no file: a person's words."""

from __future__ import annotations

from sqlalchemy.orm import Session

from huizong.intake.relevance import EXPLANATION, NIL, mentions, words_only
from huizong.ledger.tables import Decision, Delivery
from huizong.mime.parse import ParsedMail
from huizong.mime.robots import is_acknowledgement, own_words
from huizong.stages.context import Context
from huizong.stages.explanations import asked_findings, record_letter
from huizong.stages.filing import Filing
from huizong.stages.nil import nil_line, settle_questions


def file_words(
    ctx: Context,
    session: Session,
    delivery: Delivery,
    mail: ParsedMail,
    filing: Filing,
    *,
    linked: bool = False,
) -> None:
    """A message without files: from somebody we know it is told apart, a stranger's may be other business.

    Args:
        linked: a stranger's words name a share of a net disk, of which nothing is promised.
    """
    brings = "附有网盘链接" if linked else "未见附件"
    if filing.place_sender():
        if delivery.unit is None and filing.thread_unit and filing.thread_unit in filing.senders:
            filing.place_unit(filing.thread_unit)
        asked = asked_findings(session, filing)
        nil = nil_line(filing)
        if nil.collection is not None and not asked:
            delivery.collection = nil.collection.code
        delivery.disposition, delivery.reason = words_only(
            mail, nil_allowed=nil.is_one, asked=bool(asked), reported=filing.has_reported()
        )
        if delivery.reason == NIL and nil.collection is None:
            delivery.disposition, delivery.reason = "question", nil.reason
        elif delivery.reason == NIL:
            _record_nil(ctx, session, delivery, mail)
            settle_questions(filing)
        elif delivery.reason == EXPLANATION:
            record_letter(ctx, session, delivery, mail.text, asked)
    elif filing.thread_unit and not is_acknowledgement(mail.text):
        delivery.cycle = filing.home_cycle.code if filing.home_cycle else None
        filing.place_unit(filing.thread_unit)
        delivery.disposition, delivery.reason = "triage", f"未登记的地址答复我方信件，{brings}"
    elif mentions(mail, filing.words()):
        delivery.disposition, delivery.reason = "triage", f"发件地址未登记，{brings}"
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
