"""Send (发送): the only place that talks to SMTP, one account at a time, one letter claimed at a time.

A claim is committed before the dialogue; whoever gets the account's lock next turns claims that were left
over into `unknown`, because nobody can know whether those letters left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from huizong.connections import MailServer, required
from huizong.errors import HuizongError, UsageError
from huizong.ledger.tables import Letter
from huizong.stages.accounts import check_account
from huizong.stages.alarms import OPERATOR
from huizong.stages.channels import connected
from huizong.stages.context import Context
from huizong.stages.issued import issued_codes, issued_cycle, log_event
from huizong.stages.proof import settle_unknown
from huizong.stages.sending import Batch
from huizong.stages.unsent import tell_letters

_WAITING = ("queued", "claimed", "rejected_temporary")


def send(ctx: Context, channels: Sequence[str], as_of: datetime) -> dict[str, Any]:
    """Drain what is queued and allowed on these channels, and any alarm with them.

    The counts `sent`, `failed`, `cancelled` are of this call; `left` is what waits still: for its moment, for
    a paused account, for a server that answers.

    Of several channels, one without a connection keeps its letters: an office that is not connected yet
    does not stop the others of its cycle.

    Raises:
        UsageError: there are letters, and none of these channels has an SMTP connection.
        StoppedError: an account is not tried until a person has seen to it.
        TransientError: the server could not be reached; nothing is lost, run again.
    """
    total = {"sent": 0, "failed": 0, "cancelled": 0, "left": 0}
    trouble: HuizongError | None = None
    for channel in (*connected(ctx, channels), OPERATOR):
        if not _count(ctx, channel, *_WAITING, "unknown"):
            continue
        try:
            for name, count in _send_channel(ctx, channel, as_of).items():
                total[name] += count
        except HuizongError as e:
            trouble = trouble or e  # the other accounts are tried all the same
    if trouble:
        raise trouble
    return total


def channels_to_send(ctx: Context, channel: str | None) -> list[str]:
    """The one that is named, else all that have letters.

    Raises:
        UsageError: no issued cycle has a channel of that name, nor any letter.
    """
    with ctx.ledger.read() as session:
        used = list(session.scalars(select(Letter.channel).distinct().order_by(Letter.channel)))
    if channel is None:
        return used
    known = dict.fromkeys([*used, OPERATOR])
    for code in issued_codes(ctx):
        known |= dict.fromkeys(issued_cycle(ctx, code, checked=False).loaded.cycle.channels)
    if channel not in known:
        raise UsageError(f"没有渠道“{channel}”，现有：{'、'.join(known)}。")
    return [channel]


def _count(ctx: Context, channel: str, *states: str) -> int:
    query = select(func.count()).where(Letter.channel == channel, Letter.state.in_(states))
    with ctx.ledger.read() as session:
        return session.scalar(query) or 0


def _send_channel(ctx: Context, channel: str, as_of: datetime) -> dict[str, int]:
    server = required(ctx.connections, channel, "smtp")
    counts: dict[str, int] = {}
    with ctx.ledger.lock(f"account:{server.host}:{server.login}", wait=True) as still_locked:
        _give_up_leftovers(ctx, channel)
        try:
            settle_unknown(ctx, channel)
        except HuizongError as e:
            ctx.say(str(e))  # that the mailbox cannot be read stops no letter
        try:
            if _count(ctx, channel, *_WAITING) and not _is_paused(ctx, server):
                with Batch(ctx, channel, server, as_of, still_locked) as batch:
                    counts = batch.run()
        finally:
            with ctx.ledger.write() as session:
                tell_letters(ctx, session, channel)
    return {**counts, "left": _count(ctx, channel, *_WAITING)}


def _is_paused(ctx: Context, server: MailServer) -> bool:
    until = check_account(ctx, "smtp", server)
    if until is not None:
        ctx.say(f"发信账号 {server.login} 暂停发送，机器时间 {until:%Y-%m-%d %H:%M} UTC 之后继续。")
    return until is not None


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
