"""Alarms (告警): one letter to the operator for each trouble, through the outbox like every other.

They go out over connection `operator_smtp`, to `HUIZONG_OPERATOR` or, where that is not set, to the account
itself. Without that connection an alarm is an event and what the board and `triage list` show.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from huizong.connections import connection_id
from huizong.ledger.tables import Delivery
from huizong.outbox.context import AlarmContext
from huizong.outbox.queue import Draft, queue_letter
from huizong.stages.context import Context
from huizong.stages.issued import log_event

OPERATOR = "operator"  # the channel of alarms: no cycle's mailbox


def raise_alarm(
    ctx: Context, session: Session, trouble: str, title: str, *lines: str, cycle: str | None = None
) -> None:
    """Tell the operator once of `trouble` (what it is and which one: `restricted:12`), in the caller's
    transaction. A trouble that was told is not told again.
    """
    log_event(session, ctx, "alarm", cycle=cycle, trouble=trouble, title=title)
    server = ctx.connections.get(connection_id(OPERATOR, "smtp"))
    if server is None:
        return
    letter = Draft(
        key=f"alarm:{trouble}:1",
        channel=OPERATOR,
        cycle=cycle,
        collection=None,
        unit=None,
        address=ctx.home.operator or server.login,
        addressee="操作员",
        sender_address=server.login,
        subject=f"【告警】{title}",
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
