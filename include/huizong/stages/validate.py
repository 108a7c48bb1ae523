"""Validate (审核): run the rules once over what is new, record the findings, answer each sender once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.errors import OperatorError
from huizong.home import find_file
from huizong.instruments.model import Instrument
from huizong.ledger.tables import File, FindingRow, Value, Version
from huizong.readers.model import FileReading
from huizong.rules.model import SEVERITIES, Finding, FormRow
from huizong.rules.run import run_batch, suite_version
from huizong.stages.context import Context
from huizong.stages.explanations import EXPLAINABLE, explain_new
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, require_aware
from huizong.stages.processing import process_pending
from huizong.stages.replies import answer_all
from huizong.stages.versions import COUNTING, settle

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
            _check_forms(ctx, issued, collection)
            _accept_other_parts(ctx, issued, collection)
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


def suite_path(ctx: Context, instrument: Instrument) -> Any:
    """The expectations of an instrument.

    Raises:
        OperatorError: there are none.
    """
    path = find_file(ctx.home.expectations, f"{instrument.ref}.json")
    if path is None:
        raise OperatorError(f"缺少审核规则 expectations/{instrument.ref}.json，未做任何审核与答复。")
    return path


def _check_forms(ctx: Context, issued: IssuedCycle, collection: Collection) -> None:
    instrument = issued.loaded.instrument_of(collection)
    if instrument is None:
        return
    with ctx.ledger.read() as session:
        pending = _pending(session, issued, collection, forms=True)
    if not pending:
        return
    path = suite_path(ctx, instrument)
    rules_version = suite_version(path)
    ctx.say(f"审核 {collection.code} 的 {len(pending)} 份报表")
    for batch in _in_parts(pending, _JUDGED_AT_ONCE):
        with ctx.ledger.read() as session:
            rows = _rows(session, issued, batch)
        found = run_batch(rows, instrument, path)
        for part in _in_parts(batch, _AT_ONCE):
            with ctx.ledger.write() as session:
                for checking in _still_pending(session, part):
                    findings = found[str(checking.version.id)]
                    _record(ctx, session, collection, instrument, checking, findings, rules_version)


def _in_parts(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _pending(session: Session, issued: IssuedCycle, collection: Collection, *, forms: bool) -> Sequence[int]:
    """Ids of unchecked versions, oldest first: those of forms, or all others."""
    return session.scalars(
        select(Version.id)
        .where(
            Version.cycle == issued.code,
            Version.collection == collection.code,
            Version.instrument.is_not(None) if forms else Version.instrument.is_(None),
            Version.status == "pending",
        )
        .order_by(Version.id)
    ).all()


def _rows(session: Session, issued: IssuedCycle, ids: Sequence[int]) -> list[FormRow]:
    found = session.execute(
        select(Version, File)
        .join(File, Version.file_id == File.id)
        .where(Version.id.in_(ids))
        .order_by(Version.id)
    ).all()
    previous = _previous(session, issued, [version.unit for version, _ in found])
    return [_row(issued, version, file, previous.get(version.unit, {})) for version, file in found]


def _row(issued: IssuedCycle, version: Version, file: File, previous: dict[str, Decimal]) -> FormRow:
    """What the rules judge. Of a form that a person assigned, whose and which it is needs no question."""
    unit = issued.unit(version.unit)
    form = FileReading.model_validate_json(file.reading or "{}").forms[version.form]
    assigned = version.unit in file.witnesses.get("assigned", ())
    return FormRow(
        key=str(version.id),
        unit_name=unit.full_name,
        address_as=unit.address_as,
        items=dict(form.items),
        missing=form.missing,
        duplicated=form.duplicated,
        unknown=form.unknown,
        title="" if assigned else form.title,
        unit_text=unit.full_name if assigned else form.unit_text,
        unit_names=unit.names,
        previous=previous,
    )


def _previous(session: Session, issued: IssuedCycle, units: Sequence[str]) -> dict[str, dict[str, Decimal]]:
    """Unit → its counted figures of the previous cycle, where this ledger holds it."""
    previous = issued.loaded.cycle.previous
    if previous is None:
        return {}
    rows = session.execute(
        select(Version.unit, Value.item, Value.number)
        .join(Version, Value.version_id == Version.id)
        .where(
            Version.cycle == previous,
            Version.unit.in_(units),
            Version.status.in_(COUNTING),
            Value.number.is_not(None),
        )
    )
    found: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        found.setdefault(row.unit, {})[row.item] = row.number
    return found


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
    instrument: Instrument,
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
        open_ = explain_new(ctx, session, version, _reading_of(session, version), instrument.numbers)
    _conclude(ctx, session, collection, checking, return_status(open_), rules_version)


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


def _accept_other_parts(ctx: Context, issued: IssuedCycle, collection: Collection) -> None:
    """Parts without figures count as they came: they were opened, and a person looks at them."""
    with ctx.ledger.read() as session:
        pending = _pending(session, issued, collection, forms=False)
    for part in _in_parts(pending, _AT_ONCE):
        with ctx.ledger.write() as session:
            for checking in _still_pending(session, part):
                _conclude(ctx, session, collection, checking, "accepted", None)


def _counts(session: Session, issued: IssuedCycle) -> tuple[dict[str, int], dict[str, int]]:
    """Versions by status (of the form, where there is one) and findings by severity."""
    parts = {
        (c.code, p.code) for c in issued.collections for p in c.parts if p.kind == "form" or c.form is None
    }
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
