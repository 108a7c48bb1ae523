"""How many automatic letters one address may get, whatever it writes to us.

Two machines that answer one another look like a diligent clerk, and no header tells every machine. So what is
written without a person's word is bounded: per address, and for the account as a whole. Notices, results and
formal notices were approved by a person for a known number of units: they are neither counted nor held up.
All counts are over machine time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.connections import MailServer, connection_id
from huizong.errors import UsageError
from huizong.ledger.tables import FrameUnit, Letter
from huizong.ledger.upkeep import Trouble
from huizong.stages.accounts import account_name, stop
from huizong.stages.alarms import OPERATOR
from huizong.stages.context import Context
from huizong.stages.suppression import REPLIES, SUPPRESSED, TILL_LIFTED, in_force, tell_of_chatter

BY_ITSELF = (*REPLIES, "nudge", "reminder")  # leave without a person's word for each
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REPLIES_AN_HOUR = 5
REPLIES_A_DAY = 20
LETTERS_A_DAY = 30
STORM = 300  # replies of one account within an hour; more where twice the units are more
_STORMED = "一小时内已自动答复"  # how the reason of such a stop begins
_LEFT = ("claimed", "sent", "unknown", "bounced")  # what the address got, or may have got


@dataclass(frozen=True)
class Cap:
    """Why a letter is not sent now. `until`: when it may be; None: never. `stopped`: nor is any other."""

    reason: str
    until: datetime | None
    stopped: bool = False


def capped(ctx: Context, session: Session, letter: Letter) -> Cap | None:
    """Whether a letter in hand exceeds what its address may get, or the account as a whole.

    Works inside the transaction that claims the letter: a range of an index for its address and one for the
    account. Where everything points to a loop the account itself is stopped, and the operator told.
    """
    if letter.channel == OPERATOR or letter.kind not in BY_ITSELF:
        return None
    now = ctx.clock.now()
    if letter.kind in REPLIES and (cap := _reply_capped(ctx, session, letter, now)) is not None:
        return cap
    left = _left(session, letter.address, BY_ITSELF, now - DAY)
    return _full(left, LETTERS_A_DAY, DAY, "一天内自动信件")


def _reply_capped(ctx: Context, session: Session, letter: Letter, now: datetime) -> Cap | None:
    if (found := in_force(session, letter.address, now)) is not None:
        return Cap(f"{SUPPRESSED}：{found.reason}", found.until or now + TILL_LIFTED)
    if _storm(ctx, session, letter.channel, now):
        return Cap("短时间内自动答复过多，账号已停用", now + HOUR, stopped=True)
    replies = _left(session, letter.address, REPLIES, now - DAY)
    if day := _full(replies, REPLIES_A_DAY, DAY, "一天内自动答复"):
        tell_of_chatter(ctx, session, letter.address, f"{day.reason}，其余暂缓发出。", cycle=letter.cycle)
        return Cap("其后另有答复，不再发送", None) if _is_followed(session, letter) else day
    return _full([at for at in replies if at > now - HOUR], REPLIES_AN_HOUR, HOUR, "一小时内自动答复")


def _left(session: Session, address: str, kinds: Sequence[str], since: datetime) -> list[datetime]:
    """When letters left for an address, newest first."""
    query = (
        select(Letter.claimed_at)
        .where(
            Letter.address == address,
            Letter.claimed_at > since,
            Letter.kind.in_(kinds),
            Letter.state.in_(_LEFT),
        )
        .order_by(Letter.claimed_at.desc())
        .limit(LETTERS_A_DAY)
    )
    return [at for at in session.scalars(query) if at is not None]


def _full(left: list[datetime], allowed: int, within: timedelta, what: str) -> Cap | None:
    """The cap over letters that left within the window: until there is room for one more."""
    if len(left) < allowed:
        return None
    return Cap(f"{what}已达{allowed}封", left[allowed - 1] + within)


def _is_followed(session: Session, letter: Letter) -> bool:
    """Whether a later reply about the same waits: of a hundred returns the last is answered."""
    query = select(Letter.id).where(
        Letter.address == letter.address,
        Letter.cycle == letter.cycle,
        Letter.collection == letter.collection,
        Letter.unit == letter.unit,
        Letter.kind.in_(REPLIES),
        Letter.state == "queued",
        Letter.id > letter.id,
    )
    return session.scalars(query.limit(1)).first() is not None


def _storm(ctx: Context, session: Session, channel: str, now: datetime) -> bool:
    """Whether the channel's account answers more than there can be to answer; then it is stopped."""
    if sum(_replies(session, now - HOUR).values()) < STORM:
        return False  # no connection is looked up for a letter in the ordinary course
    server = _server(ctx, channel)
    if server is None:
        return False
    resumed = _resumed(session, server) or now - HOUR  # a person has looked at what was before
    by_channel = _replies(session, max(resumed, now - HOUR))
    sent = sum(count for code, count in by_channel.items() if _server(ctx, code) == server)
    if sent < max(STORM, 2 * _units(session)):
        return False
    stop(
        ctx, session, "smtp", server,
        f"{_STORMED}{sent}封，多于各单位可能的来件，疑似与自动回复程序相互答复。",
        advice="请先看 huizong outbox list：收件地址是程序的，用 huizong outbox suppress 停止对它答复，"
        "再用 huizong outbox resume 恢复发信。",
    )  # fmt: skip
    return True


def _replies(session: Session, since: datetime) -> dict[str, int]:
    """How many replies left since then, by channel."""
    query = (
        select(Letter.channel, func.count())
        .where(Letter.kind.in_(REPLIES), Letter.claimed_at > since, Letter.state.in_(_LEFT))
        .group_by(Letter.channel)
    )
    return dict(session.execute(query).tuples().all())


def _server(ctx: Context, channel: str) -> MailServer | None:
    try:
        return ctx.connections.get(connection_id(channel, "smtp"))
    except UsageError:
        return None  # another channel's connection is badly written


def _resumed(session: Session, server: MailServer) -> datetime | None:
    """When a person last said that the account may go on after a storm."""
    query = select(Trouble.over_at, Trouble.lines).where(
        Trouble.name == f"login:{account_name('smtp', server)}", Trouble.over_at.is_not(None)
    )
    storms = [over_at for over_at, lines in session.execute(query) if str(lines[0]).startswith(_STORMED)]
    return max(storms, default=None)


def _units(session: Session) -> int:
    """How many returns are expected in all cycles that were issued."""
    expected = select(FrameUnit.cycle, FrameUnit.collection, FrameUnit.unit).distinct().subquery()
    return session.scalar(select(func.count()).select_from(expected)) or 0
