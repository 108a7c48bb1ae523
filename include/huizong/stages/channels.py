"""A channel's settings of today: how a mailbox is handled is not frozen at issue and may change."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from sqlalchemy import select

from huizong.definition.load import find_cycles, read_yaml
from huizong.definition.model import Channel
from huizong.errors import HuizongError, UsageError
from huizong.ledger.tables import Event
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
