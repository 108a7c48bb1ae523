"""One reply a delivery: what was taken, what was set aside and the remedy, findings, parts still missing.

A reply goes to the sender if it is registered or its mail carried a valid token, and to the registered
contact where the sender is not. Duplicates, automatic mail and what belongs to no cycle get none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from huizong.instruments.form_number import hyphenated
from huizong.intake.relevance import EXPLANATION, NIL, NO_ATTACHMENT
from huizong.ledger.tables import Contact, Delivery, File, FindingRow, FormIssue, Version
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
from huizong.stages.answers import Answer, gather, replies_before, to_answer
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import Standing, standings_now
from huizong.stages.wording import letter_basics, missing_part, moment_text

_AT_ONCE = 500  # deliveries answered in one transaction: other writers must not wait for thousands
ANSWERED = ("return", "set_aside", "subordinate", "restricted")
CHECKING = "正在核对归属，核对后另行答复"
SUM_UP = "系{unit}下属单位材料，未计入汇总，请由{unit}汇总后统一报送。"


def answer_all(ctx: Context, issued: IssuedCycle, as_of: datetime) -> int:
    """Queue a reply for every delivery of the cycle that is checked and unanswered; how many letters."""
    with ctx.ledger.read() as session:
        open_ = session.scalars(_unanswered(issued, Delivery.id)).all()
        earlier = replies_before(session, issued.code) if open_ else Counter()
    return sum(
        _answer_some(ctx, issued, open_[start : start + _AT_ONCE], earlier, as_of)
        for start in range(0, len(open_), _AT_ONCE)
    )


def _unanswered(issued: IssuedCycle, what: Any) -> Select[Any]:
    return (
        select(what)
        .where(
            Delivery.cycle == issued.code,
            Delivery.processed_at.is_not(None),
            Delivery.answered_at.is_(None),
            Delivery.disposition.in_(ANSWERED),
        )
        .order_by(Delivery.id)
    )


def _answer_some(
    ctx: Context, issued: IssuedCycle, ids: Sequence[int], earlier: Counter[int], as_of: datetime
) -> int:
    """One transaction: what is said of a unit is what the ledger holds while its letter is queued."""
    queued = 0
    with ctx.ledger.write() as session:
        deliveries = session.scalars(_unanswered(issued, Delivery).where(Delivery.id.in_(ids))).all()
        answers = gather(session, deliveries)
        standing = {
            (s.collection.code, s.unit.code): s for s in standings_now(session, issued, _units(answers))
        }
        with session.no_autoflush:  # the letters go in together, at the end
            for answer in answers:
                if any(v.status == "pending" for v in answer.versions):
                    continue
                for reply in _drafts(ctx, session, issued, answer, standing, earlier, as_of):
                    letter = queue_letter(session, reply, salt=issued.loaded.digest, now=ctx.clock.now())
                    queued += letter is not None
                answer.delivery.answered_at = ctx.clock.now()
    return queued


def _units(answers: Iterable[Answer]) -> frozenset[str]:
    """All units that these answers may speak of."""
    named: set[str | None] = set()
    for answer in answers:
        named |= {answer.delivery.unit, *(v.unit for v in answer.versions), *(f.unit for f in answer.files)}
    return frozenset(unit for unit in named if unit)


def _drafts(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    answer: Answer,
    standing: dict[tuple[str, str], Standing],
    replies: Counter[int],
    as_of: datetime,
) -> Iterable[Draft]:
    """One letter to each address that should hear of this delivery."""
    concerned = _concerned(issued, answer, standing)
    if not concerned:
        return
    earlier = replies[answer.delivery.id]
    if earlier and not answer.versions:
        return  # driven again, and nothing new to say
    for address, contact, of_unit in _addresses(issued, answer, concerned):
        if of_unit is None:
            told, about = answer, concerned
        else:
            told, about = answer.of(of_unit), [s for s in concerned if s.unit.code == of_unit]
        key = f"reply:{answer.delivery.id}:{address}" + (f":{earlier}" if earlier else "")
        yield _draft(ctx, session, issued, told, about, address, contact, as_of, key)


def _concerned(
    issued: IssuedCycle, answer: Answer, standing: dict[tuple[str, str], Standing]
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
    issued: IssuedCycle, answer: Answer, concerned: list[Standing]
) -> list[tuple[str, Contact | None, str | None]]:
    """(address, contact, unit): the sender, and the registered contacts of units it does not speak for."""
    delivery = answer.delivery
    known = issued.units_by_address.get(delivery.sender, frozenset())
    result: list[tuple[str, Contact | None, str | None]] = []
    if delivery.kind == "mail" and (known or answer.versions or answer.subordinates):
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
    answer: Answer,
    concerned: list[Standing],
    address: str,
    contact: Contact | None,
    as_of: datetime,
    key: str,
) -> Draft:
    delivery, first = answer.delivery, concerned[0]
    marked = _to_mark(answer)
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
    answer: Answer,
    concerned: list[Standing],
    first: Standing,
    contact: Contact | None,
    as_of: datetime,
    *,
    marked: bool,
) -> ReplyContext:
    findings = tuple(
        f for f in (_unit_findings(session, issued, v, answer.to_answer(v)) for v in answer.versions) if f
    )
    own = contact is not None and contact.unit == first.unit.code
    aside = tuple(_aside(issued, answer.files, own=own))
    owing = [s for s in concerned if s.status != "nil"]
    queries = [f for s in concerned for f in s.open_queries]
    missing = tuple(dict.fromkeys(missing_part(p) for s in owing for p in s.absent_parts))
    if answer.only_restricted:
        missing = ()
    return ReplyContext(
        **letter_basics(issued, first.collection, first.unit, contact, as_of, first.due),
        kind=choose_reply_kind(findings, aside, missing),
        received_text=moment_text(answer.delivery.received_at, issued),
        taken=tuple(_taken(issued, answer)),
        set_aside=aside,
        findings=findings,
        missing_parts=missing,
        complete=not answer.only_restricted and all(s.status in {"complete", "nil"} for s in concerned),
        nil=answer.delivery.reason == NIL,
        no_attachment=answer.delivery.reason == NO_ATTACHMENT,
        explained=answer.delivery.reason == EXPLANATION or answer.explained,
        awaits_consent=any(f.explanation for f in queries),
        open_findings=sum(not f.explanation for f in queries),
        marked=marked,
        restricted=answer.restricted,
    )


def _taken(issued: IssuedCycle, answer: Answer) -> Iterable[TakenFile]:
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
                note=_note(answer, version),
            )


def _note(answer: Answer, version: Version) -> str:
    if version.status != "rejected":
        return ""
    return "退回修改" if answer.asks_something(version) else "说明待审定"


def _aside(issued: IssuedCycle, files: list[File], *, own: bool) -> Iterable[SetAsideFile]:
    """What was not taken, and what to do about it. `own`: the letter goes to the unit's own contact."""
    for file in files:
        if file.disposition == "set_aside":
            yield SetAsideFile(file=file.name, reason=file.reason)
        elif file.disposition == "triage":
            yield SetAsideFile(file=file.name, reason=CHECKING)
        elif file.disposition == "subordinate":
            unit = "{单位}" if own else issued.unit(file.unit).full_name if file.unit else "上级单位"
            yield SetAsideFile(file=file.name, reason=SUM_UP.format(unit=unit))


def _unit_findings(
    session: Session, issued: IssuedCycle, version: Version, rows: Sequence[FindingRow]
) -> UnitFindings | None:
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
    """A version's findings that the unit has to answer (`answers.to_answer`)."""
    query = select(FindingRow).where(FindingRow.version_id == version.id)
    return to_answer(version, session.scalars(query.order_by(FindingRow.id)))


def _to_mark(answer: Answer) -> list[int]:
    """Versions whose workbook goes back marked: xlsx with findings that ask for something."""
    kinds = {file.id: file.kind for file in answer.files}
    return [
        v.id for v in answer.versions if kinds.get(v.file_id) in {"xlsx", "xlsm"} and answer.asks_something(v)
    ]
