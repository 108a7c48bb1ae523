"""Alarms (告警): one letter to the operator for each trouble and one when it is over, through the outbox.

They go out over connection `operator_smtp`, to `HUIZONG_OPERATOR` or, where that is not set, to the account
itself. Without that connection a trouble is what the board, `huizong doctor` and `triage list` show.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.connections import connection_id
from huizong.ledger.tables import Delivery
from huizong.ledger.upkeep import Trouble
from huizong.outbox.context import AlarmContext
from huizong.outbox.queue import Draft, queue_letter
from huizong.stages.context import Context
from huizong.stages.issued import log_event

OPERATOR = "operator"  # the channel of alarms: no cycle's mailbox


def raise_alarm(
    ctx: Context, session: Session, trouble: str, title: str, *lines: str, cycle: str | None = None
) -> bool:
    """Tell the operator once of `trouble` (what it is and which one: `restricted:12`), in the caller's
    transaction. While it lasts it is not told again; whether it was told now comes back.
    """
    if open_trouble(session, trouble) is not None:
        return False
    number = 1 + (session.scalar(select(func.max(Trouble.number)).where(Trouble.name == trouble)) or 0)
    session.add(
        Trouble(
            name=trouble, number=number, cycle=cycle, title=title, lines=list(lines), since=ctx.clock.now()
        )
    )
    session.flush()
    log_event(session, ctx, "alarm", cycle=cycle, trouble=trouble, title=title)
    _write(ctx, session, f"alarm:{trouble}:{2 * number - 1}", f"【告警】{title}", title, lines, cycle)
    return True


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
    if tell:
        title = f"已恢复：{found.title}"
        key = f"alarm:{trouble}:{2 * found.number}"
        _write(ctx, session, key, f"【告警解除】{found.title}", title, lines, found.cycle)
    return True


def open_trouble(session: Session, trouble: str) -> Trouble | None:
    """The trouble of that name that is not over."""
    query = select(Trouble).where(Trouble.name == trouble, Trouble.over_at.is_(None))
    return session.scalars(query).first()


def open_troubles(session: Session) -> list[Trouble]:
    """All that is not over, oldest first."""
    return list(session.scalars(select(Trouble).where(Trouble.over_at.is_(None)).order_by(Trouble.id)))


def _write(
    ctx: Context,
    session: Session,
    key: str,
    subject: str,
    title: str,
    lines: tuple[str, ...],
    cycle: str | None,
) -> None:
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
        context=AlarmContext(title=title, lines=lines),
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
