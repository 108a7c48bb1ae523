"""Machine time, injected: the domain never asks the machine what time it is.

Business time (what is due, late, open) is the argument `as_of` and never comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Stamps, time-outs and rate limits come from here."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Let that much machine time pass."""


@dataclass
class FixedClock:
    """A clock that a test moves by hand; sleeping moves it too."""

    instant: datetime = field(default_factory=lambda: datetime(2022, 5, 24, 1, 0, tzinfo=UTC))

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)
