"""What a person decides about a unit: waive it, extend its time, accept it in spite of a finding.

Nobody edits a unit's figures (invariant 4); each decision says who and why.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from huizong.definition.when import When
from huizong.errors import UsageError
from huizong.ledger.tables import Decision, FindingRow
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.signed import require_words
from huizong.stages.standing import Standing, standings
from huizong.stages.versions import settle, versions_of

KINDS = ("waive", "extend", "accept")


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
) -> dict[str, Any]:
    """Record one decision; it counts from `as_of` on.

    Args:
        kind: `waive` (免报), `extend` (延期, with `until`), `accept` (审核问题经同意，予以采用).
        collection: needed only where the unit is in several.
        until: the unit's own deadline, written as in a definition: 2022-06-24, due + 3wd.

    Raises:
        UsageError: unknown unit, collection or decision; words missing; or nothing to accept.
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
        session.add(
            Decision(
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
        )
        log_event(
            session, ctx, "decided", cycle=code, collection=standing.collection.code, unit=unit,
            by=by, words=reason, decision=kind, value=value,
        )  # fmt: skip
    return {"cycle": code, "unit": unit, "collection": standing.collection.code, "decision": kind, **value}


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
