"""Release (签批): what waits for a person, and what follows from the answer (invariant 11).

A question is asked about one exact thing, its `subject`; the approval names the same, so that nobody signs
off what was changed after it was shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.load import LoadedCycle, load_named
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.ledger.editions import Edition, EditionTotal
from huizong.ledger.tables import Approval, Letter
from huizong.ledger.types import canonical
from huizong.stages.assemble import lay_out_released
from huizong.stages.context import Context
from huizong.stages.coverage import named
from huizong.stages.issue import issue
from huizong.stages.issued import IssuedCycle, issued_cycle, log_event, newest_definition, require_aware
from huizong.stages.merging import RELEASED, reviewed, to_review
from huizong.stages.results import queue_results
from huizong.stages.upward import make_package
from huizong.stages.wording import due_text
from huizong.stages.words import RUNG

QuestionKind = Literal["issue", "formal_notice", "final", "results"]


@dataclass(frozen=True)
class Question:
    """One thing that waits for a sign-off. `body` is Markdown with the figures in it."""

    question: QuestionKind
    subject: str
    title: str
    body: str
    approve_label: str
    decline_label: str


def open_questions(ctx: Context, code: str, as_of: datetime) -> list[Question]:
    """What waits for a person in this cycle at `as_of`.

    Raises:
        DefinitionError, UsageError: the cycle cannot be used.
    """
    require_aware(as_of)
    with ctx.ledger.read() as session:
        issued_already = newest_definition(session, code) is not None
    if not issued_already:
        return list(_ask_issue(load_named(code, ctx.home), as_of))
    issued = issued_cycle(ctx, code)
    with ctx.ledger.read() as session:
        return [
            *_ask_formal_notice(session, issued),
            *_ask_final(session, issued),
            *_ask_results(session, issued),
        ]


def approve(
    ctx: Context,
    code: str,
    question: str,
    as_of: datetime,
    *,
    by: str,
    basis: str,
    subject: str | None = None,
) -> dict[str, Any]:
    """Record a sign-off and carry it out; the same one twice changes nothing.

    Raises:
        UsageError: an unknown question, nothing that waits, or something else waits than was shown.
    """
    require_aware(as_of)
    if question not in get_args(QuestionKind):
        raise UsageError(f"没有“{question}”这种签批，可用：{'、'.join(get_args(QuestionKind))}。")
    if not by.strip() or not basis.strip():
        raise UsageError("签批须写明签批人（--by）和依据（--basis）。")
    if question == "issue":
        return _approve_issue(ctx, code, as_of, by, basis, subject)
    with ctx.ledger.lock(f"approve:{code}", wait=True):
        return _approve(ctx, code, question, as_of, by, basis, subject)


def _approve(
    ctx: Context, code: str, question: str, as_of: datetime, by: str, basis: str, subject: str | None
) -> dict[str, Any]:
    waiting = [q.subject for q in open_questions(ctx, code, as_of) if q.question == question]
    if not waiting:
        return _nothing_waits(ctx, code, question)
    if subject is None and len(waiting) > 1:  # formal notices of several collections, signed off together
        each = [_approve(ctx, code, question, as_of, by, basis, one) for one in waiting]
        return each[0] | {"queued": sum(one["queued"] for one in each)}
    if subject is not None and subject not in waiting:
        raise UsageError("提请签批之后内容有变化，请按新的内容重新签批。")
    subject = subject or waiting[0]
    issued = issued_cycle(ctx, code)
    package = make_package(ctx, issued, int(subject), by, basis, as_of) if question == "final" else None
    lists = _reviewed(ctx, int(subject)) if question == "final" else []
    with ctx.ledger.write() as session:
        session.add(
            Approval(
                cycle=code,
                question=question,
                subject=subject,
                by=by,
                basis=basis,
                as_of=as_of,
                recorded_at=ctx.clock.now(),
            )
        )
        log_event(
            session, ctx, "approved", cycle=code, by=by, words=basis, question=question, subject=subject
        )
        done = _carry_out(ctx, session, issued, question, subject, as_of)
        if lists:
            _release_lists(session, int(subject), lists)
    return {
        "cycle": code,
        "question": question,
        "subject": subject,
        "queued": done,
        "package": package,
        "files": _published(ctx, question, subject),
        "channels": sorted({c.channel for c in issued.collections}),
    }


def _approve_issue(
    ctx: Context, code: str, as_of: datetime, by: str, basis: str, subject: str | None
) -> dict[str, Any]:
    loaded = load_named(code, ctx.home)
    if subject is not None and subject != loaded.digest[:12]:
        raise UsageError("提请签批之后名录或定义有改动，请按新的内容重新签批。")
    result = issue(ctx, code, as_of, send=False, approved_by=by, basis=basis)
    channels = sorted({c.channel for c in loaded.cycle.collections})
    return {
        "cycle": code,
        "question": "issue",
        "subject": loaded.digest[:12],
        "queued": result["letters"]["queued"],
        "package": None,
        "files": [],
        "channels": channels,
    }


def _nothing_waits(ctx: Context, code: str, question: str) -> dict[str, Any]:
    """Signed off before: said again. Never asked: an error that says what comes first."""
    with ctx.ledger.read() as session:
        last = session.scalars(
            select(Approval)
            .where(Approval.cycle == code, Approval.question == question)
            .order_by(Approval.id.desc())
        ).first()
        edition = session.get(Edition, int(last.subject)) if last and question == "final" else None
    if last is None:
        first = {
            "final": f"先运行 huizong assemble {code} --edition final",
            "results": "先签批定稿（final）",
            "formal_notice": "还没有待签批的催报函",
        }[question]
        raise UsageError(f"{code} 没有等待签批的“{question}”：{first}。")
    return {
        "cycle": code,
        "question": question,
        "subject": last.subject,
        "queued": 0,
        "package": _package(edition) if edition else None,
        "files": _published(ctx, question, last.subject),
        "channels": [],
    }


def _package(edition: Edition) -> dict[str, Any]:
    return {key: value for key, value in (edition.handed_over or {}).items() if key != RELEASED}


def _carry_out(
    ctx: Context, session: Session, issued: IssuedCycle, question: str, subject: str, as_of: datetime
) -> int:
    if question == "formal_notice":
        held = next(h for _, h in _held_formal_notices(session, issued) if _subject(h) == subject)
        for letter in held:
            letter.state = "queued"
        return len(held)
    if question == "results":
        return queue_results(ctx, session, issued, session.get_one(Edition, int(subject)), as_of)
    return 0


def _release_lists(session: Session, edition_id: int, lists: Sequence[tuple[str, str]]) -> None:
    edition = session.get_one(Edition, edition_id)
    edition.handed_over = {**(edition.handed_over or {}), RELEASED: list(lists)}


def _reviewed(ctx: Context, edition_id: int) -> list[tuple[str, str]]:
    with ctx.ledger.read() as session:
        edition = session.get_one(Edition, edition_id)
    return reviewed(ctx, edition)


def _published(ctx: Context, question: str, subject: str) -> list[str]:
    """The public lists that an approved edition released, laid out beside its other files."""
    if question != "final":
        return []
    with ctx.ledger.read() as session:
        edition = session.get_one(Edition, int(subject))
    return [str(path) for path in lay_out_released(ctx, edition)]


# --- the questions ------------------------------------------------------------------------------------


def _ask_issue(loaded: LoadedCycle, as_of: datetime) -> Iterator[Question]:
    if as_of < loaded.schedule.issue:
        return
    cycle = loaded.cycle
    lines = [
        f"**{cycle.title}**（{cycle.document_number or '无文号'}）",
        f"发文单位：{'、'.join(cycle.issued_by)}",
        "",
    ]
    for collection in cycle.collections:
        units = loaded.frame(collection)
        without = [u.name for u in units if not u.contacts]
        due = loaded.schedule.due(collection)
        lines += [
            f"### {collection.title or collection.code}",
            f"- 负责：{collection.office.signers}",
            "- 自愿报送，不催报，不计报送率"
            if collection.voluntary
            else f"- 应报单位 **{len(units)}** 家：{'、'.join(u.name for u in units)}",
            f"- 材料：{'、'.join(p.name for p in collection.parts)}",
            f"- 截止：{due_text(due) if due else '无'}",
        ]
        if without:
            lines.append(f"- 没有邮箱的单位：{'、'.join(without)}")
        steps = loaded.schedule.rungs(collection)
        lines += [f"- {RUNG[rung]}：{at:%Y-%m-%d %H:%M}" for rung, at in steps]
        lines.append("")
    lines.append("批准后冻结名录与表样，发出通知；此后回执、修改意见和催报提醒自动进行，催报函另行签批。")
    yield Question(
        "issue",
        loaded.digest[:12],
        f"下发《{cycle.title}》报送通知？",
        "\n".join(lines),
        "批准下发",
        "暂不下发，维持现状",
    )


def _held_formal_notices(
    session: Session, issued: IssuedCycle
) -> Iterator[tuple[Collection, Sequence[Letter]]]:
    """Collection by collection: each is its own office's to sign off."""
    for collection in issued.collections:
        held = session.scalars(
            select(Letter)
            .where(
                Letter.cycle == issued.code, Letter.collection == collection.code,
                Letter.kind == "formal_notice", Letter.state == "held",
            )
            .order_by(Letter.id)
        ).all()  # fmt: skip
        if held:
            yield collection, held


def _subject(held: Sequence[Letter]) -> str:
    return hashlib.sha256(",".join(str(letter.id) for letter in held).encode()).hexdigest()[:12]


def _ask_formal_notice(session: Session, issued: IssuedCycle) -> Iterator[Question]:
    for collection, held in _held_formal_notices(session, issued):
        units = dict.fromkeys(issued.unit(letter.unit or "").name for letter in held)
        yield Question(
            "formal_notice",
            _subject(held),
            f"{collection.office.name}：向 {len(units)} 家单位发出催报函？",
            f"《{issued.loaded.cycle.title}》{collection.title}：以下单位经提醒仍未报齐：{'、'.join(units)}。\n\n"
            f"负责：{collection.office.signers}。\n\n发出前会再次核对，已来件的自动取消。",
            "批准发出",
            "暂不发出，维持现状",
        )


def _newest_summary(session: Session, issued: IssuedCycle) -> Edition | None:
    """The newest edition that is meant to go out."""
    return session.scalars(
        select(Edition)
        .where(Edition.cycle == issued.code, Edition.kind.in_(("final", "revised")))
        .order_by(Edition.id.desc())
    ).first()


def _is_approved(session: Session, issued: IssuedCycle, question: str, subject: str) -> bool:
    query = select(Approval.id).where(
        Approval.cycle == issued.code, Approval.question == question, Approval.subject == subject
    )
    return session.scalars(query).first() is not None


def _ask_final(session: Session, issued: IssuedCycle) -> Iterator[Question]:
    edition = _newest_summary(session, issued)
    if edition is None or _is_approved(session, issued, "final", str(edition.id)):
        return
    upward = issued.loaded.cycle.upward
    to = f"，报送{upward.to}" if upward else ""
    yield Question(
        "final",
        str(edition.id),
        f"《{issued.loaded.cycle.title}》汇总{_label(edition)}{to}？",
        "\n".join([*_figures(session, issued, edition), *_to_publish(edition)]),
        "批准定稿",
        "暂不定稿，维持现状",
    )


def _ask_results(session: Session, issued: IssuedCycle) -> Iterator[Question]:
    edition = _newest_summary(session, issued)
    if edition is None or not _is_approved(session, issued, "final", str(edition.id)):
        return
    if _is_approved(session, issued, "results", str(edition.id)):
        return
    yield Question(
        "results",
        str(edition.id),
        f"向各单位反馈《{issued.loaded.cycle.title}》汇总结果？",
        "\n".join(_figures(session, issued, edition)),
        "批准反馈",
        "暂不反馈，维持现状",
    )


def _to_publish(edition: Edition) -> Iterator[str]:
    if names := to_review(edition):
        yield "\n### 公开名单"
        yield "批准即为审核通过：下列名单（不含联系人和电话）去掉“待审核”字样，可对外公布。请先逐份审阅。\n"
        yield from (f"- {name}" for name in names)


def _label(edition: Edition) -> str:
    return "定稿" if edition.kind == "final" else f"修订稿（第{edition.number}次）"


def _figures(session: Session, issued: IssuedCycle, edition: Edition) -> Iterator[str]:
    """Coverage and totals of an edition, as Markdown."""
    names = {u.code: u.name for u in issued.loaded.units}
    for code, cover in edition.coverage.items():
        collection = issued.collection(code)
        missing = named(cover, lambda unit: names.get(unit, unit)).missing_text
        yield f"### {collection.title or code}"
        yield f"负责：{collection.office.signers}。\n"
        if collection.voluntary:
            yield f"自愿报送，已收到 **{cover['returned']}** 家。"
        else:
            yield f"应报 **{cover['expected']}** 家，已报 **{cover['returned']}** 家；{missing}。"
        if cover["incomplete"]:
            yield f"\n缺件：{'、'.join(names.get(u, u) for u in cover['incomplete'])}"
        instrument = issued.loaded.instrument_of(collection)
        if instrument is None:
            continue
        rows = session.scalars(
            select(EditionTotal)
            .where(
                EditionTotal.edition_id == edition.id,
                EditionTotal.collection == code,
                EditionTotal.instrument == instrument.ref,
            )
            .order_by(EditionTotal.id)
        ).all()
        yield "\n| 序号 | 指标 | 合计 | 单位 |\n|---|---|---|---|"
        for row in rows:
            item = instrument.by_code[row.item]
            number = instrument.numbers[row.item]
            yield f"| {number} | {item.label} | {canonical(row.total)} | {item.unit or ''} |"
    yield "\n各单位上报数直接加总，未去重。"
