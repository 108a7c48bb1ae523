"""What earlier amendments of a cycle left behind: deadlines that were moved, and units that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.frame.roster import Unit
from huizong.ledger.tables import Event


@dataclass(frozen=True)
class Amended:
    """`moves`: collection → for each amendment that moved its due date, the newest decision before it.

    `former`: code → a unit of an earlier version that the roster no longer has.
    """

    moves: dict[str, tuple[int, ...]] = field(default_factory=dict)
    former: dict[str, Unit] = field(default_factory=dict)


def amendment_key(code: str, version: int) -> str:
    """The key of the event that records a definition's version."""
    return f"amended:{code}:{version}"


def amendments(session: Session, code: str, version: int, known: Iterable[str]) -> Amended:
    """What the amendments up to `version` did; `known` are the units of today's roster."""
    if version == 1:
        return Amended()
    keys = [amendment_key(code, n) for n in range(2, version + 1)]
    events = session.scalars(select(Event).where(Event.key.in_(keys)).order_by(Event.id)).all()
    moves: dict[str, list[int]] = {}
    former: dict[str, Unit] = {}
    for event in events:
        for collection in event.data["moved"]:
            moves.setdefault(collection, []).append(event.data["after_decision"])
        for unit in map(Unit.model_validate, event.data["gone"]):
            former[unit.code] = unit
    here = set(known)
    return Amended(
        moves={collection: tuple(found) for collection, found in moves.items()},
        former={code: unit for code, unit in former.items() if code not in here},
    )
