"""Letters that were not sent: one trouble a channel, open until a person has seen to each of them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Letter
from huizong.stages.alarms import end_alarm, open_trouble, raise_alarm
from huizong.stages.context import Context
from huizong.stages.proof import unproven

AGAIN = timedelta(days=1)  # an open trouble that grows is told again after so long
_SHOWN = 10
_REMEDY = (
    "请核对地址和内容（是否送出不明的，先在已发送中查找）；之后用 huizong outbox resolve 编号 resend 重发"
    "（确已送出的写 sent），或用 huizong outbox drop 编号 放弃。"
)


def tell_letters(ctx: Context, session: Session, channel: str) -> None:
    """Raise, bring up to date or end the trouble `letters:{channel}`, in the caller's transaction.

    Counted are letters that were refused for good, and those of which nobody knows and no proof is awaited.
    That alarms were not sent is a trouble that no letter tells. A clerk's address that was refused before the
    letter was ever tried shows in the outbox and on the board as what it is, an error of the roster.
    """
    name = f"letters:{channel}"
    letters = _unsent(ctx, session, channel)
    if not letters:
        end_alarm(ctx, session, name, f"渠道 {channel} 的信件已全部发出或处理完毕。")
        return
    title, lines = f"渠道 {channel} 有信件未发出", (*_lines(letters), _REMEDY)
    found = open_trouble(session, name)
    newest = max(letter.finished_at or letter.queued_at for letter in letters)
    if found is not None and newest > found.since and ctx.clock.now() - found.since > AGAIN:
        end_alarm(ctx, session, name, tell=False)
        found = None
    if found is None:
        raise_alarm(ctx, session, name, title, *lines)
    else:
        found.lines = list(lines)


def _unsent(ctx: Context, session: Session, channel: str) -> list[Letter]:
    refused = session.scalars(
        select(Letter).where(
            Letter.channel == channel,
            Letter.state == "rejected_permanent",
            or_(Letter.kind == "alarm", Letter.attempts > 0, Letter.finished_at.is_not(None)),
        )
    )
    return sorted((*refused, *unproven(ctx, session, channel)), key=lambda letter: letter.id)


def _lines(letters: list[Letter]) -> list[str]:
    more = f"（以下为最近 {_SHOWN} 封）" if len(letters) > _SHOWN else ""
    newest = [
        f"编号 {letter.id}，{letter.addressee or letter.address}，{letter.subject}：{letter.reply}"
        for letter in letters[-_SHOWN:]
    ]
    return [f"共 {len(letters)} 封信件未能发出或不知是否发出{more}：", *newest]
