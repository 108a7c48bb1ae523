"""A person says that a channel's accounts may be used again."""

from __future__ import annotations

from typing import Any

from huizong.connections import connection_id
from huizong.errors import UsageError
from huizong.ledger.upkeep import Account
from huizong.stages.accounts import Purpose, account_name, resume
from huizong.stages.context import Context
from huizong.stages.signed import require_words

_PURPOSES: tuple[Purpose, ...] = ("imap", "smtp")


def resume_accounts(ctx: Context, channel: str, *, by: str, reason: str) -> dict[str, Any]:
    """Lift the stop or the pause of a channel's accounts, for reading and for sending.

    Raises:
        UsageError: no reason, no connection of that channel, or nothing of it is stopped or paused.
    """
    require_words(by, reason)
    servers = {purpose: ctx.connections.get(connection_id(channel, purpose)) for purpose in _PURPOSES}
    names = [account_name(purpose, server) for purpose, server in servers.items() if server is not None]
    if not names:
        raise UsageError(f"渠道“{channel}”没有配置邮件连接，核对渠道代码后再试。")
    with ctx.ledger.write() as session:
        rows = [row for name in names if (row := session.get(Account, name)) is not None]
        halted = [row.name for row in rows if row.stopped_at is not None or row.paused_until is not None]
        if not halted:
            raise UsageError(f"渠道“{channel}”的账号没有停用，也没有暂停，无须恢复。")
        for name in halted:
            resume(ctx, session, name, by=by, reason=reason)
    return {"channel": channel, "resumed": halted}
