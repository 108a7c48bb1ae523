"""From judged forms to versions: which collection and part each belongs to, and which of them may count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import select

from huizong.definition.model import Collection, Part
from huizong.intake.parts import classify
from huizong.intake.twins import counted, disagreement
from huizong.ledger.tables import File, Version
from huizong.readers.model import FileReading, FormReading
from huizong.stages.envelope import Envelope, part_of, scan_of
from huizong.stages.judging import PRINTS, Judged
from huizong.stages.versions import add_version

NO_COLLECTION = "该单位没有需要填报此表的报送事项"
DUPLICATE = "与此前来件内容相同，不重复登记"
SAME_PRINT = "与电子表数据一致的版式文件，未另行登记"
ONLY_PICTURE = "报来的是统计表的图片，请核对归属，并请单位同时报送电子表（xlsx）"

# A form that is made to be edited: (unit, instrument) → what it says.
Editable = Mapping[tuple[str, str], FormReading]


@dataclass(frozen=True)
class _Place:
    """Where a form belongs; told apart by its codes."""

    cycle: str
    unit: str
    instrument: str
    collection: Collection = field(compare=False)
    part: Part = field(compare=False)


def editable_forms(
    readings: Mapping[str, FileReading], judged: Mapping[str, Sequence[Judged]]
) -> dict[tuple[str, str], FormReading]:
    """The delivery's forms that somebody can edit, of the units whose returns they are."""
    return {
        (j.verdict.unit, j.form.instrument): j.form
        for digest, found in judged.items()
        if readings[digest].kind not in PRINTS
        for j in found
        if j.verdict.disposition == "return" and j.verdict.unit
    }


@dataclass
class Placing:
    """Files one file that holds forms, or on whose picture one was recognised."""

    envelope: Envelope
    file: File
    reading: FileReading
    found: Sequence[Judged]
    editable: Editable

    def place(self) -> bool:
        """Make the file's versions; whether there are any. A file waits while one of its forms does; the
        others are taken all the same."""
        file = self.file
        note_witnesses(self.envelope, file, self.found)
        made = list(chain.from_iterable(self._take(p, forms) for p, forms in self._by_place().items()))
        if file.disposition == "return" and made and not any(made):
            file.disposition, file.reason = "duplicate", DUPLICATE
        return any(made)

    def _by_place(self) -> dict[_Place, dict[int, Judged]]:
        """The forms that are somebody's, by where they belong and their number in the file."""
        places: dict[_Place, dict[int, Judged]] = {}
        for n, judged in enumerate(self.found):
            unit, issued = judged.verdict.unit, judged.issued
            if judged.waits or issued is None or unit is None:
                continue
            instrument = judged.form.instrument
            collection = self.envelope.collection_of(issued, judged.claim, unit, instrument)
            part = part_of(collection, instrument) if collection else None
            if collection is None or part is None:
                wait(self.file, unit, NO_COLLECTION)
                continue
            put(self.file, issued.code, collection.code, unit, part.code)
            if judged.verdict.disposition == "return":
                place = _Place(issued.code, unit, instrument, collection, part)
                places.setdefault(place, {})[n] = judged
        return places

    def _take(self, place: _Place, forms: dict[int, Judged]) -> list[Version | None]:
        if not self.reading.forms:
            return self._take_picture(place, forms)
        if problem := disagreement(j.form for j in forms.values()):
            wait(self.file, place.unit, problem)
            return []
        n = counted({n: j.form for n, j in forms.items()})
        scan = scan_of(place.collection, place.part)
        if self.reading.kind in PRINTS and (beside := self._editable(place)):
            if scan is not None:
                return [self._add(place, scan, n, forms[n], None)]
            return self._print_beside(place, forms[n].form, beside)
        made = [self._add(place, place.part, n, forms[n], forms[n].form)]
        if scan is not None and self.reading.kind in PRINTS and self.reading.stamp:
            made.append(self._add(place, scan, n, forms[n], None))
        put(self.file, place.cycle, place.collection.code, place.unit, place.part.code)
        return made

    def _take_picture(self, place: _Place, forms: dict[int, Judged]) -> list[Version | None]:
        """A picture of the form is its stamped copy, never its figures."""
        scan = classify(self.file.name, self.reading, place.collection.parts)
        if scan is None:
            wait(self.file, place.unit, ONLY_PICTURE)
            return []
        n = min(forms)
        return [self._add(place, scan, n, forms[n], None)]

    def _print_beside(self, place: _Place, form: FormReading, beside: FormReading) -> list[Version | None]:
        if disagreement([form, beside]):
            wait(self.file, place.unit, "版式文件与电子表数据不一致，请核对以哪一份为准")
        elif self.file.disposition == "return":
            self.file.disposition, self.file.reason = "other", SAME_PRINT
        return []

    def _editable(self, place: _Place) -> FormReading | None:
        """The form that can be edited of this unit: beside it in the delivery, else the newest held."""
        if beside := self.editable.get((place.unit, place.instrument)):
            return beside
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

    def _add(
        self, place: _Place, part: Part, n: int, judged: Judged, form: FormReading | None
    ) -> Version | None:
        put(self.file, place.cycle, place.collection.code, place.unit, part.code)
        envelope = self.envelope
        return add_version(envelope.session, envelope.delivery, self.file, part, n, form, judged.verdict)


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


def wait(file: File, unit: str, reason: str) -> None:
    """A person must look at it; until then nothing is asked of the unit."""
    file.disposition = "triage"
    file.reason = "；".join(dict.fromkeys(filter(None, (file.reason, reason))))
    file.witnesses = file.witnesses | {"units": sorted({*file.witnesses["units"], unit})}


def put(file: File, cycle: str, collection: str, unit: str, part: str | None) -> None:
    file.cycle, file.collection, file.unit, file.part = cycle, collection, unit, part
