"""How many automatic letters one address may get, whatever it writes to us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from huizong.ledger.tables import Letter
from huizong.stages.context import Context


@dataclass(frozen=True)
class Cap:
    """Why a letter is not sent now. `until`: when it may be; None: never."""

    reason: str
    until: datetime | None


def capped(ctx: Context, session: Session, letter: Letter) -> Cap | None:
    """Whether a letter in hand exceeds what its address may get, or the account as a whole."""
    return None
