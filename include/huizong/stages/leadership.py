"""What the leader is asked to see to (提请领导协调): a paper for inside, never a letter to a unit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from huizong.definition.model import Collection
from huizong.ledger.tables import Event
from huizong.stages.callsheet import contacts_logged, owed_text, reminders_sent
from huizong.stages.context import Context
from huizong.stages.forwarding import write_whole
from huizong.stages.issued import IssuedCycle, log_event
from huizong.stages.reasons import chaseable
from huizong.stages.standing import standings_now
from huizong.stages.wording import full_day
from huizong.summary.leadership import Matter, write_matters


def list_matters(ctx: Context, issued: IssuedCycle, as_of: datetime) -> None:
    """Write the list of each collection that has new entries, of all its entries that are still open."""
    for collection in issued.collections:
        _list(ctx, issued, collection, as_of)


def work_papers(ctx: Context, code: str) -> list[str]:
    """What waits for the operator in the home folder, as sentences for the board: of each kind and collection
    the newest."""
    said = {
        "forwarded_prepared": lambda d: f"{d['units']}家单位未设邮箱，“{d['what']}”请转发：{d['folder']}",
        "callsheet": lambda d: f"催报电话单（{d['units']}家次）：{d['path']}",
        "matters_listed": lambda d: f"{d['units']}家单位提请领导协调，清单（内部使用）：{d['path']}",
    }
    with ctx.ledger.read() as session:
        events = session.scalars(
            select(Event).where(Event.cycle == code, Event.kind.in_(said)).order_by(Event.id)
        ).all()
    newest = {(event.kind, event.collection): event for event in events}
    return list(dict.fromkeys(said[event.kind](event.data) for event in newest.values()))


def _list(ctx: Context, issued: IssuedCycle, collection: Collection, as_of: datetime) -> None:
    """The file first, then the event that says up to which entry it goes."""
    with ctx.ledger.read() as session:
        entries = session.scalars(
            select(Event)
            .where(
                Event.cycle == issued.code,
                Event.collection == collection.code,
                Event.kind == "superior_informed",
            )
            .order_by(Event.id)
        ).all()
        key = f"matters:{issued.code}:{collection.code}:{entries[-1].id}" if entries else ""
        if not entries or session.scalars(select(Event.id).where(Event.key == key)).first() is not None:
            return
        listed = {entry.unit for entry in entries}
        matters = [
            Matter(
                unit=s.unit.name,
                missing=owed_text(s),
                reminded="、".join(reminders_sent(session, issued, s)),
                contacted="；".join(contacts_logged(session, issued, s)),
            )
            for s in standings_now(session, issued, frozenset(filter(None, listed)))
            if s.collection.code == collection.code and chaseable(s)
        ]
    if not matters:
        return
    today = as_of.astimezone(issued.loaded.cycle.zone).date()
    cycle = issued.loaded.cycle
    data = write_matters(cycle.title, matters, collection.office.name, full_day(today), as_of)
    folder = ctx.home.editions(issued.code)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"协调事项清单-{collection.code}-{today}.docx"
    write_whole(path, data)
    with ctx.ledger.write() as session:
        if session.scalars(select(Event.id).where(Event.key == key)).first() is None:
            log_event(
                session, ctx, "matters_listed", cycle=issued.code, collection=collection.code, key=key,
                path=str(path), units=len(matters),
            )  # fmt: skip
    ctx.say(f"{len(matters)}家单位提请领导协调，清单（内部使用）：{path}")
