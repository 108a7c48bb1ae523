"""Amend (变更): what was changed in the files after issue becomes the next version of the definition.

One transaction makes the version true: definition, frame, new personal forms, the letters that tell the
units and those that are called back. Files are laid out and letters sent afterwards, and the event that says
so comes last: a run killed anywhere is completed by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.definition.check import check_cycle
from huizong.definition.load import LoadedCycle, differences, find_cycles, load_named, refrozen, thaw
from huizong.definition.yaml_file import DefinitionError
from huizong.errors import UsageError
from huizong.ledger.tables import Approval, Decision, DefinitionVersion, Event, FormIssue, Letter
from huizong.outbox.context import AmendmentContext
from huizong.outbox.queue import Draft, queue_letter
from huizong.rules.fitting import misfits
from huizong.stages.amended import amendment_key
from huizong.stages.changes import Changes, CollectionChange, compare
from huizong.stages.contacts import refresh_contacts
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.forwarding import forward_amendment, forward_issue
from huizong.stages.issue import (
    forms_in_use,
    frame_rows,
    lay_out,
    personal_forms,
    stop_if_empty,
    stop_if_mute,
)
from huizong.stages.issued import (
    IssuedCycle,
    as_issued,
    issued_cycle,
    log_event,
    newest_definition,
    require_aware,
)
from huizong.stages.notices import form_file_names, notice_document, queue_notices
from huizong.stages.reasons import DUE_MOVED, REMINDERS, speaks_of
from huizong.stages.signed import require_words
from huizong.stages.standing import Standing, standings_now
from huizong.stages.wording import letter_basics

_ALL = 10_000  # differences: every one is recorded
_WAITING = ("queued", "held", "rejected_temporary")  # letters that have not left and may be called back


@dataclass(frozen=True)
class _Plan:
    """The version that is to follow `was`."""

    was: LoadedCycle
    now: LoadedCycle
    version: int
    differences: tuple[str, ...]
    changes: Changes


def amend(
    ctx: Context,
    code: str,
    as_of: datetime,
    *,
    by: str,
    reason: str,
    send: bool = True,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Put the changed definition, roster and instruments of an issued cycle into force.

    Args:
        dry_run: say what differs and who would be told; nothing is recorded.

    Raises:
        DefinitionError: the changed files cannot be used; nothing was changed.
        UsageError: it was not issued, nothing differs, or words are missing.
        TransientError: the mail server or the database failed; safe to run again.
    """
    require_aware(as_of)
    require_words(by, reason)
    with ctx.ledger.lock(f"issue:{code}", wait=True):
        plan = _plan(ctx, code)
        if plan is None:
            version = _unfinished(ctx, code)
        elif dry_run:
            return _foretold(plan)
        else:
            if send:
                stop_if_mute(ctx, code)
            _record(ctx, plan, personal_forms(ctx, plan.now, _held(ctx, code)), as_of, by, reason)
            version = plan.version
        event = _event(ctx, code, version)
        _tell_of_removed(ctx, event)
        issued = issued_cycle(ctx, code)
        lay_out(ctx, issued, event["instruments"])
        forward_amendment(ctx, issued, event["told"], as_of)
        if event["added"]:
            forward_issue(ctx, issued, as_of)
    if send:
        from huizong.stages.send import send as send_letters

        send_letters(ctx, sorted({c.channel for c in issued.collections}), as_of)
    _finish(ctx, code, version)
    return _result(ctx, code, version, event)


def _plan(ctx: Context, code: str) -> _Plan | None:
    """What is to be done; None where the files are those in force."""
    now = load_named(code, ctx.home)
    with ctx.ledger.read() as session:
        newest = newest_definition(session, code)
    if newest is None:
        raise UsageError(f"{code} 尚未下发，定义和名录可以直接修改，无需 huizong amend。")
    frozen = refrozen(ctx.store.get(newest.content).decode())
    found = differences(frozen, now.frozen(), _ALL)
    if not found:
        return None
    if problems := check_cycle(find_cycles(ctx.home)[code], ctx.home, misfits):
        raise DefinitionError(problems)
    stop_if_empty(now)
    was = thaw(frozen, now.folder, ctx.home)
    _stop_if_changed_in_place(was, now)
    return _Plan(was, now, newest.version + 1, tuple(found), compare(was, now))


def _stop_if_changed_in_place(was: LoadedCycle, now: LoadedCycle) -> None:
    """What clerks hold is printed: other rows or labels are another version of the form."""
    for ref, old in was.instruments.items():
        new = now.instruments.get(ref)
        if new and [(i.code, i.label, i.group) for i in old.items] != [
            (i.code, i.label, i.group) for i in new.items
        ]:
            raise UsageError(
                f"表样 {ref} 已随通知发出，栏目不能就地修改：请改回原样，另存为新版本"
                f"（如 {ref}a），并改 cycle.yaml 中的 instrument。"
            )


def _held(ctx: Context, code: str) -> Sequence[FormIssue]:
    with ctx.ledger.read() as session:
        return session.scalars(select(FormIssue).where(FormIssue.cycle == code)).all()


def _unfinished(ctx: Context, code: str) -> int:
    """The version whose amendment was broken off after it was recorded.

    Raises:
        UsageError: there is none, and nothing differs: there is nothing to do.
    """
    with ctx.ledger.read() as session:
        newest = newest_definition(session, code)
        version = newest.version if newest else 1
        done = session.scalars(select(Event.id).where(Event.key == _done_key(code, version))).first()
    if version == 1 or done is not None:
        raise UsageError(
            f"{code} 的定义、名录和表样与第{version}版一致，没有可变更的内容；请先修改文件，再运行本命令。"
        )
    return version


# --- the transaction ----------------------------------------------------------------------------------


def _record(ctx: Context, plan: _Plan, forms: list[FormIssue], as_of: datetime, by: str, reason: str) -> None:
    code, now = plan.now.cycle.code, ctx.clock.now()
    content = ctx.store.put(plan.now.frozen().encode())
    notice = notice_document(ctx, plan.now)
    with ctx.ledger.write() as session:
        session.add(
            DefinitionVersion(
                cycle=code, version=plan.version, digest=plan.now.digest, content=content, as_of=as_of,
                recorded_at=now, by=by, reason=reason,
            )
        )  # fmt: skip
        session.add_all(frame_rows(plan.now, plan.version))
        session.add_all(forms)
        session.add(
            Approval(
                cycle=code, question="amendment", subject=f"{plan.version}:{plan.now.digest[:12]}", by=by,
                basis=f"huizong amend：{reason}", as_of=as_of, recorded_at=now,
            )
        )  # fmt: skip
        _log(ctx, session, plan, by, reason)
        refresh_contacts(session, plan.now)
        issued = as_issued(session, plan.now, plan.version)
        in_use = forms_in_use(session, plan.now)
        queue_notices(ctx, session, issued, in_use, notice, as_of)
        found = standings_now(session, issued)
        _call_back(ctx, session, issued, found)
        for letter in _letters(ctx, plan, issued, found, forms, notice, as_of):
            queue_letter(session, letter, salt=plan.now.digest, now=now)
    ctx.say(f"{code} 的定义已变更为第{plan.version}版")


def _log(ctx: Context, session: Session, plan: _Plan, by: str, reason: str) -> None:
    code, changes = plan.now.cycle.code, plan.changes
    newest = session.scalar(select(func.max(Decision.id)).where(Decision.cycle == code))
    log_event(
        session, ctx, "amended", cycle=code, key=amendment_key(code, plan.version), by=by, words=reason,
        version=plan.version, digest=plan.now.digest, changes=list(plan.differences),
        told={name: list(told) for name, told in changes.told.items()},
        added=[list(pair) for pair in changes.added], removed=[list(pair) for pair in changes.removed],
        gone=[unit.model_dump(mode="json", exclude={"contacts"}) for unit in changes.gone],
        moved=changes.moved, after_decision=newest or 0, instruments=changes.instruments,
    )  # fmt: skip
    session.flush()


def _call_back(ctx: Context, session: Session, issued: IssuedCycle, found: Sequence[Standing]) -> None:
    """Cancel what has not left and speaks of another deadline, or to a unit that is expected no longer."""
    by_pair = {(s.collection.code, s.unit.code): s for s in found}
    waiting = session.scalars(
        select(Letter).where(
            Letter.cycle == issued.code,
            Letter.kind.in_((*REMINDERS, "notice", "amendment")),
            Letter.state.in_(_WAITING),
        )
    )
    for letter in waiting:
        standing = by_pair.get((letter.collection or "", letter.unit or ""))
        if standing is None:
            letter.reply = "该单位已不在应报名单中，不再发送"
        elif letter.kind in REMINDERS and speaks_of(letter) != standing.due_version:
            letter.reply = DUE_MOVED
        else:
            continue
        letter.state, letter.finished_at = "cancelled", ctx.clock.now()


def _letters(
    ctx: Context,
    plan: _Plan,
    issued: IssuedCycle,
    found: Sequence[Standing],
    forms: Sequence[FormIssue],
    notice: tuple[str, str] | None,
    as_of: datetime,
) -> Iterator[Draft]:
    """The supplementary notice to the units that were asked before and still are."""
    files = _files(issued, forms)
    document = [notice] if notice and plan.changes.document else []
    added = set(plan.changes.added)
    for standing in found:
        pair = standing.collection.code, standing.unit.code
        change = plan.changes.collections.get(pair[0])
        if change and change.told and pair not in added and standing.status != "waived":
            attachments = [*document, *files.get(pair, ())]
            yield from _to_unit(ctx, plan, issued, standing, change, attachments, as_of)


def _to_unit(
    ctx: Context,
    plan: _Plan,
    issued: IssuedCycle,
    standing: Standing,
    change: CollectionChange,
    attachments: list[tuple[str, str]],
    as_of: datetime,
) -> Iterator[Draft]:
    collection, unit = standing.collection, standing.unit
    stays = ("此前同意延期报送的，仍按延期后的时间报送。",) if change.moved and standing.extended else ()
    for contact in issued.contacts.get(unit.code, ()):
        context = AmendmentContext(
            **letter_basics(issued, collection, unit, contact, as_of, standing.due),
            changes=change.told + stays,
            attachments=tuple(name for name, _ in attachments),
        )
        key = f"{_prefix(issued.code, plan.version)}{collection.code}:{unit.code}:{contact.address}"
        yield draft(
            ctx, issued, collection, unit, context, key=key, address=contact.address, attachments=attachments
        )


def _files(issued: IssuedCycle, forms: Sequence[FormIssue]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(collection, unit) → its new personal files: name and the store's name."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for form in forms:
        title = issued.loaded.instruments[form.instrument].title
        names = form_file_names(issued.unit(form.unit), title)
        pairs = zip(names, (form.workbook, form.document), strict=True)
        found.setdefault((form.collection, form.unit), []).extend(pairs)
    return found


# --- afterwards ---------------------------------------------------------------------------------------


def _prefix(code: str, version: int) -> str:
    return f"amendment:{code}:{version}:"


def _done_key(code: str, version: int) -> str:
    return f"{amendment_key(code, version)}:done"


def _finish(ctx: Context, code: str, version: int) -> None:
    key = _done_key(code, version)
    with ctx.ledger.write() as session:
        if session.scalars(select(Event.id).where(Event.key == key)).first() is None:
            log_event(session, ctx, "amendment_done", cycle=code, key=key, version=version)


def _event(ctx: Context, code: str, version: int) -> dict[str, Any]:
    with ctx.ledger.read() as session:
        event = session.scalars(select(Event).where(Event.key == amendment_key(code, version))).one()
    return dict(event.data)


def _tell_of_removed(ctx: Context, event: dict[str, Any]) -> None:
    for collection, unit in event["removed"]:
        ctx.say(f"{unit} 已不在 {collection} 的应报名单中，系统不自动通知，请另行告知该单位。")


def _foretold(plan: _Plan) -> dict[str, Any]:
    changes = plan.changes
    return {
        "cycle": plan.now.cycle.code,
        "version": plan.version,
        "changes": list(plan.differences),
        "told": {code: list(told) for code, told in changes.told.items()},
        "added": [list(pair) for pair in changes.added],
        "removed": [list(pair) for pair in changes.removed],
        "letters": {"queued": 0, "sent": 0, "failed": 0},
        "dry_run": True,
    }


def _result(ctx: Context, code: str, version: int, event: dict[str, Any]) -> dict[str, Any]:
    with ctx.ledger.read() as session:
        states = _letters_by_state(session, code, version, {tuple(pair) for pair in event["added"]})
    failed = sum(states.get(s, 0) for s in ("rejected_temporary", "rejected_permanent", "unknown", "bounced"))
    waiting = sum(states.get(s, 0) for s in ("queued", "claimed", "held"))
    return {
        "cycle": code,
        "version": version,
        **{key: event[key] for key in ("changes", "told", "added", "removed")},
        "letters": {"queued": waiting, "sent": states.get("sent", 0), "failed": failed},
    }


def _letters_by_state(
    session: Session, code: str, version: int, added: set[tuple[str, ...]]
) -> dict[str, int]:
    """The amendment's letters: supplementary notices, and the notices of units that are new."""
    rows = session.execute(
        select(Letter.key, Letter.kind, Letter.collection, Letter.unit, Letter.state).where(
            Letter.cycle == code, Letter.kind.in_(("amendment", "notice"))
        )
    )
    states: dict[str, int] = {}
    for row in rows:
        new = row.kind == "notice" and (row.collection, row.unit) in added
        if new or row.key.startswith(_prefix(code, version)):
            states[row.state] = states.get(row.state, 0) + 1
    return states
