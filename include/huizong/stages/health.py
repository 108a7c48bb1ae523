"""Health (健康检查): look at the ledger for what has stopped, raise a trouble for it, end it when it is over.

Machine time only. Cheap, may run at any time. What happens at one moment (a refused login, a bounce, an
isolated file) raises its trouble where it happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from huizong.connections import MailServer, connection_id
from huizong.definition.load import LoadedCycle, find_cycles, load_cycle
from huizong.definition.model import Channel
from huizong.definition.schedule import MORNINGS_AFTER_CLOSING
from huizong.definition.yaml_file import DefinitionError
from huizong.errors import UsageError
from huizong.home import Home
from huizong.ledger.tables import DefinitionVersion, Letter
from huizong.ledger.upkeep import Account, Sweep
from huizong.stages.accounts import account_name
from huizong.stages.alarms import OPERATOR, end_alarm, end_isolated, open_troubles, raise_alarm, tell_open
from huizong.stages.context import Context
from huizong.stages.linked import tell_expiring
from huizong.stages.suppression import end_chatter
from huizong.stages.vitals import full_disks

_PROBLEMS = 5  # of a broken definition, in a letter
_IN_HAND = timedelta(minutes=15)  # far more than one letter takes
STILL = timedelta(hours=1)  # a channel unread, a queue that does not shrink
_ZONE = ZoneInfo("Asia/Shanghai")
_OVER = {
    "sweep": "该渠道已重新收取。",
    "queue": "信件已继续发出。",
    "definition": "定义文件已可读取，各流程恢复。",
    "disk": "磁盘空间已够用。",
}


@dataclass(frozen=True)
class Found:
    """A trouble that is there now. `name` begins with its family: `sweep:mailbox-kjj`."""

    name: str
    title: str
    lines: tuple[str, ...]
    cycle: str | None = None


def check_health(ctx: Context) -> list[str]:
    """Raise what is wrong, end what is right again; the names of all troubles that are open then."""
    cycles, broken = load_cycles(ctx.home)
    live = {code: loaded for code, loaded in cycles.items() if loaded.cycle.live}
    running = {code: loaded for code, loaded in live.items() if is_running(loaded, ctx.clock.now())}
    swept = _swept(ctx, running)
    senders = {code: _server(ctx, code) for loaded in live.values() for code in loaded.cycle.channels}
    senders[OPERATOR] = _server(ctx, OPERATOR)
    disks, now = full_disks(ctx.home), ctx.clock.now()
    tell_expiring(ctx)
    with ctx.ledger.write() as session:
        found = [
            *(_broken(code, error) for code, error in broken.items()),
            *_unread(session, swept, now),
            *_stuck(session, live, senders, now),
        ]
        if disks:
            found.append(Found("disk", "磁盘空间将满", (*disks, "请清理或扩容；磁盘写满后来件无法保存。")))
        # Of a channel whose cycle cannot be read nobody knows whether it is well again.
        _settle(ctx, session, found, unseen=bool(broken), seen=swept.keys())
        if not broken:
            _end_idle_tasks(ctx, session, running)
        end_chatter(ctx, session)
        end_isolated(ctx, session)
        tell_open(ctx, session)
        return [trouble.name for trouble in open_troubles(session)]


def load_cycles(home: Home) -> tuple[dict[str, LoadedCycle], dict[str, Exception]]:
    """All cycles as their files say today, and why the others cannot be loaded."""
    cycles: dict[str, LoadedCycle] = {}
    broken: dict[str, Exception] = {}
    for code, path in find_cycles(home).items():
        try:
            cycles[code] = load_cycle(path, home)
            ends(cycles[code])
        except Exception as e:  # one cycle's fault must not hide the others' troubles
            cycles.pop(code, None)
            broken[code] = e
    return cycles, broken


def ends(loaded: LoadedCycle) -> datetime | None:
    """Until when a cycle's channels are swept; None where a collection never closes."""
    closes = [loaded.schedule.closes(collection) for collection in loaded.cycle.collections]
    known = [moment for moment in closes if moment is not None]
    return max(known) + MORNINGS_AFTER_CLOSING if len(known) == len(closes) else None


def is_running(loaded: LoadedCycle, now: datetime) -> bool:
    """Whether a cycle runs by the clock: it is live and not over."""
    end = ends(loaded)
    return loaded.cycle.live and (end is None or end > now)


def local(moment: datetime) -> str:
    """A machine instant as the operator reads it: 06月10日09:30."""
    return f"{moment.astimezone(_ZONE):%m月%d日%H:%M}"


def _swept(ctx: Context, running: Mapping[str, LoadedCycle]) -> dict[str, datetime]:
    """The channels that the clock sweeps, and since when: those of running cycles that were issued, where
    they are configured."""
    query = select(DefinitionVersion.cycle, func.min(DefinitionVersion.recorded_at))
    with ctx.ledger.read() as session:
        issued = dict(session.execute(query.group_by(DefinitionVersion.cycle)).tuples().all())
    found: dict[str, datetime] = {}
    for code in sorted(running.keys() & issued.keys(), key=lambda code: issued[code]):
        for name, channel in running[code].cycle.channels.items():
            if _is_configured(ctx, name, channel):
                found.setdefault(name, issued[code])
    return found


def _is_configured(ctx: Context, code: str, channel: Channel) -> bool:
    try:
        return channel.folder is not None or ctx.connections.get(connection_id(code, "imap")) is not None
    except UsageError:
        return True  # and cannot be read: to be told


def _server(ctx: Context, code: str) -> MailServer | None:
    try:
        return ctx.connections.get(connection_id(code, "smtp"))
    except UsageError:
        return None


def _broken(code: str, error: Exception) -> Found:
    problems = (
        tuple(f"{p.file} 第 {p.line} 行：{p.message}" for p in error.problems[:_PROBLEMS])
        if isinstance(error, DefinitionError)
        else (f"{type(error).__name__}: {error}",)
    )
    remedy = f"该任务的流程已停，其他任务不受影响。请改正后运行 huizong check {code}。"
    return Found(f"definition:{code}", f"统计任务 {code} 的定义有误", (*problems, remedy), code)


def _unread(session: Session, swept: Mapping[str, datetime], now: datetime) -> Iterator[Found]:
    for channel, since in swept.items():
        row = session.get(Sweep, channel)
        last = max(filter(None, (since, row.ok_at if row else None)))
        if now - last <= STILL:
            continue
        why = f"最近一次失败：{row.reason}" if row and row.reason and row.failures else "没有收取的记录。"
        yield Found(
            f"sweep:{channel}",
            f"渠道 {channel} 超过1小时未能收取来件",
            (
                f"上次收取完毕：{local(row.ok_at)}。" if row and row.ok_at else "下发以来尚未收取过。",
                why,
                f"请查看 Airflow 中 receive.{channel} 是否在运行、是否报错，"
                f"可用 huizong doctor {channel} 检查；恢复之前不向该渠道的单位催报。",
            ),
        )


def _stuck(
    session: Session,
    live: Collection[str],
    senders: Mapping[str, MailServer | None],
    now: datetime,
) -> Iterator[Found]:
    """Queues in which letters may go, have waited for an hour, and none has gone in that time. A letter in
    hand for a quarter of an hour was left over by a run that died, and no other run has settled it."""
    due = and_(
        Letter.state.in_(("queued", "rejected_temporary")),
        func.coalesce(Letter.not_before, Letter.queued_at) <= now - STILL,
        or_(Letter.cycle.in_(live), Letter.channel == OPERATOR),
    )
    left_over = and_(Letter.state == "claimed", Letter.claimed_at <= now - _IN_HAND)
    waiting = (
        select(Letter.channel, func.count(), func.min(Letter.queued_at))
        .where(or_(due, left_over))
        .group_by(Letter.channel)
    )
    for channel, count, oldest in session.execute(waiting).tuples().all():
        left = select(Letter.id).where(
            Letter.channel == channel, Letter.state == "sent", Letter.finished_at > now - STILL
        )
        if session.scalars(left.limit(1)).first() is None:
            yield Found(
                f"queue:{channel}",
                f"渠道 {channel} 的信件发不出去",
                (
                    f"有 {count} 封信件待发或发送中断，最早的排队于 {local(oldest)}，一小时内没有一封发出。",
                    _why_stuck(session, channel, senders.get(channel), now),
                    "用 huizong outbox list 查看；信件不会丢失，恢复后自动续发"
                    f"（没有定时运行的，请运行 huizong outbox send {channel}）。",
                ),
            )


def _why_stuck(session: Session, channel: str, server: MailServer | None, now: datetime) -> str:
    if server is None:
        return f"该渠道没有可用的连接 {connection_id(channel, 'smtp')}，请添加。"
    account = session.get(Account, account_name("smtp", server))
    if account is not None and account.stopped_at is not None:
        return f"发信账号 {server.login} 已停用：{account.reason}"
    if account is not None and account.paused_until is not None and account.paused_until > now:
        return f"服务器要求暂缓，{local(account.paused_until)} 之后续发：{account.reason}"
    return f"请查看 Airflow 中 send.{channel} 是否在运行、是否报错，可用 huizong doctor {channel} 检查。"


def _settle(
    ctx: Context, session: Session, found: Sequence[Found], *, unseen: bool, seen: Collection[str]
) -> None:
    """Raise what was found; of the families looked at here, end what was not."""
    for one in found:
        raise_alarm(ctx, session, one.name, one.title, *one.lines, cycle=one.cycle)
    names = {one.name for one in found}
    for trouble in open_troubles(session):
        family, _, which = trouble.name.partition(":")
        hidden = family == "sweep" and unseen and which not in seen
        if family in _OVER and trouble.name not in names and not hidden:
            end_alarm(ctx, session, trouble.name, _OVER[family])


def _end_idle_tasks(ctx: Context, session: Session, running: Mapping[str, LoadedCycle]) -> None:
    """A DAG that no clock runs any more cannot succeed: `task:{cycle}.{verb}:…`, `task:send.{channel}:…`."""
    alive = {*running, *(channel for loaded in running.values() for channel in loaded.cycle.channels)}
    for trouble in open_troubles(session):
        family, _, rest = trouble.name.partition(":")
        names = rest.partition(":")[0].split(".")
        if family == "task" and len(names) > 1 and not alive & set(names):
            end_alarm(ctx, session, trouble.name, tell=False)
