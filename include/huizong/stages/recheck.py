"""Recheck (试审): what changed rules would say of the returns that are held. Nothing is recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.instruments.model import Instrument
from huizong.ledger.tables import FindingRow, Version
from huizong.rules.copies import COPY_DIFFERS
from huizong.rules.material import DIFFERS
from huizong.rules.model import SEVERITIES, Finding
from huizong.rules.suite import load_suite
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, issued_cycle, require_aware
from huizong.stages.judged import judged
from huizong.stages.sending_back import SENT_BACK

_AT_ONCE = 5_000  # versions in one validation
_CHECKED = ("accepted", "accepted_with_queries", "rejected")

_Found = Mapping[str | None, Finding | FindingRow]  # item → the strongest finding of it


def recheck(ctx: Context, code: str, rules: Path, as_of: datetime) -> dict[str, Any]:
    """A dry run of a suite over the forms or lists of its instrument that stand: neither superseded nor
    unchecked, received until `as_of`.

    `changed` has a row where the strongest severity of an item (null: of the form as a whole) differs from
    what the rules said that judged the return; a reason given by the unit since then makes no difference.

    Raises:
        UsageError: no such cycle, not issued, or the file is no suite that fits a form of the cycle.
        RulesBrokenError: a rule cannot be judged for every return.
    """
    require_aware(as_of)
    issued = issued_cycle(ctx, code, checked=False)
    instrument = _instrument_of(issued, rules)
    with ctx.ledger.read() as session:
        versions = session.scalars(
            select(Version)
            .where(
                Version.cycle == code,
                Version.instrument == instrument.ref,
                Version.status.in_(_CHECKED),
                Version.received_at <= as_of,
            )
            .order_by(Version.collection, Version.unit, Version.number)
        ).all()
        rows: list[dict[str, Any]] = []
        for start in range(0, len(versions), _AT_ONCE):
            rows += _differing(session, issued, versions[start : start + _AT_ONCE], instrument, rules)
    return {"cycle": code, "instrument": instrument.ref, "returns": len(versions), "changed": rows}


def _instrument_of(issued: IssuedCycle, rules: Path) -> Instrument:
    """The instrument that a suite file names in its meta, or by its own name."""
    suite = load_suite(rules)
    ref = str(suite.meta.get("instrument", suite.name))
    instrument = issued.loaded.instruments.get(ref)
    if instrument is None:
        known = "、".join(issued.loaded.instruments)
        raise UsageError(f"{rules}：规则属于表样 {ref}，{issued.code} 没有这个表样，现有：{known}。")
    unknown = [r.meta.item for r in suite.expectations if r.meta.item not in (None, *instrument.by_code)]
    if unknown:
        raise UsageError(f"{rules}：规则所指的指标 {unknown[0]} 在表样 {ref} 中没有，请改正 item。")
    return instrument


def _differing(
    session: Session,
    issued: IssuedCycle,
    versions: Sequence[Version],
    instrument: Instrument,
    rules: Path,
) -> Iterator[dict[str, Any]]:
    ids = [version.id for version in versions]
    now = judged(session, issued, ids, instrument, rules)
    was = _recorded(session, ids)
    for version in versions:
        before, after = _strongest(was[version.id]), _strongest(now[str(version.id)])
        for item in sorted({*before, *after}, key=lambda item: instrument.numbers.get(item or "", 0)):
            if _severity(before, item) != _severity(after, item):
                yield {
                    "unit": version.unit,
                    "item": item,
                    "was": _severity(before, item),
                    "now": _severity(after, item),
                    "collection": version.collection,
                    "version": version.number,
                    "was_message": _message(before, item),
                    "now_message": _message(after, item),
                }


def _recorded(session: Session, ids: Sequence[int]) -> Mapping[int, list[FindingRow]]:
    """What the rules said of each version, settled or not; what a report says otherwise, and a person's
    sending back, is none of theirs."""
    found: dict[int, list[FindingRow]] = defaultdict(list)
    query = select(FindingRow).where(
        FindingRow.version_id.in_(ids), FindingRow.rule.not_in((DIFFERS, COPY_DIFFERS, SENT_BACK))
    )
    for row in session.scalars(query):
        found[row.version_id].append(row)
    return found


def _strongest(findings: Sequence[Finding | FindingRow]) -> _Found:
    found: dict[str | None, Finding | FindingRow] = {}
    for severity in SEVERITIES:
        for finding in findings:
            if finding.severity == severity:
                found.setdefault(finding.item, finding)
    return found


def _severity(found: _Found, item: str | None) -> str | None:
    return found[item].severity if item in found else None


def _message(found: _Found, item: str | None) -> str | None:
    return found[item].message if item in found else None
