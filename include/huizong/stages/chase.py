"""Chase (催报): receive and validate first, then the latest due rung to those who owe something.

What is due is found by instants and not by days, so a rung missed while the machine was off is caught up,
and of several missed ones only the latest is sent (invariant 8).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Rung
from huizong.ledger.tables import Contact, Event, Letter
from huizong.outbox.context import CycleLetter, FormalNoticeContext, ReminderContext
from huizong.outbox.queue import Draft, queue_letter
from huizong.stages.callsheet import make_callsheet
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.forwarding import forward_rungs
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.leadership import list_matters
from huizong.stages.reasons import CHASED, chaseable
from huizong.stages.receive import receive_for, unread_error
from huizong.stages.standing import Standing, standings_now
from huizong.stages.validate import validate
from huizong.stages.wording import late_text, letter_basics, missing_part, nil_text


def chase(ctx: Context, code: str, as_of: datetime, *, send: bool = True) -> dict[str, Any]:
    """Queue the rungs that are due; `held` counts the units whose reminders wait.

    Raises:
        UsageError: the cycle was not issued or was changed since.
        TransientError: a channel could not be read: its collections' rungs were not sent, the others were.
        OperatorError: so it is, and a person has to do something first.
    """
    require_aware(as_of)
    issued = issued_cycle(ctx, code)
    unread = receive_for(ctx, issued, as_of)
    validate(ctx, code, as_of, send=False)
    issued = issued_cycle(ctx, code)  # a bounce may have taken a contact away
    counts: dict[str, int] = {}
    held = queued = 0
    with ctx.ledger.lock(f"chase:{code}", wait=True), ctx.ledger.write() as session:
        for standing in standings_now(session, issued):
            if standing.collection.channel in unread:
                continue
            rung = _due_rung(issued, standing, as_of)
            if rung is None:
                continue
            if standing.status in (*CHASED, "unsettled") and standing.reminders_wait:
                held += 1
                continue
            made = _take_step(ctx, session, issued, standing, rung, as_of)
            queued += made if rung != "superior_informed" else 0  # a list entry, no letter
            if made:
                counts[rung] = counts.get(rung, 0) + 1
    forward_rungs(ctx, issued, as_of, _due_rung, unread)
    make_callsheet(ctx, issued, as_of, unread)
    list_matters(ctx, issued, as_of)
    channels = sorted({c.channel for c in issued.collections})
    if send:
        from huizong.stages.send import send as send_letters

        send_letters(ctx, channels, as_of)
    if unread:
        raise unread_error("有渠道未能读取，相关事项暂不催报", unread)
    return {"cycle": code, "rungs": counts, "held": held, "queued": queued, "channels": channels}


def _due_rung(issued: IssuedCycle, standing: Standing, as_of: datetime) -> Rung | None:
    """The latest rung whose instant has come, while the unit is still asked and the office at work."""
    until = issued.schedule.asks_until(standing.collection, standing.due)
    if until is not None and as_of >= until:
        return None
    if not issued.schedule.in_office_hours(as_of):
        return None
    due = [r for r, at in issued.schedule.rungs(standing.collection, standing.due) if at <= as_of]
    return due[-1] if due else None


def _take_step(
    ctx: Context, session: Session, issued: IssuedCycle, standing: Standing, rung: Rung, as_of: datetime
) -> int:
    """How many letters (or list entries) the step made; 0 if it was taken before or there is no need."""
    if not chaseable(standing):
        return 0
    if rung == "superior_informed":
        return _inform_superior(ctx, session, issued, standing)
    made = 0
    for contact in issued.contacts.get(standing.unit.code, ()):
        letter = _draft(ctx, session, issued, standing, rung, contact, as_of)
        made += queue_letter(session, letter, salt=issued.loaded.digest, now=ctx.clock.now()) is not None
    return made


def _inform_superior(ctx: Context, session: Session, issued: IssuedCycle, standing: Standing) -> int:
    """An entry of the leader's internal list, never a mail (DESIGN, Words)."""
    collection, unit = standing.collection.code, standing.unit.code
    key = f"rung:{issued.code}:{collection}:{unit}:superior_informed:{standing.due_version}"
    if session.scalars(select(Event.id).where(Event.key == key)).first() is not None:
        return 0
    log_event(
        session, ctx, "superior_informed", cycle=issued.code, collection=collection, unit=unit, key=key,
        missing=[p.name for p in standing.missing_parts],
    )  # fmt: skip
    return 1


def _draft(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    standing: Standing,
    rung: Rung,
    contact: Contact,
    as_of: datetime,
) -> Draft:
    collection, unit = standing.collection, standing.unit
    context = _context(session, issued, standing, rung, contact, as_of)
    name = f"{issued.code}:{collection.code}:{unit.code}:{rung}:{standing.due_version}"
    return draft(
        ctx,
        issued,
        collection,
        unit,
        context,
        key=f"rung:{name}:{contact.address}",
        address=contact.address,
        expires_at=_expires(issued, standing, rung, as_of),
        state="held" if rung == "formal_notice" else "queued",
    )


def _expires(issued: IssuedCycle, standing: Standing, rung: Rung, as_of: datetime) -> datetime | None:
    """When the text would be wrong: at the deadline it speaks of as ahead, else at the next letter's rung."""
    rungs = issued.schedule.rungs(standing.collection, standing.due)
    ends = [at for later, at in rungs if at > as_of and later != "superior_informed"][:1]
    if rung == "nudge" and standing.due:
        ends.append(standing.due.instant)
    if until := issued.schedule.asks_until(standing.collection, standing.due):
        ends.append(until)
    return min(ends, default=None)


def _context(
    session: Session,
    issued: IssuedCycle,
    standing: Standing,
    rung: Rung,
    contact: Contact,
    as_of: datetime,
) -> CycleLetter:
    basics = letter_basics(issued, standing.collection, standing.unit, contact, as_of, standing.due)
    owed: dict[str, Any] = {
        "missing_parts": tuple(missing_part(p) for p in standing.absent_parts),
        "open_findings": len(standing.open_queries),
        "received_any": any(standing.versions.values()),
        "nil_text": nil_text(standing.collection),
    }
    if rung == "formal_notice":
        reminded = _reminded_on(session, issued, standing.collection, standing.unit.code)
        return FormalNoticeContext(**basics, **owed, reminded_on=reminded)
    late = late_text(issued, standing.due, as_of) if standing.due else ""
    return ReminderContext(
        **basics, **owed, kind="nudge" if rung == "nudge" else "reminder", rung=cast(Any, rung),
        days_late_text=late,
    )  # fmt: skip


def _reminded_on(session: Session, issued: IssuedCycle, collection: Collection, unit: str) -> tuple[str, ...]:
    """The days that this unit's reminders bear, as far as they left: 6月13日."""
    sent = session.scalars(
        select(Letter.context)
        .where(
            Letter.cycle == issued.code,
            Letter.collection == collection.code,
            Letter.unit == unit,
            Letter.kind.in_(("nudge", "reminder")),
            Letter.state == "sent",
        )
        .order_by(Letter.id)
    )
    days = [str(context["letter"]["dated"]).partition("年")[2] for context in sent]
    return tuple(dict.fromkeys(days))
