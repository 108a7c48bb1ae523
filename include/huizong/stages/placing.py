"""From judged forms to versions: which collection and part each belongs to, and which of them may count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import select

from huizong.definition.model import Collection, Part
from huizong.intake.parts import classify, scan_notes
from huizong.intake.twins import Dispute, Twin, counted, dispute
from huizong.ledger.tables import File, Version
from huizong.readers.model import FileReading, FormReading
from huizong.stages.envelope import Envelope, part_of, scan_of
from huizong.stages.judging import PRINTS, Judged
from huizong.stages.versions import add_version

NO_COLLECTION = "该单位没有需要填报此表的报送事项"
DUPLICATE = "与此前来件内容相同，不重复登记"
SAME_FIGURES = "与同一来件中另一份表数据相同，不重复登记"
SAME_PRINT = "与电子表数据一致的版式文件，未另行登记"
ONLY_PICTURE = "报来的是统计表的图片，请核对归属，并请单位同时报送电子表（xlsx）"


@dataclass(frozen=True)
class Place:
    """Where a form belongs; told apart by its codes."""

    cycle: str
    code: str  # the collection's
    unit: str
    instrument: str
    collection: Collection = field(compare=False)
    part: Part = field(compare=False)


@dataclass(frozen=True)
class Brought:
    """A form that a delivery brought, and the file that it stands in."""

    digest: str
    twin: Twin
    printed: bool

    @property
    def form(self) -> FormReading:
        return self.twin.form


Delivered = Mapping[Place, Sequence[Brought]]


def delivered_forms(
    envelope: Envelope,
    names: Mapping[str, str],
    readings: Mapping[str, FileReading],
    judged: Mapping[str, Sequence[Judged]],
) -> Delivered:
    """The delivery's exact forms by whose returns they are, in its files' order; before them, where it is
    driven again, those that were taken of it already.

    Args:
        names: file's digest → its name, in the delivery's order; so are `readings` and `judged` keyed.
    """
    found: dict[Place, list[Brought]] = {}
    if envelope.delivery.disposition:
        for held, brought in _taken_before(envelope):
            found.setdefault(held, []).append(brought)
    exact = [digest for digest in names if digest in readings and readings[digest].forms]
    for digest, one in ((d, j) for d in exact for j in judged[d]):
        place = _place_of(envelope, one, one.verdict.unit)
        if place and one.verdict.disposition == "return":
            brought = Brought(digest, Twin(names[digest], one.form), readings[digest].kind in PRINTS)
            found.setdefault(place, []).append(brought)
    return found


def _taken_before(envelope: Envelope) -> Iterable[tuple[Place, Brought]]:
    cycles = {issued.code: issued for issued in envelope.cycles}
    rows = envelope.session.execute(
        select(Version, File)
        .join(File, Version.file_id == File.id)
        .where(Version.delivery_id == envelope.delivery.id, Version.instrument.is_not(None))
        .order_by(Version.id)
    )
    for version, file in rows:
        forms = FileReading.model_validate_json(file.reading or "{}").forms
        if version.cycle in cycles and version.form < len(forms):
            form = forms[version.form]
            collection = cycles[version.cycle].collection(version.collection)
            if part := part_of(collection, form.instrument):
                place = Place(version.cycle, collection.code, version.unit, form.instrument, collection, part)
                yield place, Brought(file.digest, Twin(file.name, form), file.kind in PRINTS)


def _place_of(envelope: Envelope, judged: Judged, unit: str | None) -> Place | None:
    """Where the form belongs if it is this unit's; None where nothing of the unit's asks for it."""
    issued, instrument = judged.issued, judged.form.instrument
    if unit is None or issued is None:
        return None
    collection = envelope.collection_of(issued, judged.claim, unit, instrument)
    part = part_of(collection, instrument) if collection else None
    if collection is None or part is None:
        return None
    return Place(issued.code, collection.code, unit, instrument, collection, part)


@dataclass
class Placing:
    """Files one file that holds forms, or on whose picture one was recognised."""

    envelope: Envelope
    file: File
    reading: FileReading
    found: Sequence[Judged]
    delivered: Delivered
    # What a unit can settle by sending one form; no place: which of the sender's units is the question.
    _asks: dict[Place | None, str] = field(default_factory=dict)
    _counts_beside: bool = False  # a form of it is counted by another file of the delivery
    _needs_us: bool = False  # something else of it waits for a person

    def place(self) -> bool:
        """Make the file's versions; whether there are any. A file waits while one of its forms does; the
        others are taken all the same."""
        file = self.file
        note_witnesses(self.envelope, file, self.found)
        made = list(chain.from_iterable(self._take(p, forms) for p, forms in self._by_place().items()))
        if file.disposition == "return" and made and not any(made):
            file.disposition = "duplicate"
            file.reason = SAME_FIGURES if self._counts_beside else DUPLICATE
        self._ask()
        return any(made)

    def _by_place(self) -> dict[Place, dict[int, Judged]]:
        """The forms that are somebody's, by where they belong and their number in the file."""
        places: dict[Place, dict[int, Judged]] = {}
        for n, judged in enumerate(self.found):
            unit = judged.verdict.unit
            if judged.waits:
                self._may_ask(judged)
                continue
            if judged.issued is None or unit is None:
                continue
            place = _place_of(self.envelope, judged, unit)
            if place is None:
                self._wait(unit, NO_COLLECTION)
                continue
            self._put(place)
            if judged.verdict.disposition == "return":
                places.setdefault(place, {})[n] = judged
        return places

    def _take(self, place: Place, forms: dict[int, Judged]) -> list[Version | None]:
        if not self.reading.forms:
            return self._take_picture(place, forms)
        if place.part.appends:
            return [self._add(place, place.part, n, judged, judged.form) for n, judged in forms.items()]
        if problem := self._dispute(place, [Twin(self.file.name, j.form) for j in forms.values()]):
            return self._dispute_over(place, problem)
        n = counted({n: j.form for n, j in forms.items()})
        scan = scan_of(place.collection, place.part)
        printed = self.reading.kind in PRINTS
        if printed and (beside := self._editable(place)):
            if scan is not None:
                return [self._add_scan(place, scan, n, forms[n])]
            return self._print_beside(place, forms[n].form, beside)
        rivals = [b for b in self.delivered[place] if b.printed == printed]
        if problem := self._dispute(place, [b.twin for b in rivals]):
            return self._dispute_over(place, problem)
        made = [self._add_form(place, n, forms[n], rivals)]
        if scan is not None and printed and self.reading.stamp:
            made.append(self._add_scan(place, scan, n, forms[n]))
        if made[0] is not None:
            self._put(place)
        return made

    def _add_form(self, place: Place, n: int, judged: Judged, rivals: Sequence[Brought]) -> Version | None:
        """The form's version; None where it counts by another file of the delivery, or came before."""
        first = rivals[counted({k: b.form for k, b in enumerate(rivals)})]
        if first.digest == self.file.digest:
            return self._add(place, place.part, n, judged, judged.form)
        self._counts_beside = True
        return None

    def _take_picture(self, place: Place, forms: dict[int, Judged]) -> list[Version | None]:
        """A picture of the form is its stamped copy, never its figures."""
        scan = classify(self.file.name, self.reading, place.collection.parts)
        if scan is None:
            self._wait(place.unit, ONLY_PICTURE)
            return []
        n = min(forms)
        return [self._add_scan(place, scan, n, forms[n])]

    def _print_beside(self, place: Place, form: FormReading, beside: FormReading) -> list[Version | None]:
        if self._dispute(place, [Twin("", form), Twin("", beside)]):
            self._wait(place.unit, "版式文件与电子表数据不一致，请核对以哪一份为准")
        elif self.file.disposition == "return":
            self.file.disposition, self.file.reason = "other", SAME_PRINT
        return []

    def _editable(self, place: Place) -> FormReading | None:
        """The form that can be edited of this unit: beside it in the delivery, else the newest held."""
        if beside := [b.form for b in self.delivered[place] if not b.printed]:
            return beside[counted(dict(enumerate(beside)))]
        row = self.envelope.session.execute(
            select(File.reading, Version.form)
            .join(Version, Version.file_id == File.id)
            .where(
                Version.cycle == place.cycle,
                Version.collection == place.collection.code,
                Version.unit == place.unit,
                Version.instrument == place.instrument,
                File.kind.not_in(PRINTS),
            )
            .order_by(Version.number.desc())
            .limit(1)
        ).first()
        if row is None:
            return None
        forms = FileReading.model_validate_json(row.reading or "{}").forms
        return forms[row.form] if row.form < len(forms) else None

    def _add_scan(self, place: Place, scan: Part, n: int, judged: Judged) -> Version | None:
        note(self.file, scan_notes(self.reading))
        return self._add(place, scan, n, judged, None)

    def _add(
        self, place: Place, part: Part, n: int, judged: Judged, form: FormReading | None
    ) -> Version | None:
        self._put(place, part)
        envelope = self.envelope
        return add_version(envelope.session, envelope.delivery, self.file, part, n, form, judged.verdict)

    def _put(self, place: Place, part: Part | None = None) -> None:
        put(self.file, place.cycle, place.code, place.unit, (part or place.part).code)

    # --- what waits -----------------------------------------------------------------------------------

    def _dispute(self, place: Place, twins: Sequence[Twin]) -> Dispute | None:
        issued = next(j.issued for j in self.found if j.issued and j.issued.code == place.cycle)
        return dispute(twins, issued.loaded.instruments[place.instrument].numbers)

    def _dispute_over(self, place: Place, problem: Dispute) -> list[Version | None]:
        self._hold(place.unit, problem.reason)
        self._asks[place] = problem.ask
        return []

    def _wait(self, unit: str, reason: str) -> None:
        self._hold(unit, reason)
        self._needs_us = True

    def _hold(self, unit: str, reason: str) -> None:
        """It is not taken; until it is settled nothing else is asked of the unit."""
        file = self.file
        file.disposition = "triage"
        file.reason = "；".join(dict.fromkeys(filter(None, (file.reason, reason))))
        file.witnesses = file.witnesses | {"units": sorted({*file.witnesses["units"], unit})}

    def _may_ask(self, judged: Judged) -> None:
        """Another year's form, of one unit and without the right one beside it, the unit can mend itself; a
        header that names another unit, or none, whoever sent it."""
        verdict = judged.verdict
        units = verdict.asked or judged.witnesses.units
        alone = next(iter(units)) if verdict.ask and len(units) == 1 else None
        place = _place_of(self.envelope, judged, alone)
        if verdict.asked and (place or not alone):
            self._asks[place] = _as_printed(judged)
        elif place is None or place in self.delivered:
            self._needs_us = True
        else:
            self._asks[place] = verdict.ask

    def _ask(self) -> None:
        """Ask the unit where that alone settles the file: its next form then does (`settled_later`)."""
        if self.file.disposition != "triage" or self._needs_us or len(self._asks) != 1:
            return
        ((place, sentence),) = self._asks.items()
        if place is not None:
            self._put(place)
        self.file.witnesses = self.file.witnesses | {"ask": sentence}


def _as_printed(judged: Judged) -> str:
    """What the clerk is asked, by the words that the form has for the line of its unit's name."""
    line = judged.issued.loaded.instruments[judged.form.instrument].unit_line if judged.issued else ""
    label = re.split("[（(：:]", line)[0]
    return judged.verdict.ask.replace("部门/地方", label) if label else judged.verdict.ask


def note_witnesses(envelope: Envelope, file: File, found: Sequence[Judged]) -> None:
    """The file's disposition by the weightiest of its forms', with what the witnesses said."""
    waiting = [j for j in found if j.waits]
    lower = any(j.verdict.disposition == "subordinate" for j in found)
    file.disposition = "triage" if waiting else "subordinate" if lower else "return"
    file.reason = "；".join(dict.fromkeys(j.verdict.reason for j in found if j.verdict.reason))
    units = chain.from_iterable(j.witnesses.units for j in waiting)
    file.witnesses = {
        "units": sorted({*units, *envelope.asked()}),
        "forms": [j.witnesses.as_data() for j in found],
    }
    file.cycle = envelope.home_cycle.code if envelope.home_cycle else None


def note(file: File, notes: Sequence[str]) -> None:
    """Tell the operator something of the file."""
    if notes:
        told = dict.fromkeys((*file.witnesses.get("notes", ()), *notes))
        file.witnesses = file.witnesses | {"notes": list(told)}


def put(file: File, cycle: str, collection: str, unit: str, part: str | None) -> None:
    file.cycle, file.collection, file.unit, file.part = cycle, collection, unit, part
