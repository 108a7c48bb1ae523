"""Letters that did not arrive: one trouble a channel, open until a person has seen to each of them."""

from __future__ import annotations

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Letter
from huizong.stages.alarms import end_alarm, keep_alarm
from huizong.stages.bounced import ADDRESS_KEPT
from huizong.stages.context import Context
from huizong.stages.proof import unproven

_SHOWN = 10
_REMEDY = (
    "请核对地址和内容（是否送出不明的，先在已发送中查找；被退回的，可电话联系）；"
    "之后用 huizong outbox resolve 编号 resend 重发"
    "（确已送出的写 sent），或用 huizong outbox drop 编号 放弃。"
)


def tell_letters(ctx: Context, session: Session, channel: str) -> None:
    """Raise, bring up to date or end the trouble `letters:{channel}`, in the caller's transaction.

    Counted are letters that were refused for good, those that came back from an address that is written to
    still, those of which no mail could be made, and those of which nobody knows and no proof is awaited. An
    address that is given up is told elsewhere (`stages.unreachable`). That alarms were not sent is a trouble
    that no letter tells. A clerk's address that was refused before the letter was ever tried shows in the
    outbox and on the board as what it is, an error of the roster.
    """
    name = f"letters:{channel}"
    letters = _unsent(ctx, session, channel)
    if not letters:
        end_alarm(ctx, session, name, f"渠道 {channel} 的信件已全部发出或处理完毕。")
        return
    newest = max(letter.finished_at or letter.queued_at for letter in letters)
    what = "被退回" if all(letter.state == "bounced" for letter in letters) else "未发出"
    title = f"渠道 {channel} 有信件{what}"
    keep_alarm(ctx, session, name, title, *_lines(letters), _REMEDY, newest=newest)


def _unsent(ctx: Context, session: Session, channel: str) -> list[Letter]:
    tried = or_(Letter.kind == "alarm", Letter.attempts > 0, Letter.finished_at.is_not(None))
    refused = and_(Letter.state == "rejected_permanent", tried)
    held = and_(Letter.state == "rejected_temporary", Letter.attempts == 0)
    query = select(Letter).where(Letter.channel == channel, or_(refused, held, Letter.state == "bounced"))
    found = [
        letter
        for letter in session.scalars(query)
        if letter.state != "bounced" or letter.context.get(ADDRESS_KEPT)
    ]
    return sorted((*found, *unproven(ctx, session, channel)), key=lambda letter: letter.id)


def _lines(letters: list[Letter]) -> list[str]:
    more = f"（以下为最近 {_SHOWN} 封）" if len(letters) > _SHOWN else ""
    newest = [
        f"编号 {letter.id}，{letter.addressee or letter.address}，{letter.subject}："
        f"{'被退回：' if letter.state == 'bounced' else ''}{letter.reply}"
        for letter in letters[-_SHOWN:]
    ]
    return [f"共 {len(letters)} 封信件未能发出、被退回或不知是否发出{more}：", *newest]
