"""Result letters (汇总结果反馈): the totals and the unit's own figures, no ranks."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection
from huizong.frame.roster import Unit
from huizong.instruments.model import Instrument
from huizong.ledger.editions import Edition, EditionTotal, EditionVersion
from huizong.ledger.tables import Value, Version
from huizong.ledger.types import canonical
from huizong.outbox.context import ResultContext, ResultFigure
from huizong.outbox.queue import queue_letter
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.wording import letter_basics
from huizong.stages.words import EDITION, UNIT_STATUS


def queue_results(
    ctx: Context, session: Session, issued: IssuedCycle, edition: Edition, as_of: datetime
) -> int:
    """Queue a result letter to every unit of the frame, in the caller's transaction; how many."""
    queued = 0
    for office in _by_office(issued):
        told = {c.code: _Told(session, issued, edition, c) for c in office}
        for unit, asked in _asked(issued, office).items():
            for contact in issued.contacts.get(unit.code, ())[:1]:
                first = next((c for c in asked if told[c.code].totals), asked[0])
                basics = letter_basics(issued, first, unit, contact, as_of, None)
                if len(asked) > 1:
                    basics["cycle_title"] = issued.loaded.cycle.title
                context = ResultContext(
                    **basics,
                    edition_title=EDITION[edition.kind],
                    coverage_text="".join(_coverage_text(edition, c, named=len(asked) > 1) for c in asked),
                    figures=_figures(told[first.code], unit.code),
                    nil=unit.code not in told[first.code].own and _is_nil(edition, first, unit.code),
                    stands=tuple(
                        _stands(edition, c, unit.code, named=len(asked) > 1)
                        for c in asked
                        if told[c.code].form is None
                        and unit.code in edition.coverage[c.code].get("states", ())
                    ),
                )
                key = f"result:{edition.id}:{office[0].code}:{unit.code}:{contact.address}"
                result = draft(ctx, issued, first, unit, context, key=key, address=contact.address)
                letter = queue_letter(session, result, salt=issued.loaded.digest, now=ctx.clock.now())
                queued += letter is not None
    return queued


def _by_office(issued: IssuedCycle) -> list[list[Collection]]:
    """Collections that one office runs through one mailbox: a unit hears of them in one letter."""
    offices: dict[tuple[str, str], list[Collection]] = {}
    for collection in issued.collections:
        offices.setdefault((collection.channel, collection.office.name), []).append(collection)
    return list(offices.values())


def _asked(issued: IssuedCycle, collections: list[Collection]) -> dict[Unit, list[Collection]]:
    asked: dict[Unit, list[Collection]] = {}
    for collection in collections:
        for unit in issued.loaded.frame(collection):
            asked.setdefault(unit, []).append(collection)
    return asked


class _Told:
    """What an edition holds of one collection: totals by item, and by unit its own figures."""

    def __init__(
        self, session: Session, issued: IssuedCycle, edition: Edition, collection: Collection
    ) -> None:
        self.form = issued.loaded.instrument_of(collection)
        self.totals = _totals(session, edition, collection, self.form)
        self.own = _own_figures(session, edition, collection)


def _totals(
    session: Session, edition: Edition, collection: Collection, form: Instrument | None
) -> dict[str, Decimal]:
    """Of the form alone: a list's columns are summed for the office, and say little to a unit."""
    if form is None:
        return {}
    rows = session.scalars(
        select(EditionTotal)
        .where(
            EditionTotal.edition_id == edition.id,
            EditionTotal.collection == collection.code,
            EditionTotal.instrument == form.ref,
        )
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


def _figures(told: _Told, unit: str) -> tuple[ResultFigure, ...]:
    if told.form is None:
        return ()
    own = told.own.get(unit, {})
    return tuple(
        ResultFigure(
            item_no=told.form.numbers[item],
            label=told.form.by_code[item].label,
            unit=told.form.by_code[item].unit or "",
            total=canonical(total),
            own=canonical(own[item]) if item in own else "",
        )
        for item, total in told.totals.items()
    )


def _coverage_text(edition: Edition, collection: Collection, *, named: bool) -> str:
    """How many, and no names: a letter to one unit does not tell of the others."""
    cover = edition.coverage[collection.code]
    title = f"{collection.title or collection.code}：" if named else ""
    if not cover["expected"]:
        return f"{title}本事项为自愿报送，共收到{cover['returned']}家材料。"
    sent = len(cover.get("returned_for_correction", ()))
    also = f"，另有{sent}家已报待更正（未计入）" if sent else ""
    return f"{title}应报{cover['expected']}家，已报{cover['returned']}家{also}。"


def _is_nil(edition: Edition, collection: Collection, unit: str) -> bool:
    """Of a unit without figures: whether it counts as returned all the same."""
    cover = edition.coverage[collection.code]
    return bool(cover["expected"]) and unit not in cover["missing"] and unit not in cover["waived"]


def _stands(edition: Edition, collection: Collection, unit: str, *, named: bool) -> str:
    """Where a unit stands by the edition, whatever came since, as it follows on 你单位: ：缺件：视频资料."""
    cover = edition.coverage[collection.code]
    title = f"“{collection.title or collection.code}”" if named else ""
    status, owed = cover["states"][unit], cover["owed"].get(unit, ())
    said = UNIT_STATUS[status]
    if owed:
        parts = "、".join(p.name for p in collection.parts if p.code in owed)
        said = f"缺件：{parts}" if status == "partial" else f"{said}，缺件：{parts}"
    return f"{title}：{said}"
