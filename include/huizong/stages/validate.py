"""Validate (审核): run the rules once over what is new, record the findings, answer each sender once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.instruments.model import Instrument
from huizong.ledger.tables import File, FindingRow, Version
from huizong.readers.model import FileReading
from huizong.rules.material import VERSION as MATERIAL_VERSION
from huizong.rules.model import SEVERITIES, Finding
from huizong.rules.run import suite_version
from huizong.stages.context import Context
from huizong.stages.copies import beside_copies
from huizong.stages.explanations import EXPLAINABLE, explain_new
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.judged import judged, suite_path
from huizong.stages.material import HeldTexts, judged_material, replace_too_long
from huizong.stages.merging import settle_replaced
from huizong.stages.processing import process_pending
from huizong.stages.replies import answer_all
from huizong.stages.reports import beside_reports, settle_agreeing
from huizong.stages.versions import settle

_AT_ONCE = 200  # versions recorded in one transaction: other writers must not wait for thousands
_JUDGED_AT_ONCE = 5_000  # versions in one validation: a large one costs hardly more, but for its memory


def validate(ctx: Context, code: str, as_of: datetime, *, send: bool = True) -> dict[str, Any]:
    """Read what is unread, check what is unchecked, record, reply. The counts are the cycle's, so that a
    second run says the same.

    Raises:
        UsageError: the cycle was not issued or was changed since.
        RulesBrokenError: a rule could not be judged for every return; nobody was answered.
        TransientError: the mail server or the database failed; safe to run again.
    """
    require_aware(as_of)
    process_pending(ctx, as_of, cycle=code)
    issued = issued_cycle(ctx, code)
    with ctx.ledger.lock(f"validate:{code}", wait=True):
        for collection in issued.collections:
            for part, instrument in issued.loaded.forms_of(collection):
                _check_forms(ctx, issued, collection, part, instrument)
            _check_other_parts(ctx, issued, collection)
        queued = answer_all(ctx, issued, as_of)
    channels = sorted({c.channel for c in issued.collections})
    if send:
        from huizong.stages.send import send as send_letters

        send_letters(ctx, channels, as_of)
    with ctx.ledger.read() as session:
        by_status, findings = _counts(session, issued)
    return {
        "cycle": code,
        "returns": sum(by_status.values()),
        "by_status": by_status,
        "findings": findings,
        "queued": queued,
        "channels": channels,
    }


def _check_forms(
    ctx: Context, issued: IssuedCycle, collection: Collection, part: Part, instrument: Instrument
) -> None:
    with ctx.ledger.read() as session:
        pending = _pending(session, issued, collection, part)
    if not pending:
        return
    path = suite_path(ctx, instrument)
    rules_version = suite_version(path)
    ctx.say(f"审核 {collection.code} 的 {len(pending)} 份{part.name}")
    for batch in _in_parts(pending, _JUDGED_AT_ONCE):
        with ctx.ledger.read() as session:
            found = judged(session, issued, batch, instrument, path)
            beside = beside_reports(session, issued, collection, part, batch)
            copies = beside_copies(session, issued, collection, part, batch)
        for some in _in_parts(batch, _AT_ONCE):
            with ctx.ledger.write() as session:
                for checking in _still_pending(session, some):
                    key = str(checking.version.id)
                    findings = [*found[key], *beside.get(key, ()), *copies.get(key, ())]
                    _record(ctx, session, collection, instrument, checking, findings, rules_version)


def _in_parts(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _pending(
    session: Session, issued: IssuedCycle, collection: Collection, form: Part | None
) -> Sequence[int]:
    """Ids of unchecked versions, oldest first: those of this form, or those of no form at all."""
    of_form = (Version.instrument.is_not(None), Version.part == form.code) if form else ()
    return session.scalars(
        select(Version.id)
        .where(
            Version.cycle == issued.code,
            Version.collection == collection.code,
            Version.status == "pending",
            *(of_form or (Version.instrument.is_(None),)),
        )
        .order_by(Version.id)
    ).all()


@dataclass(frozen=True)
class _Checking:
    """A version on its way to a status, with all versions of the same part, oldest first."""

    version: Version
    siblings: Sequence[Version]


def _still_pending(session: Session, ids: Sequence[int]) -> list[_Checking]:
    """Those that no other process has checked meanwhile, oldest first."""
    versions = session.scalars(
        select(Version).where(Version.id.in_(ids), Version.status == "pending").order_by(Version.id)
    ).all()
    groups: dict[tuple[str, str, str, str], list[Version]] = {}
    for sibling in _siblings(session, versions):
        groups.setdefault(_part_of(sibling), []).append(sibling)
    return [_Checking(version, groups[_part_of(version)]) for version in versions]


def _siblings(session: Session, versions: Sequence[Version]) -> Sequence[Version]:
    return session.scalars(
        select(Version)
        .where(
            Version.cycle.in_({v.cycle for v in versions}),
            Version.collection.in_({v.collection for v in versions}),
            Version.unit.in_({v.unit for v in versions}),
        )
        .order_by(Version.number)
    ).all()


def _part_of(version: Version) -> tuple[str, str, str, str]:
    return version.cycle, version.collection, version.unit, version.part


def return_status(findings: Sequence[Finding | FindingRow]) -> str:
    """What open findings make of a version (DESIGN 3): rejected, accepted with queries, or accepted."""
    severities = {finding.severity for finding in findings}
    if severities & {"mandatory", "quasi_mandatory"}:
        return "rejected"
    return "accepted_with_queries" if "verify" in severities else "accepted"


def _record(
    ctx: Context,
    session: Session,
    collection: Collection,
    instrument: Instrument | None,
    checking: _Checking,
    findings: Sequence[Finding],
    rules_version: str,
) -> None:
    version = checking.version
    for finding in findings:
        session.add(
            FindingRow(
                version_id=version.id,
                rule=finding.rule,
                rules_version=rules_version,
                severity=finding.severity,
                item=finding.item,
                message=finding.message,
                remedy=finding.remedy,
                sheet=finding.sheet,
                cell=finding.cell,
            )
        )
    open_: Sequence[Finding | FindingRow] = findings
    if any(finding.severity in EXPLAINABLE for finding in findings):
        session.flush()
        numbers = instrument.numbers if instrument and instrument.kind == "form" else {}
        open_ = explain_new(ctx, session, version, _reading_of(session, version), numbers)
    _conclude(ctx, session, collection, checking, return_status(open_), rules_version)
    part = collection.part(version.part)
    if part and part.appends and instrument and instrument.kind == "list":
        settle_replaced(session, instrument, checking.siblings)


def _reading_of(session: Session, version: Version) -> FileReading:
    text = session.scalars(select(File.reading).where(File.id == version.file_id)).one()
    return FileReading.model_validate_json(text or "{}")


def _conclude(
    ctx: Context,
    session: Session,
    collection: Collection,
    checking: _Checking,
    status: str,
    rules_version: str | None,
) -> None:
    version = checking.version
    version.status = status
    version.rules_version = rules_version
    version.checked_at = ctx.clock.now()
    part = collection.part(version.part)
    settle(checking.siblings, appends=bool(part and part.appends))
    log_event(
        session, ctx, "checked", cycle=version.cycle, collection=version.collection, unit=version.unit,
        version=version.id, status=status,
    )  # fmt: skip


def _check_other_parts(ctx: Context, issued: IssuedCycle, collection: Collection) -> None:
    """Parts without figures count as they came; what is found of them asks the unit."""
    with ctx.ledger.read() as session:
        pending = _pending(session, issued, collection, None)
    texts = HeldTexts(issued, collection)
    for some in _in_parts(pending, _AT_ONCE):
        with ctx.ledger.read() as session:
            found = judged_material(session, texts, some)
        with ctx.ledger.write() as session:
            for checking in _still_pending(session, some):
                findings = found.get(checking.version.id, ())
                _record(ctx, session, collection, None, checking, findings, MATERIAL_VERSION)
                replace_too_long(session, checking.version, checking.siblings)
    settle_agreeing(ctx, issued, collection)


def _counts(session: Session, issued: IssuedCycle) -> tuple[dict[str, int], dict[str, int]]:
    """Versions by status (of the form, where there is one) and findings by severity."""
    parts = {(c.code, p.code) for c in issued.collections for p in c.parts if p.instrument or not c.forms}
    statuses: dict[str, int] = {}
    rows = session.execute(
        select(Version.collection, Version.part, Version.status, func.count().label("n"))
        .where(Version.cycle == issued.code)
        .group_by(Version.collection, Version.part, Version.status)
    )
    for row in rows:
        if (row.collection, row.part) in parts:
            statuses[row.status] = statuses.get(row.status, 0) + row.n
    found = session.execute(
        select(FindingRow.severity, func.count().label("n"))
        .join(Version, FindingRow.version_id == Version.id)
        .where(Version.cycle == issued.code, Version.status != "superseded")
        .group_by(FindingRow.severity)
    )
    counts = {row.severity: row.n for row in found}
    return statuses, {severity: counts.get(severity, 0) for severity in SEVERITIES}
