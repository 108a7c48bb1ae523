"""What a person decides about a unit: waive it, extend its time, accept it in spite of a finding, send its
form back, note that it does not report, and take such a decision back.

Nobody edits a unit's figures (invariant 4); each decision says who and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.when import When
from huizong.errors import UsageError
from huizong.ledger.tables import Decision, Delivery, FindingRow
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.sending_back import (
    reopened,
    returned_version,
    send_back,
    tell_declined,
    tell_extended,
    tell_sent_back,
)
from huizong.stages.signed import require_words
from huizong.stages.standing import Standing, standings, standings_now
from huizong.stages.versions import settle, versions_of

KINDS = ("waive", "extend", "decline", "accept", "send-back", "refuse", "reopen")
_ANSWERS_REQUEST = ("extend", "decline", "waive", "refuse")


def decide(
    ctx: Context,
    code: str,
    unit: str,
    kind: str,
    as_of: datetime,
    *,
    by: str,
    reason: str,
    collection: str | None = None,
    until: str | None = None,
    part: str | None = None,
) -> dict[str, Any]:
    """Record one decision; it counts from `as_of` on.

    Args:
        kind: `waive` (免报), `extend` (延期, with `until`), `decline` (不同意延期: `reason` is written to the
            unit), `accept` (审核问题经同意，予以采用), `send-back`
            (退回修改: `reason` is written to the unit), `refuse` (说明不报), `reopen` (undoes waive, refuse,
            send-back and a nil return).
        collection: needed only where the unit is in several.
        until: the unit's own deadline, written as in a definition: 2022-06-24, due + 3wd.
        part: what is sent back; by default the form.

    Raises:
        UsageError: unknown unit, collection, part or decision; words missing; or nothing to accept, to send
            back or to reopen.
    """
    require_aware(as_of)
    if kind not in KINDS:
        raise UsageError(f"没有“{kind}”这种决定，可用：{'、'.join(KINDS)}。")
    require_words(by, reason)
    issued = issued_cycle(ctx, code)
    issued.unit(unit)
    value: dict[str, Any] = {"until": _until(issued, collection, until)} if kind == "extend" else {}
    with ctx.ledger.write() as session:
        standing = _standing(standings(session, issued, as_of, unit), unit, collection)
        if kind == "accept":
            value = {"versions": _accept(ctx, session, code, standing, by, reason)}
        elif kind == "send-back":
            version = returned_version(standing, part)
            value = send_back(session, version, reason)
        elif kind == "reopen":
            value = reopened(ctx, session, standing, _decided(session, code, standing), by)
        decision = Decision(
            cycle=code,
            collection=standing.collection.code,
            unit=unit,
            kind=kind,
            value=value,
            by=by,
            reason=reason,
            as_of=as_of,
            recorded_at=ctx.clock.now(),
        )
        session.add(decision)
        session.flush()
        if kind == "send-back":
            tell_sent_back(ctx, session, issued, standing, version, decision, as_of)
        elif kind == "extend":
            extended = _standing(standings_now(session, issued, unit), unit, standing.collection.code)
            tell_extended(ctx, session, issued, extended, as_of)
        elif kind == "decline":
            tell_declined(ctx, session, issued, standing, decision, as_of)
        if kind in _ANSWERS_REQUEST:
            _settle_requests(ctx, session, standing, code)
        log_event(
            session, ctx, "decided", cycle=code, collection=standing.collection.code, unit=unit,
            by=by, words=reason, decision=kind, value=value,
        )  # fmt: skip
    return {"cycle": code, "unit": unit, "collection": standing.collection.code, "decision": kind, **value}


def _settle_requests(ctx: Context, session: Session, standing: Standing, code: str) -> None:
    """The decision answers what asked for it: reminders wait no longer than the unit's own deadline."""
    query = select(Delivery).where(
        Delivery.cycle == code,
        Delivery.unit == standing.unit.code,
        Delivery.collection.is_(None) | (Delivery.collection == standing.collection.code),
        Delivery.disposition == "extension_request",
        Delivery.settled_at.is_(None),
    )
    for request in session.scalars(query):
        request.settled_at = ctx.clock.now()


def _decided(session: Session, code: str, standing: Standing) -> Sequence[Decision]:
    """All decisions about a unit in a collection, newest first."""
    return session.scalars(
        select(Decision)
        .where(
            Decision.cycle == code,
            Decision.collection == standing.collection.code,
            Decision.unit == standing.unit.code,
        )
        .order_by(Decision.id.desc())
    ).all()


def _until(issued: IssuedCycle, collection: str | None, until: str | None) -> str:
    if until is None:
        raise UsageError("延期须以 --until 写明新的截止时间，如 2022-06-24 或 due + 3wd。")
    chosen = [issued.collection(collection)] if collection else list(issued.collections)
    try:
        for one in chosen:
            issued.schedule.resolve(When.parse(until), issued.schedule.anchors(one))
    except ValueError as e:
        raise UsageError(f"--until：{e}") from e
    return until


def _standing(found: list[Standing], unit: str, collection: str | None) -> Standing:
    wanted = [s for s in found if collection in (None, s.collection.code)]
    if not wanted:
        raise UsageError(f"单位 {unit} 不在{f'报送事项 {collection} 的' if collection else ''}应报名单中。")
    if len(wanted) > 1:
        codes = "、".join(s.collection.code for s in wanted)
        raise UsageError(f"单位 {unit} 在多个报送事项中（{codes}），请以 --collection 写明。")
    return wanted[0]


def _accept(ctx: Context, session: Session, code: str, standing: Standing, by: str, reason: str) -> list[int]:
    """Settle what is open on the unit's newest versions; a figure that is no number cannot be accepted."""
    blocking = [f for f in standing.findings if f.severity == "mandatory"]
    if blocking:
        raise UsageError(f"有必须更正的问题，不能直接采用，请单位更正：{blocking[0].message}")
    if not standing.open_queries:
        raise UsageError(f"{standing.unit.name} 没有待说明或待同意的审核问题。")
    versions = sorted({f.version_id for f in standing.open_queries})
    for finding in standing.open_queries:
        row = session.get_one(FindingRow, finding.id)
        row.settled_at, row.settled_by = ctx.clock.now(), by
        row.explanation = row.explanation or reason
    for part in standing.collection.parts:
        siblings = versions_of(session, code, standing.collection.code, standing.unit.code, part.code)
        for version in siblings:
            if version.id in versions:
                version.status = "accepted"
        settle(siblings, appends=part.appends)
    return versions
