"""Alarms (告警): one letter to the operator for each trouble and one when it is over, through the outbox.

They go out over connection `operator_smtp`, to `HUIZONG_OPERATOR` or, where that is not set, to the account
itself. Without that connection a trouble is what the board, `huizong doctor` and `triage list` show.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from huizong.connections import connection_id
from huizong.errors import UsageError
from huizong.ledger.tables import Delivery, File, Letter
from huizong.ledger.upkeep import Trouble
from huizong.outbox.queue import Draft, queue_letter
from huizong.outbox.to_operator import AlarmContext, DigestContext
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.stages.over import over_title
from huizong.stages.signed import require_words
from huizong.stages.wording import full_day

OPERATOR = "operator"  # the channel of alarms: no cycle's mailbox
QUIET = timedelta(hours=1)  # what comes and goes is not told again sooner
AGAIN = timedelta(days=1)  # a trouble that grows is told again after so long
SHOWN = 20  # of the many things that one trouble is about
_MOST = 20  # letters an hour about one family of troubles
_DAY = timedelta(days=1)
_ZONE = ZoneInfo("Asia/Shanghai")  # an alarm may be about no cycle
# That alarms do not go out is not told by an alarm.
_NOT_BY_LETTER = frozenset(f"{what}:{OPERATOR}" for what in ("queue", "letters"))


def raise_alarm(
    ctx: Context, session: Session, trouble: str, title: str, *lines: str, cycle: str | None = None
) -> bool:
    """Tell the operator once of `trouble` (what it is and which one: `restricted:12`), in the caller's
    transaction. While it lasts it is not told again; whether it is new comes back.

    A trouble that was told of less than an hour ago is recorded without a letter; `tell_open` makes up for
    it if it lasts.
    """
    session.flush()  # what the caller has in hand must not fail below, where failing means something else
    if open_trouble(session, trouble) is not None:
        return False
    number = 1 + (session.scalar(select(func.max(Trouble.number)).where(Trouble.name == trouble)) or 0)
    found = Trouble(
        name=trouble, number=number, cycle=cycle, title=title, lines=list(lines), since=ctx.clock.now()
    )
    try:
        with session.begin_nested():
            session.add(found)
    except IntegrityError:  # another process has raised it in this moment
        return False
    log_event(session, ctx, "alarm", cycle=cycle, trouble=trouble, title=title)
    _tell(ctx, session, found)
    return True


def keep_alarm(
    ctx: Context,
    session: Session,
    trouble: str,
    title: str,
    *lines: str,
    newest: datetime,
    cycle: str | None = None,
) -> bool:
    """Raise a trouble that is about many things at once, or bring the open one up to date, in the caller's
    transaction; whether the operator is told comes back.

    Args:
        newest: when the last of them joined. The operator is told again only if that was after the last word,
            which was a day ago or more.
    """
    found = open_trouble(session, trouble)
    if found is not None and newest > found.since and ctx.clock.now() - found.since > AGAIN:
        end_alarm(ctx, session, trouble, tell=False)
        found = None
    if found is None:
        return raise_alarm(ctx, session, trouble, title, *lines, cycle=cycle)
    found.title, found.lines = title, list(lines)
    return False


def is_seen_to(session: Session, trouble: str, newest: datetime) -> bool:
    """Whether a trouble is over and nothing has joined since: a person has closed what is still so."""
    if open_trouble(session, trouble) is not None:
        return False
    over_at = session.scalar(select(func.max(Trouble.over_at)).where(Trouble.name == trouble))
    return over_at is not None and newest < over_at


def shown(lines: Sequence[str], measure: str) -> list[str]:
    """The first twenty of many lines, and how many there are: 等150家."""
    more = [f"……等{len(lines)}{measure}。"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]


def end_alarm(ctx: Context, session: Session, trouble: str, *lines: str, tell: bool = True) -> bool:
    """Say that a trouble is over, in the caller's transaction; whether it was open comes back.

    Args:
        tell: false where the operator ended it and need not be told.
    """
    found = open_trouble(session, trouble)
    if found is None:
        return False
    found.over_at = ctx.clock.now()
    log_event(session, ctx, "alarm_over", cycle=found.cycle, trouble=trouble)
    if tell and _is_told(session, found):
        _write(ctx, session, found, lines, over=True)
    return True


def close_alarm(ctx: Context, trouble: str, *, by: str, reason: str) -> dict[str, Any]:
    """A person says that a trouble is over. What is still so is told again: at once where the system looks
    for it by the clock, else when something joins or it happens once more.

    Raises:
        UsageError: no reason, or no such trouble is open.
    """
    require_words(by, reason)
    with ctx.ledger.write() as session:
        found = open_trouble(session, trouble)
        if found is None:
            names = "、".join(t.name for t in open_troubles(session)) or "（没有）"
            raise UsageError(f"没有名为“{trouble}”的未解除告警，现有：{names}。")
        log_event(
            session, ctx, "alarm_closed", cycle=found.cycle, by=by, words=f"{found.title}：{reason}",
            trouble=trouble,
        )  # fmt: skip
        end_alarm(ctx, session, trouble, tell=False)
    return {"alarm": trouble, "closed": True}


def listed(ctx: Context) -> list[dict[str, Any]]:
    """The open troubles for people and programs, oldest first."""
    with ctx.ledger.read() as session:
        return [
            {
                "alarm": trouble.name,
                "title": trouble.title,
                "since": trouble.since.isoformat(timespec="seconds"),
                "cycle": trouble.cycle,
                "lines": [*map(str, trouble.lines)],
            }
            for trouble in open_troubles(session)
        ]


def tell_open(ctx: Context, session: Session) -> None:
    """Write the letters of troubles that last and were not told when they began."""
    for trouble in open_troubles(session):
        if not _is_told(session, trouble):
            _tell(ctx, session, trouble)


def open_trouble(session: Session, trouble: str) -> Trouble | None:
    """The trouble of that name that is not over."""
    query = select(Trouble).where(Trouble.name == trouble, Trouble.over_at.is_(None))
    return session.scalars(query).first()


def open_troubles(session: Session) -> list[Trouble]:
    """All that is not over, oldest first."""
    return list(session.scalars(select(Trouble).where(Trouble.over_at.is_(None)).order_by(Trouble.id)))


def _tell(ctx: Context, session: Session, trouble: Trouble) -> None:
    now = ctx.clock.now()
    last = session.scalar(
        select(func.max(Letter.queued_at)).where(
            Letter.channel == OPERATOR, Letter.key.startswith(f"alarm:{trouble.name}:", autoescape=True)
        )
    )
    if (last is not None and now - last < QUIET) or _is_flood(session, trouble, now):
        return
    times = session.scalar(
        select(func.count()).where(Trouble.name == trouble.name, Trouble.since > now - _DAY)
    )
    lines = [*map(str, trouble.lines)]
    if times and times > 1:
        lines.append(f"该问题时有时无，24小时内已出现{times}次；其间每小时至多告知一次。")
    _write(ctx, session, trouble, lines, over=False)


def _is_flood(session: Session, trouble: Trouble, now: datetime) -> bool:
    """Whether the operator has as many letters of this family as an hour may bring."""
    family = trouble.name.partition(":")[0]
    letters = select(func.count()).where(
        Letter.channel == OPERATOR,
        Letter.key.startswith(f"alarm:{family}:", autoescape=True),
        Letter.queued_at > now - QUIET,
    )
    return (session.scalar(letters) or 0) >= _MOST


def _is_told(session: Session, trouble: Trouble) -> bool:
    key = _key(trouble, over=False)
    return session.scalar(select(Letter.id).where(Letter.key == key)) is not None


def _key(trouble: Trouble, *, over: bool) -> str:
    """`alarm:{trouble}:{n}`: odd when it began, even when it was over."""
    return f"alarm:{trouble.name}:{2 * trouble.number - (not over)}"


def _write(ctx: Context, session: Session, trouble: Trouble, lines: Sequence[str], *, over: bool) -> None:
    if trouble.name in _NOT_BY_LETTER:
        return
    now = ctx.clock.now().astimezone(_ZONE)
    dated = f"{full_day(now.date())}{now:%H:%M}"
    title = over_title(trouble) if over else trouble.title
    subject = f"【{'告警解除' if over else '告警'}】{title}"
    context = AlarmContext(title=title, lines=tuple(lines), over=over, dated=dated)
    write_to_operator(ctx, session, _key(trouble, over=over), subject, context, trouble.cycle)


def write_to_operator(
    ctx: Context,
    session: Session,
    key: str,
    subject: str,
    context: AlarmContext | DigestContext,
    cycle: str | None,
    attachments: Sequence[tuple[str, str]] = (),
) -> None:
    """Queue a letter to the operator in the caller's transaction; nothing where there is no connection."""
    server = ctx.connections.get(connection_id(OPERATOR, "smtp"))
    if server is None:
        return
    letter = Draft(
        key=key,
        channel=OPERATOR,
        cycle=cycle,
        collection=None,
        unit=None,
        address=ctx.home.operator or server.login,
        addressee="操作员",
        sender_address=server.login,
        subject=subject,
        context=context,
        attachments=attachments,
    )
    queue_letter(session, letter, salt=f"{ctx.home.issuer} {ctx.home.path}", now=ctx.clock.now())


def tell_isolated(ctx: Context, session: Session, delivery: Delivery) -> None:
    """What seems to be secret is told to the operator, without a word of what it says."""
    raise_alarm(
        ctx, session, f"restricted:{delivery.id}", "收到疑似带有密级标志的来件，已隔离",
        f"来件编号 d{delivery.id}，渠道 {delivery.channel}。系统未读取其内容，未据此登记任何数据。",
        "请按保密规定处理原件，与来件单位电话联系；处理完毕后以 huizong triage close 结案。",
        cycle=delivery.cycle,
    )  # fmt: skip


def end_isolated(ctx: Context, session: Session) -> None:
    """Whoever closed or released an isolated item need not be told that it is over."""
    for trouble in open_troubles(session):
        family, _, number = trouble.name.partition(":")
        if family == "restricted" and not _is_isolated(session, session.get_one(Delivery, int(number))):
            end_alarm(ctx, session, trouble.name, tell=False)


def _is_isolated(session: Session, delivery: Delivery) -> bool:
    if delivery.settled_at is not None or delivery.disposition != "restricted":
        return False
    query = select(File.settled_at).where(File.delivery_id == delivery.id, File.disposition == "restricted")
    settled = session.scalars(query).all()
    return not settled or None in settled
