"""Result letters (汇总结果反馈): the totals and the unit's own figures, no ranks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.ledger.tables import Edition, EditionTotal, EditionVersion, Value, Version
from huizong.ledger.types import canonical
from huizong.outbox.context import ResultContext, ResultFigure
from huizong.outbox.queue import queue_letter
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.wording import letter_basics
from huizong.stages.words import EDITION


def queue_results(
    ctx: Context, session: Session, issued: IssuedCycle, edition: Edition, as_of: datetime
) -> int:
    """Queue a result letter to every unit of the frame, in the caller's transaction; how many."""
    queued = 0
    for collection in issued.collections:
        totals = _totals(session, edition, collection)
        own = _own_figures(session, edition, collection)
        for unit in issued.loaded.frame(collection):
            for contact in issued.contacts.get(unit.code, ())[:1]:
                context = ResultContext(
                    **letter_basics(issued, collection, unit, contact, as_of, None),
                    edition_title=EDITION[edition.kind],
                    coverage_text=_coverage_text(edition, collection),
                    figures=_figures(issued, collection, totals, own.get(unit.code, {})),
                    nil=unit.code not in own and _is_nil(edition, collection, unit.code),
                )
                key = f"result:{edition.id}:{unit.code}:{contact.address}"
                result = draft(ctx, issued, collection, unit, context, key=key, address=contact.address)
                letter = queue_letter(session, result, salt=issued.loaded.digest, now=ctx.clock.now())
                queued += letter is not None
    return queued


def _totals(session: Session, edition: Edition, collection: Collection) -> dict[str, Decimal]:
    rows = session.scalars(
        select(EditionTotal)
        .where(EditionTotal.edition_id == edition.id, EditionTotal.collection == collection.code)
        .order_by(EditionTotal.id)
    )
    return {row.item: row.total for row in rows}


def _own_figures(session: Session, edition: Edition, collection: Collection) -> dict[str, dict[str, Decimal]]:
    rows = session.execute(
        select(Version.unit, Value.item, Value.number)
        .join(EditionVersion, EditionVersion.version_id == Version.id)
        .join(Value, Value.version_id == Version.id)
        .where(
            EditionVersion.edition_id == edition.id,
            Version.collection == collection.code,
            Value.number.is_not(None),
        )
    )
    own: dict[str, dict[str, Decimal]] = {}
    for unit, item, number in rows:
        if number is not None:
            own.setdefault(unit, {})[item] = number
    return own


def _figures(
    issued: IssuedCycle, collection: Collection, totals: dict[str, Decimal], own: dict[str, Decimal]
) -> tuple[ResultFigure, ...]:
    instrument = issued.loaded.instrument_of(collection)
    if instrument is None:
        return ()
    return tuple(
        ResultFigure(
            item_no=instrument.numbers[item],
            label=instrument.by_code[item].label,
            unit=instrument.by_code[item].unit or "",
            total=canonical(total),
            own=canonical(own[item]) if item in own else "",
        )
        for item, total in totals.items()
    )


def _coverage_text(edition: Edition, collection: Collection) -> str:
    """How many, and no names: a letter to one unit does not tell of the others."""
    cover = edition.coverage[collection.code]
    if not cover["expected"]:
        return f"本事项为自愿报送，共收到{cover['returned']}家材料。"
    sent = len(cover.get("returned_for_correction", ()))
    also = f"，另有{sent}家已报待更正（未计入）" if sent else ""
    return f"应报{cover['expected']}家，已报{cover['returned']}家{also}。"


def _is_nil(edition: Edition, collection: Collection, unit: str) -> bool:
    """Of a unit without figures: whether it counts as returned all the same."""
    cover = edition.coverage[collection.code]
    return bool(cover["expected"]) and unit not in cover["missing"] and unit not in cover["waived"]
