"""Other people's mail in a shared mailbox: after a stated time only its hash and headers are kept.

What belongs to no cycle is the mailbox owner's other business (invariant 1). Its hash stays, so that the
mail is not taken in again; its headers stay, so that the operator can find it in the mailbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from sqlalchemy import Select, String, cast, or_, select
from sqlalchemy.orm import Session

from huizong.ledger.editions import Edition
from huizong.ledger.tables import DefinitionVersion, Delivery, File, FormIssue, Letter, Location
from huizong.mime.limits import MAX_HEAD
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.store import LostError

KEPT = timedelta(days=90)  # of machine time, since it was stored
_AT_ONCE = 200
_LAST = 50  # forgotten ones whose bytes are looked after once more: a run may have died before it let go


def forget_strangers(ctx: Context) -> int:
    """Let go of what belongs to no cycle and is older than 90 days; how many mails it was."""
    with ctx.ledger.read() as session:
        due = session.scalars(
            select(Delivery)
            .where(
                Delivery.kind == "mail",
                Delivery.disposition == "other",
                Delivery.cycle.is_(None),
                Delivery.unit.is_(None),
                Delivery.headers.is_(None),
                Delivery.stored_at < ctx.clock.now() - KEPT,
            )
            .order_by(Delivery.id)
            .limit(_AT_ONCE)
        ).all()
        if not due:
            return 0
        done = select(Delivery.id).where(Delivery.headers.is_not(None)).order_by(Delivery.id.desc())
        left = session.scalars(done.limit(_LAST)).all()
    heads = {delivery.id: ctx.store.put(_head(ctx, delivery.digest or "")) for delivery in due}
    with ctx.ledger.write() as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(heads))):
            delivery.headers = heads[delivery.id]
            log_event(session, ctx, "forgotten", delivery=delivery.id)
    with ctx.ledger.read() as session:
        for digest in _unused(session, [*heads, *left]):
            ctx.store.forget(digest)
    return len(heads)


def _head(ctx: Context, digest: str) -> bytes:
    try:
        raw = ctx.store.get(digest)
    except LostError:
        return b""
    ends = [at for mark in (b"\r\n\r\n", b"\n\n") if (at := raw.find(mark)) >= 0]
    return raw[: min(ends, default=len(raw))][:MAX_HEAD] + b"\r\n\r\n"


def _unused(session: Session, ids: Iterable[int]) -> Iterator[str]:
    """The bytes of these mails and of the files in them that nothing else stands on."""
    of_mails = session.scalars(select(Delivery.digest).where(Delivery.id.in_(ids))).all()
    of_files = session.scalars(select(File.digest).where(File.delivery_id.in_(ids))).all()
    for digest in dict.fromkeys(filter(None, (*of_mails, *of_files))):
        if not _is_used(session, digest):
            yield digest


def _is_used(session: Session, digest: str) -> bool:
    kept = File.delivery_id.in_(select(Delivery.id).where(Delivery.headers.is_(None)))
    in_file = or_(File.digest == digest, File.container == digest)
    of_form = or_(FormIssue.workbook == digest, FormIssue.document == digest)
    attached = cast(Letter.attachments, String).contains(digest)
    places: list[Select[int]] = [
        select(Delivery.id).where(Delivery.digest == digest, Delivery.headers.is_(None)),
        select(Delivery.id).where(Delivery.headers == digest),
        select(File.id).where(in_file, kept),
        select(Location.id).where(Location.mark == digest),
        select(FormIssue.id).where(of_form),
        select(DefinitionVersion.id).where(DefinitionVersion.content == digest),
        select(Letter.id).where(or_(Letter.mime == digest, attached)),
        select(Edition.id).where(cast(Edition.files, String).contains(digest)),
    ]
    return any(session.scalars(query.limit(1)).first() is not None for query in places)
