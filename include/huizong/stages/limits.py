"""How fast an account may send: what the cycles' files of today say of the channels that use it."""

from __future__ import annotations

from collections.abc import Iterator

from huizong.connections import MailServer, connection_id
from huizong.definition.load import find_cycles
from huizong.definition.model import Channel, Limits
from huizong.outbox.limits import strictest
from huizong.stages.accounts import account_name
from huizong.stages.channels import channels_today, remember_channels
from huizong.stages.context import Context
from huizong.stages.issued import issued_codes


def limits_of(ctx: Context, server: MailServer) -> Limits:
    """The strictest of each limit that any cycle sets for a channel of this account."""
    wanted = account_name("smtp", server)
    return strictest(
        channel.limits
        for code, channel in _channels(ctx)
        if (used := ctx.connections.get(connection_id(code, "smtp"))) and account_name("smtp", used) == wanted
    )


def _channels(ctx: Context) -> Iterator[tuple[str, Channel]]:
    """Every cycle's channels, also of those whose files are gone."""
    for cycle in dict.fromkeys((*find_cycles(ctx.home), *issued_codes(ctx))):
        remember_channels(ctx, cycle)
        yield from channels_today(ctx, cycle).items()
