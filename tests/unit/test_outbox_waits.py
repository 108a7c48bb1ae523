"""What replies mean, and how long account and letter wait after them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huizong.outbox.model import Verdict
from huizong.outbox.replies import account_rests_until, classify, letter_waits_until

NOON = datetime(2022, 5, 24, 4, 0, tzinfo=UTC)  # 12:00 in China


@pytest.mark.parametrize(
    ("stage", "code", "text", "verdict"),
    [
        ("rcpt", 553, "mailbox name not allowed", "permanent"),  # this addressee's, not ours
        ("rcpt", 553, "Mail from must equal authorized user", "stop"),
        ("mail", 553, "authentication is required", "stop"),
        ("login", 454, "temporary authentication failure", "pause"),
        ("login", 550, "User has no permission", "stop"),
        ("login", 535, "authentication failed", "stop"),
        ("rcpt", 550, "user unknown", "permanent"),
        ("rcpt", 452, "out of storage", "temporary"),
        ("rcpt", 450, "4.2.1 mailbox busy", "temporary"),
        ("rcpt", 450, "greylisted", "temporary"),
        ("rcpt", 450, "MI:DMC", "pause"),
        ("rcpt", 450, "RP:CCL", "pause"),
        ("mail", 450, "busy", "pause"),
    ],
)
def test_the_stage_tells_whose_fault_it_is(stage: str, code: int, text: str, verdict: str) -> None:
    assert classify(code, text, stage) == verdict


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (NOON, datetime(2022, 5, 24, 16, 5, tzinfo=UTC)),
        (datetime(2022, 5, 24, 15, 59, tzinfo=UTC), datetime(2022, 5, 24, 16, 5, tzinfo=UTC)),
        (datetime(2022, 5, 24, 16, 1, tzinfo=UTC), datetime(2022, 5, 25, 16, 5, tzinfo=UTC)),
    ],
)
def test_a_days_quota_begins_anew_at_midnight_in_china(now: datetime, until: datetime) -> None:
    assert account_rests_until("next_day", now) == until


@pytest.mark.parametrize(
    ("verdict", "minutes"),
    [
        ("temporary", [None, 2, 4, 8, 16, 32, 64, 128, 240, 240]),
        ("broken", [None, None, 2, 4, 8, 16, 32, 64, 128, 240, 240]),
        ("soon", [2, 2, 2]),
        ("pause", [15, 30, 60, 120, 240, 240]),  # longer than the account: others go first
    ],
)
def test_what_is_put_off_again_waits_longer(verdict: Verdict, minutes: list[int | None]) -> None:
    waits = [letter_waits_until(verdict, tries, NOON) for tries in range(1, len(minutes) + 1)]
    assert [wait and (wait - NOON).total_seconds() / 60 for wait in waits] == minutes


def test_only_pause_and_quota_rest_the_account() -> None:
    assert account_rests_until("pause", NOON) == datetime(2022, 5, 24, 4, 15, tzinfo=UTC)
    assert account_rests_until("hold", NOON) is account_rests_until(None, NOON) is None
    assert letter_waits_until("temporary", 1000, NOON) == datetime(2022, 5, 24, 8, 0, tzinfo=UTC)
