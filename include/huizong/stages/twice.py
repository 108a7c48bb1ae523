"""A mail that came twice: delivered again by a server, or to two mailboxes of ours.

The same Message-ID and the same content is the same mail: it counts once and is answered once, whichever of
the cycle's mailboxes it reached first. The same Message-ID over another content is another mail (programs
number badly); both are taken, and the operator can see it.
"""

from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Delivery, File
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.stages.opening import Opened
from huizong.store import sha256

_LONGEST_ID = 900  # characters, as many as PostgreSQL's index takes


def known_by(message_id: str) -> str | None:
    """What a mail is told by in the ledger: its Message-ID as it stands; of an absurd one its hash."""
    if len(message_id) > _LONGEST_ID:
        return f"sha256:{sha256(message_id.encode())}"
    return message_id or None


def earlier_copy(session: Session, one: Opened, delivery: Delivery) -> Delivery | None:
    """The delivery that brought the same mail before, if that one was of use: one that was set aside does not
    count, this one may be the one that can be read; and of another mailbox only what was taken, for to that
    one's office it may have meant nothing."""
    if one.silent or not delivery.message_id:
        return None
    query = _namesakes(delivery).where(Delivery.content == delivery.content).order_by(Delivery.id)
    channels = {code for issued in one.cycles for code in issued.loaded.cycle.channels}
    for before in session.scalars(query):
        if before.channel == delivery.channel and before.disposition not in {"set_aside", "duplicate"}:
            return before
        if before.channel in channels and before.disposition == "return":
            return before
    return None


def file_copy(ctx: Context, session: Session, one: Opened, delivery: Delivery, first: Delivery) -> None:
    """Nothing of it counts again and nobody is answered again; each file says so."""
    reason = f"与来件 d{first.id} 是同一封邮件，不重复处理"
    for leaf in one.leaves:
        reading = one.readings.get(leaf.digest)
        session.add(
            File(
                delivery_id=delivery.id, name=leaf.name[:255], digest=leaf.digest,
                container=leaf.container or None, size=len(leaf.data),
                kind=reading.kind if reading else "unknown", disposition="duplicate", reason=reason,
                witnesses={"units": []}, cycle=first.cycle,
            )
        )  # fmt: skip
    delivery.disposition, delivery.reason = "duplicate", reason
    delivery.cycle, delivery.collection, delivery.unit = first.cycle, first.collection, first.unit
    delivery.processed_at = delivery.answered_at = ctx.clock.now()


def flag_namesake(ctx: Context, session: Session, delivery: Delivery) -> None:
    """Say of a delivery that was filed that another mail bears its Message-ID over another content."""
    if not delivery.message_id:
        return
    query = _namesakes(delivery).where(Delivery.content != delivery.content)
    other = session.scalars(query.order_by(Delivery.id)).first()
    if other is None:
        return
    log_event(session, ctx, "same_number", cycle=delivery.cycle, delivery=delivery.id, other=other.id)
    if session.scalars(select(File.id).where(File.delivery_id == delivery.id)).first() is not None:
        # Of mere words the reason itself says what they are answered with.
        flag = f"与来件 d{other.id} 邮件编号相同而内容不同，两件均已登记，请核对"
        delivery.reason = "；".join(filter(None, [delivery.reason, flag]))


def _namesakes(delivery: Delivery) -> Select[Delivery]:
    """Other deliveries that were processed and bear the same Message-ID, byte for byte."""
    return select(Delivery).where(
        Delivery.message_id == delivery.message_id,
        Delivery.id != delivery.id,
        Delivery.processed_at.is_not(None),
    )
