"""From raw to versions: open, read, recognise, and give every message and file its disposition.

`receive` calls this for what just came in, `validate` and `chase` for what an earlier run left undone. A
hundred deliveries are opened and read together, so that LibreOffice starts once for them, and then filed in
one transaction: none of them spans a parser.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath

from sqlalchemy import or_, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from huizong.errors import HuizongError
from huizong.instruments.model import Instrument
from huizong.intake.unpack import Budget, pieces
from huizong.ledger.tables import Delivery, Event, File, Letter, Location
from huizong.mime.parse import Leaf as MailLeaf
from huizong.mime.parse import ParsedMail, parse_message
from huizong.mime.robots import automatic_kind
from huizong.readers.model import FileReading
from huizong.readers.secrecy import REASON, is_restricted
from huizong.readers.worker import ReadWorker, Source
from huizong.stages.alarms import tell_isolated
from huizong.stages.awaiting import redrive
from huizong.stages.context import Context
from huizong.stages.filing import Filing, Leaf, cleared_key
from huizong.stages.issued import IssuedCycle, issued_codes, issued_cycle, log_event
from huizong.stages.messages import file_automatic, file_words
from huizong.store import LostError, sha256

logger = logging.getLogger(__name__)

# A mailbox keeps arriving after closing; for so long such mail still belongs to the cycle (DESIGN 7).
OPEN_AFTER_CLOSING = timedelta(days=60)
CHUNK = 100  # deliveries opened, read and filed together
CHUNK_BYTES = 64 * 2**20
_SIGNATURE_PICTURE = 15_000  # bytes: nameless pictures below that are logos
_UNSTORABLE = (DataError, IntegrityError)  # the database works, and does not take what this delivery holds
# Programs that pass on what a person wrote; what they add of their own are words and pictures.
_PASSING_ON = ("auto_reply", "list")
_ADDED = ("image", "text", "unknown")


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


@dataclass(frozen=True)
class _Raw:
    """A delivery as it was recorded. Of one that is driven again, what was filed for good stays."""

    delivery: Delivery
    places: list[Location] = field(default_factory=list)
    filed: Counter[tuple[str, str]] = field(default_factory=Counter)  # digest, and its archive's
    cleared: bool = False  # a person has seen that it is not secret, whatever it looks like


@dataclass
class _Opened:
    """A delivery with its files out in the open; `readings` by digest."""

    id: int
    mail: ParsedMail | None
    leaves: list[Leaf]
    cycles: list[IssuedCycle]
    automatic: str | None
    cleared: bool = False
    readings: dict[str, FileReading] = field(default_factory=dict)
    failure: Exception | None = None  # why it could not be opened

    @property
    def silent(self) -> bool:
        """Whether its files are a robot's own, which nobody reads."""
        return self.automatic is not None and self.automatic not in _PASSING_ON

    @property
    def size(self) -> int:
        return sum(len(leaf.data) for leaf in self.leaves)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(i for c in self.cycles for i in c.loaded.instruments.values())


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
        chunks = _chunks(_opened(ctx, worker, cycles, ids, as_of))
        reading = ahead.submit(_next_read, ctx, worker, chunks)
        while chunk := reading.result():
            # The child reads the next chunk while this one is filed.
            reading = ahead.submit(_next_read, ctx, worker, chunks)
            _file_all(ctx, chunk, done)
    return done


def _next_read(ctx: Context, worker: ReadWorker, chunks: Iterator[list[_Opened]]) -> list[_Opened] | None:
    """The next deliveries, opened, read and kept; None at the end."""
    chunk = next(chunks, None)
    if chunk:
        _read(worker, chunk)
        _keep(ctx, chunk)
    return chunk


def _chunks(opened: Iterable[_Opened]) -> Iterator[list[_Opened]]:
    chunk: list[_Opened] = []
    size = 0
    for one in opened:
        chunk.append(one)
        size += one.size
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _opened(
    ctx: Context,
    worker: ReadWorker,
    cycles: list[IssuedCycle],
    ids: Sequence[int],
    as_of: datetime,
) -> Iterator[_Opened]:
    for start in range(0, len(ids), CHUNK):
        for raw in _raw(ctx, ids[start : start + CHUNK]):
            try:
                opened = _open(ctx, worker, cycles, raw, as_of)
            except Exception as e:
                if _is_outside(e):
                    raise  # this delivery is still to do
                opened = _Opened(raw.delivery.id, None, [], [], None, failure=e)
            yield opened


def _raw(ctx: Context, ids: Sequence[int]) -> list[_Raw]:
    """What the ledger holds of deliveries that nobody has processed meanwhile, in this order."""
    with ctx.ledger.read() as session:
        deliveries = session.scalars(
            select(Delivery).where(Delivery.id.in_(ids), Delivery.processed_at.is_(None))
        ).all()
        places = session.scalars(
            select(Location).where(Location.delivery_id.in_(ids)).order_by(Location.id)
        ).all()
        filed = session.execute(
            select(File.delivery_id, File.digest, File.container).where(File.delivery_id.in_(ids))
        ).all()
        keys = {cleared_key(n) for n in ids}
        cleared = set(session.scalars(select(Event.key).where(Event.key.in_(keys))))
    found = {d.id: _Raw(d, cleared=cleared_key(d.id) in cleared) for d in deliveries}
    for place in places:
        if place.delivery_id in found:
            found[place.delivery_id].places.append(place)
    for row in filed:
        if row.delivery_id in found:
            found[row.delivery_id].filed[row.digest, row.container or ""] += 1
    return [found[delivery_id] for delivery_id in ids if delivery_id in found]


def _open(ctx: Context, worker: ReadWorker, cycles: list[IssuedCycle], raw: _Raw, as_of: datetime) -> _Opened:
    delivery = raw.delivery
    mail = parse_message(ctx.store.get(delivery.digest)) if delivery.digest else None
    open_cycles = [c for c in cycles if _concerns(c, delivery, as_of)]
    opened = _Opened(delivery.id, mail, [], open_cycles, _automatic(ctx, mail), raw.cleared)
    if mail:
        files = [(leaf.name, leaf.data) for leaf in _files(ctx, mail)]
    else:
        files = [(PurePath(p.place).name, ctx.store.get(p.mark)) for p in raw.places]
    filed, budget = raw.filed.copy(), Budget()
    for name, data in files:
        for leaf, reading in _unpacked(worker, name, data, budget, opened.silent):
            if filed[leaf.digest, leaf.container] > 0:
                filed[leaf.digest, leaf.container] -= 1
                continue
            opened.leaves.append(leaf)
            opened.readings |= {leaf.digest: reading} if reading else {}
    if mail and not opened.silent and not raw.cleared and is_restricted([mail.subject]):
        isolated = FileReading(kind="unknown", disposition="restricted", reason=REASON)
        opened.readings = {leaf.digest: isolated for leaf in opened.leaves}
    return opened


def _unpacked(
    worker: ReadWorker, name: str, data: bytes, budget: Budget, silent: bool
) -> Iterator[tuple[Leaf, FileReading | None]]:
    """The file, or what an archive holds; with its reading where unpacking said all there is to say."""
    digest = sha256(data)
    if silent:
        yield Leaf(name, digest, data), None
        return
    for piece in pieces(worker, name, data, budget):
        inner = sha256(piece.data)
        leaf = Leaf(piece.name, inner, piece.data, "" if inner == digest else digest)
        yield leaf, piece.reading


def _read(worker: ReadWorker, chunk: list[_Opened]) -> None:
    """One batch for all whose forms are looked for among the same instruments: usually the whole chunk."""
    groups: dict[tuple[bool | str, ...], list[_Opened]] = {}
    for one in chunk:
        if not one.silent:
            groups.setdefault((one.cleared, *(c.code for c in one.cycles)), []).append(one)
    for members in groups.values():
        told = {digest for one in members for digest in one.readings}
        wanted = {leaf.digest: leaf for one in members for leaf in one.leaves if leaf.digest not in told}
        sources = [Source(leaf.name, leaf.data, members[0].cleared) for leaf in wanted.values()]
        found = dict(zip(wanted, worker.read_all(sources, members[0].instruments), strict=True))
        for one in members:
            one.readings |= {leaf.digest: found[leaf.digest] for leaf in one.leaves if leaf.digest in found}


def _keep(ctx: Context, chunk: list[_Opened]) -> None:
    """Files are kept by themselves too, so that a figure leads to its file; what is restricted is not."""
    ctx.store.put_all(
        [
            leaf.data
            for one in chunk
            for leaf in one.leaves
            if one.silent or one.readings[leaf.digest].disposition != "restricted"
        ]
    )


def _file_all(ctx: Context, chunk: list[_Opened], done: Processed) -> None:
    """One transaction for all; where something goes wrong one for each, so that no delivery stops another."""
    failed = [(one.id, one.failure) for one in chunk if one.failure is not None]
    opened = [one for one in chunk if one.failure is None]
    try:
        done.add(_file_together(ctx, opened))
    except Exception as e:
        if _is_outside(e):
            raise  # all of them are still to do
        failed += _file_apart(ctx, opened, done)
    for delivery_id, error in failed:
        _put_by(ctx, delivery_id, error, done)


def _file_apart(ctx: Context, opened: list[_Opened], done: Processed) -> list[tuple[int, Exception]]:
    failed: list[tuple[int, Exception]] = []
    for one in opened:
        try:
            done.add(_file_together(ctx, [one]))
        except Exception as e:
            if _is_outside(e):
                raise
            failed.append((one.id, e))
    return failed


def _file_together(ctx: Context, opened: list[_Opened]) -> Processed:
    with ctx.ledger.write() as session:
        deliveries = _deliveries(session, opened)
        for one in opened:
            if one.id in deliveries:
                _file(ctx, session, one, deliveries[one.id])
        session.flush()
        return _counted(session, list(deliveries.values()))


def _deliveries(session: Session, chunk: Sequence[_Opened]) -> dict[int, Delivery]:
    """Those that no other process was quicker to file."""
    query = select(Delivery).where(
        Delivery.id.in_([one.id for one in chunk]), Delivery.processed_at.is_(None)
    )
    return {delivery.id: delivery for delivery in session.scalars(query)}


def _file(ctx: Context, session: Session, one: _Opened, delivery: Delivery) -> None:
    mail = one.mail
    if mail:
        delivery.sender = mail.from_address
        delivery.subject = mail.subject[:500]
        delivery.message_id = mail.message_id_raw or None
    filing = Filing(ctx, session, delivery, mail, one.cycles)
    brings = any(reading.kind not in _ADDED for reading in one.readings.values())
    if one.automatic and (one.silent or not brings):
        file_automatic(ctx, session, delivery, mail, one.automatic)
    elif one.leaves:
        filing.file(one.leaves, one.readings)
    elif mail:
        file_words(ctx, session, delivery, mail, filing)
    if delivery.disposition == "restricted":
        delivery.subject = ""
        tell_isolated(ctx, session, delivery)
    delivery.processed_at = ctx.clock.now()


def _is_outside(error: Exception) -> bool:
    """Trouble that is none of this delivery's: the database, the disk, a reader that cannot start."""
    if isinstance(error, (LostError, *_UNSTORABLE)):
        return False
    return isinstance(error, (HuizongError, SQLAlchemyError))


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


def _files(ctx: Context, mail: ParsedMail) -> list[MailLeaf]:
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
