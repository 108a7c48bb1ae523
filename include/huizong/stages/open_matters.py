"""Open dispositions: what of a unit's waits for a person, and what of that its next return settles."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Version

# Open dispositions that make reminders wait (invariant 10).
WAITING = (
    "triage", "set_aside", "restricted", "link_pending", "question", "extension_request", "contact_change",
    "subordinate",
)  # fmt: skip


class Waiting(NamedTuple):
    """An open disposition, and which part a link that waits will be."""

    disposition: str
    part: str | None = None


class Newest(NamedTuple):
    """A unit's newest deliveries, by id: of which anything was taken, and of which a form was."""

    anything: int = 0
    form: int = 0


def settled_later(disposition: str, newest: Newest, delivery: int, *, asked: bool = False) -> bool:
    """A file that could not be read, or was a department's, is settled once the unit has sent its own; one
    whose figures the unit was asked to send again (`asked`), once a form came."""
    if disposition in ("set_aside", "subordinate"):
        return newest.anything > delivery
    return asked and disposition == "triage" and newest.form > delivery


def newest_return(
    session: Session, cycle: str | None, collection: str | None, unit: str | None = None
) -> dict[str, Newest]:
    """Unit (each, or this one) → its newest deliveries of which something was taken."""
    of_one = [Version.unit == unit] if unit else []
    with_form = case((Version.instrument.is_not(None), Version.delivery_id), else_=0)
    rows = session.execute(
        select(Version.unit, func.max(Version.delivery_id), func.max(with_form))
        .where(Version.cycle == cycle, Version.collection == collection, *of_one)
        .group_by(Version.unit)
    )
    return {unit: Newest(anything, form) for unit, anything, form in rows}
