"""A nil return (零报告) in one line: of which collection, where the unit is asked for several.

A line can only be about a collection that has opened: 无活动 before the event, in reply to the letter about
the summary, may as well mean the list that is due now. What is not certain waits for a person, and the clerk
is asked meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from huizong.definition.model import Collection
from huizong.intake.relevance import is_nil_return
from huizong.ledger.tables import Delivery
from huizong.mime.robots import own_words
from huizong.stages.envelope import Envelope
from huizong.stages.issued import IssuedCycle, log_event

WHICH = "来信称无可报，不能确定是哪个报送事项"
# What such a line says of whatever it is about.
_ANY = frozenset({"活动", "单位", "相关", "有关", "本期", "数据", "内容", "科普", "科技", "技活", "动周"})


@dataclass(frozen=True)
class NilLine:
    """What a line says: of `collection`; where that is None and `reason` is not empty, it is a question."""

    collection: Collection | None = None
    reason: str = ""

    @property
    def is_one(self) -> bool:
        return bool(self.collection or self.reason)


def nil_line(envelope: Envelope) -> NilLine:
    """What a registered unit's message says, where it states in a line that there is nothing to report."""
    issued, unit, mail = envelope.home_cycle, envelope.delivery.unit, envelope.mail
    if issued is None or unit is None or mail is None or not is_nil_return(mail):
        return NilLine()
    every = [c for c in envelope.collections_of(issued, unit) if c.nil == "reply"]
    about, said = _meant(envelope, issued, unit, every, own_words(mail.text))
    if said and not about:
        return NilLine()  # of a collection that takes no such line
    opened = [c for c in about if issued.schedule.opens(c) <= envelope.delivery.received_at]
    if len(opened) == 1 == len(about):
        return NilLine(opened[0])
    if not every:
        return NilLine()
    early = "".join(f"，“{named(c)}”尚未开始报送" for c in about if c not in opened)
    return NilLine(reason=f"{WHICH}（{'、'.join(map(named, every))}{early}），已去信询问，请操作员核实")


def _meant(
    envelope: Envelope, issued: IssuedCycle, unit: str, every: Sequence[Collection], words: str
) -> tuple[list[Collection], bool]:
    """The collections that the line may be about, and whether anything says so: its own words, else the
    letter that it answers. Nothing does: those that are open; where none is, all."""
    own = {c.code: _signs(c) for c in every}
    others = {code: set().union(*(s for k, s in own.items() if k != code)) for code in own}
    if told := [c for c in every if any(sign in words for sign in own[c.code] - others[c.code] - _ANY)]:
        return told, True
    if envelope.thread is not None and not _asks_which(envelope):
        letter = issued.loaded.cycle.collection(envelope.thread.collection or "")
        if letter is not None and issued.asks(letter, unit):
            return [c for c in every if c.code == letter.code], True
    moment = envelope.delivery.received_at
    return [c for c in every if issued.schedule.is_open(c, moment)] or list(every), False


def _signs(collection: Collection) -> set[str]:
    """Pairs of characters in what it is called: 备案 tells one list from the summary."""
    names = (collection.title, *(part.name for part in collection.required_parts))
    return {name[n : n + 2] for name in names for n in range(len(name) - 1)}


def _asks_which(envelope: Envelope) -> bool:
    """Whether the letter that is answered asked just this: then its own collection says nothing."""
    return bool(envelope.thread and envelope.thread.context.get("letter", {}).get("nil_matters"))


def named(collection: Collection) -> str:
    """A collection as a unit knows it."""
    return collection.title or collection.code


def nil_matters(issued: IssuedCycle, delivery: Delivery) -> tuple[str, ...]:
    """Which collections a clerk is asked to choose from; none where the line is clear."""
    if delivery.unit is None or not (delivery.reason or "").startswith(WHICH):
        return ()
    expecting = [c for c in issued.collections if issued.loaded.expects(c, delivery.unit)]
    return tuple(named(c) for c in expecting if c.nil == "reply")


def settle_questions(envelope: Envelope) -> None:
    """The unit has said which collection it means: what was asked of it before is answered."""
    delivery, clock = envelope.delivery, envelope.ctx.clock
    asked = envelope.session.scalars(
        select(Delivery).where(
            Delivery.cycle == delivery.cycle,
            Delivery.unit == delivery.unit,
            Delivery.disposition == "question",
            Delivery.reason.startswith(WHICH),
            Delivery.settled_at.is_(None),
        )
    )
    for earlier in asked:
        earlier.settled_at = clock.now()
        log_event(
            envelope.session, envelope.ctx, "closed", cycle=earlier.cycle, unit=earlier.unit,
            id=f"d{earlier.id}", by=delivery.sender, words="来信已写明报送事项",
        )  # fmt: skip
