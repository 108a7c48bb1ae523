"""Receive (接收): take in what the channels hold, raw first, then unpack, read and recognise. No letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from huizong.connections import connection_id
from huizong.definition.model import Channel
from huizong.errors import HuizongError, OperatorError, TransientError, UsageError
from huizong.intake.arrivals import Arrivals, Brought
from huizong.ledger.tables import Delivery
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, issued_codes, issued_cycle, log_event, require_aware
from huizong.stages.mailboxes import noted_sweep, still_awaited, sweep_mailbox
from huizong.stages.processing import process_pending
from huizong.stages.settling import settle
from huizong.stages.signed import require_words
from huizong.stages.words import VIA

FOLDER = "folder"  # the channel of `receive --folder`


def receive(ctx: Context, channels: Sequence[str], as_of: datetime) -> dict[str, Any]:
    """Drain these channels (none named: all of the issued cycles that have a connection).

    Raises:
        UsageError: a named channel does not exist or has no connection.
        OperatorError: a mailbox refuses the login; the others were read.
        TransientError: a mailbox could not be read; the others were.
    """
    require_aware(as_of)
    known = _channels(ctx)
    _stop_if_unknown(channels, known)
    messages = 0
    trouble: dict[str, HuizongError | OSError] = {}
    for code in channels or known:
        if not channels and not _is_configured(ctx, code, known[code]):
            ctx.say(f"渠道 {code} 没有配置连接，跳过")
            continue
        try:
            messages += _drain(ctx, code, known[code], as_of)
        except (HuizongError, OSError) as e:
            trouble[code] = e
    result = _process(ctx, messages, as_of)
    if trouble:
        raise unread_error("有渠道未能读取（已收到的不受影响）", trouble)
    return result


def unread_error(what: str, trouble: Mapping[str, Exception]) -> HuizongError:
    """Safe to run again, unless a person has to do something first."""
    reasons = "；".join(f"{code}：{why}" for code, why in trouble.items())
    for_a_person = any(isinstance(e, HuizongError) and e.exit_code == 2 for e in trouble.values())
    kind = OperatorError if for_a_person else TransientError
    return kind(f"{what}：{reasons}")


def receive_folder(
    ctx: Context, folder: Path, cycle: str, as_of: datetime, *, via: str | None = None, by: str | None = None
) -> dict[str, Any]:
    """Take in a folder's subfolders, each one sender's drop.

    Args:
        via: how it reached the office where it came by no mailbox (a word of `VIA`).
        by: who brought it in; needed with `via`.

    Raises:
        UsageError: there is no such folder, no such way, nobody who brought it, or the cycle was not issued.
    """
    require_aware(as_of)
    brought = _brought(ctx, cycle, via, by)
    issued = issued_cycle(ctx, cycle)
    if not folder.is_dir():
        raise UsageError(f"文件夹 {folder} 不存在。")
    arrivals = Arrivals(ctx.ledger, ctx.store, ctx.clock)
    with ctx.ledger.lock(f"channel:{FOLDER}", wait=True):
        new = arrivals.from_folder(FOLDER, folder.resolve(), issued.code, as_of, brought)
    return _process(ctx, len(new), as_of)


def _brought(ctx: Context, cycle: str, via: str | None, by: str | None) -> Brought | None:
    """What records of each drop the way it came and who brought it in; content is judged as ever."""
    if via is None and by is None:
        return None
    if via not in VIA:
        raise UsageError(f"来件方式以 --via 写明，可用：{'、'.join(VIA)}。")
    who = by or ""
    require_words(who)

    def record(session: Session, delivery: Delivery) -> None:
        delivery.via = via
        log_event(session, ctx, "brought_in", cycle=cycle, by=who, delivery=delivery.id, via=via)

    return record


def receive_for(ctx: Context, issued: IssuedCycle, as_of: datetime) -> dict[str, Exception]:
    """Drain a cycle's channels; those that could not be read come back with the reason.

    A mailbox without any connection cannot be read nor written: this installation works by folder, and
    nothing of that mailbox is awaited here. One that can write but not read stops its reminders.
    """
    unread: dict[str, Exception] = {}
    for code, channel in issued.loaded.cycle.channels.items():
        if not _is_configured(ctx, code, channel):
            if ctx.connections.get(connection_id(code, "smtp")) is not None:
                unread[code] = OperatorError(f"没有连接 {connection_id(code, 'imap')}")
            continue
        try:
            _drain(ctx, code, channel, as_of)
        except (HuizongError, OSError) as e:
            unread[code] = e
        else:
            if why := still_awaited(ctx, code):
                unread[code] = TransientError(why)
    return unread


def _channels(ctx: Context) -> dict[str, Channel]:
    found: dict[str, Channel] = {}
    for code in issued_codes(ctx):
        for name, channel in issued_cycle(ctx, code, checked=False).loaded.cycle.channels.items():
            found.setdefault(name, channel)
    return found


def _stop_if_unknown(channels: Sequence[str], known: dict[str, Channel]) -> None:
    for code in channels:
        if code not in known:
            listed = "、".join(known) or "（尚未下发任何统计任务）"
            raise UsageError(f"没有渠道“{code}”，现有：{listed}。")


def _is_configured(ctx: Context, code: str, channel: Channel) -> bool:
    return channel.folder is not None or ctx.connections.get(connection_id(code, "imap")) is not None


def _drain(ctx: Context, code: str, channel: Channel, as_of: datetime) -> int:
    """Store what a channel holds; how many deliveries were new."""
    arrivals = Arrivals(ctx.ledger, ctx.store, ctx.clock)
    with ctx.ledger.lock(f"channel:{code}", wait=True), noted_sweep(ctx, code):
        if channel.folder is not None:
            root = Path(channel.folder)
            root = root if root.is_absolute() else ctx.home.path / root
            root.mkdir(parents=True, exist_ok=True)
            new = arrivals.from_folder(code, root, None, as_of)
        else:
            new = sweep_mailbox(ctx, arrivals, code, as_of)
    _log_sweep(ctx, code, len(new))
    return len(new)


def _log_sweep(ctx: Context, code: str, new: int) -> None:
    if new:
        with ctx.ledger.write() as session:
            log_event(session, ctx, "swept", channel=code, new=new)


def _process(ctx: Context, messages: int, as_of: datetime) -> dict[str, Any]:
    done = process_pending(ctx, as_of)
    settle(ctx)
    return {
        "messages": messages,
        "files": sum(done.files.values()),
        "dispositions": done.files,
        "message_dispositions": done.messages,
        "cycles": sorted(done.cycles),
    }
