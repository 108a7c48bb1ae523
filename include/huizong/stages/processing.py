"""From raw to versions: unpack, read, recognise, and give every message and file its disposition.

`receive` calls this for what just came in, `validate` and `chase` for what an earlier run left undone. One
delivery is one transaction, made after its files were read: no transaction spans a parser.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath

from sqlalchemy import or_, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from huizong.errors import HuizongError
from huizong.intake.relevance import EXPLANATION, NIL, mentions, words_only
from huizong.ledger.tables import Contact, Decision, Delivery, File, Letter, Location
from huizong.mime.bounces import parse_bounce
from huizong.mime.parse import ParsedMail, parse_message
from huizong.mime.robots import automatic_kind, is_acknowledgement, own_words
from huizong.readers.model import FileReading
from huizong.readers.worker import ReadWorker
from huizong.stages.context import Context
from huizong.stages.explanations import asked_findings, record_letter
from huizong.stages.filing import Filing, Leaf
from huizong.stages.issued import IssuedCycle, issued_codes, issued_cycle, log_event
from huizong.store import LostError

logger = logging.getLogger(__name__)

# A mailbox keeps arriving after closing; for so long such mail still belongs to the cycle (DESIGN 7).
OPEN_AFTER_CLOSING = timedelta(days=60)
_SIGNATURE_PICTURE = 15_000  # bytes: nameless pictures below that are logos
_UNSTORABLE = (DataError, IntegrityError)  # the database works, and does not take what this delivery holds
# Programs that pass on what a person wrote; what they add of their own are words and pictures.
_PASSING_ON = ("auto_reply", "list")
_ADDED = ("image", "text", "unknown")


@dataclass
class Processed:
    """Counts of one call."""

    files: dict[str, int]
    messages: dict[str, int]
    cycles: set[str]


def process_pending(ctx: Context, as_of: datetime, cycle: str | None = None) -> Processed:
    """Drive every delivery that was stored and not yet processed, oldest first.

    Args:
        cycle: only deliveries of this cycle, and those of no cycle yet.
    """
    done = Processed({}, {}, set())
    query = select(Delivery.id).where(Delivery.processed_at.is_(None))
    if cycle is not None:
        query = query.where(or_(Delivery.cycle == cycle, Delivery.cycle.is_(None)))
    with ctx.ledger.read() as session:
        ids = session.scalars(query.order_by(Delivery.received_at, Delivery.id)).all()
    if not ids:
        return done
    with ctx.ledger.lock("process", wait=True), ReadWorker() as worker:
        cycles = [issued_cycle(ctx, code, checked=False) for code in issued_codes(ctx)]
        for delivery_id in ids:
            try:
                _process(ctx, worker, cycles, delivery_id, as_of, done)
            except Exception as e:
                if _is_outside(e):
                    raise  # this delivery is still to do
                _put_by(ctx, delivery_id, e)
                done.messages["set_aside"] = done.messages.get("set_aside", 0) + 1
    return done


def _is_outside(error: Exception) -> bool:
    """Trouble that is none of this delivery's: the database, the disk, a reader that cannot start."""
    if isinstance(error, (LostError, *_UNSTORABLE)):
        return False
    return isinstance(error, (HuizongError, SQLAlchemyError))


def _put_by(ctx: Context, delivery_id: int, error: Exception) -> None:
    """A delivery that cannot be processed waits for a person; the next one is not stopped."""
    logger.exception("delivery %s could not be processed", delivery_id, exc_info=error)
    with ctx.ledger.write() as session:
        delivery = session.get_one(Delivery, delivery_id)
        delivery.disposition = "set_aside"
        delivery.reason = (
            str(error)
            if isinstance(error, LostError)
            else f"系统处理出错（{type(error).__name__}），原件已保存，可用 triage release 重新处理"
        )
        delivery.processed_at = delivery.answered_at = ctx.clock.now()
        log_event(session, ctx, "processing_failed", delivery=delivery_id, error=type(error).__name__)


def _process(
    ctx: Context,
    worker: ReadWorker,
    cycles: list[IssuedCycle],
    delivery_id: int,
    as_of: datetime,
    done: Processed,
) -> None:
    with ctx.ledger.read() as session:
        delivery = session.get_one(Delivery, delivery_id)
        places = session.scalars(
            select(Location).where(Location.delivery_id == delivery_id).order_by(Location.id)
        ).all()
    if delivery.processed_at is not None:
        return  # another process was quicker
    mail = parse_message(ctx.store.get(delivery.digest)) if delivery.digest else None
    if mail:
        leaves = [Leaf(leaf.name, ctx.store.put(leaf.data), leaf.data) for leaf in _files(ctx, mail)]
    else:
        leaves = [Leaf(PurePath(p.place).name, p.mark, ctx.store.get(p.mark)) for p in places]
    open_cycles = [c for c in cycles if _concerns(c, delivery, as_of)]
    instruments = [i for c in open_cycles for i in c.loaded.instruments.values()]
    automatic = _automatic(ctx, mail)
    silent = automatic is not None and automatic not in _PASSING_ON
    readings = {} if silent else _read(worker, leaves, instruments)
    if not silent and any(reading.kind not in _ADDED for reading in readings.values()):
        automatic = None
    with ctx.ledger.write() as session:
        delivery = session.get_one(Delivery, delivery_id)
        if delivery.processed_at is not None:
            return
        if mail:
            delivery.sender = mail.from_address
            delivery.subject = mail.subject[:500]
            delivery.message_id = mail.message_id_raw or None
        filing = Filing(ctx, session, delivery, mail, open_cycles)
        if automatic:
            _file_automatic(ctx, session, delivery, mail, automatic)
        elif leaves:
            filing.file(leaves, readings)
        elif mail:
            _file_words(ctx, session, delivery, mail, filing)
        delivery.processed_at = ctx.clock.now()
        session.flush()
        _count(session, delivery, done)


def _files(ctx: Context, mail: ParsedMail) -> list:  # type: ignore[type-arg]
    """The mail's files that may be returns: not those inside a copy of one of our own letters."""
    with ctx.ledger.read() as session:
        wanted = {mid for leaf in mail.leaves for mid in leaf.inside}
        ours = set(session.scalars(select(Letter.message_id).where(Letter.message_id.in_(wanted))))
    leaves = [leaf for leaf in mail.leaves if not ours & set(leaf.inside)]
    return [
        leaf
        for leaf in leaves
        if not (leaf.content_type.startswith("image/") and len(leaf.data) < _SIGNATURE_PICTURE
                and leaf.name.startswith(("未命名附件", "image0")))
    ]  # fmt: skip


def _concerns(issued: IssuedCycle, delivery: Delivery, as_of: datetime) -> bool:
    """Whether a delivery may belong to a cycle: named by the caller, or its channel while it is open."""
    if delivery.cycle is not None:
        return issued.code == delivery.cycle
    if delivery.channel not in {c.channel for c in issued.collections}:
        return False
    closings = [issued.schedule.closes(c) for c in issued.collections]
    return any(at is None or as_of <= at + OPEN_AFTER_CLOSING for at in closings)


def _automatic(ctx: Context, mail: ParsedMail | None) -> str | None:
    if mail is None:
        return None
    if mail.message_id_raw:
        with ctx.ledger.read() as session:
            own = session.scalars(select(Letter.id).where(Letter.message_id == mail.message_id_raw)).first()
        if own is not None:
            return "own_copy"
    return automatic_kind(mail)


def _read(worker: ReadWorker, leaves: list[Leaf], instruments: list) -> dict[str, FileReading]:  # type: ignore[type-arg]
    return {
        leaf.digest: worker.read(leaf.data, leaf.name, instruments)
        for leaf in {leaf.digest: leaf for leaf in leaves}.values()
    }


def _file_automatic(
    ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail | None, kind: str
) -> None:
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


def _file_words(ctx: Context, session: Session, delivery: Delivery, mail: ParsedMail, filing: Filing) -> None:
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


def _count(session: Session, delivery: Delivery, done: Processed) -> None:
    for disposition in session.scalars(select(File.disposition).where(File.delivery_id == delivery.id)):
        done.files[disposition] = done.files.get(disposition, 0) + 1
    if delivery.disposition:
        done.messages[delivery.disposition] = done.messages.get(delivery.disposition, 0) + 1
    done.cycles |= {c for c in (delivery.cycle,) if c}
    cycles = session.scalars(
        select(File.cycle).where(File.delivery_id == delivery.id, File.cycle.is_not(None))
    )
    done.cycles |= {cycle for cycle in cycles if cycle}
