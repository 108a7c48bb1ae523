"""Filing one delivery: for each file whose it is, which part, and the version that it makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.instruments.token import TokenError
from huizong.intake.parts import classify
from huizong.intake.recognise import Verdict, Witnesses, identify, units_named
from huizong.intake.relevance import mentions
from huizong.ledger.tables import Delivery, File, FormIssue, Letter, Version
from huizong.mime.parse import ParsedMail
from huizong.readers.model import FileReading, FormReading
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.versions import add_version

BLANK_COPY = "空白表样，未登记"


@dataclass(frozen=True)
class Leaf:
    """A file as it came: its name, its store's name, its bytes."""

    name: str
    digest: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class _Claim:
    """What one form's own marks say."""

    issued: IssuedCycle | None = None
    collection: str | None = None
    unit: str | None = None
    problem: str = ""


@dataclass
class Filing:
    """Works inside the caller's transaction; the readings are there already."""

    ctx: Context
    session: Session
    delivery: Delivery
    mail: ParsedMail | None
    cycles: list[IssuedCycle]

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

    def _follow(self, claims: Iterable[_Claim]) -> None:
        """Where the envelope tells no cycle, the forms inside do, if they agree."""
        told = {c.issued.code: c.issued for c in claims if c.issued}
        if self.home_cycle is None and len(told) == 1:
            self.__dict__["home_cycle"] = next(iter(told.values()))

    def place_sender(self) -> bool:
        """Note the sender's unit on the delivery; False for a stranger."""
        issued = self.home_cycle
        senders = self.senders_in(issued) if issued else frozenset()
        if issued is None or not senders:
            return False
        self.delivery.cycle = issued.code
        if len(senders) == 1:
            unit = next(iter(senders))
            self.delivery.unit = unit
            collection = self._collection_for(issued, unit)
            self.delivery.collection = collection.code if collection else None
        return True

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
        known = self.place_sender()
        readings = _without_blank_copies(readings)
        verdicts = self._verdicts([readings[leaf.digest] for leaf in leaves])
        units = {v.unit for found in verdicts.values() for _, v in found if v.unit}
        files: list[File] = []
        for leaf in leaves:
            reading = readings[leaf.digest]
            if found := verdicts.get(id(reading)):
                files.append(self._file_forms(leaf, reading, found))
            else:
                files.append(self._file_other(leaf, reading, units, known))
        self._sum_up(files)

    def _verdicts(self, readings: list[FileReading]) -> dict[int, list[tuple[_Claim, Verdict]]]:
        """Reading (by id) → what each of its forms came to."""
        claims = {id(r): [(f, self._claim(f)) for f in r.forms] for r in readings if r.forms}
        every = [claim for found in claims.values() for _, claim in found]
        self._follow(every)
        named = {c.unit for c in every if c.unit}
        home = self.home_cycle
        senders = self.senders_in(home) if home else frozenset()
        too = bool(senders & named)
        return {
            key: [(claim, self._verdict(form, claim, too)) for form, claim in found]
            for key, found in claims.items()
        }

    def _claim(self, form: FormReading) -> _Claim:
        """What token and form number say. The number stands in where there is no token."""
        if form.token:
            try:
                claims = self.ctx.token_keys.verify(form.token)
            except TokenError as e:
                return _Claim(problem=e.kind)
            return self._claim_in(claims.cycle, claims.collection, claims.unit)
        if form.form_number:
            issue = self.session.scalars(
                select(FormIssue).where(FormIssue.form_number == form.form_number)
            ).first()
            if issue is not None:
                return self._claim_in(issue.cycle, issue.collection, issue.unit)
        return _Claim()

    def _claim_in(self, cycle: str, collection: str, unit: str) -> _Claim:
        for issued in self.cycles:
            known = issued.code == cycle and issued.loaded.cycle.collection(collection)
            if known and unit in issued.loaded.by_code:
                return _Claim(issued, collection, unit)
        return _Claim(problem="other_cycle")

    def _verdict(self, form: FormReading, claim: _Claim, sender_reports_too: bool) -> Verdict:
        issued = claim.issued or self.home_cycle
        if issued is None:
            return Verdict("triage", reason="不能确定属于哪项统计任务")
        names = {u.code: u.names for u in issued.loaded.units}
        content = units_named(form.unit_text, names)
        if claim.unit and claim.unit in content:
            content = frozenset()  # pre-filled: the file's own witness, not a second one
        witnesses = Witnesses(claim.unit, claim.problem, self.senders_in(issued), content)
        verdict = identify(
            witnesses,
            {u.code: u.name for u in issued.loaded.units},
            sender_reports_too=sender_reports_too,
        )
        return self._not_over_the_registered(issued, claim, verdict)

    def _not_over_the_registered(self, issued: IssuedCycle, claim: _Claim, verdict: Verdict) -> Verdict:
        """A stranger's form with a valid token waits where one from a registered contact counts already."""
        if verdict.disposition != "return" or verdict.from_registered or self.delivery.kind == "folder":
            return verdict
        counted = self.session.scalars(
            select(Version.id).where(
                Version.cycle == issued.code,
                Version.collection == claim.collection,
                Version.unit == verdict.unit,
                Version.from_registered.is_(True),
                Version.status.in_(("pending", "accepted", "accepted_with_queries")),
            )
        ).first()
        if counted is None:
            return verdict
        name = issued.unit(verdict.unit or "").name
        return Verdict("triage", reason=f"未登记地址报来{name}的表，该单位联系人已报送，请核对以哪份为准。")

    def _file_forms(self, leaf: Leaf, reading: FileReading, found: list[tuple[_Claim, Verdict]]) -> File:
        taken = [(n, c, v) for n, (c, v) in enumerate(found) if v.disposition == "return"]
        file = self._new_file(leaf, reading)
        reasons = [v.reason for _, v in found if v.reason]
        file.disposition = "return" if taken else "triage"
        file.reason = "；".join(dict.fromkeys(reasons))
        file.witnesses = {"forms": [{"unit": v.unit, "problem": c.problem} for c, v in found]}
        made: list[Version | None] = []
        for n, claim, verdict in taken:
            issued = claim.issued or self.home_cycle
            if issued is None or verdict.unit is None:
                continue
            collection = self._collection_of(issued, claim, verdict.unit, reading.forms[n].instrument)
            part = _part_of(collection, reading.forms[n].instrument) if collection else None
            if collection is None or part is None:
                file.disposition, file.reason = "triage", "该单位没有需要填报此表的报送事项"
                continue
            _place(file, issued.code, collection.code, verdict.unit, part.code)
            made.append(add_version(self.session, self.delivery, file, part, n, reading.forms[n], verdict))
        if made and all(version is None for version in made):
            file.disposition, file.reason = "duplicate", "与此前来件内容相同，不重复登记"
        return file

    def _file_other(self, leaf: Leaf, reading: FileReading, units: set[str], known: bool) -> File:
        """A file without a form: set aside, a part of the unit the delivery is from, or a question."""
        file = self._new_file(leaf, reading)
        issued = self.home_cycle
        unit = self._unit_of_other(leaf, units)
        if issued is None or not (known or units or unit):
            related = issued is not None and self.mail is not None and self._is_related()
            folder = self.delivery.kind == "folder"
            file.disposition = "triage" if related or folder else "other"
            file.reason = "发件地址未登记" if related or folder else "与本任务无关"
            return file
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
        return file

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
        return self.mail is not None and mentions(self.mail, self.words())

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
            if found and unit in {u.code for u in issued.loaded.frame(found)}:
                return found
        through = [
            c
            for c in issued.collections
            if (self.delivery.kind == "folder" or c.channel == self.delivery.channel)
            and unit in {u.code for u in issued.loaded.frame(c)}
        ]
        return through[0] if len(through) == 1 else None

    def _collection_of(
        self, issued: IssuedCycle, claim: _Claim, unit: str, instrument: str
    ) -> Collection | None:
        if claim.collection:
            return issued.loaded.cycle.collection(claim.collection)
        asking = [c for c in issued.collections if _part_of(c, instrument)]
        asking = [c for c in asking if unit in {u.code for u in issued.loaded.frame(c)}]
        return asking[0] if len(asking) == 1 else self._collection_for(issued, unit)

    def _sum_up(self, files: list[File]) -> None:
        """The message's own disposition: the weightiest of its files'."""
        weight = ("return", "triage", "set_aside", "duplicate", "other")
        found = {f.disposition for f in files}
        self.delivery.disposition = next((d for d in weight if d in found), "other")
        self.delivery.reason = "；".join(dict.fromkeys(f.reason for f in files if f.reason))[:1000]
        for f in files:
            if f.cycle and not self.delivery.cycle:
                self.delivery.cycle, self.delivery.collection = f.cycle, f.collection


def _without_blank_copies(readings: dict[str, FileReading]) -> dict[str, FileReading]:
    """Clerks answer a notice with its attachments: beside a filled form the untouched one says nothing."""
    if not any(_is_filled(form) for reading in readings.values() for form in reading.forms):
        return readings
    return {
        digest: reading.model_copy(update={"forms": (), "disposition": "set_aside", "reason": BLANK_COPY})
        if reading.forms and not any(_is_filled(form) for form in reading.forms)
        else reading
        for digest, reading in readings.items()
    }


def _is_filled(form: FormReading) -> bool:
    return any(item.state != "blank" for item in form.items.values())


def _part_of(collection: Collection, instrument: str) -> Part | None:
    return next((p for p in collection.parts if p.instrument == instrument), None)


def _place(file: File, cycle: str, collection: str, unit: str, part: str | None) -> None:
    file.cycle, file.collection, file.unit, file.part = cycle, collection, unit, part
