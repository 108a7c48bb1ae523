"""Sending a unit's form back with a reason (退回修改), taking that back, and the letters that say so; and the
answers to those who asked for more time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.ledger.tables import Decision, File, FindingRow, Version
from huizong.outbox.contents import LetterFinding, TakenFile, UnitFindings
from huizong.outbox.context import CycleLetter, ExtensionContext, ReplyContext
from huizong.outbox.queue import queue_letter
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import Standing
from huizong.stages.versions import settle, versions_of
from huizong.stages.wording import letter_basics, missing_part, moment_text

SENT_BACK = "sent-back"  # the rule's name of a finding that a person made
_UNDONE = ("waive", "refuse", "nil")


def returned_version(standing: Standing, part: str | None) -> Version:
    """What is sent back: the newest accepted version of the form, or of the part named.

    Raises:
        UsageError: no such part, none named where there is no form, or nothing accepted.
    """
    chosen = standing.collection.part(part) if part else standing.collection.form
    if chosen is None:
        known = "、".join(f"{p.code}（{p.name}）" for p in standing.collection.parts)
        raise UsageError(f"请以 --part 写明退回哪项材料，可用：{known}。")
    version = standing.counted(chosen)
    if version is None:
        raise UsageError(f"{standing.unit.name} 没有已采用的{chosen.name}可以退回。")
    return version


def send_back(session: Session, version: Version, reason: str) -> dict[str, Any]:
    """Take the version out of what counts, with the reason as a finding; its figures stay as they are."""
    was = version.status
    version.status = "rejected"
    session.add(
        FindingRow(
            version_id=version.id,
            rule=SENT_BACK,
            rules_version=version.rules_version or "",
            severity="mandatory",
            item=None,
            message=reason,
            remedy="",
            sheet="",
            cell="",
        )
    )
    session.flush()
    return {"version": version.id, "was": was}


def reopened(
    ctx: Context, session: Session, standing: Standing, decisions: Sequence[Decision], by: str
) -> dict[str, Any]:
    """Undo the newest of the decisions (newest first) that can be undone; what it was.

    Raises:
        UsageError: there is none, or the unit has sent another version since it was sent back.
    """
    last = next((d for d in decisions if d.kind in (*_UNDONE, "send-back", "reopen")), None)
    if last is None or last.kind == "reopen":
        raise UsageError(f"{standing.unit.name} 没有可以撤销的免报、说明不报、零报告或退回。")
    if last.kind == "send-back":
        version = session.get_one(Version, last.value["version"])
        part = standing.collection.part(version.part)
        siblings = versions_of(session, version.cycle, version.collection, version.unit, version.part)
        if part is None or version.status != "rejected" or siblings[-1].id != version.id:
            raise UsageError(f"{standing.unit.name} 退回后已另行报送，不能撤销退回。")
        version.status = last.value["was"]
        rows = session.scalars(
            select(FindingRow).where(FindingRow.version_id == version.id, FindingRow.rule == SENT_BACK)
        )
        for row in rows:
            row.settled_at, row.settled_by = ctx.clock.now(), by
        settle(siblings, appends=part.appends)
    return {"undoes": last.kind, "decision_id": last.id}


def tell_sent_back(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    standing: Standing,
    version: Version,
    decision: Decision,
    as_of: datetime,
) -> None:
    """Queue the correction letter that gives the reason, in the caller's transaction."""
    part = standing.collection.part(version.part)
    title = part.name if part else version.part
    name = standing.unit.full_name
    taken = TakenFile(
        unit_name=name,
        part_title=title,
        file=session.get_one(File, version.file_id).name,
        kind=missing_part(part).kind if part else "document",
        version=version.number,
        note="退回修改",
    )
    finding = LetterFinding(severity="mandatory", message=decision.reason)
    for contact in issued.contacts.get(standing.unit.code, ()):
        context = ReplyContext(
            **letter_basics(issued, standing.collection, standing.unit, contact, as_of, standing.due),
            kind="correction",
            received_text=moment_text(version.received_at, issued),
            taken=(taken,),
            findings=(UnitFindings(unit_name=name, form_title=title, items=(finding,)),),
        )
        _queue(ctx, session, issued, standing, context, f"sent_back:{decision.id}", contact.address)
    _say_if_mute(ctx, issued, standing, "退回的理由")


def tell_extended(
    ctx: Context, session: Session, issued: IssuedCycle, standing: Standing, as_of: datetime
) -> None:
    """Queue the answer that names the unit's own deadline, in the caller's transaction."""
    name = f"{issued.code}:{standing.collection.code}:{standing.unit.code}:{standing.due_version}"
    for contact in issued.contacts.get(standing.unit.code, ()):
        basics = letter_basics(issued, standing.collection, standing.unit, contact, as_of, standing.due)
        context = ExtensionContext(**basics, granted=True)
        _queue(ctx, session, issued, standing, context, f"extension:{name}", contact.address)
    _say_if_mute(ctx, issued, standing, "新的截止时间")


def tell_declined(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    standing: Standing,
    decision: Decision,
    as_of: datetime,
) -> None:
    """Queue the answer that the deadline stays, with the reason, in the caller's transaction."""
    reason = decision.reason.rstrip("。") + "。"
    for contact in issued.contacts.get(standing.unit.code, ()):
        basics = letter_basics(issued, standing.collection, standing.unit, contact, as_of, standing.due)
        context = ExtensionContext(**basics, granted=False, reason=reason)
        _queue(ctx, session, issued, standing, context, f"declined:{decision.id}", contact.address)
    _say_if_mute(ctx, issued, standing, "不同意延期的理由")


def _queue(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    standing: Standing,
    context: CycleLetter,
    key: str,
    address: str,
) -> None:
    letter = draft(
        ctx, issued, standing.collection, standing.unit, context, key=f"{key}:{address}", address=address
    )
    queue_letter(session, letter, salt=issued.loaded.digest, now=ctx.clock.now())


def _say_if_mute(ctx: Context, issued: IssuedCycle, standing: Standing, what: str) -> None:
    if not issued.contacts.get(standing.unit.code):
        ctx.say(f"{standing.unit.name}没有可用的邮箱，请电话告知{what}，并以 log-contact 登记。")
