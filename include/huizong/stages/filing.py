"""Filing one delivery: for each file whose it is, which part, and the version that it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.intake.blank import BLANK_COPY, without_blank_copies
from huizong.intake.parts import classify
from huizong.intake.recognise import Verdict, Witnesses, identify, units_named
from huizong.intake.relevance import mentions
from huizong.intake.twins import counted, disagreement
from huizong.ledger.tables import Delivery, File, Letter, Version
from huizong.mime.parse import ParsedMail
from huizong.readers.model import FileReading, FormReading
from huizong.stages.claims import Claim, claim_of, not_an_old_form
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.versions import add_version


@dataclass(frozen=True)
class Leaf:
    """A file as it came: its name, its store's name, its bytes."""

    name: str
    digest: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class _Judged:
    """One form of a file: what its marks say, who may be meant, and what follows."""

    claim: Claim
    witnesses: Witnesses
    verdict: Verdict


@dataclass(frozen=True)
class _Place:
    """Where a form belongs."""

    cycle: str
    collection: str
    unit: str
    part: Part


@dataclass
class Filing:
    """Works inside the caller's transaction; the readings are there already."""

    ctx: Context
    session: Session
    delivery: Delivery
    mail: ParsedMail | None
    cycles: list[IssuedCycle]
    _made: bool = field(default=False, init=False)  # something became a version

    # --- who sent it ---------------------------------------------------------------------------------

    @cached_property
    def thread(self) -> Letter | None:
        """Our letter that this message answers."""
        if self.mail is None:
            return None
        ids = [i for i in (self.mail.in_reply_to, *reversed(self.mail.references)) if i]
        letters = self.session.scalars(select(Letter).where(Letter.message_id.in_(ids))).all()
        return max(letters, key=lambda letter: letter.id, default=None)

    def senders_in(self, issued: IssuedCycle) -> frozenset[str]:
        """The units that this delivery's sender speaks for: a registered address, or a drop's name."""
        sender = self.delivery.sender
        if self.delivery.kind == "folder":
            return frozenset({sender}) if sender in issued.loaded.by_code else frozenset()
        return issued.units_by_address.get(sender, frozenset())

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

    def _follow(self, claims: Iterable[Claim]) -> None:
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
        collection = self._collection_for(self.home_cycle, unit) if self.home_cycle else None
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

    @property
    def sender_collection(self) -> Collection | None:
        """The collection that a message of words is about, where the sender is one unit."""
        if self.home_cycle is None or self.delivery.unit is None:
            return None
        return self._collection_for(self.home_cycle, self.delivery.unit)

    def words(self) -> Iterable[str]:
        """Words by which a stranger's mail betrays that it is about an open cycle."""
        for issued in self.cycles:
            cycle = issued.loaded.cycle
            yield cycle.title
            yield cycle.document_number
            yield from cycle.keywords
            yield from (i.title for i in issued.loaded.instruments.values())

    # --- filing --------------------------------------------------------------------------------------

    def file(self, leaves: list[Leaf], readings: dict[str, FileReading]) -> None:
        """Give each file, and the message itself, its disposition; make the versions."""
        readings = without_blank_copies(readings)
        claims = {
            digest: [claim_of(self.ctx, self.session, self.cycles, f) for f in reading.forms]
            for digest, reading in readings.items()
        }
        self._follow(claim for found in claims.values() for claim in found)
        known = self.place_sender()
        judged = self._judged(readings, claims)
        units = {j.verdict.unit for found in judged.values() for j in found if j.verdict.unit}
        files: list[File] = []
        for leaf in leaves:
            reading = readings[leaf.digest]
            if found := judged[leaf.digest]:
                files.append(self._file_forms(leaf, reading, found))
            else:
                files.append(self._file_other(leaf, reading, units, known))
        self._sum_up(files)

    def _judged(
        self, readings: dict[str, FileReading], claims: dict[str, list[Claim]]
    ) -> dict[str, list[_Judged]]:
        """File (by digest) → what each of its forms came to."""
        named = {claim.unit for found in claims.values() for claim in found}
        too = bool(self.senders & named)
        return {
            digest: [
                self._judge(form, claim, too)
                for form, claim in zip(reading.forms, claims[digest], strict=True)
            ]
            for digest, reading in readings.items()
        }

    def _judge(self, form: FormReading, claim: Claim, sender_reports_too: bool) -> _Judged:
        issued = claim.issued or self.home_cycle
        if issued is None:
            return _Judged(claim, Witnesses(), Verdict("triage", reason="不能确定属于哪项统计任务"))
        content = units_named(form.unit_text, issued.units_by_name)
        if claim.unit and claim.unit in content:
            content = frozenset()  # pre-filled: the file's own witness, not a second one
        witnesses = Witnesses(claim.unit, claim.problem, self.senders_in(issued), content)
        verdict = identify(
            witnesses,
            {u.code: u.name for u in issued.loaded.units},
            sender_reports_too=sender_reports_too,
        )
        verdict = not_an_old_form(issued, form, claim, verdict)
        return _Judged(claim, witnesses, self._not_over_the_registered(issued, claim, verdict))

    def _not_over_the_registered(self, issued: IssuedCycle, claim: Claim, verdict: Verdict) -> Verdict:
        """A stranger's form with a valid token waits where one from a registered contact counts already."""
        if verdict.disposition != "return" or verdict.from_registered or self.delivery.kind == "folder":
            return verdict
        counted = self.session.scalars(
            select(Version.id).where(
                Version.cycle == issued.code,
                Version.collection == claim.collection,
                Version.unit == verdict.unit,
                Version.instrument.is_not(None),
                Version.from_registered.is_(True),
                Version.status.in_(("pending", "accepted", "accepted_with_queries")),
            )
        ).first()
        if counted is None:
            return verdict
        name = issued.unit(verdict.unit or "").name
        return Verdict("triage", reason=f"未登记地址报来{name}的表，该单位联系人已报送，请核对以哪份为准。")

    def _file_forms(self, leaf: Leaf, reading: FileReading, found: list[_Judged]) -> File:
        """A file waits while one of its forms does; the others are taken all the same."""
        file = self._new_file(leaf, reading)
        waiting = [j for j in found if j.verdict.disposition == "triage"]
        file.disposition = "triage" if waiting else "return"
        file.reason = "；".join(dict.fromkeys(j.verdict.reason for j in found if j.verdict.reason))
        file.witnesses = {
            "units": sorted({*chain.from_iterable(j.witnesses.units for j in waiting), *self._asked()}),
            "forms": [j.witnesses.as_data() for j in found],
        }
        file.cycle = self.home_cycle.code if self.home_cycle else None
        made: list[Version | None] = []
        for place, forms in self._by_place(file, reading, found).items():
            if problem := disagreement(forms.values()):
                _wait(file, place.unit, problem)
                continue
            n = counted(forms)
            _place(file, place.cycle, place.collection, place.unit, place.part.code)
            made.append(
                add_version(self.session, self.delivery, file, place.part, n, forms[n], found[n].verdict)
            )
        self._made |= any(version is not None for version in made)
        if file.disposition == "return" and not any(made):
            file.disposition, file.reason = "duplicate", "与此前来件内容相同，不重复登记"
        return file

    def _by_place(
        self, file: File, reading: FileReading, found: list[_Judged]
    ) -> dict[_Place, dict[int, FormReading]]:
        """The forms that are somebody's return, by where they belong and their number in the file."""
        places: dict[_Place, dict[int, FormReading]] = {}
        for n, (form, judged) in enumerate(zip(reading.forms, found, strict=True)):
            claim, unit = judged.claim, judged.verdict.unit
            issued = claim.issued or self.home_cycle
            if judged.verdict.disposition == "triage" or issued is None or unit is None:
                continue
            collection = self._collection_of(issued, claim, unit, form.instrument)
            part = _part_of(collection, form.instrument) if collection else None
            if collection is None or part is None:
                _wait(file, unit, "该单位没有需要填报此表的报送事项")
            else:
                places.setdefault(_Place(issued.code, collection.code, unit, part), {})[n] = form
        return places

    def _file_other(self, leaf: Leaf, reading: FileReading, units: set[str], known: bool) -> File:
        """A file without a form: set aside, a part of the unit the delivery is from, or a question."""
        file = self._new_file(leaf, reading)
        issued = self.home_cycle
        unit = self._unit_of_other(leaf, units)
        if issued is None or not (known or units):
            return self._file_strangers(file)
        file.witnesses = {"units": [unit] if unit else sorted(self.senders_in(issued) | units)}
        collection = self._collection_for(issued, unit) if unit else None
        if unit and collection:
            _place(file, issued.code, collection.code, unit, None)
        if reading.reason == BLANK_COPY:
            file.disposition, file.reason = "other", BLANK_COPY
            return file
        if reading.disposition == "set_aside":
            file.disposition, file.reason = "set_aside", reading.reason
            return file
        part = classify(leaf.name, reading, collection.parts) if collection else None
        if unit is None or part is None:
            file.disposition = "triage"
            file.reason = "不能确定是哪一项材料" if unit else "不能确定是哪家单位的材料"
            return file
        file.disposition, file.part = "return", part.code
        verdict = Verdict("return", unit, from_registered=unit in self.senders_in(issued))
        if add_version(self.session, self.delivery, file, part, 0, None, verdict) is None:
            file.disposition, file.reason = "duplicate", "与此前来件内容相同，不重复登记"
        else:
            self._made = True
        return file

    def _file_strangers(self, file: File) -> File:
        """A file without a form from an address that nobody registered."""
        if self.delivery.kind == "folder" or (self.home_cycle is not None and self._is_related()):
            file.disposition, file.reason = "triage", "发件地址未登记"
            file.cycle = self.home_cycle.code if self.home_cycle else None
            file.witnesses = {"units": sorted(self._asked())}
        else:
            file.disposition, file.reason = "other", "与本任务无关"
        return file

    def _asked(self) -> frozenset[str]:
        """Whom our letter asked that a stranger answers: a colleague, or the clerk's own mailbox."""
        return frozenset({self.thread_unit} if self.thread_unit and not self.senders else ())

    def _unit_of_other(self, leaf: Leaf, units: set[str]) -> str | None:
        """Whose a file without a form is: by its file name, else the sender's, else the forms'."""
        issued = self.home_cycle
        if issued is None:
            return None
        senders = self.senders_in(issued)
        candidates = senders | units
        named = [u for u in candidates if any(name in leaf.name for name in issued.unit(u).names)]
        for choice in (named, sorted(senders), sorted(units)):
            if len(choice) == 1:
                return choice[0]
        return None

    def _is_related(self) -> bool:
        return self.thread is not None or (self.mail is not None and mentions(self.mail, self.words()))

    def _new_file(self, leaf: Leaf, reading: FileReading) -> File:
        file = File(
            delivery_id=self.delivery.id,
            name=leaf.name[:255],
            digest=leaf.digest,
            size=len(leaf.data),
            kind=reading.kind,
            disposition="triage",
            reason="",
            witnesses={},
            reading=reading.model_dump_json(exclude_defaults=True),
        )
        self.session.add(file)
        self.session.flush()
        return file

    def _collection_for(self, issued: IssuedCycle, unit: str) -> Collection | None:
        """The collection that a unit's mail through this channel is for: the thread's, else the only one."""
        if self.thread is not None and self.thread.cycle == issued.code and self.thread.collection:
            found = issued.loaded.cycle.collection(self.thread.collection)
            if found and issued.loaded.expects(found, unit):
                return found
        through = [
            c
            for c in issued.collections
            if (self.delivery.kind == "folder" or c.channel == self.delivery.channel)
            and issued.loaded.expects(c, unit)
        ]
        return through[0] if len(through) == 1 else None

    def _collection_of(
        self, issued: IssuedCycle, claim: Claim, unit: str, instrument: str
    ) -> Collection | None:
        if claim.collection:
            return issued.loaded.cycle.collection(claim.collection)
        asking = [c for c in issued.collections if _part_of(c, instrument) and issued.loaded.expects(c, unit)]
        return asking[0] if len(asking) == 1 else self._collection_for(issued, unit)

    def _sum_up(self, files: list[File]) -> None:
        """The message's own disposition: the weightiest of its files'."""
        weight = ("return", "set_aside", "triage", "duplicate", "other")
        found = {f.disposition for f in files} | ({"return"} if self._made else set())
        self.delivery.disposition = next((d for d in weight if d in found), "other")
        self.delivery.reason = "；".join(dict.fromkeys(f.reason for f in files if f.reason))[:1000]
        for f in files:
            if f.cycle and not self.delivery.cycle:
                self.delivery.cycle, self.delivery.collection = f.cycle, f.collection


def _part_of(collection: Collection, instrument: str) -> Part | None:
    return next((p for p in collection.parts if p.instrument == instrument), None)


def _wait(file: File, unit: str, reason: str) -> None:
    """A person must look at it; until then nothing is asked of the unit."""
    file.disposition = "triage"
    file.reason = "；".join(dict.fromkeys(filter(None, (file.reason, reason))))
    file.witnesses = file.witnesses | {"units": sorted({*file.witnesses["units"], unit})}


def _place(file: File, cycle: str, collection: str, unit: str, part: str | None) -> None:
    file.cycle, file.collection, file.unit, file.part = cycle, collection, unit, part
