"""Whether a letter that waits still has its reason (invariant 3), and which reminder a unit should get."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from huizong.ledger.tables import Letter
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import Standing, standings_now

REMINDERS = ("nudge", "reminder", "formal_notice")
CHASED = ("not_started", "partial", "in_query")
DUE_MOVED = "截止时间已调整，不再发送"


def chaseable(standing: Standing) -> bool:
    """Reminders go only to units that owe something and have nothing of theirs in our hands."""
    return standing.status in CHASED and not standing.reminders_wait


def reason_is_gone(session: Session, letter: Letter, issued: IssuedCycle, as_of: datetime) -> str | None:
    """Why a letter must not go out any more, or None if it must."""
    if letter.expires_at is not None and as_of >= letter.expires_at:
        return "内容已过时，不再发送"
    if letter.kind not in REMINDERS:
        return None
    found = standings_now(session, issued, letter.unit)
    standing = next((s for s in found if s.collection.code == letter.collection), None)
    if standing is None or not chaseable(standing):
        return "该单位已来件或不再需要催报"
    return None if speaks_of(letter) == standing.due_version else DUE_MOVED


def waits_for_the_office(letter: Letter, issued: IssuedCycle, as_of: datetime) -> bool:
    """Whether it is a reminder at an hour or on a day at which none goes out, however it came to lie there: a
    server that was away since the afternoon, a formal notice that was approved in the evening."""
    return letter.kind in REMINDERS and not issued.schedule.in_office_hours(as_of)


def speaks_of(letter: Letter) -> int:
    """The due version of which a reminder speaks, as its key has it (invariant 3)."""
    return int(letter.key.split(":")[5])
