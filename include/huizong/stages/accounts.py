"""Logins at mail servers: paused when the server asks for patience, stopped when a person must see to it.

Going on knocking with a wrong code gets a mailbox locked, so a stopped account is not even tried. It goes on
by itself once the connection has another password, or by `huizong outbox resume`. Passwords that were refused
are remembered: where two connections of one account differ, the wrong one is not tried again and again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Literal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from huizong.connections import MailServer
from huizong.errors import OperatorError
from huizong.ledger.upkeep import Account
from huizong.stages.alarms import end_alarm, raise_alarm
from huizong.stages.context import Context
from huizong.stages.issued import log_event

Purpose = Literal["imap", "smtp"]
_ADVICE = (
    "系统不再尝试登录，以免账号被锁定。请在网页邮箱中核对授权码和 IMAP/SMTP 开关，"
    "再更换连接中的授权码，或运行 huizong outbox resume；可先用 huizong doctor 检查。"
)
REFUSALS = 3  # logins refused in a row before nobody tries any more (SMTP: the first)
_REMEMBERED = 8  # passwords of an account


class StoppedError(OperatorError):
    """The account is not tried until a person has seen to it."""


def account_name(purpose: Purpose, server: MailServer) -> str:
    return f"{purpose}:{server.host}:{server.port}:{server.login}"


def account(session: Session, purpose: Purpose, server: MailServer) -> Account:
    """The account's row, made at first use, as it stands for the connection's password.

    Another password than the one last used counts for itself, a new one from nought; one that was given up
    changes nothing.
    """
    name, secret = account_name(purpose, server), _hash(server)
    found = session.get(Account, name)
    if found is None:
        found = Account(name=name, secret=f"{secret}:0", failures=0, reason="")
        try:
            with session.begin_nested():
                session.add(found)
        except IntegrityError:  # another process has made it in this moment
            found = session.get_one(Account, name)
    refused = _refused(found)
    if next(iter(refused)) != secret and refused.get(secret, 0) < REFUSALS:
        if found.failures:  # else it was stopped for what it sent, not for its password
            found.stopped_at = None
        found.failures = refused.get(secret, 0)
        _remember(found, secret)
    return found


def _refused(found: Account) -> dict[str, int]:
    """How often in a row each password was refused, the one last used first."""
    pairs = (one.partition(":") for one in found.secret.split())
    return {secret: int(times or 0) for secret, _, times in pairs}


def _remember(found: Account, secret: str) -> None:
    """The password that is in use now, and how often it was refused."""
    others = [(known, times) for known, times in _refused(found).items() if known != secret]
    known_now = [(secret, found.failures), *others][:_REMEMBERED]
    found.secret = " ".join(f"{known}:{times}" for known, times in known_now)


def check_account(ctx: Context, purpose: Purpose, server: MailServer) -> datetime | None:
    """Until when the account is paused, or None if it may be used.

    Raises:
        StoppedError: a person has to do something first; the sentence says what.
    """
    with ctx.ledger.write() as session:
        found = account(session, purpose, server)
        stopped, paused, reason = found.stopped_at, found.paused_until, found.reason
        differs = next(iter(_refused(found))) != _hash(server)
    if differs:
        raise StoppedError(
            f"账号 {server.login} 的这个连接所用授权码已被服务器拒绝，不再用它登录，"
            "请改成与该账号其他连接相同的授权码；授权码无误的，运行 huizong doctor 试登录后自动恢复。"
        )
    if stopped is not None:
        raise StoppedError(
            f"账号 {server.login} 已停用：{reason} "
            "处理好之后更换连接中的授权码，或运行 huizong outbox resume。"
        )
    return paused if paused is not None and paused > ctx.clock.now() else None


def login_worked(ctx: Context, session: Session, purpose: Purpose, server: MailServer) -> None:
    """The server took the login: the trouble, if it was one of logging in, is over."""
    found = account(session, purpose, server)
    found.ok_at = ctx.clock.now()
    if found.stopped_at is not None and not found.failures:
        return  # it was stopped for what it sent: a login proves nothing
    found.failures, found.stopped_at = 0, None
    _remember(found, _hash(server))
    end_alarm(ctx, session, f"login:{found.name}", f"账号 {server.login} 已可正常登录 {server.host}。")


def login_refused(
    ctx: Context,
    session: Session,
    purpose: Purpose,
    server: MailServer,
    reason: str,
    *,
    at_once: bool = False,
) -> None:
    """Count a refused login; after three in a row (`at_once`: now) the account is stopped."""
    found = account(session, purpose, server)
    found.failures, found.reason = REFUSALS if at_once else found.failures + 1, reason
    _remember(found, _hash(server))
    if found.failures >= REFUSALS:
        stop(ctx, session, purpose, server, reason)


def stop(
    ctx: Context,
    session: Session,
    purpose: Purpose,
    server: MailServer,
    reason: str,
    *,
    advice: str = _ADVICE,
) -> None:
    """Nobody uses the account until a person has seen to it."""
    found = account(session, purpose, server)
    found.stopped_at, found.reason = found.stopped_at or ctx.clock.now(), reason
    doing = "收信" if purpose == "imap" else "发信"
    raise_alarm(
        ctx, session, f"login:{found.name}", f"邮箱 {server.login} 已停止{doing}",
        reason,
        advice,
    )  # fmt: skip


def pause(session: Session, purpose: Purpose, server: MailServer, until: datetime, reason: str) -> None:
    """The account rests until then; what is queued stays queued."""
    found = account(session, purpose, server)
    found.paused_until, found.reason = max(until, found.paused_until or until), reason


def resume(ctx: Context, session: Session, name: str, *, by: str, reason: str) -> None:
    """A person says that the account may be used again."""
    found = session.get_one(Account, name)
    found.stopped_at = found.paused_until = None
    found.failures, found.reason = 0, ""
    found.secret = f"{next(iter(_refused(found)))}:0"
    log_event(session, ctx, "account_resumed", by=by, words=reason, account=name)
    end_alarm(ctx, session, f"login:{name}", tell=False)


@lru_cache(maxsize=64)
def _hash(server: MailServer) -> str:
    """Tells whether a password changed; it cannot be told from it. Slow on purpose, so once a process."""
    salt = f"huizong {server.host} {server.login}".encode()
    return hashlib.scrypt(server.password.encode(), salt=salt, n=2**12, r=8, p=1, dklen=16).hex()
