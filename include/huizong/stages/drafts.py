"""From a letter's context to a row for the outbox: what all letters of a collection have in common."""

from __future__ import annotations

from typing import Any

from huizong.definition.model import Collection
from huizong.frame.roster import Unit
from huizong.outbox.context import CycleLetter
from huizong.outbox.queue import Draft
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle


def draft(
    ctx: Context,
    issued: IssuedCycle,
    collection: Collection,
    unit: Unit,
    context: CycleLetter,
    *,
    key: str,
    address: str,
    channel: str | None = None,
    **more: Any,
) -> Draft:
    """The letter to `address` about `unit`; `more` are further fields of `Draft`.

    It goes out through the collection's channel, or another one named, under the subject that its template
    gives it.
    """
    channel = channel or collection.channel
    return Draft(
        key=key,
        channel=channel,
        cycle=issued.code,
        collection=collection.code,
        unit=unit.code,
        address=address,
        addressee=context.contact_name or unit.name,
        sender_address=issued.loaded.cycle.channels[channel].address or "",
        subject=ctx.letter_book.subject(context),
        context=context,
        **more,
    )
