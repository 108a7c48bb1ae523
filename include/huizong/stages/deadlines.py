"""A unit's own deadline: its collection's, as extensions and amendments moved it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from huizong.definition.model import Collection
from huizong.definition.schedule import Deadline
from huizong.definition.when import When
from huizong.ledger.tables import Decision
from huizong.stages.issued import IssuedCycle


class OwnDeadline(NamedTuple):
    """`version` is the due version of the unit's reminders' keys (invariant 3)."""

    due: Deadline | None
    extended: bool
    version: int


def own_deadline(
    issued: IssuedCycle, collection: Collection, usual: Deadline | None, decisions: Sequence[Decision]
) -> OwnDeadline:
    """The deadline that the newest extension gives, while the collection's (`usual`) was not amended to a
    later one.

    The due version counts what moved this unit's deadline: its extensions, and the amendments but for those
    that left an extension to a fixed day as it was.
    """
    extensions = [d for d in decisions if d.kind == "extend"]
    moves = issued.amended.moves.get(collection.code, ())
    version = 1 + len(extensions) + len(moves)
    if not extensions or usual is None:
        return OwnDeadline(usual, False, version)
    until = When.parse(extensions[-1].value["until"])
    own = issued.schedule.resolve(until, issued.schedule.anchors(collection))
    if moves and own.instant <= usual.instant:
        return OwnDeadline(usual, False, version)
    if until.anchor is None:
        version -= sum(decision >= extensions[-1].id for decision in moves)
    return OwnDeadline(own, True, version)
