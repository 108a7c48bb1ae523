"""Two senders for one unit: whose figures stand while they differ.

The newest counts where the same address corrects itself, or somebody answers our letter about what we hold.
A second body of the area (its science bureau and its association, say) knows nothing of the first: a person
compares, and until then the first stays counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from sqlalchemy import select

from huizong.intake.recognise import Verdict
from huizong.intake.twins import Listed, differing_rows, listed
from huizong.ledger.tables import Delivery, Value, Version
from huizong.ledger.types import canonical
from huizong.readers.model import FormReading
from huizong.stages.claims import Claim
from huizong.stages.envelope import Envelope, part_of
from huizong.stages.issued import IssuedCycle

_STANDING = ("pending", "accepted", "accepted_with_queries")
_NAMED = 5  # differences that a reason names
_ASKING_NOTHING_YET = ("notice", "nudge")  # letters that were written whatever had come


def not_over_another(
    envelope: Envelope, issued: IssuedCycle, claim: Claim, form: FormReading, verdict: Verdict
) -> Verdict:
    """The verdict; triage where another address's figures for the unit stand already and this may not replace
    them. Drops in a folder were laid there by somebody who knows and are exempt."""
    if verdict.disposition != "return" or verdict.unit is None or envelope.by_folder:
        return verdict
    collection = envelope.collection_of(issued, claim, verdict.unit, form.instrument)
    part = part_of(collection, form.instrument) if collection else None
    if collection is None or part is None or part.appends:
        return verdict
    row = envelope.session.execute(
        select(Version, Delivery.sender, Delivery.kind)
        .join(Delivery, Version.delivery_id == Delivery.id)
        .where(
            Version.cycle == issued.code,
            Version.collection == collection.code,
            Version.unit == verdict.unit,
            Version.instrument == form.instrument,
            Version.status.in_(_STANDING),
        )
        .order_by(Version.from_registered.desc(), Version.number.desc())
        .limit(1)
    ).first()
    if row is None or row.kind == "folder" or row.sender == envelope.delivery.sender:
        return verdict
    name = issued.unit(verdict.unit).name
    standing: Version = row[0]
    if standing.from_registered and not verdict.from_registered:
        return Verdict("triage", reason=f"未登记地址报来{name}的表，该单位联系人已报送，请核对以哪份为准。")
    if verdict.from_registered and not standing.from_registered:
        return verdict
    if _answers_for(envelope, standing) or not (found := _differences(envelope, issued, standing, form)):
        return verdict
    reason = f"{name}已由另一地址（{row.sender}）报送，两份数据不一致：{found}。请核对以哪份为准。"
    return Verdict("triage", reason=reason)


def _answers_for(envelope: Envelope, standing: Version) -> bool:
    """Whether this answers a letter that we wrote to the unit knowing the figures that stand."""
    letter = envelope.thread
    if letter is None or letter.unit != standing.unit or letter.kind in _ASKING_NOTHING_YET:
        return False
    return standing.checked_at is not None and standing.checked_at <= letter.queued_at


def _differences(envelope: Envelope, issued: IssuedCycle, standing: Version, form: FormReading) -> str:
    """The items whose content differs, as a sentence's part: 第6项 12→15; of a list the rows. Empty where all
    agree."""
    query = select(Value).where(Value.version_id == standing.id).order_by(Value.row, Value.id)
    rows = envelope.session.scalars(query).all()
    if issued.loaded.instruments[form.instrument].kind == "list":
        return differing_rows([_listed(rows), listed(form.rows)])
    held = {v.item: _text(v.number, v.raw) for v in rows}
    numbers = issued.loaded.instruments[form.instrument].numbers
    differing = [
        f"第{numbers[code]}项 {held.get(code) or '空'}→{now or '空'}"
        for code, item in form.items.items()
        if (now := _text(item.number, item.raw)) != held.get(code, "") and code in numbers
    ]
    more = f"等{len(differing)}项" if len(differing) > _NAMED else ""
    return "，".join(differing[:_NAMED]) + more


def _listed(values: Iterable[Value]) -> Listed:
    return listed(
        {value.item: value for value in row} for _, row in groupby(values, key=lambda value: value.row)
    )


def _text(number: Decimal | None, raw: str) -> str:
    return raw.strip() if number is None else canonical(number)
