"""One reply a delivery: what was taken, what was set aside and the remedy, findings, parts still missing.

A reply goes to the sender if it is registered or its mail carried a valid token, and to the registered
contact where the sender is not. Duplicates, automatic mail and what belongs to no cycle get none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.instruments.form_number import hyphenated
from huizong.intake.relevance import EXPLANATION, NIL, NO_ATTACHMENT
from huizong.ledger.tables import Contact, Delivery, File, FindingRow, FormIssue, Letter, Version
from huizong.outbox.context import (
    LetterFinding,
    ReplyContext,
    SetAsideFile,
    TakenFile,
    UnitFindings,
    choose_reply_kind,
)
from huizong.outbox.queue import Draft, queue_letter
from huizong.rules.model import Severity
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import Standing, standings_now
from huizong.stages.wording import letter_basics, missing_part, moment_text

ANSWERED = ("return", "set_aside")
CHECKING = "正在核对归属，核对后另行答复"


@dataclass
class _Answer:
    """What one delivery is answered with."""

    delivery: Delivery
    files: list[File]
    versions: list[Version]

    def of(self, unit: str) -> _Answer:
        """What of it concerns one unit: its contact hears nothing of the others in the same mail."""
        versions = [v for v in self.versions if v.unit == unit]
        held = {v.file_id for v in versions}
        files = [f for f in self.files if f.id in held or f.unit == unit]
        return _Answer(self.delivery, files, versions)


def answer_all(ctx: Context, issued: IssuedCycle, as_of: datetime) -> int:
    """Queue a reply for every delivery of the cycle that is checked and unanswered; how many letters."""
    with ctx.ledger.write() as session:
        open_ = session.scalars(
            select(Delivery)
            .where(
                Delivery.cycle == issued.code,
                Delivery.processed_at.is_not(None),
                Delivery.answered_at.is_(None),
                Delivery.disposition.in_(ANSWERED),
            )
            .order_by(Delivery.id)
        ).all()
        if not open_:
            return 0
        standing = {(s.collection.code, s.unit.code): s for s in standings_now(session, issued)}
        queued = 0
        for delivery in open_:
            answer = _gather(session, delivery)
            if any(v.status == "pending" for v in answer.versions):
                continue
            for reply in _drafts(ctx, session, issued, answer, standing, as_of):
                queued += (
                    queue_letter(session, reply, salt=issued.loaded.digest, now=ctx.clock.now()) is not None
                )
            delivery.answered_at = ctx.clock.now()
        return queued


def _gather(session: Session, delivery: Delivery) -> _Answer:
    files = session.scalars(select(File).where(File.delivery_id == delivery.id).order_by(File.id)).all()
    versions = session.scalars(
        select(Version)
        .where(Version.delivery_id == delivery.id, Version.cycle == delivery.cycle)
        .order_by(Version.id)
    ).all()
    return _Answer(delivery, list(files), list(versions))


def _drafts(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    answer: _Answer,
    standing: dict[tuple[str, str], Standing],
    as_of: datetime,
) -> Iterable[Draft]:
    """One letter to each address that should hear of this delivery."""
    concerned = _concerned(issued, answer, standing)
    if not concerned:
        return
    earlier = _replies_to(session, answer.delivery)
    if earlier and not answer.versions:
        return  # driven again, and nothing new to say
    for address, contact, of_unit in _addresses(issued, answer, concerned):
        if of_unit is None:
            told, about = answer, concerned
        else:
            told, about = answer.of(of_unit), [s for s in concerned if s.unit.code == of_unit]
        key = f"reply:{answer.delivery.id}:{address}" + (f":{earlier}" if earlier else "")
        yield _draft(ctx, session, issued, told, about, address, contact, as_of, key)


def _replies_to(session: Session, delivery: Delivery) -> int:
    """How many letters answered it before: more than none once a person has assigned what waited in it."""
    query = select(func.count()).where(Letter.key.startswith(f"reply:{delivery.id}:", autoescape=True))
    return session.scalar(query) or 0


def _concerned(
    issued: IssuedCycle, answer: _Answer, standing: dict[tuple[str, str], Standing]
) -> list[Standing]:
    """The units this delivery is about, the sender's own first."""
    delivery = answer.delivery
    keys = [(delivery.collection, delivery.unit)] if delivery.unit else []
    keys += [(v.collection, v.unit) for v in answer.versions]
    keys += [(f.collection, f.unit) for f in answer.files if f.unit]
    found = [standing[(c, u)] for c, u in dict.fromkeys(keys) if c and u and (c, u) in standing]
    mine = {v.unit for v in answer.versions} | {f.unit for f in answer.files}
    return [s for s in found if s.unit.code in mine] or found


def _addresses(
    issued: IssuedCycle, answer: _Answer, concerned: list[Standing]
) -> list[tuple[str, Contact | None, str | None]]:
    """(address, contact, unit): the sender, and the registered contacts of units it does not speak for."""
    delivery = answer.delivery
    known = issued.units_by_address.get(delivery.sender, frozenset())
    result: list[tuple[str, Contact | None, str | None]] = []
    if delivery.kind == "mail" and (known or answer.versions):
        contact = next(
            (c for u in known for c in issued.contacts.get(u, ()) if c.address == delivery.sender), None
        )
        result.append((delivery.sender, contact, None))
    for standing in concerned:
        if standing.unit.code in known:
            continue
        for contact in issued.contacts.get(standing.unit.code, ())[:1]:
            if contact.address not in {address for address, _, _ in result}:
                result.append((contact.address, contact, standing.unit.code))
    return result


def _draft(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    answer: _Answer,
    concerned: list[Standing],
    address: str,
    contact: Contact | None,
    as_of: datetime,
    key: str,
) -> Draft:
    delivery, first = answer.delivery, concerned[0]
    marked = _to_mark(session, answer)
    context = _context(session, issued, answer, concerned, first, contact, as_of, marked=bool(marked))
    return draft(
        ctx,
        issued,
        first.collection,
        first.unit,
        context,
        key=key,
        address=address,
        in_reply_to=delivery.message_id,
        extra={"marked": ",".join(str(v) for v in marked)},
    )


def _context(
    session: Session,
    issued: IssuedCycle,
    answer: _Answer,
    concerned: list[Standing],
    first: Standing,
    contact: Contact | None,
    as_of: datetime,
    *,
    marked: bool,
) -> ReplyContext:
    findings = tuple(f for f in (_unit_findings(session, issued, v) for v in answer.versions) if f)
    aside = tuple(_aside(answer.files))
    owing = [s for s in concerned if s.status != "nil"]
    queries = [f for s in concerned for f in s.open_queries]
    missing = tuple(dict.fromkeys(missing_part(p) for s in owing for p in s.absent_parts))
    return ReplyContext(
        **letter_basics(issued, first.collection, first.unit, contact, as_of, first.due),
        kind=choose_reply_kind(findings, aside, missing),
        received_text=moment_text(answer.delivery.received_at, issued),
        taken=tuple(_taken(session, issued, answer)),
        set_aside=aside,
        findings=findings,
        missing_parts=missing,
        complete=all(s.status in {"complete", "nil"} for s in concerned),
        nil=answer.delivery.reason == NIL,
        no_attachment=answer.delivery.reason == NO_ATTACHMENT,
        explained=answer.delivery.reason == EXPLANATION or _has_explanations(session, answer),
        awaits_consent=any(f.explanation for f in queries),
        open_findings=sum(not f.explanation for f in queries),
        marked=marked,
    )


def _has_explanations(session: Session, answer: _Answer) -> bool:
    query = select(FindingRow.id).where(
        FindingRow.version_id.in_([v.id for v in answer.versions]), FindingRow.explanation.is_not(None)
    )
    return session.scalars(query).first() is not None


def _taken(session: Session, issued: IssuedCycle, answer: _Answer) -> Iterable[TakenFile]:
    names = {file.id: file for file in answer.files}
    for version in answer.versions:
        part = issued.collection(version.collection).part(version.part)
        if part is not None:
            yield TakenFile(
                unit_name=issued.unit(version.unit).full_name,
                part_title=part.name,
                file=names[version.file_id].name,
                kind=missing_part(part).kind,
                version=version.number,
                note=_note(session, version),
            )


def _note(session: Session, version: Version) -> str:
    if version.status != "rejected":
        return ""
    return "退回修改" if _asks_something(session, version) else "说明待审定"


def _aside(files: list[File]) -> Iterable[SetAsideFile]:
    for file in files:
        if file.disposition == "set_aside":
            yield SetAsideFile(file=file.name, reason=file.reason)
        elif file.disposition == "triage":
            yield SetAsideFile(file=file.name, reason=CHECKING)


def _unit_findings(session: Session, issued: IssuedCycle, version: Version) -> UnitFindings | None:
    rows = findings_of(session, version)
    if not rows:
        return None
    instrument = issued.loaded.instrument_of(issued.collection(version.collection))
    numbers = instrument.numbers if instrument else {}
    number = session.scalars(
        select(FormIssue.form_number).where(
            FormIssue.cycle == version.cycle,
            FormIssue.collection == version.collection,
            FormIssue.unit == version.unit,
        )
    ).first()
    return UnitFindings(
        unit_name=issued.unit(version.unit).full_name,
        form_no=hyphenated(number) if number else "",
        items=tuple(
            LetterFinding(
                severity=cast(Severity, row.severity),
                message=row.message,
                item_no=numbers.get(row.item or ""),
                label=instrument.by_code[row.item].label if instrument and row.item else "",
                remedy=row.remedy,
                place=_place(row.sheet, row.cell),
            )
            for row in rows
        ),
    )


def _place(sheet: str, cell: str) -> str:
    """Where a clerk finds it: 统计表 C9, or in Word 表格第3行第2列."""
    if word := re.fullmatch(r"T\d+R(\d+)C(\d+)", cell):
        return f"表格第{word[1]}行第{word[2]}列"
    return " ".join(part for part in (sheet, cell) if part)


def findings_of(session: Session, version: Version) -> list[FindingRow]:
    """A version's open findings that the unit has to answer: what it has explained waits for us, and what
    it has corrected meanwhile is done with."""
    if version.status == "superseded":
        return []
    query = select(FindingRow).where(
        FindingRow.version_id == version.id,
        FindingRow.settled_at.is_(None),
        FindingRow.explanation.is_(None),
    )
    return list(session.scalars(query.order_by(FindingRow.id)))


def _to_mark(session: Session, answer: _Answer) -> list[int]:
    """Versions whose workbook goes back marked: xlsx with findings that ask for something."""
    kinds = {file.id: file.kind for file in answer.files}
    return [
        v.id
        for v in answer.versions
        if kinds.get(v.file_id) in {"xlsx", "xlsm"} and _asks_something(session, v)
    ]


def _asks_something(session: Session, version: Version) -> bool:
    return any(f.severity != "hint" for f in findings_of(session, version))
