"""Send (发送): the only place that talks to SMTP, one account at a time, one letter claimed at a time.

A claim is committed before the dialogue; whoever gets the account's lock next turns claims that were left
over into `unknown`, because nobody can know whether those letters left. At each claim the letter's reason
is looked at again (invariant 3).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.connections import MailServer, required
from huizong.errors import HuizongError, UsageError
from huizong.ledger.tables import File, Letter, Version
from huizong.outbox.compose import compose
from huizong.outbox.context import load_context
from huizong.outbox.model import Attachment, Outcome, Outgoing
from huizong.outbox.sender import Sender
from huizong.rules.marked import mark_workbook
from huizong.rules.model import Finding, Severity
from huizong.stages.alarms import OPERATOR
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, issued_codes, issued_cycle, log_event
from huizong.stages.reasons import reason_is_gone
from huizong.stages.replies import findings_of
from huizong.stages.words import LETTER_STATE

_REPLIES = {"receipt", "correction", "supplement"}


def send(ctx: Context, channels: Sequence[str], as_of: datetime) -> dict[str, Any]:
    """Drain what is queued and allowed on these channels, and any alarm with them.

    Raises:
        UsageError: a channel with letters has no SMTP connection.
        TransientError: the server could not be reached; nothing is lost, run again.
    """
    total = {"sent": 0, "failed": 0, "cancelled": 0, "left": 0}
    trouble: HuizongError | None = None
    for channel in dict.fromkeys((*channels, OPERATOR)):
        if not _waiting(ctx, channel):
            continue
        try:
            for name, count in _send_channel(ctx, channel, as_of).items():
                total[name] += count
        except HuizongError as e:
            trouble = trouble or e  # the other accounts are tried all the same
    if trouble:
        raise trouble
    return total


def queued_channels(ctx: Context) -> list[str]:
    """The channels that have letters to send."""
    with ctx.ledger.read() as session:
        return list(session.scalars(select(Letter.channel).distinct().order_by(Letter.channel)))


def _waiting(ctx: Context, channel: str) -> int:
    query = select(func.count()).where(
        Letter.channel == channel, Letter.state.in_(("queued", "claimed", "rejected_temporary"))
    )
    with ctx.ledger.read() as session:
        return session.scalar(query) or 0


def _send_channel(ctx: Context, channel: str, as_of: datetime) -> dict[str, int]:
    server = required(ctx.connections, channel, "smtp")
    counts = {"sent": 0, "failed": 0, "cancelled": 0, "left": 0}
    with ctx.ledger.lock(f"account:{server.host}:{server.login}", wait=True):
        _give_up_leftovers(ctx, channel)
        cycles: dict[str, IssuedCycle] = {
            code: issued_cycle(ctx, code, checked=False) for code in issued_codes(ctx)
        }
        last = 0
        with Sender(server) as sender:
            while (letter := _next(ctx, channel, last)) is not None:
                last = letter.id  # each letter is tried once a batch
                state = _one(ctx, sender, letter, cycles, server, as_of)
                ctx.say(f"{letter.address}：{letter.subject}（{LETTER_STATE.get(state, state)}）")
                counts[state if state in counts else "failed"] += 1
    counts["left"] = _waiting(ctx, channel)
    return counts


def _one(
    ctx: Context,
    sender: Sender,
    letter: Letter,
    cycles: dict[str, IssuedCycle],
    server: MailServer,
    as_of: datetime,
) -> str:
    """Freeze, claim, try once; the state in which the letter is left."""
    try:
        mime = letter.mime or _freeze(ctx, letter, cycles, server)
    except UsageError as e:  # an address or a name that no mail can carry: visible, and not in the way
        return _end(ctx, letter, "rejected_permanent", str(e))
    state = _claim(ctx, letter, cycles.get(letter.cycle or ""), mime, as_of)
    return _attempt(ctx, sender, letter, mime).state if state == "claimed" else state


def _end(ctx: Context, letter: Letter, state: str, reply: str) -> str:
    with ctx.ledger.write() as session:
        fresh = session.get_one(Letter, letter.id)
        fresh.state, fresh.reply, fresh.finished_at = state, reply, ctx.clock.now()
    return state


def _give_up_leftovers(ctx: Context, channel: str) -> None:
    """Claims of a process that died: its lock is free, so nobody is at it any more."""
    with ctx.ledger.write() as session:
        left = session.scalars(
            select(Letter).where(Letter.channel == channel, Letter.state == "claimed")
        ).all()
        for letter in left:
            letter.state = "unknown"
            letter.reply = "发送过程中断，不知是否已发出；请在已发送中核对后用 huizong outbox resolve 处理"
            log_event(session, ctx, "letter_unknown", cycle=letter.cycle, letter=letter.id)


def _next(ctx: Context, channel: str, last: int) -> Letter | None:
    query = (
        select(Letter)
        .where(
            Letter.channel == channel,
            Letter.state.in_(("queued", "rejected_temporary")),
            Letter.id > last,
        )
        .order_by(Letter.id)
        .limit(1)
    )
    with ctx.ledger.read() as session:
        return session.scalars(query).first()


def _freeze(ctx: Context, letter: Letter, cycles: dict[str, IssuedCycle], server: MailServer) -> str:
    """Make the MIME bytes that this letter will have for good, and keep them in the store."""
    context = load_context(json.dumps(letter.context["letter"]))
    references = (letter.in_reply_to,) if letter.in_reply_to else ()
    outgoing = Outgoing(
        sender_name=_sender_name(letter, cycles),
        sender_address=server.login,
        to_name=letter.addressee,
        to_address=letter.address,
        message_id=letter.message_id,
        rendered=ctx.letter_book.render(context),
        auto_submitted="auto-replied" if letter.kind in _REPLIES else "auto-generated",
        in_reply_to=letter.in_reply_to,
        references=references,
        attachments=tuple(_attachments(ctx, letter, cycles)),
    )
    return ctx.store.put(compose(outgoing, ctx.clock.now()))


def _sender_name(letter: Letter, cycles: dict[str, IssuedCycle]) -> str:
    """The office whose letter it is; an alarm may be about no collection at all."""
    if letter.kind == "alarm":
        return "汇总系统"
    return cycles[letter.cycle or ""].collection(letter.collection or "").office.name


def _attachments(ctx: Context, letter: Letter, cycles: dict[str, IssuedCycle]) -> list[Attachment]:
    files = [Attachment(name, ctx.store.get(digest)) for name, digest in letter.attachments]
    ids = [int(v) for v in str(letter.context.get("marked", "")).split(",") if v]
    for version_id in ids:
        if marked := _marked(ctx, version_id, cycles):
            files.append(marked)
    return files


def _marked(ctx: Context, version_id: int, cycles: dict[str, IssuedCycle]) -> Attachment | None:
    """The clerk's own workbook with the cells in question marked; None where it cannot be made."""
    with ctx.ledger.read() as session:
        version = session.get_one(Version, version_id)
        file = session.get_one(File, version.file_id)
        rows = findings_of(session, version)
    findings = [
        Finding(r.rule, cast(Severity, r.severity), r.item, r.message, r.remedy, r.sheet, r.cell)
        for r in rows
    ]
    instrument = cycles[version.cycle].loaded.instruments[version.instrument or ""]
    data = mark_workbook(ctx.store.get(file.digest), findings, instrument.numbers)
    stem = file.name.rpartition(".")[0] or file.name
    return Attachment(f"{stem}（审核意见）.xlsx", data) if data else None


def _claim(ctx: Context, letter: Letter, issued: IssuedCycle | None, mime: str, as_of: datetime) -> str:
    """Take the letter in hand if its reason still holds; the state that it has then."""
    with ctx.ledger.write() as session:
        fresh = session.get_one(Letter, letter.id)
        if fresh.state not in {"queued", "rejected_temporary"}:
            return fresh.state  # somebody decided otherwise meanwhile
        why = reason_is_gone(session, fresh, issued, as_of) if issued else None
        if why is not None:
            fresh.state, fresh.reply, fresh.finished_at = "cancelled", why, ctx.clock.now()
            log_event(session, ctx, "letter_cancelled", cycle=fresh.cycle, unit=fresh.unit, letter=fresh.id)
            return fresh.state
        fresh.state, fresh.mime, fresh.claimed_at = "claimed", mime, ctx.clock.now()
        fresh.attempts += 1
        return fresh.state


def _attempt(ctx: Context, sender: Sender, letter: Letter, mime: str) -> Outcome:
    """One attempt. A server that cannot be reached leaves the letter as it was and ends the batch."""
    try:
        outcome = sender.send(letter.address, ctx.store.get(mime))
    except HuizongError as e:
        with ctx.ledger.write() as session:
            fresh = session.get_one(Letter, letter.id)
            fresh.state, fresh.reply = "queued", str(e)
        raise
    with ctx.ledger.write() as session:
        _finish(ctx, session, letter.id, outcome)
    return outcome


def _finish(ctx: Context, session: Session, letter_id: int, outcome: Outcome) -> None:
    fresh = session.get_one(Letter, letter_id)
    fresh.state = outcome.state
    fresh.reply = f"{outcome.code or ''} {outcome.reply}".strip()
    fresh.finished_at = ctx.clock.now()
    log_event(
        session, ctx, "letter_sent" if outcome.state == "sent" else "letter_not_sent",
        cycle=fresh.cycle, unit=fresh.unit, letter=fresh.id, state=outcome.state,
    )  # fmt: skip
