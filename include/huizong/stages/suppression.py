"""Addresses that get no automatic replies (停止自动答复): machines, or by a person's word.

What they send is still received, and counts; reminders still go out. All instants are machine time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.ledger.tables import Delivery, File, Letter
from huizong.ledger.upkeep import Suppression
from huizong.mime.addresses import check_address
from huizong.stages.alarms import end_alarm, open_troubles, raise_alarm
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.stages.signed import require_words

REPLIES = ("receipt", "correction", "supplement")  # letters that answer a message by themselves
SUPPRESSED = "该地址已停止自动答复"  # how the reply of a letter that waits for it begins
TILL_LIFTED = timedelta(days=3650)  # how long a letter waits for a person's word
_LONGEST = 3650  # days
CHATTER = 10  # messages that bring nothing new, within an hour
_HOUR = timedelta(hours=1)
_REST = timedelta(days=1)
_NOTHING_NEW = ("duplicate", "auto_reply")
_NO_CHATTER = ("bounce", "own_copy", "triage", "link_pending", "restricted")
_TROUBLE = "chatter:"


def in_force(session: Session, address: str, now: datetime) -> Suppression | None:
    """Why, and until when, an address gets no automatic replies; None if it does."""
    query = select(Suppression).where(Suppression.address == address, *_holds(now))
    return session.scalars(query.order_by(Suppression.id.desc()).limit(1)).first()


def suppressions(session: Session, now: datetime) -> list[dict[str, Any]]:
    """The addresses that get no automatic replies now, for people and programs."""
    query = select(Suppression).where(*_holds(now)).order_by(Suppression.address)
    return [
        {
            "address": row.address,
            "since": row.since.isoformat(timespec="seconds"),
            "until": row.until.isoformat(timespec="seconds") if row.until else None,
            "reason": row.reason,
            "by": row.by,
        }
        for row in session.scalars(query)
    ]


def unanswered(session: Session, cycle: str, now: datetime) -> dict[tuple[str, str], list[str]]:
    """(collection, unit) → what the operator should know: a reply to it waits until it may have some."""
    query = select(Letter.collection, Letter.unit, Letter.address).where(
        Letter.cycle == cycle,
        Letter.kind.in_(REPLIES),
        Letter.state == "queued",
        Letter.not_before > now,
        Letter.reply.startswith(SUPPRESSED),
    )
    found: dict[tuple[str, str], list[str]] = {}
    for collection, unit, address in session.execute(query.distinct()):
        if in_force(session, address, now) is not None:
            note = f"{address} 已停止自动答复，答复尚未发出，审核结果请电话告知该单位"
            found.setdefault((collection or "", unit or ""), []).append(note)
    return found


def watch(ctx: Context, session: Session, delivery: Delivery) -> None:
    """Stop answering an address that sends one message after another without anything new in them.

    Only an address that we have written to can be in a loop with us; what a mailbox held for days before it
    was read came at its own time (`received_at`).
    """
    if delivery.kind != "mail" or not _brings_nothing(session, delivery):
        return
    address, now = delivery.sender, ctx.clock.now()
    if _noise(session, delivery, now) < CHATTER or in_force(session, address, now) is not None:
        return
    if session.scalars(select(Letter.id).where(Letter.address == address).limit(1)).first() is None:
        return
    reason = f"一小时内来信{CHATTER}封以上，均无新材料"
    session.add(Suppression(address=address, since=now, until=now + _REST, reason=reason, by=""))
    log_event(session, ctx, "suppressed", cycle=delivery.cycle, unit=delivery.unit, delivery=delivery.id)
    tell_of_chatter(ctx, session, address, f"{reason}，24小时内不再自动答复。", cycle=delivery.cycle)


def tell_of_chatter(
    ctx: Context, session: Session, address: str, what: str, *, cycle: str | None = None
) -> None:
    """Tell the operator, once, that an address may be a machine."""
    raise_alarm(
        ctx, session, f"{_TROUBLE}{address}", f"{address} 疑似自动回复程序",
        what,
        "来件照常接收登记，催报照常。请打电话问该单位是否设置了自动回复；"
        "不再答复的用 huizong outbox suppress，恢复答复的用 huizong outbox lift。",
        cycle=cycle,
    )  # fmt: skip


def end_chatter(ctx: Context, session: Session) -> int:
    """Say of addresses that went quiet for a day that the trouble is over; how many."""
    now, ended = ctx.clock.now(), 0
    for trouble in open_troubles(session):
        address = trouble.name.removeprefix(_TROUBLE)
        if address == trouble.name or trouble.since > now - _REST:
            continue
        if in_force(session, address, now) is None and not _lively(session, address, now):
            ended += end_alarm(ctx, session, trouble.name, f"{address} 已安静一天，恢复自动答复。")
    return ended


def suppress(ctx: Context, address: str, *, by: str, reason: str, days: int | None = None) -> dict[str, Any]:
    """Send an address no automatic replies, for some days or until it is lifted.

    Raises:
        UsageError: no address, or no reason, or it is suppressed already for as long.
    """
    require_words(by, reason)
    address = check_address(address.strip().lower())
    if days is not None and not 1 <= days <= _LONGEST:
        raise UsageError(f"--days 写 1 至 {_LONGEST} 的正整数；不写：直到 huizong outbox lift。")
    now = ctx.clock.now()
    until = now + timedelta(days=days) if days is not None else None
    with ctx.ledger.write() as session:
        _lift(session, address, now)
        session.add(Suppression(address=address, since=now, until=until, reason=reason, by=by))
        log_event(session, ctx, "suppressed", by=by, words=f"{address}：{reason}")
        end_alarm(ctx, session, f"{_TROUBLE}{address}", tell=False)
    return {
        "address": address,
        "suppressed": True,
        "until": until.isoformat(timespec="seconds") if until else None,
    }


def lift(ctx: Context, address: str, *, by: str, reason: str) -> dict[str, Any]:
    """Let an address have automatic replies again.

    Raises:
        UsageError: no reason, or the address is not suppressed.
    """
    require_words(by, reason)
    address, now = address.strip().lower(), ctx.clock.now()
    with ctx.ledger.write() as session:
        if not _lift(session, address, now):
            listed = "、".join(row["address"] for row in suppressions(session, now)) or "（没有）"
            raise UsageError(f"{address} 没有停止自动答复，现已停止的：{listed}。")
        log_event(session, ctx, "suppression_lifted", by=by, words=f"{address}：{reason}")
        end_alarm(ctx, session, f"{_TROUBLE}{address}", tell=False)
    return {"address": address, "suppressed": False}


def _holds(now: datetime) -> tuple[Any, ...]:
    return Suppression.lifted_at.is_(None), or_(Suppression.until.is_(None), Suppression.until > now)


def _lift(session: Session, address: str, now: datetime) -> int:
    """End what is in force; the replies that waited for it may go."""
    rows = session.scalars(select(Suppression).where(Suppression.address == address, *_holds(now))).all()
    for row in rows:
        row.lifted_at = now
    if rows:
        held = update(Letter).where(
            Letter.address == address, Letter.state == "queued", Letter.reply.startswith(SUPPRESSED)
        )
        session.execute(held.values(not_before=None, reply=None))
    return len(rows)


def _brings_nothing(session: Session, delivery: Delivery) -> bool:
    if delivery.disposition in _NO_CHATTER:
        return False
    if delivery.disposition in _NOTHING_NEW:
        return True
    return session.scalars(select(File.id).where(File.delivery_id == delivery.id).limit(1)).first() is None


def _noise(session: Session, delivery: Delivery, now: datetime) -> int:
    """How many messages of the sender brought nothing new within the hour up to this one."""
    has_file = select(File.id).where(File.delivery_id == Delivery.id).exists()
    query = select(func.count()).where(
        Delivery.sender == delivery.sender,
        Delivery.stored_at > now - _HOUR,
        Delivery.received_at.between(delivery.received_at - _HOUR, delivery.received_at),
        Delivery.disposition.not_in(_NO_CHATTER),
        or_(Delivery.disposition.in_(_NOTHING_NEW), ~has_file),
    )
    return session.scalar(query) or 0


def _lively(session: Session, address: str, now: datetime) -> bool:
    """Whether the address got replies nearly as fast as it may within the last day."""
    query = select(func.count()).where(
        Letter.address == address, Letter.claimed_at > now - _REST, Letter.key.startswith("reply:")
    )
    return (session.scalar(query) or 0) >= CHATTER
