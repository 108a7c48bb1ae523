"""What waits for a person, and what the person decided: assign it to a unit, or close it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.ledger.tables import Delivery, Event, File, Version
from huizong.stages.assigning import NIL_PART, assign_file, assign_nil, part_meant
from huizong.stages.context import Context
from huizong.stages.filing import cleared_key
from huizong.stages.issued import IssuedCycle, issued_codes, issued_cycle, log_event
from huizong.stages.linked import KIND as LINK
from huizong.stages.linked import link_lines, settle_downloaded, to_download
from huizong.stages.names import named
from huizong.stages.open_matters import WAITING, Newest, newest_return, settled_later
from huizong.stages.signed import require_words
from huizong.stages.volunteers import enrolled


def waiting(ctx: Context) -> dict[str, Any]:
    """Files and messages that wait for a person, oldest first. Ids: `f12` a file, `d5` a message."""
    with ctx.ledger.read() as session:
        files = session.execute(
            select(File, Delivery)
            .join(Delivery, File.delivery_id == Delivery.id)
            .where(File.disposition.in_(WAITING), File.settled_at.is_(None), Delivery.settled_at.is_(None))
            .order_by(File.id)
        ).all()
        messages = session.scalars(
            select(Delivery)
            .where(
                Delivery.disposition.in_(WAITING),
                Delivery.settled_at.is_(None),
                ~select(File.id).where(File.delivery_id == Delivery.id).exists(),
            )
            .order_by(Delivery.id)
        ).all()
        rows = [
            _row(f"f{file.id}", file.disposition, file.reason, delivery, file)
            for file, delivery in files
            if not _answered_since(
                session,
                file.disposition,
                file.cycle,
                file.collection,
                file.unit,
                delivery,
                asked="ask" in file.witnesses,
            )
        ]
        rows += [
            _row(f"d{d.id}", d.disposition or "", d.reason or "", d, None)
            for d in messages
            if not _answered_since(session, d.disposition or "", d.cycle, d.collection, d.unit, d)
        ]
    return {"waiting": named(ctx, sorted(rows, key=lambda row: row["received_at"]))}


def _answered_since(
    session: Session,
    disposition: str,
    cycle: str | None,
    collection: str | None,
    unit: str | None,
    delivery: Delivery,
    *,
    asked: bool = False,
) -> bool:
    """Unreadable, or the unit was asked for another; and it has sent what settles that since."""
    if not unit:
        return False
    newest = newest_return(session, cycle, collection, unit).get(unit, Newest())
    return settled_later(disposition, newest, delivery.id, asked=asked)


def _row(
    identity: str, disposition: str, reason: str, delivery: Delivery, file: File | None
) -> dict[str, Any]:
    return {
        "id": identity,
        "disposition": disposition,
        "reason": reason,
        "from": delivery.sender,
        "via": delivery.via,
        # A subject may say what must not be said on a screen.
        "subject": "" if disposition == "restricted" else delivery.subject,
        "received_at": delivery.received_at.isoformat(timespec="seconds"),
        "file": file.name if file else None,
        "unit": (file.unit if file else None) or delivery.unit,
        "collection": (file.collection if file else None) or delivery.collection,
        "witnesses": file.witnesses.get("forms", []) if file else [],  # what each of a form's three says
        # Macros, links, a false extension; of a link, where it lies.
        "notes": [*file.witnesses.get("notes", []), *link_lines(file)] if file else [],
        "link": file.witnesses.get(LINK) if file else None,
    }


def _stop_if_no_material(file: File, identity: str, unit: str) -> None:
    if file.disposition == "restricted":
        raise UsageError(
            f"{identity} 疑似涉密，未读取内容，不能认领；经核实不涉密的，先用 triage release 重新处理。"
        )
    if file.kind == LINK:
        raise UsageError(f"{identity} 是链接，不是材料，不能认领：{to_download(unit)}。")


def assign(
    ctx: Context,
    identity: str,
    unit: str,
    collection: str,
    *,
    by: str,
    reason: str,
    part: str | None = None,
) -> dict[str, Any]:
    """Give what waits to a unit; its forms and files become versions that the next validate checks.

    Args:
        part: which of the collection's parts the person sees that it is, or `nil` for a nil return, where
            the file itself does not show it.
        unit: its code; of a voluntary collection also the name of whoever sent it.

    Raises:
        UsageError: no such id, unit, collection or part; nothing of it fits what is asked for; or it is
            isolated.
    """
    require_words(by, reason)
    with ctx.ledger.read() as session:
        file, delivery = _find(session, identity)
    if file is not None:
        _stop_if_no_material(file, identity, unit)
    if delivery.cycle is None and (file is None or file.cycle is None):
        cycles = _cycles_with(ctx, unit, collection)
        if len(cycles) != 1:
            raise UsageError(f"不能确定 {identity} 属于哪项统计任务：单位 {unit}、事项 {collection} 不唯一。")
        issued = cycles[0]
    else:
        issued = issued_cycle(ctx, (file.cycle if file and file.cycle else delivery.cycle) or "")
    asked = issued.collection(collection)
    if asked.voluntary:
        unit = enrolled(ctx, issued, unit)
    issued.unit(unit)
    if not asked.voluntary and not issued.loaded.expects(asked, unit):
        raise UsageError(f"单位 {unit} 不在 {collection} 的应报名单中。")
    meant = part_meant(asked, part)
    if file is None and meant is not None:
        raise UsageError(f"{identity} 是没有文件的来信，--part 只能写 {NIL_PART}。")
    with ctx.ledger.write() as session:
        file, delivery = _find(session, identity)
        made = 0
        if part == NIL_PART:
            assign_nil(
                session, ctx.clock, issued, file, delivery, unit, asked, by=by, reason=reason
            )  # fmt: skip
        elif file is not None:
            made = assign_file(session, issued, file, delivery, unit, asked, meant)
            settle_downloaded(ctx, session, delivery, [file])
        delivery.cycle, delivery.collection, delivery.unit = issued.code, collection, unit
        delivery.answered_at = None if made or part == NIL_PART else delivery.answered_at
        if file is None:
            delivery.settled_at = ctx.clock.now()
        log_event(
            session, ctx, "assigned", cycle=issued.code, collection=collection, unit=unit, id=identity,
            by=by, words=reason,
        )  # fmt: skip
    return {"id": identity, "unit": unit, "collection": collection, "versions": made}


def _cycles_with(ctx: Context, unit: str, collection: str) -> list[IssuedCycle]:
    cycles = [issued_cycle(ctx, code) for code in issued_codes(ctx)]
    return [c for c in cycles if c.loaded.cycle.collection(collection) and unit in c.loaded.by_code]


def close(ctx: Context, identity: str, *, by: str, reason: str) -> dict[str, Any]:
    """Settle what waits without taking it: the reason stays in the event log."""
    require_words(by, reason)
    with ctx.ledger.write() as session:
        file, delivery = _find(session, identity)
        (file or delivery).settled_at = ctx.clock.now()
        log_event(
            session, ctx, "closed", cycle=delivery.cycle, unit=delivery.unit, by=by, words=reason, id=identity
        )
    return {"id": identity, "closed": True}


def release(ctx: Context, identity: str, *, by: str, reason: str) -> dict[str, Any]:
    """Drive a delivery again: the next receive or validate reads it anew, the raw bytes being kept. What of
    it was taken stays; what was isolated counts as looked at by a person.

    Raises:
        UsageError: no such id, or all of the delivery was taken already.
    """
    require_words(by, reason)
    with ctx.ledger.write() as session:
        file, delivery = _find(session, identity)
        if delivery.headers is not None:
            raise UsageError(f"{identity} 与任务无关，保存期已过，只留邮件头；需要时请在邮箱中查找原信。")
        taken = select(Version.file_id).where(Version.delivery_id == delivery.id)
        if file is not None and file.id in set(session.scalars(taken)):
            raise UsageError(f"{identity} 已经登记，不能重做；有更正的，请单位重新报送。")
        again = File.delivery_id == delivery.id, File.id.not_in(taken), ~_link_stays(taken)
        cleared = select(File.id).where(*again, File.disposition == "restricted")
        if delivery.disposition == "restricted" or session.scalars(cleared).first() is not None:
            _clear(ctx, session, delivery)
        session.execute(delete(File).where(*again))
        delivery.disposition, delivery.reason = _what_stays(session, delivery), None
        delivery.processed_at = delivery.answered_at = delivery.settled_at = None
        log_event(session, ctx, "released", cycle=delivery.cycle, by=by, words=reason, id=identity)
    return {
        "id": identity, "released": True, "delivery": f"d{delivery.id}",
        "notes": ["重新处理后编号会变，处理完请看 huizong triage list"],
    }  # fmt: skip


def _link_stays(taken: Select[int]) -> ColumnElement[bool]:
    """A link that was downloaded or closed; and one in a document that was taken, which is not read again."""
    documents = select(File.digest).where(File.id.in_(taken))
    inside = File.container.is_not(None) & File.container.in_(documents)
    return and_(File.kind == LINK, or_(File.settled_at.is_not(None), inside))


def _what_stays(session: Session, delivery: Delivery) -> str | None:
    """A delivery of which something counts keeps its disposition, and filing knows that it comes again."""
    kept = session.scalars(select(File.id).where(File.delivery_id == delivery.id)).first()
    return delivery.disposition if kept is not None else None


def _clear(ctx: Context, session: Session, delivery: Delivery) -> None:
    key = cleared_key(delivery.id)
    if session.scalars(select(Event.id).where(Event.key == key)).first() is None:
        log_event(session, ctx, "cleared", cycle=delivery.cycle, key=key, delivery=delivery.id)


def _find(session: Session, identity: str) -> tuple[File | None, Delivery]:
    kind, number = identity[:1], identity[1:]
    if kind in {"f", "d"} and number.isdigit():
        if kind == "f" and (file := session.get(File, int(number))):
            return file, session.get_one(Delivery, file.delivery_id)
        if kind == "d" and (delivery := session.get(Delivery, int(number))):
            return None, delivery
    raise UsageError(f"没有编号为“{identity}”的来件，先看 huizong triage list。")
