"""Returns outside a collection's time: taken and kept like all others, and said to be so.

Closing ends the reminders and gives the final edition (DESIGN 6, 8): what comes afterwards counts in whatever
edition is made next, which is a revised one where there is a final one already.
"""

from __future__ import annotations

from sqlalchemy import select

from huizong.definition.model import Collection
from huizong.definition.schedule import Deadline
from huizong.definition.when import When
from huizong.ledger.tables import Decision, File
from huizong.stages.envelope import Envelope
from huizong.stages.issued import IssuedCycle

EARLY = "早于本报送事项开始时间收到，已登记"
LATE = "逾期后收到（报送事项已截止），定稿后计入修订稿"


def note_window(envelope: Envelope, file: File) -> None:
    """Say of a file that was taken that it came before its collection opened, or after it closed."""
    issued = next((c for c in envelope.cycles if c.code == file.cycle), None)
    if issued is None or file.disposition != "return" or not file.collection:
        return
    collection = issued.collection(file.collection)
    if said := _outside(envelope, issued, collection, file.unit):
        file.reason = "；".join(filter(None, (file.reason, said)))
        notes = dict.fromkeys((*file.witnesses.get("notes", ()), said))
        file.witnesses = file.witnesses | {"notes": list(notes)}


def _outside(envelope: Envelope, issued: IssuedCycle, collection: Collection, unit: str | None) -> str:
    moment = envelope.delivery.received_at
    if moment < issued.schedule.opens(collection):
        return EARLY
    closes = issued.schedule.closes(collection)
    if closes is None or moment < closes:
        return ""
    until = issued.schedule.asks_until(collection, _extended(envelope, issued, collection, unit))
    return "" if until and moment < until else LATE


def _extended(
    envelope: Envelope, issued: IssuedCycle, collection: Collection, unit: str | None
) -> Deadline | None:
    """Until when the unit's own time runs, where it was given more."""
    value = envelope.session.scalars(
        select(Decision.value)
        .where(
            Decision.cycle == issued.code,
            Decision.collection == collection.code,
            Decision.unit == unit,
            Decision.kind == "extend",
        )
        .order_by(Decision.id.desc())
        .limit(1)
    ).first()
    if value is None:
        return None
    return issued.schedule.resolve(When.parse(value["until"]), issued.schedule.anchors(collection))
