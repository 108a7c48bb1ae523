"""A channel's settings of today: how a mailbox is handled is not frozen at issue and may change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import func, select

from huizong.connections import connection_id
from huizong.definition.load import find_cycles
from huizong.definition.model import Channel
from huizong.definition.yaml_file import read_yaml
from huizong.errors import HuizongError, UsageError
from huizong.ledger.tables import Event, Letter
from huizong.stages.context import Context
from huizong.stages.issued import issued_codes, issued_cycle, log_event

_KIND = "channels"  # the event that keeps a cycle's settings as they were last read


def channel_today(ctx: Context, code: str) -> Channel | None:
    """The channel as the newest issued cycle that has it writes it.

    None: no issued cycle has such a channel (alarms go out through one that is in no cycle).
    """
    for cycle in reversed(issued_codes(ctx)):
        channels = channels_today(ctx, cycle)
        if code in channels:
            return channels[code]
    return None


def channels_today(ctx: Context, cycle: str) -> dict[str, Channel]:
    """A cycle's channels as its file writes them; while it cannot be read, as `remember_channels` last did,
    else as they were issued. A slip of the pen must not switch limits off.
    """
    try:
        return _written(ctx, cycle)
    except (HuizongError, ValidationError):
        ctx.say(f"{cycle} 的渠道设置无法读取，沿用此前的设置，请运行 huizong check {cycle}。")
    known = _remembered(ctx, cycle)
    if known is not None:
        return known
    if cycle in issued_codes(ctx):
        return issued_cycle(ctx, cycle, checked=False).loaded.cycle.channels
    return {}


def connected(ctx: Context, channels: Iterable[str]) -> list[str]:
    """Those with an SMTP connection; all of them where none has one: whoever tries says what is missing."""
    named = list(dict.fromkeys(channels))
    found = [c for c in named if ctx.connections.get(connection_id(c, "smtp")) is not None]
    for channel in named if found else ():
        if channel not in found and (left := _unsent(ctx, channel)):
            name = connection_id(channel, "smtp")
            ctx.say(f"渠道 {channel} 没有连接 {name}，{left} 封信件待发；添加连接后自动发出。")
    return found or named


def remember_channels(ctx: Context, cycle: str) -> None:
    """Keep a cycle's settings for the time when its file cannot be read. Not within a transaction."""
    try:
        written = _written(ctx, cycle)
    except (HuizongError, ValidationError):
        return
    if written != _remembered(ctx, cycle):
        settings = {code: channel.model_dump(mode="json") for code, channel in written.items()}
        with ctx.ledger.write() as session:
            log_event(session, ctx, _KIND, cycle=cycle, channels=settings)


def _unsent(ctx: Context, channel: str) -> int:
    query = select(func.count()).where(Letter.channel == channel, Letter.state == "queued")
    with ctx.ledger.read() as session:
        return session.scalar(query) or 0


def _written(ctx: Context, cycle: str) -> dict[str, Channel]:
    """Only that part of the file is read: what else is wrong there stops no mail."""
    path: Path | None = find_cycles(ctx.home).get(cycle)
    said = read_yaml(path).get("channels") if path else None
    if not isinstance(said, dict):
        raise UsageError(f"{cycle} 没有写明渠道。")
    return {str(code): Channel.model_validate(words) for code, words in said.items()}


def _remembered(ctx: Context, cycle: str) -> dict[str, Channel] | None:
    query = select(Event.data).where(Event.cycle == cycle, Event.kind == _KIND)
    with ctx.ledger.read() as session:
        data = session.scalars(query.order_by(Event.id.desc()).limit(1)).first()
    if data is None:
        return None
    return {code: Channel.model_validate(settings) for code, settings in data["channels"].items()}
