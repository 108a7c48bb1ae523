"""All checks, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ParamSpec

from huizong.clock import Clock
from huizong.connections import Connections, connection_id
from huizong.definition.load import LoadedCycle
from huizong.definition.model import Channel
from huizong.errors import HuizongError, UsageError
from huizong.home import Home
from huizong.mime.addresses import check_address
from huizong.stages.alarms import OPERATOR
from huizong.stages.context import Context, open_context
from huizong.stages.doctor import local
from huizong.stages.doctor.mailbox import check_mailbox, check_sender
from huizong.stages.doctor.model import Check, sentence
from huizong.stages.doctor.quiet import ledger_checks
from huizong.stages.health import check_health, is_running, load_cycles

P = ParamSpec("P")


def examine(
    home: Home, clock: Clock, connections: Connections, channels: Sequence[str], say: Callable[[str], None]
) -> Iterator[Check]:
    """Try everything; of the mailboxes those named, or all.

    Raises:
        UsageError: a channel is named that no cycle has.
    """
    cycles, broken = load_cycles(home)
    mailboxes = _mailboxes(cycles, clock)
    _stop_if_unknown(channels, mailboxes)
    yield from _tried("home", local.check_home, home)
    yield local.check_definitions(broken, len(cycles))
    yield from _tried("python", local.check_python)
    yield from _tried("calendar", local.check_calendar, home, clock, cycles)
    yield from _tried("letters", local.check_letters, home)
    yield from _tried("fonts", local.check_fonts)
    say("试转一个文件（LibreOffice）")
    yield from _tried("soffice", local.check_soffice)
    yield from _tried("unar", local.check_unar)
    yield from _tried("token_keys", local.check_keys, home)
    yield from _tried("disk", local.check_disk, home)
    try:
        ctx = open_context(home, clock, connections, say)
    except Exception as e:
        yield Check("database", False, f"{sentence(_words(e))}邮箱未检查：要先有数据库。")
        return
    yield from _tried("database", local.check_database, ctx)
    yield from _tried("store", local.check_store, ctx)
    for code in channels or mailboxes:
        channel, live = mailboxes[code]
        wanted = "任务已启用" if live else "指明要检查" if channels else ""
        yield from _tried_all(code, check_mailbox, ctx, code, channel, wanted)
    on = any(live for _, live in mailboxes.values())
    yield from _tried(OPERATOR, _check_operator, ctx, on)
    yield from _tried_all("troubles", _troubles, ctx)


def _tried(name: str, check: Callable[P, Check], *args: P.args, **kwargs: P.kwargs) -> list[Check]:
    return _tried_all(name, lambda: [check(*args, **kwargs)])


def _tried_all(name: str, checks: Callable[P, list[Check]], *args: P.args, **kwargs: P.kwargs) -> list[Check]:
    """What the checks say; whatever breaks in them, the others go on."""
    try:
        found = checks(*args, **kwargs)
    except Exception as e:
        found = [Check(name, False, _words(e))]
    return [replace(check, message=sentence(check.message)) for check in found]


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, HuizongError) else f"检查时出错：{type(error).__name__} {said}"


def _mailboxes(cycles: Mapping[str, LoadedCycle], clock: Clock) -> dict[str, tuple[Channel, bool]]:
    """Every mailbox of the cycles as a cycle that is running writes it, else as any; whether one is."""
    found: dict[str, tuple[Channel, bool]] = {}
    for loaded in cycles.values():
        live = is_running(loaded, clock.now())
        for code, channel in loaded.cycle.channels.items():
            if channel.address is not None and (live or code not in found):
                found[code] = (channel, live)
    return found


def _stop_if_unknown(channels: Sequence[str], known: Mapping[str, object]) -> None:
    for code in channels:
        if code not in known:
            raise UsageError(f"没有邮箱渠道“{code}”，现有：{'、'.join(known) or '（无）'}。")


def _check_operator(ctx: Context, live: bool) -> Check:
    name = connection_id(OPERATOR, "smtp")
    server = ctx.connections.get(name)
    if server is None:
        said = (
            f"没有连接 {name}，告警只在看板和本命令中显示；要收到告警信，请设置 AIRFLOW_CONN_{name.upper()}"
        )
        return Check(OPERATOR, not live, f"{said} 和 HUIZONG_OPERATOR。")
    address = ctx.home.operator or server.login
    try:
        check_address(address)
    except UsageError as e:
        return Check(OPERATOR, False, f"告警发不出去：HUIZONG_OPERATOR 应为一个邮箱地址。{e}")
    tried = check_sender(ctx, OPERATOR)
    if not tried.ok:
        return Check(OPERATOR, False, f"告警发不出去：{tried.message}")
    return Check(OPERATOR, True, f"{tried.message}告警发往 {address}。")


def _troubles(ctx: Context) -> list[Check]:
    check_health(ctx)
    found = ledger_checks(ctx.home, ctx.clock)
    if not any(check.name.startswith("trouble:") for check in found):
        found.append(Check("troubles", True, "没有未解除的告警。"))
    return found
