"""From raw to versions: open, read, recognise, and give every message and file its disposition.

`receive` calls this for what just came in, `validate` and `chase` for what an earlier run left undone. A
hundred deliveries are opened and read together, so that LibreOffice starts once for them, and then filed in
one transaction: none of them spans a parser.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Delivery, File
from huizong.readers.worker import ReadWorker
from huizong.stages.alarms import tell_isolated
from huizong.stages.automatic import file_automatic
from huizong.stages.awaiting import redrive
from huizong.stages.context import Context
from huizong.stages.explanations import asked_findings
from huizong.stages.filing import Filing, Leaf
from huizong.stages.issued import issued_codes, issued_cycle, log_event
from huizong.stages.messages import file_words
from huizong.stages.opening import CHUNK, Opened, is_outside, keep, opened, read
from huizong.stages.others import is_asked_for
from huizong.stages.proof import prove_named
from huizong.stages.suppression import watch
from huizong.stages.twice import earlier_copy, file_copy, flag_namesake, known_by
from huizong.stages.unanswered import asks_something, leave_unanswered
from huizong.store import LostError

logger = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 2**20
_ADDED = ("image", "text", "unknown")  # what a program adds of its own to what it passes on


@dataclass
class Processed:
    """Counts of one call."""

    files: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    cycles: set[str] = field(default_factory=set)

    def add(self, other: Processed) -> None:
        for mine, theirs in ((self.files, other.files), (self.messages, other.messages)):
            for disposition, count in theirs.items():
                mine[disposition] = mine.get(disposition, 0) + count
        self.cycles |= other.cycles


def process_pending(ctx: Context, as_of: datetime, cycle: str | None = None) -> Processed:
    """Drive every delivery that was stored and not yet processed, oldest first.

    Args:
        cycle: only deliveries of this cycle, and those of no cycle yet.
    """
    redrive(ctx)
    done = Processed()
    query = select(Delivery.id).where(Delivery.processed_at.is_(None))
    if cycle is not None:
        query = query.where(or_(Delivery.cycle == cycle, Delivery.cycle.is_(None)))
    with ctx.ledger.read() as session:
        ids = session.scalars(query.order_by(Delivery.received_at, Delivery.id)).all()
    if not ids:
        return done
    with ctx.ledger.lock("process", wait=True), ReadWorker() as worker, ThreadPoolExecutor(1) as ahead:
        cycles = [issued_cycle(ctx, code, checked=False) for code in issued_codes(ctx)]
        chunks = _chunks(opened(ctx, worker, cycles, ids, as_of))
        reading = ahead.submit(_next_read, ctx, worker, chunks)
        while chunk := reading.result():
            # The child reads the next chunk while this one is filed.
            reading = ahead.submit(_next_read, ctx, worker, chunks)
            _file_all(ctx, chunk, done)
    return done


def _next_read(ctx: Context, worker: ReadWorker, chunks: Iterator[list[Opened]]) -> list[Opened] | None:
    """The next deliveries, opened, read and kept; None at the end."""
    chunk = next(chunks, None)
    if chunk:
        read(worker, chunk)
        keep(ctx, chunk)
    return chunk


def _chunks(opened: Iterable[Opened]) -> Iterator[list[Opened]]:
    chunk: list[Opened] = []
    size = 0
    for one in opened:
        chunk.append(one)
        size += one.size
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _file_all(ctx: Context, chunk: list[Opened], done: Processed) -> None:
    """One transaction for all; where something goes wrong one for each, so that no delivery stops another."""
    failed = [(one.id, one.failure) for one in chunk if one.failure is not None]
    opened = [one for one in chunk if one.failure is None]
    try:
        done.add(_file_together(ctx, opened))
    except Exception as e:
        if is_outside(e):
            raise  # all of them are still to do
        failed += _file_apart(ctx, opened, done)
    for delivery_id, error in failed:
        _put_by(ctx, delivery_id, error, done)


def _file_apart(ctx: Context, opened: list[Opened], done: Processed) -> list[tuple[int, Exception]]:
    failed: list[tuple[int, Exception]] = []
    for one in opened:
        try:
            done.add(_file_together(ctx, [one]))
        except Exception as e:
            if is_outside(e):
                raise
            failed.append((one.id, e))
    return failed


def _file_together(ctx: Context, opened: list[Opened]) -> Processed:
    with ctx.ledger.write() as session:
        deliveries = _deliveries(session, opened)
        for one in opened:
            if one.id in deliveries:
                _file(ctx, session, one, deliveries[one.id])
        session.flush()
        return _counted(session, list(deliveries.values()))


def _deliveries(session: Session, chunk: Sequence[Opened]) -> dict[int, Delivery]:
    """Those that no other process was quicker to file."""
    query = select(Delivery).where(
        Delivery.id.in_([one.id for one in chunk]), Delivery.processed_at.is_(None)
    )
    return {delivery.id: delivery for delivery in session.scalars(query)}


def _file(ctx: Context, session: Session, one: Opened, delivery: Delivery) -> None:
    mail = one.mail
    if mail:
        delivery.sender = mail.from_address
        delivery.subject = mail.subject[:500]
        delivery.message_id = known_by(mail.message_id_raw)
        delivery.content = one.content
        prove_named(ctx, session, mail, own_copy=one.automatic == "own_copy")
    if (first := earlier_copy(session, one, delivery)) is not None:
        file_copy(ctx, session, one, delivery, first)
        return
    filing = Filing(ctx, session, delivery, mail, one.cycles)
    brings = any(reading.kind not in _ADDED for reading in one.readings.values())
    brings = brings or bool(one.links and filing.senders)
    if one.automatic and (one.silent or not (brings or asks_something(filing))):
        file_automatic(ctx, session, delivery, mail, one.automatic)
    elif (leaves := _to_file(session, one, filing)) or (one.links and filing.place_sender()):
        filing.file(leaves, one.readings, one.links)
    elif mail:
        file_words(ctx, session, delivery, mail, filing, linked=bool(one.links))
    if one.automatic:
        leave_unanswered(filing)
    watch(ctx, session, delivery)
    flag_namesake(ctx, session, delivery)
    if delivery.disposition == "restricted":
        delivery.subject = ""
        tell_isolated(ctx, session, delivery)
    delivery.processed_at = ctx.clock.now()


def _to_file(session: Session, one: Opened, filing: Filing) -> list[Leaf]:
    """The files; and the mail's own words where they are a part of what the unit is asked for. Words alone
    that answer our questions are an answer."""
    if one.body is None or not is_asked_for(filing, one.body.name, one.readings[one.body.digest]):
        return one.leaves
    if not one.leaves and asked_findings(session, filing):
        return []
    return [*one.leaves, one.body]


def _put_by(ctx: Context, delivery_id: int, error: Exception, done: Processed) -> None:
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
    done.add(Processed(messages={"set_aside": 1}))


def _counted(session: Session, deliveries: Sequence[Delivery]) -> Processed:
    files = session.execute(
        select(File.disposition, File.cycle).where(File.delivery_id.in_([d.id for d in deliveries]))
    ).all()
    counted = Processed()
    for row in files:
        counted.add(Processed(files={row.disposition: 1}))
    for delivery in deliveries:
        if delivery.disposition:
            counted.add(Processed(messages={delivery.disposition: 1}))
    codes = (*(d.cycle for d in deliveries), *(row.cycle for row in files))
    counted.cycles = {code for code in codes if code}
    return counted
