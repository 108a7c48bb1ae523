"""One reply a delivery: what was taken, what was set aside and the remedy, findings, parts still missing.

A reply goes to the sender if it is registered or its mail carried a valid token, and to the registered
contact of a unit whose material somebody else handed in. Duplicates, automatic mail and what belongs to no
cycle get none; what waits for a person gets one where the unit can mend it itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from huizong.intake.relevance import NIL
from huizong.ledger.tables import Contact, Delivery, File, FindingRow, Version
from huizong.outbox.queue import Draft, queue_letter
from huizong.stages.answers import Answer, gather, replies_before, senders_of, to_answer
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.misdirected import redirected
from huizong.stages.nil import WHICH
from huizong.stages.standing import Standing, standings_now
from huizong.stages.telling import Telling, context_of

_AT_ONCE = 500  # deliveries answered in one transaction: other writers must not wait for thousands
ANSWERED = ("return", "set_aside", "link_pending", "subordinate", "restricted")
_Standings = Mapping[tuple[str, str], Standing]  # by collection and unit


def answer_all(ctx: Context, issued: IssuedCycle, as_of: datetime) -> int:
    """Queue a reply for every delivery of the cycle that is checked and unanswered; how many letters."""
    with ctx.ledger.read() as session:
        open_ = session.scalars(_unanswered(issued, Delivery.id)).all()
        earlier = replies_before(session, issued.code) if open_ else Counter()
    return sum(
        _answer_some(ctx, issued, open_[start : start + _AT_ONCE], earlier, as_of)
        for start in range(0, len(open_), _AT_ONCE)
    )


def _unanswered(issued: IssuedCycle, what: Any) -> Select[Any]:
    to_redo = (
        select(File.id)
        .where(
            File.delivery_id == Delivery.id,
            File.disposition == "triage",
            File.settled_at.is_(None),
            File.witnesses["ask"].as_string().is_not(None),
        )
        .exists()
    )
    keyed = select(Version.id).where(Version.delivery_id == Delivery.id).exists()
    return (
        select(what)
        .where(
            Delivery.cycle == issued.code,
            Delivery.processed_at.is_not(None),
            Delivery.answered_at.is_(None),
            or_(
                Delivery.disposition.in_(ANSWERED),
                and_(Delivery.disposition == "triage", or_(to_redo, keyed)),
                and_(Delivery.disposition == "question", Delivery.reason.startswith(WHICH)),
            ),
        )
        .order_by(Delivery.id)
    )


def _answer_some(
    ctx: Context, issued: IssuedCycle, ids: Sequence[int], earlier: Counter[int], as_of: datetime
) -> int:
    """One transaction: what is said of a unit is what the ledger holds while its letter is queued."""
    queued = 0
    with ctx.ledger.write() as session:
        deliveries = session.scalars(_unanswered(issued, Delivery).where(Delivery.id.in_(ids))).all()
        answers = gather(session, deliveries)
        standing = {
            (s.collection.code, s.unit.code): s
            for s in standings_now(session, issued, _units(issued, answers))
        }
        with session.no_autoflush:  # the letters go in together, at the end
            for answer in answers:
                if any(v.status == "pending" for v in answer.versions):
                    continue
                for reply in _drafts(ctx, session, issued, answer, standing, earlier, as_of):
                    letter = queue_letter(session, reply, salt=issued.loaded.digest, now=ctx.clock.now())
                    queued += letter is not None
                answer.delivery.answered_at = ctx.clock.now()
    return queued


def _units(issued: IssuedCycle, answers: Iterable[Answer]) -> frozenset[str]:
    """All units that these answers may speak of."""
    named: set[str | None] = set()
    for answer in answers:
        named |= senders_of(issued, answer.delivery)
        named |= {answer.delivery.unit, *(v.unit for v in answer.versions), *(f.unit for f in answer.files)}
    return frozenset(unit for unit in named if unit)


def _drafts(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    answer: Answer,
    standing: _Standings,
    replies: Counter[int],
    as_of: datetime,
) -> Iterator[Draft]:
    """One letter to each address that should hear of this delivery."""
    delivery, earlier = answer.delivery, replies[answer.delivery.id]
    if earlier and not answer.versions and delivery.reason != NIL:
        return  # driven again, and nothing new to say
    for told in _tellings(issued, answer, standing):
        context, channel = redirected(issued, told, context_of(session, issued, told, as_of))
        yield draft(
            ctx,
            issued,
            told.first.collection,
            told.first.unit,
            context,
            key=f"reply:{delivery.id}:{told.address}" + (f":{earlier}" if earlier else ""),
            address=told.address,
            channel=channel,
            in_reply_to=delivery.message_id,
            extra={"marked": ",".join(str(v) for v in told.marked)},
        )


def _tellings(issued: IssuedCycle, answer: Answer, standing: _Standings) -> Iterator[Telling]:
    """Who hears what: the sender of all that it sent, other units' contacts of what is theirs."""
    senders = senders_of(issued, answer.delivery)
    concerned = _concerned(answer, standing)
    told: set[str] = set()
    if to_sender := _to_sender(issued, answer, concerned, standing, senders):
        told.add(to_sender.address)
        yield to_sender
    for one in concerned:
        code = one.unit.code
        contact = next(iter(issued.contacts.get(code, ())), None)
        if code in senders or contact is None or contact.address in told:
            continue
        told.add(contact.address)
        about = [s for s in concerned if s.unit.code == code]
        brought = _brought(issued, answer.delivery, senders)
        yield Telling(
            answer.of(code), contact.address, contact, one, about, frozenset({code}), brought=brought
        )


def _concerned(answer: Answer, standing: _Standings) -> list[Standing]:
    """The units this delivery is about, the sender's own first."""
    delivery = answer.delivery
    keys = [(delivery.collection, delivery.unit)] if delivery.unit else []
    keys += [(v.collection, v.unit) for v in answer.versions]
    keys += [(f.collection, f.unit) for f in answer.files if f.unit]
    found = [standing[(c, u)] for c, u in dict.fromkeys(keys) if c and u and (c, u) in standing]
    # What the files are for decides, not the letter they came in answer to: a unit in two collections may
    # answer the other one's.
    mine = {(v.collection, v.unit) for v in answer.versions} | {(f.collection, f.unit) for f in answer.files}
    return [s for s in found if {(s.collection.code, s.unit.code), (None, s.unit.code)} & mine] or found


def _to_sender(
    issued: IssuedCycle,
    answer: Answer,
    concerned: list[Standing],
    standing: _Standings,
    senders: frozenset[str],
) -> Telling | None:
    """The letter to who sent it: in its own unit's name, even if nothing in it was its own. A stranger hears
    as the unit whose valid form it sent."""
    delivery = answer.delivery
    first = _own_standing(answer, concerned, standing, senders) if senders else next(iter(concerned), None)
    if first is None:
        return None
    address, contact = delivery.sender, None
    if delivery.kind == "folder":
        contact = next(iter(issued.contacts.get(first.unit.code, ())), None) if senders else None
        if contact is None:
            return None
        address = contact.address
    elif senders:
        found = (c for unit in sorted(senders) for c in issued.contacts.get(unit, ()) if c.address == address)
        contact = _of_unit(list(found), first.unit.code)
    elif not _vouched(answer) or address in issued.own_addresses:
        return None
    # A unit that has nobody to write to hears through whoever brought its form.
    mute = {s.unit.code for s in concerned if not senders or not issued.contacts.get(s.unit.code)}
    own = senders | mute
    return Telling(answer, address, contact, first, [s for s in concerned if s.unit.code in own], own)


def _own_standing(
    answer: Answer, concerned: list[Standing], standing: _Standings, senders: frozenset[str]
) -> Standing | None:
    """One of the sender's own units: one that this is about, else any that is asked for the same."""
    mine = [s for s in concerned if s.unit.code in senders]
    if not mine and (concerned or answer.to_redo or answer.delivery.disposition == "question"):
        asked = {s.collection.code for s in concerned}
        theirs = [s for s in standing.values() if s.unit.code in senders]
        mine = [s for s in theirs if s.collection.code in asked] or theirs
    return next(iter(mine), None)


def _of_unit(contacts: list[Contact], unit: str) -> Contact | None:
    """The unit's own, where one address is several units' contact."""
    return next((c for c in contacts if c.unit == unit), next(iter(contacts), None))


def _vouched(answer: Answer) -> bool:
    """Whether a stranger's mail bears a valid mark of a unit's."""
    return bool(answer.versions or answer.subordinates or any(f.unit for f in answer.to_redo))


def _brought(issued: IssuedCycle, delivery: Delivery, senders: frozenset[str]) -> str:
    """Who handed in what is another unit's: 由红旗区科学技术局报送; a folder of any other name: 转交."""
    if senders:
        return f"由{'、'.join(issued.unit(code).full_name for code in sorted(senders))}报送"
    return "转交" if delivery.kind == "folder" else f"由{delivery.sender}报送"


def findings_of(session: Session, version: Version) -> list[FindingRow]:
    """A version's findings that the unit has to answer (`answers.to_answer`)."""
    query = select(FindingRow).where(FindingRow.version_id == version.id)
    return to_answer(version, session.scalars(query.order_by(FindingRow.id)))
