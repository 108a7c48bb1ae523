"""How fast an account may send: what the cycles' files of today say of the channels that use it."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from huizong.connections import MailServer, connection_id
from huizong.definition.load import find_cycles, read_yaml
from huizong.definition.model import Channel, Limits
from huizong.errors import UsageError
from huizong.outbox.limits import strictest
from huizong.stages.accounts import account_name
from huizong.stages.context import Context


def limits_of(ctx: Context, server: MailServer) -> Limits:
    """The strictest of each limit that any cycle sets for a channel of this account."""
    wanted = account_name("smtp", server)
    return strictest(
        channel.limits
        for code, channel in _channels(ctx)
        if (used := ctx.connections.get(connection_id(code, "smtp"))) and account_name("smtp", used) == wanted
    )


def _channels(ctx: Context) -> Iterator[tuple[str, Channel]]:
    """Every cycle's channels. Only that part of its file is read: what else is wrong there stops no mail."""
    for cycle, path in find_cycles(ctx.home).items():
        try:
            said = read_yaml(path).get("channels")
        except UsageError as e:
            ctx.say(f"{cycle} 的定义无法读取，其中的发信限额未生效：{e}")
            continue
        for code, words in (said if isinstance(said, dict) else {}).items():
            try:
                yield str(code), Channel.model_validate(words)
            except ValidationError:
                ctx.say(f"{cycle} 的渠道 {code} 设置有误，发信限额未生效，请运行 huizong check {cycle}。")
