"""A channel's settings of today: how a mailbox is handled is not frozen at issue and may change."""

from __future__ import annotations

from huizong.definition.load import find_cycles, load_cycle
from huizong.definition.model import Channel
from huizong.errors import HuizongError
from huizong.stages.context import Context
from huizong.stages.issued import issued_codes, issued_cycle


def channel_today(ctx: Context, code: str) -> Channel | None:
    """The channel as the newest issued cycle that has it writes it; as frozen, while its files are broken.

    None: no issued cycle has such a channel (alarms go out through one that is in no cycle).
    """
    paths = find_cycles(ctx.home)
    for cycle in reversed(issued_codes(ctx)):
        try:
            channels = load_cycle(paths[cycle], ctx.home).cycle.channels
        except (HuizongError, KeyError):
            channels = issued_cycle(ctx, cycle, checked=False).loaded.cycle.channels
        if code in channels:
            return channels[code]
    return None
