"""One batch: the letters of a channel whose moment has come, one after the other over one login.

At each claim a letter's reason is looked at again (invariant 3), and whether its address may get another.
What the server's answers mean for letter and account stands in `outbox.replies`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from types import TracebackType
from typing import Self

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from huizong.connections import MailServer
from huizong.errors import TransientError, UsageError
from huizong.ledger.tables import Letter
from huizong.ledger.upkeep import Attempt
from huizong.outbox.limits import LONGEST, next_moment
from huizong.outbox.model import Outcome
from huizong.outbox.replies import PATIENCE, PAUSE, TRIES, account_rests_until, letter_waits_until
from huizong.outbox.sender import BusyError, LoginRefusedError, Sender
from huizong.stages.accounts import (
    StoppedError,
    account_name,
    login_refused,
    login_worked,
    pause,
)
from huizong.stages.caps import capped
from huizong.stages.channels import channel_today
from huizong.stages.context import Context
from huizong.stages.freezing import freeze
from huizong.stages.issued import issued_codes, issued_cycle, log_event
from huizong.stages.limits import limits_of
from huizong.stages.reasons import reason_is_gone, waits_for_the_office
from huizong.stages.words import LETTER_STATE
from huizong.store import LostError

_LONGEST_SLEEP = 60.0  # seconds; for what comes later the next run is there
_LONGEST_RUN = timedelta(minutes=15)  # a scheduler ends what takes an hour, also in the middle of a letter
_BROKEN_LINES = 3  # in a row: each costs a login, or a letter of which nobody knows
_TRIES, _BETWEEN = 12, 10.0  # seconds: how long an answer waits for a database that is away
_OPEN = ("queued", "rejected_temporary")


class Batch:
    """Use it in a `with` statement, under the account's lock."""

    def __init__(
        self,
        ctx: Context,
        channel: str,
        server: MailServer,
        as_of: datetime,
        still_locked: Callable[[], None] = lambda: None,
    ) -> None:
        """`still_locked` raises TransientError once the account's lock is lost."""
        self._ctx, self._channel, self._server, self._as_of = ctx, channel, server, as_of
        self._still_locked = still_locked
        self._account = account_name("smtp", server)
        self._cycles = {code: issued_cycle(ctx, code, checked=False) for code in issued_codes(ctx)}
        self._limits = limits_of(ctx, server)
        settings = channel_today(ctx, channel)
        self._copy_to = server.login if settings and settings.proof == "blind_copy" else None
        self._sender = Sender(server)
        self._broken = 0  # lines in a row
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sender.close()

    def run(self) -> dict[str, int]:
        """Try each letter whose moment has come once; how many were sent, failed, cancelled.

        Raises:
            StoppedError, LoginRefusedError: the server refuses the account, which is stopped now.
            TransientError, OperatorError: there is no connection, or the account's lock was lost.
        """
        counts = {"sent": 0, "failed": 0, "cancelled": 0}
        until = self._ctx.clock.now() + _LONGEST_RUN
        for letter_id in self._due():
            if self._over or self._ctx.clock.now() >= until:
                break
            letter, state = self._one(letter_id)
            self._ctx.say(f"{letter.address}：{letter.subject}（{LETTER_STATE.get(state, state)}）")
            if state != "queued":
                counts[state if state in counts else "failed"] += 1
        return counts

    def _due(self) -> Sequence[int]:
        """The letters whose moment has come; those that were tried in vain let the others go first."""
        now = self._ctx.clock.now()
        query = (
            select(Letter.id)
            .where(
                Letter.channel == self._channel,
                Letter.state.in_(_OPEN),
                or_(Letter.not_before.is_(None), Letter.not_before <= now),
            )
            .order_by(Letter.attempts, Letter.id)
        )
        with self._ctx.ledger.read() as session:
            return session.scalars(query).all()

    def _one(self, letter_id: int) -> tuple[Letter, str]:
        """Freeze, claim, try once; the letter, and the state in which it is left (`queued`: untouched)."""
        with self._ctx.ledger.write() as session:
            letter = session.get_one(Letter, letter_id, with_for_update=True)
            if letter.state not in _OPEN or self._is_held_back(session, letter):
                return letter, letter.state
        if not self._is_ready():
            self._over = True
            return letter, "queued"
        return letter, self._try(letter)

    def _try(self, letter: Letter) -> str:
        try:
            mime = letter.mime or freeze(self._ctx, letter, self._cycles, self._server)
            data = self._ctx.store.get(mime)
        except TransientError:
            raise
        except (UsageError, LostError) as e:  # a name that no mail can carry: visible, and not in the way
            return self._give_up(letter.id, str(e))
        except Exception as e:  # a template in which somebody has made a slip, say
            return self._hold(letter.id, f"信件未能生成（{type(e).__name__}：{e}），排除后自动发出。")
        self._still_locked()
        state, attempt = self._claim(letter.id, mime)
        if attempt is None:
            return state
        outcome = self._sender.send(letter.address, data, self._copy_to)
        state = self._patiently(lambda: self._finish(attempt, outcome))
        self._heed(outcome)
        return state

    def _give_up(self, letter_id: int, why: str) -> str:
        with self._ctx.ledger.write() as session:
            letter = session.get_one(Letter, letter_id, with_for_update=True)
            if letter.state in _OPEN:
                letter.state, letter.reply = "rejected_permanent", why
                letter.finished_at = self._ctx.clock.now()
            return letter.state

    def _hold(self, letter_id: int, why: str) -> str:
        """A letter of which no mail can be made as things are; a person is told (`stages.unsent`)."""
        now = self._ctx.clock.now()
        with self._ctx.ledger.write() as session:
            letter = session.get_one(Letter, letter_id, with_for_update=True)
            if letter.state in _OPEN:
                letter.state, letter.reply = "rejected_temporary", why
                letter.not_before, letter.finished_at = now + PAUSE, letter.finished_at or now
            return letter.state

    def _is_ready(self) -> bool:
        """Wait for the account's turn and see to the connection, before anything is claimed."""
        now = self._ctx.clock.now()
        wait = (next_moment(self._earlier(now), self._limits, now) - now).total_seconds()
        if wait > _LONGEST_SLEEP:
            return False
        if wait > 0:
            self._ctx.clock.sleep(wait)
            self._sender.check()
        if self._limits.connection is not None and self._sender.letters >= self._limits.connection:
            self._sender.close()
        return self._log_in()

    def _earlier(self, now: datetime) -> list[datetime]:
        """When the account's last attempts began, as many as the limits look at."""
        limits = self._limits
        most = max(limits.minute or 0, limits.quarter_hour or 0, limits.day or 0)
        if not most:
            return []
        query = (
            select(Attempt.began_at)
            .where(Attempt.account == self._account, Attempt.began_at > now - LONGEST)
            .order_by(Attempt.began_at.desc())
            .limit(most)
        )
        with self._ctx.ledger.read() as session:
            return sorted(session.scalars(query))

    def _log_in(self) -> bool:
        try:
            if self._sender.connect():
                with self._ctx.ledger.write() as session:
                    login_worked(self._ctx, session, "smtp", self._server)
        except LoginRefusedError as e:
            with self._ctx.ledger.write() as session:
                login_refused(self._ctx, session, "smtp", self._server, str(e), at_once=True)
            raise
        except BusyError as e:
            self._rest(account_rests_until(e.verdict, self._ctx.clock.now()), str(e))
            return False
        return True

    def _claim(self, letter_id: int, mime: str) -> tuple[str, int | None]:
        """Take the letter in hand if it may still go; its state then, and the attempt that begins."""
        with self._ctx.ledger.write() as session:
            letter = session.get_one(Letter, letter_id, with_for_update=True)
            if letter.state not in _OPEN:
                return letter.state, None  # somebody decided otherwise meanwhile
            if self._is_held_back(session, letter):
                return letter.state, None
            now = self._ctx.clock.now()
            letter.state, letter.mime, letter.claimed_at = "claimed", mime, now
            letter.attempts += 1
            attempt = Attempt(
                letter_id=letter.id, account=self._account, began_at=now, stage="", state="claimed", reply=""
            )
            session.add(attempt)
            session.flush()
            return letter.state, attempt.id

    def _is_held_back(self, session: Session, letter: Letter) -> bool:
        """Cancel a letter whose reason is gone, put off one that its address may not get yet."""
        issued = self._cycles.get(letter.cycle or "")
        why = reason_is_gone(session, letter, issued, self._as_of) if issued else None
        if issued and why is None and waits_for_the_office(letter, issued, self._as_of):
            letter.state = "queued"
            return True
        cap = capped(self._ctx, session, letter) if why is None else None
        if cap is not None and cap.until is not None:
            letter.state, letter.not_before, letter.reply = "queued", cap.until, cap.reason
            self._over = self._over or cap.stopped
            return True
        why = cap.reason if cap is not None else why
        if why is None:
            return False
        letter.state, letter.reply, letter.finished_at = "cancelled", why, self._ctx.clock.now()
        log_event(
            session, self._ctx, "letter_cancelled", cycle=letter.cycle, unit=letter.unit, letter=letter.id
        )
        return True

    def _patiently(self, record: Callable[[], str]) -> str:
        """Record an answer also when the database is away for a while: else it would be lost."""
        for _ in range(_TRIES - 1):
            try:
                return record()
            except TransientError:
                self._ctx.clock.sleep(_BETWEEN)
        return record()

    def _finish(self, attempt_id: int, outcome: Outcome) -> str:
        with self._ctx.ledger.write() as session:
            attempt = session.get_one(Attempt, attempt_id)
            letter = session.get_one(Letter, attempt.letter_id, with_for_update=True)
            now = self._ctx.clock.now()
            attempt.ended_at, attempt.stage, attempt.code = now, outcome.stage, outcome.code
            attempt.state, attempt.reply = outcome.state, outcome.reply
            if not _awaits(session, letter, attempt, outcome):
                return letter.state
            letter.state, letter.not_before, letter.finished_at = outcome.state, None, now
            letter.reply = f"{outcome.code or ''} {outcome.reply}".strip()
            if outcome.state == "rejected_temporary":
                _put_off(session, letter, attempt, outcome, now)
            log_event(
                session, self._ctx, "letter_sent" if letter.state == "sent" else "letter_not_sent",
                cycle=letter.cycle, unit=letter.unit, letter=letter.id, state=letter.state,
            )  # fmt: skip
            return letter.state

    def _heed(self, outcome: Outcome) -> None:
        """What an answer means for the account, and so for the letters behind.

        Raises:
            StoppedError: nobody sends until a person has seen to it.
        """
        now, said = self._ctx.clock.now(), f"{outcome.code or ''} {outcome.reply}".strip()
        self._broken = self._broken + 1 if outcome.verdict == "broken" else 0
        if outcome.verdict == "stop":
            reason = f"发信账号 {self._server.login} 被服务器拒绝：{said}"
            with self._ctx.ledger.write() as session:
                login_refused(self._ctx, session, "smtp", self._server, reason, at_once=True)
            raise StoppedError(reason)
        if (until := account_rests_until(outcome.verdict, now)) is not None:
            self._rest(until, said)
        elif _is_about_the_sender(outcome) or (self._broken >= _BROKEN_LINES and outcome.state == "unknown"):
            self._rest(now + PAUSE, said)
        elif self._broken >= _BROKEN_LINES:
            self._over = True

    def _rest(self, until: datetime | None, reason: str) -> None:
        """Nobody uses the account until then; what is left stays in the outbox."""
        self._over = True
        with self._ctx.ledger.write() as session:
            pause(session, "smtp", self._server, until or self._ctx.clock.now() + PAUSE, reason)


def _awaits(session: Session, letter: Letter, attempt: Attempt, outcome: Outcome) -> bool:
    """Whether an answer still tells something: not where a mail that names the letter has proven it, nor
    where a person has decided. A claim that was taken for given up (`unknown`) is settled by its answer, and
    what was sent is not sent again because a person had wanted that meanwhile."""
    newest = session.scalar(select(func.max(Attempt.id)).where(Attempt.letter_id == letter.id))
    awaiting = {"claimed", "unknown", *(("queued",) if outcome.state == "sent" else ())}
    return newest == attempt.id and letter.state in awaiting


def _is_about_the_sender(outcome: Outcome) -> bool:
    """Refused for good before any addressee was named, and not for its size: the next would fare alike."""
    return outcome.stage == "mail" and outcome.verdict == "permanent" and outcome.code != 552


def _put_off(session: Session, letter: Letter, attempt: Attempt, outcome: Outcome, now: datetime) -> None:
    """When a letter that was refused for the time being is tried again, if at all."""
    session.flush()
    rows = session.execute(
        select(Attempt.state, Attempt.began_at)
        .where(Attempt.letter_id == letter.id)
        .order_by(Attempt.id.desc())
    )
    tried = [began for _, began in takewhile(lambda row: row[0] == "rejected_temporary", rows)]
    if len(tried) >= TRIES and now - tried[-1] >= PATIENCE and outcome.verdict != "stop":
        letter.state = attempt.state = "rejected_permanent"
        letter.reply = f"多日未能发出，不再自动重试。{letter.reply}"
        return
    letter.not_before = letter_waits_until(outcome.verdict, len(tried), now)
