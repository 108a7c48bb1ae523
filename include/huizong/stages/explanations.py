"""Explanations (说明): the unit's reasons why its figures are right, by letter or in the marked workbook.

An explained `verify` is settled; a `quasi_mandatory` keeps the reason and stays open until the operator
consents. No figure ever changes (invariant 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from huizong.intake.relevance import is_long_enough
from huizong.ledger.tables import Delivery, FindingRow, Value, Version
from huizong.mime.robots import own_words
from huizong.readers.layout.grammar import squeeze
from huizong.readers.model import Explanation, FileReading
from huizong.rules.model import CELLS_JOINED
from huizong.stages.context import Context
from huizong.stages.filing import Filing
from huizong.stages.issued import log_event
from huizong.stages.standing import QUERIES
from huizong.stages.versions import COUNTING

EXPLAINABLE = ("quasi_mandatory", "verify")
_ASKING = ("correction", "reminder", "formal_notice")  # letters that ask for a reason


def asked_findings(session: Session, filing: Filing) -> list[FindingRow]:
    """Open findings that a message answers: of its thread's unit, checked before our letter was written.

    Empty unless the thread's letter asks for reasons and the sender speaks for its unit. The delivery is
    then that unit's, also where its sender writes for several.
    """
    letter, issued, delivery = filing.thread, filing.home_cycle, filing.delivery
    if letter is None or issued is None or letter.kind not in _ASKING or letter.cycle != issued.code:
        return []
    if letter.unit not in filing.senders_in(issued):
        return []
    collection = issued.loaded.cycle.collection(letter.collection or "")
    adds_up = {part.code for part in collection.parts if part.appends} if collection else set()
    found = [
        finding
        for version in _newest_checked(session, letter.cycle, letter.collection, letter.unit, adds_up)
        if version.checked_at is not None and version.checked_at <= letter.queued_at
        for finding in _open(session, version)
        if finding.severity in EXPLAINABLE
    ]
    if found:
        delivery.unit, delivery.collection = letter.unit, letter.collection
    return found


def record_letter(
    ctx: Context, session: Session, delivery: Delivery, text: str, findings: Sequence[FindingRow]
) -> None:
    """Put a letter's words on the findings that it answers."""
    words = own_words(text)
    for finding in findings:
        _explain(ctx, finding, words, delivery.sender)
    session.flush()
    for version_id in {finding.version_id for finding in findings}:
        version = session.get_one(Version, version_id)
        if version.status == "accepted_with_queries" and not _open(session, version):
            version.status = "accepted"
    _log(ctx, session, delivery, findings, words)


def explain_new(
    ctx: Context, session: Session, version: Version, reading: FileReading, numbers: dict[str, int]
) -> list[FindingRow]:
    """Put onto a version's new findings what was typed into the list that came back with it, or what the unit
    said earlier of the same finding over the same figure; the findings that stay open.

    Args:
        numbers: item code → its number on the form; empty for a list, whose findings name rows and column.
    """
    delivery = session.get_one(Delivery, version.delivery_id)
    findings = [f for f in _open(session, version) if f.severity in EXPLAINABLE]
    # In a file with the forms of several units the list does not tell whose item it means.
    of_one = len(reading.forms) == 1 or (not numbers and len({form.unit_text for form in reading.forms}) == 1)
    typed = reading.explanations if of_one else ()
    explained = []
    for finding in findings:
        if words := _typed_for(finding, findings, typed, numbers):
            explained.append(finding)
            _explain(ctx, finding, words, delivery.sender)
        elif earlier := _said_before(session, version, finding):
            _explain(ctx, finding, earlier.explanation or "", earlier.settled_by or delivery.sender)
    session.flush()
    if explained:
        words = "\n".join(dict.fromkeys(f.explanation or "" for f in explained))
        _log(ctx, session, delivery, explained, words)
    return _open(session, version)


def _explain(ctx: Context, finding: FindingRow, words: str, sender: str) -> None:
    finding.explanation = words
    if finding.severity == "verify":
        finding.settled_at, finding.settled_by = ctx.clock.now(), sender


def _typed_for(
    finding: FindingRow,
    findings: Sequence[FindingRow],
    typed: Iterable[Explanation],
    numbers: dict[str, int],
) -> str:
    """The explanation of this finding; one typed beside another finding of the item is that one's."""
    others = {squeeze(f.message) for f in findings if f is not finding}
    number = numbers[finding.item] if finding.item and numbers else None
    texts = [
        e.text
        for e in typed
        if e.item == number and is_long_enough(e.text)
        and (squeeze(e.problem) == squeeze(finding.message) or (numbers and squeeze(e.problem) not in others))
    ]  # fmt: skip
    return "\n".join(dict.fromkeys(texts))


def _said_before(session: Session, version: Version, finding: FindingRow) -> FindingRow | None:
    """The same finding of an earlier version, explained, where the figure is the same."""
    candidates = session.scalars(
        select(FindingRow)
        .join(Version, FindingRow.version_id == Version.id)
        .where(
            *_of(version.cycle, version.collection, version.unit),
            Version.part == version.part,
            Version.number < version.number,
            FindingRow.rule == finding.rule,
            FindingRow.message == finding.message,
            FindingRow.remedy == finding.remedy,
            FindingRow.severity == finding.severity,
            FindingRow.explanation.is_not(None),
        )
        .order_by(Version.number.desc(), FindingRow.id.desc())
    )
    return next(
        (
            found
            for found in candidates
            if found.item == finding.item and _figure(session, found) == _figure(session, finding)
        ),
        None,
    )


def _figure(session: Session, finding: FindingRow) -> Sequence[str]:
    """What stands in the cells that a finding names: one of a form, of a list several."""
    query = select(Value.raw).where(
        Value.version_id == finding.version_id,
        Value.item == finding.item,
        Value.cell.in_(finding.cell.split(CELLS_JOINED)),
    )
    return session.scalars(query.order_by(Value.row)).all()


def _newest_checked(
    session: Session, cycle: str | None, collection: str | None, unit: str | None, adds_up: set[str]
) -> list[Version]:
    """Of each part the newest version that was checked (of those that add up each): a later one still unread
    asks nothing yet."""
    rows = session.scalars(
        select(Version)
        .where(*_of(cycle, collection, unit), Version.status.in_(("rejected", *COUNTING)))
        .order_by(Version.number)
    )
    return list({(v.part, v.number if v.part in adds_up else 0): v for v in rows}.values())


def _of(cycle: str | None, collection: str | None, unit: str | None) -> tuple[ColumnElement[bool], ...]:
    return Version.cycle == cycle, Version.collection == collection, Version.unit == unit


def _open(session: Session, version: Version) -> list[FindingRow]:
    query = select(FindingRow).where(
        FindingRow.version_id == version.id,
        FindingRow.severity.in_(QUERIES),
        FindingRow.settled_at.is_(None),
    )
    return list(session.scalars(query.order_by(FindingRow.id)))


def _log(
    ctx: Context, session: Session, delivery: Delivery, findings: Sequence[FindingRow], words: str
) -> None:
    version = session.get_one(Version, findings[0].version_id)
    log_event(
        session, ctx, "explained", cycle=version.cycle, collection=version.collection, unit=version.unit,
        by=delivery.sender, words=words, delivery=delivery.id, findings=[f.id for f in findings],
    )  # fmt: skip
