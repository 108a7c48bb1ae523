"""Who sent a delivery, and what it is about as far as the outside tells: address, thread, channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.intake.recognise import units_named
from huizong.intake.relevance import mentions
from huizong.ledger.tables import Delivery, Letter, Version
from huizong.mime.parse import ParsedMail
from huizong.stages.claims import Claim
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle


@dataclass
class Envelope:
    """Works inside the caller's transaction."""

    ctx: Context
    session: Session
    delivery: Delivery
    mail: ParsedMail | None
    cycles: list[IssuedCycle]

    @cached_property
    def thread(self) -> Letter | None:
        """Our letter that this message answers."""
        if self.mail is None:
            return None
        ids = [i for i in (self.mail.in_reply_to, *reversed(self.mail.references)) if i]
        if not ids:
            return None
        letters = self.session.scalars(select(Letter).where(Letter.message_id.in_(ids))).all()
        return max(letters, key=lambda letter: letter.id, default=None)

    @property
    def by_folder(self) -> bool:
        """Whether somebody of the office laid it into a folder: its sender is no address."""
        return self.delivery.kind == "folder"

    def senders_in(self, issued: IssuedCycle) -> frozenset[str]:
        """The units that this delivery's sender speaks for: a registered address, or a drop's name."""
        sender = self.delivery.sender
        if not self.by_folder:
            return issued.units_by_address.get(sender, frozenset())
        if sender in issued.loaded.by_code:
            return frozenset({sender})
        named = units_named(sender, issued.units_by_name) if self._is_channel_of(issued) else frozenset()
        return named if len(named) == 1 else frozenset()

    def _is_channel_of(self, issued: IssuedCycle) -> bool:
        """Whether it came by a channel of the cycle: there a subfolder is named after who fills it."""
        return self.delivery.channel in issued.loaded.cycle.channels

    @cached_property
    def home_cycle(self) -> IssuedCycle | None:
        """The cycle this is about as far as the envelope tells: the thread's, else the sender's newest."""
        if self.thread is not None:
            for issued in self.cycles:
                if issued.code == self.thread.cycle:
                    return issued
        known = [issued for issued in self.cycles if self.senders_in(issued)]
        if known:
            return known[-1]
        return self.cycles[-1] if len(self.cycles) == 1 else None

    def follow(self, claims: Iterable[Claim]) -> None:
        """The forms inside know the cycle better than the envelope, if they agree."""
        told = {c.issued.code: c.issued for c in claims if c.issued}
        if len(told) == 1:
            self.home_cycle = next(iter(told.values()))

    @property
    def senders(self) -> frozenset[str]:
        """The units that the sender speaks for."""
        return self.senders_in(self.home_cycle) if self.home_cycle else frozenset()

    @property
    def thread_unit(self) -> str | None:
        """The unit to which the letter went that this message answers."""
        letter, issued = self.thread, self.home_cycle
        return letter.unit if letter and issued and letter.cycle == issued.code else None

    def asked(self) -> frozenset[str]:
        """Whom our letter asked that a stranger answers: a colleague, or the clerk's own mailbox."""
        return frozenset({self.thread_unit} if self.thread_unit and not self.senders else ())

    def place_sender(self) -> bool:
        """Note the sender's unit on the delivery; False for a stranger."""
        issued = self.home_cycle
        senders = self.senders_in(issued) if issued else frozenset()
        if issued is None or not senders:
            return False
        self.delivery.cycle = issued.code
        if len(senders) == 1:
            self.place_unit(next(iter(senders)))
        return True

    def place_unit(self, unit: str) -> None:
        """Note whose words these are."""
        collection = self.collection_for(self.home_cycle, unit) if self.home_cycle else None
        self.delivery.unit = unit
        self.delivery.collection = collection.code if collection else None

    def has_reported(self) -> bool:
        """Whether the unit that writes has sent figures before, whatever became of them."""
        query = select(Version.id).where(
            Version.cycle == self.delivery.cycle,
            Version.collection == self.delivery.collection,
            Version.unit == self.delivery.unit,
            Version.instrument.is_not(None),
        )
        return self.session.scalars(query).first() is not None

    def collection_for(self, issued: IssuedCycle, unit: str) -> Collection | None:
        """The collection that a unit's delivery is for, as far as the envelope tells: the thread's, else the
        only one through this channel, else the only one of these that is open."""
        if thread := self._thread_collection(issued, unit):
            return thread
        every = self.collections_of(issued, unit)
        through = self._through(issued, every) or every
        for group in (through, self._open(issued, through)):
            if len(group) == 1:
                return group[0]
        return None

    def collection_of(
        self, issued: IssuedCycle, claim: Claim, unit: str, instrument: str
    ) -> Collection | None:
        """The collection that a unit's form answers: the token's, else the only one that asks for it."""
        if claim.collection:
            return issued.loaded.cycle.collection(claim.collection)
        asking = [c for c in self.collections_of(issued, unit) if part_of(c, instrument)]
        asking = asking or [c for c in issued.collections if c.voluntary and part_of(c, instrument)]
        return asking[0] if len(asking) == 1 else self.collection_for(issued, unit)

    def collections_of(self, issued: IssuedCycle, unit: str) -> list[Collection]:
        """The collections that expect the unit; where none does, those that take anybody's returns."""
        expecting = [c for c in issued.collections if issued.loaded.expects(c, unit)]
        return expecting or [c for c in issued.collections if c.voluntary]

    def preferred(self, issued: IssuedCycle, unit: str) -> Iterator[list[Collection]]:
        """The unit's collections in the order in which a file of its may belong to them, the likeliest first:
        the thread's, those through this channel that are open, all through it, any."""
        every = self.collections_of(issued, unit)
        thread, through = self._thread_collection(issued, unit), self._through(issued, every)
        yield [thread] if thread else []
        yield self._open(issued, through)
        yield through
        yield every

    def _thread_collection(self, issued: IssuedCycle, unit: str) -> Collection | None:
        """The collection of the letter that this answers, where it is one of the unit's."""
        if self.thread is None or self.thread.cycle != issued.code or not self.thread.collection:
            return None
        found = issued.loaded.cycle.collection(self.thread.collection)
        return found if found and issued.asks(found, unit) else None

    def _through(self, issued: IssuedCycle, collections: Iterable[Collection]) -> list[Collection]:
        own = self._is_channel_of(issued)  # a folder that a person names is a way to all of them
        return [c for c in collections if c.channel == self.delivery.channel or not own]

    def _open(self, issued: IssuedCycle, collections: Iterable[Collection]) -> list[Collection]:
        moment = self.delivery.received_at
        return [c for c in collections if issued.schedule.is_open(c, moment)]

    def words(self) -> Iterable[str]:
        """Words by which a stranger's mail betrays that it is about an open cycle."""
        for issued in self.cycles:
            cycle = issued.loaded.cycle
            yield cycle.title
            yield cycle.document_number
            yield from cycle.keywords
            yield from (i.title for i in issued.loaded.instruments.values())

    def is_related(self) -> bool:
        """Whether a stranger's message has to do with an open cycle."""
        return self.thread is not None or (self.mail is not None and mentions(self.mail, self.words()))


def part_of(collection: Collection, instrument: str) -> Part | None:
    """The part that is reported on this form."""
    return next((p for p in collection.parts if p.instrument == instrument), None)


def scan_of(collection: Collection, form: Part | None) -> Part | None:
    """The part that is the stamped copy of a form, where one is asked for."""
    scans = [p for p in collection.parts if p.kind == "scan"]
    return next((p for p in scans if form and p.of == form.code), scans[0] if len(scans) == 1 else None)
