"""No stretch of time, wherever it begins, holds more letters than the limits allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huizong.definition.model import Limits
from huizong.outbox.limits import next_moment, strictest

START = datetime(2022, 5, 24, 1, 0, tzinfo=UTC)
WINDOWS = {
    "minute": timedelta(minutes=1),
    "quarter_hour": timedelta(minutes=15),
    "day": timedelta(days=1),
}


@pytest.mark.parametrize(
    ("ago", "limits", "wait"),
    [
        ([], Limits(minute=1), 0),
        ([30], Limits(), 0),
        ([30], Limits(minute=2), 0),
        ([50, 30], Limits(minute=2), 10),
        ([60], Limits(minute=1), 0),  # exactly a minute ago is over
        ([50, 30], Limits(minute=2, quarter_hour=2), 850),
        ([86_000, 30], Limits(minute=1, day=2), 400),
        ([30], Limits(connection=1), 0),  # no matter of time
    ],
)
def test_the_next_may_go_when_the_oldest_that_counts_is_over(
    ago: list[int], limits: Limits, wait: int
) -> None:
    earlier = [START - timedelta(seconds=seconds) for seconds in ago]
    assert next_moment(earlier, limits, START) == START + timedelta(seconds=wait)


@given(
    limits=st.builds(Limits, **{name: st.none() | st.integers(1, 9) for name in WINDOWS}),
    gaps=st.lists(st.integers(0, 2000), min_size=1, max_size=30),
)
def test_whoever_waits_as_told_keeps_every_limit(limits: Limits, gaps: list[int]) -> None:
    now, sent = START, list[datetime]()
    for gap in gaps:
        now = next_moment(sent, limits, now + timedelta(seconds=gap))
        sent.append(now)
    for name, window in WINDOWS.items():
        most = getattr(limits, name)
        if most is not None:
            assert max(sum(first <= other < first + window for other in sent) for first in sent) <= most


def test_channels_of_one_account_share_the_strictest_of_each() -> None:
    one, other = Limits(minute=5, day=100), Limits(minute=3, connection=10)
    assert strictest([one, other]) == Limits(minute=3, day=100, connection=10)
    assert strictest([]) == Limits()
