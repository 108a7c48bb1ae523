"""One channel's mailbox, read to its end: with its account, its troubles and the note of the sweep."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.connections import MailServer, required
from huizong.errors import HuizongError, TransientError
from huizong.intake.arrivals import Arrivals
from huizong.intake.imap import BusyError, Mailbox, RefusedError
from huizong.intake.mailsweep import MailSweep
from huizong.intake.unfetched import TOLD_AFTER
from huizong.ledger.upkeep import Account, Sweep, Trouble, Unfetched
from huizong.stages.accounts import account_name, check_account, login_refused, login_worked, pause
from huizong.stages.alarms import end_alarm, is_seen_to, keep_alarm, raise_alarm, shown
from huizong.stages.channels import channel_today
from huizong.stages.context import Context

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=15), timedelta(hours=4)


def sweep_mailbox(ctx: Context, arrivals: Arrivals, channel: str, as_of: datetime) -> list[int]:
    """Store what is new in a channel's mailbox; the ids of the new deliveries.

    Raises:
        OperatorError: the login was refused, or the account is stopped and nobody knocks.
        TransientError: the server, the database or the disk failed, or the server asked for patience; what
            had come is stored.
    """
    server = required(ctx.connections, channel, "imap")
    paused = check_account(ctx, "imap", server)
    if paused is not None:
        raise TransientError(f"邮箱 {server.login} 按服务器要求暂停登录，{paused:%H:%M}（UTC）后自动继续。")
    today = channel_today(ctx, channel)
    ctx.say(f"读取邮箱 {channel}")
    with logging_in(ctx, server), Mailbox(server) as mailbox:
        swept = MailSweep(arrivals, channel, mailbox, as_of).run(today.folders if today else ())
    with ctx.ledger.write() as session:
        login_worked(ctx, session, "imap", server)
        _tell_absent(ctx, session, channel, swept.absent)
        _tell_unfetched(ctx, session, channel)
    if swept.unread:
        reasons = "；".join(f"“{folder}”：{why}" for folder, why in swept.unread.items())
        raise TransientError(f"邮箱文件夹未能打开（其他文件夹已读取）：{reasons}")
    return swept.new


def still_awaited(ctx: Context, channel: str) -> str:
    """Why mail that lies in a channel's mailbox is not here yet; "" where none is, or a person was told."""
    query = select(Unfetched.id).where(Unfetched.channel == channel, Unfetched.tries < TOLD_AFTER)
    with ctx.ledger.read() as session:
        waits = session.scalars(query).first() is not None
    return "有邮件服务器已列出、暂未能取回" if waits else ""


@contextlib.contextmanager
def noted_sweep(ctx: Context, channel: str) -> Iterator[None]:
    """Note when the channel was last read to its end, or why it was not."""
    try:
        yield
    except (HuizongError, OSError) as e:
        with contextlib.suppress(HuizongError):  # it may be the database that failed
            _note(ctx, channel, str(e))
        raise
    _note(ctx, channel, None)


@contextlib.contextmanager
def logging_in(ctx: Context, server: MailServer) -> Iterator[None]:
    """What a server says to our knocking is noted on the account."""
    try:
        yield
    except RefusedError as e:
        with ctx.ledger.write() as session:
            login_refused(ctx, session, "imap", server, str(e))
        raise
    except BusyError as e:
        with ctx.ledger.write() as session:
            pause(session, "imap", server, ctx.clock.now() + _patience(ctx, session, server), str(e))
        raise


def _patience(ctx: Context, session: Session, server: MailServer) -> timedelta:
    """A quarter of an hour; while the server goes on refusing, as long again as it has done so."""
    found, now = session.get_one(Account, account_name("imap", server)), ctx.clock.now()
    goes_on = found.paused_until is not None and now - found.paused_until < _LONGEST_PAUSE
    so_far = now - found.ok_at if goes_on and found.ok_at else _FIRST_PAUSE
    return max(_FIRST_PAUSE, min(so_far, _LONGEST_PAUSE)) * random.uniform(1, 1.2)  # noqa: S311 - spreads load


def _note(ctx: Context, channel: str, failure: str | None) -> None:
    with ctx.ledger.write() as session:
        found = session.get(Sweep, channel)
        if found is None:
            found = Sweep(channel=channel, failures=0)
            session.add(found)
        found.reason = failure or ""
        if failure is None:
            found.ok_at, found.failures = ctx.clock.now(), 0
        else:
            found.failed_at, found.failures = ctx.clock.now(), found.failures + 1


def _tell_absent(ctx: Context, session: Session, channel: str, absent: Sequence[str]) -> None:
    prefix = f"folder:{channel}:"
    for folder in absent:
        raise_alarm(
            ctx, session, prefix + folder, f"邮箱渠道 {channel} 没有文件夹“{folder}”",
            "统计任务的 cycle.yaml 在该渠道的 folders 中写了这个文件夹，服务器上却没有，其余文件夹照常读取。",
            "请核对文件夹的完整名称，改正 folders，或在网页邮箱中建立该文件夹。",
        )  # fmt: skip
    query = select(Trouble.name).where(Trouble.over_at.is_(None), Trouble.name.startswith(prefix))
    for name in session.scalars(query).all():
        if name.removeprefix(prefix) not in absent:
            end_alarm(ctx, session, name)


def _tell_unfetched(ctx: Context, session: Session, channel: str) -> None:
    name = f"fetch:{channel}"
    query = select(Unfetched).where(Unfetched.channel == channel, Unfetched.tries >= TOLD_AFTER)
    rows = session.scalars(query.order_by(Unfetched.id)).all()
    if not rows:
        end_alarm(ctx, session, name, "这些邮件已取回，或已不在服务器上。")
        return
    newest = max(row.last_at if row.tries == TOLD_AFTER else row.first_at for row in rows)
    if is_seen_to(session, name, newest):
        return
    lines = [f"文件夹“{row.place.rpartition(';')[0]}”，UID {row.mark}：{row.reason}" for row in rows]
    keep_alarm(
        ctx, session, name, f"邮箱渠道 {channel} 有 {len(rows)} 封邮件无法取回",
        *shown(lines, "封"),
        "请在网页邮箱中打开这些邮件：是报送材料的，请来件单位重新发送；无用的可删除。系统每天再试一次，其他邮件不受影响。",
        newest=newest,
    )  # fmt: skip
