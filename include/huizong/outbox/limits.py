"""How many letters an account may send in a stretch of time: pure arithmetic over earlier attempts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from huizong.definition.model import Limits

LONGEST = timedelta(days=1)  # what lies further back counts no more
_WINDOWS = {
    "minute": timedelta(minutes=1),
    "quarter_hour": timedelta(minutes=15),
    "day": LONGEST,
}


def next_moment(earlier: Sequence[datetime], limits: Limits, now: datetime) -> datetime:
    """The first moment from `now` on at which one more attempt keeps within the limits.

    Args:
        earlier: when the account's attempts of the last day began, oldest first.

    Each window slides: in no stretch of that length, wherever it begins, are there more than so many
    attempts. So a provider's quota, however it counts, is kept too.
    """
    moment = now
    for name, window in _WINDOWS.items():
        most = getattr(limits, name)
        if most is not None and len(earlier) >= most:
            moment = max(moment, earlier[-most] + window)
    return moment


def strictest(all_limits: Iterable[Limits]) -> Limits:
    """The smallest number that any of them states, for each limit."""
    stated = [limits.model_dump(exclude_none=True) for limits in all_limits]
    return Limits(
        **{
            name: min((said[name] for said in stated if name in said), default=None)
            for name in Limits.model_fields
        }
    )
