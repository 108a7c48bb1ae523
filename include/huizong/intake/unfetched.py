"""Mails that a server lists and does not hand out: noted, asked for again, told to a person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from huizong.clock import Clock
from huizong.ledger.engine import Ledger
from huizong.ledger.upkeep import Unfetched

TOLD_AFTER = 3  # tries; then a person hears of it
# After the first try none: it may have been the line. Then with patience.
_PAUSES = (timedelta(0), timedelta(hours=1), timedelta(days=1))


@dataclass(frozen=True)
class Unfetchable:
    """The notes of one channel. `place` is a folder and its UIDVALIDITY, `INBOX;1`."""

    ledger: Ledger
    clock: Clock
    channel: str

    def noted(self, place: str) -> set[int]:
        """UIDs of the place that could not be had."""
        return set(self._of(place))

    def resting(self, place: str) -> set[int]:
        """Those of them that are not asked for yet."""
        now = self.clock.now()
        return {
            uid
            for uid, row in self._of(place).items()
            if now < row.last_at + _PAUSES[min(row.tries, len(_PAUSES)) - 1]
        }

    def note(self, place: str, uid: int, reason: str) -> None:
        """One more try that failed."""
        now = self.clock.now()
        with self.ledger.write() as session:
            query = select(Unfetched).where(
                Unfetched.channel == self.channel, Unfetched.place == place, Unfetched.mark == str(uid)
            )
            row = session.scalars(query).first()
            if row is None:
                row = Unfetched(channel=self.channel, place=place, mark=str(uid), tries=0, first_at=now)
                session.add(row)
            row.tries, row.last_at, row.reason = row.tries + 1, now, reason

    def forget(self, place: str, uids: Collection[int]) -> None:
        """These were had, or have gone from the server."""
        if marks := [str(uid) for uid in self.noted(place) & set(uids)]:
            self._delete(Unfetched.place == place, Unfetched.mark.in_(marks))

    def forget_other_places(self, places: Collection[str], unopened: Collection[str]) -> None:
        """Folders that are gone or were rebuilt: all but these places, and the folders not opened now."""
        query = select(Unfetched.place).where(Unfetched.channel == self.channel).distinct()
        with self.ledger.read() as session:
            noted = set(session.scalars(query))
        gone = {p for p in noted - set(places) if p.rpartition(";")[0] not in unopened}
        if gone:
            self._delete(Unfetched.place.in_(gone))

    def _of(self, place: str) -> dict[int, Unfetched]:
        query = select(Unfetched).where(Unfetched.channel == self.channel, Unfetched.place == place)
        with self.ledger.read() as session:
            return {int(row.mark): row for row in session.scalars(query)}

    def _delete(self, *which: object) -> None:
        with self.ledger.write() as session:
            session.execute(delete(Unfetched).where(Unfetched.channel == self.channel, *which))  # type: ignore[arg-type]
