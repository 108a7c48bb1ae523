"""The telephone list of a morning (催报电话单), and the contacts by telephone that people log.

It is made by the first chase of a working day, from three working days before a unit's deadline until the
collection closes, of units that owe something and have nothing of theirs in our hands.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.calendar import add_working_days
from huizong.errors import UsageError
from huizong.frame.roster import ROSTER, telephones
from huizong.ledger.tables import Event, EventPerson, Letter
from huizong.outbox.to_operator import DigestContext
from huizong.stages.alarms import write_to_operator
from huizong.stages.context import Context
from huizong.stages.forwarding import write_whole
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.reasons import CHASED
from huizong.stages.signed import require_words
from huizong.stages.standing import Standing, standings, standings_now
from huizong.stages.wording import day_text, due_text, full_day, late_text
from huizong.stages.words import LETTER_KIND
from huizong.summary.callsheet import Call, write_callsheet

_DAYS_BEFORE = 3  # working days
_CONTACTED = "contact_logged"
_WRITTEN = ("nudge", "reminder", "formal_notice")


def make_callsheet(ctx: Context, issued: IssuedCycle, as_of: datetime, unread: Container[str] = ()) -> None:
    """Lay out today's list and mail it to the operator; once a day, and none where nobody is to be rung."""
    today = as_of.astimezone(issued.loaded.cycle.zone).date()
    key = f"callsheet:{issued.code}:{today}"
    if not issued.loaded.calendar.is_working_day(today):
        return
    with ctx.ledger.read() as session:
        if session.scalars(select(Event.id).where(Event.key == key)).first() is not None:
            return
        owing = [
            s for s in standings_now(session, issued)
            if s.collection.channel not in unread and _to_ring(issued, s, as_of)
        ]  # fmt: skip
        phones = _telephones(issued)
        calls = [_call(session, issued, s, as_of, phones) for s in owing]
    if not calls:
        return
    cycle = issued.loaded.cycle
    title = f"催报电话单（{cycle.title}，{full_day(today)}）"
    data = write_callsheet(title, calls, "工作用表，内含电话，请妥善保管", as_of)
    folder = ctx.home.path / "callsheets" / issued.code
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{today}.xlsx"
    write_whole(path, data)
    stored = ctx.store.put(data)
    context = DigestContext(
        title=f"{cycle.title}催报电话单（{len(calls)}家次）",
        lines=("今天需电话联系的单位见附件。联系后请以 huizong unit 的 log-contact 登记。",),
        dated=full_day(today),
    )
    with ctx.ledger.write() as session:
        if session.scalars(select(Event.id).where(Event.key == key)).first() is not None:
            return
        log_event(session, ctx, "callsheet", cycle=issued.code, key=key, path=str(path), units=len(calls))
        write_to_operator(
            ctx, session, f"digest:{key}", f"【工作进展】{context.title}", context, issued.code,
            attachments=[(f"催报电话单{today}.xlsx", stored)],
        )  # fmt: skip
    ctx.say(f"今天须电话联系{len(calls)}家次，催报电话单：{path}")


def log_contact(
    ctx: Context,
    code: str,
    unit: str,
    as_of: datetime,
    *,
    by: str,
    reason: str,
    collection: str | None = None,
) -> dict[str, Any]:
    """Record that somebody spoke with a unit; no figure told so counts for anything.

    Raises:
        UsageError: unknown unit or collection, or words missing.
    """
    require_aware(as_of)
    require_words(by, reason)
    issued = issued_cycle(ctx, code)
    issued.unit(unit)
    if collection is not None:
        issued.collection(collection)
    with ctx.ledger.write() as session:
        found = standings(session, issued, as_of, unit)
        if not [s for s in found if collection in (None, s.collection.code)]:
            raise UsageError(f"单位 {unit} 不在应报名单中。")
        log_event(
            session, ctx, _CONTACTED, cycle=code, collection=collection, unit=unit, by=by, words=reason,
            as_of=as_of.isoformat(),
        )  # fmt: skip
    return {"cycle": code, "unit": unit, "collection": collection, "decision": "log-contact"}


def contacts_logged(session: Session, issued: IssuedCycle, standing: Standing) -> list[str]:
    """What people logged of a unit, oldest first: 6月21日电话联系张科员，答应明日报（李科）."""
    rows = session.execute(
        select(Event, EventPerson)
        .join(EventPerson, EventPerson.event_id == Event.id)
        .where(
            Event.cycle == issued.code,
            Event.unit == standing.unit.code,
            Event.kind == _CONTACTED,
            (Event.collection == standing.collection.code) | Event.collection.is_(None),
        )
        .order_by(Event.id)
    )
    zone = issued.loaded.cycle.zone
    return [
        f"{day_text(datetime.fromisoformat(row.Event.data['as_of']).astimezone(zone).date())}"
        f"{row.EventPerson.words}（{row.EventPerson.by}）"
        for row in rows
    ]


def reminders_sent(session: Session, issued: IssuedCycle, standing: Standing) -> list[str]:
    """The reminders that left for a unit, oldest first: 6月13日报送提示."""
    letters = session.scalars(
        select(Letter)
        .where(
            Letter.cycle == issued.code,
            Letter.collection == standing.collection.code,
            Letter.unit == standing.unit.code,
            Letter.kind.in_(_WRITTEN),
            Letter.state == "sent",
        )
        .order_by(Letter.id)
    )
    said = (f"{x.context['letter']['dated'].partition('年')[2]}{LETTER_KIND[x.kind]}" for x in letters)
    return list(dict.fromkeys(said))


def owed_text(standing: Standing) -> str:
    """What a unit owes, as the operator says it on the telephone."""
    owed = [part.name for part in standing.absent_parts]
    if standing.open_queries:
        owed.append(f"待更正或说明的问题{len(standing.open_queries)}个")
    elif not owed and standing.missing_parts:
        owed = [f"更正后的{part.name}" for part in standing.missing_parts]
    return "、".join(owed)


def _to_ring(issued: IssuedCycle, standing: Standing, as_of: datetime) -> bool:
    if standing.due is None or standing.collection.voluntary or standing.reminders_wait:
        return False
    if standing.status not in (*CHASED, "undeliverable"):
        return False
    until = issued.schedule.asks_until(standing.collection, standing.due)
    if until is not None and as_of >= until:
        return False
    first = add_working_days(issued.loaded.calendar, standing.due.day, -_DAYS_BEFORE)
    return first <= as_of.astimezone(issued.loaded.cycle.zone).date()


def _call(
    session: Session, issued: IssuedCycle, s: Standing, as_of: datetime, phones: dict[str, tuple[str, str]]
) -> Call:
    contact = next(iter(issued.contacts.get(s.unit.code, ())), None)
    name, phone = phones.get(s.unit.code, ("", ""))
    if contact is not None:
        name, phone = contact.name or name, contact.phone or phone
    contacts = contacts_logged(session, issued, s) or reminders_sent(session, issued, s)
    late = s.due is not None and as_of >= s.due.instant
    remarks = [
        s.collection.title if len(issued.collections) > 1 else "",
        f"已同意延期至{due_text(s.due).removesuffix('前（含当日）')}" if s.extended and s.due else "",
        f"逾期{late_text(issued, s.due, as_of)}" if late and s.due else "",
        "未设邮箱" if s.no_mailbox else "",
        "邮件未送达" if s.status == "undeliverable" else "",
    ]
    return Call(
        unit=s.unit.name,
        contact=name,
        phone=phone or "名录中没有电话",
        missing=owed_text(s),
        last_contact=contacts[-1] if contacts else "",
        remarks="；".join(filter(None, remarks)),
    )


def _telephones(issued: IssuedCycle) -> dict[str, tuple[str, str]]:
    """Unit → whom to ring and the number, also of units that have no address; empty without a roster."""
    path = issued.loaded.folder / ROSTER
    return telephones(path.read_text("utf-8-sig")) if path.is_file() else {}
