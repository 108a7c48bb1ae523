"""Files without a form: a part of the unit that the delivery is from, other business, or a question."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from huizong.definition.model import Collection, Part
from huizong.intake.blank import BLANK_COPY
from huizong.intake.parts import classify, scan_notes
from huizong.intake.recognise import Verdict, listed, names_within
from huizong.ledger.tables import File
from huizong.readers.model import FileReading
from huizong.readers.sheets.spreadsheet import NO_FORM
from huizong.stages.envelope import Envelope
from huizong.stages.issued import IssuedCycle
from huizong.stages.placing import DUPLICATE, Delivered, note, put
from huizong.stages.versions import add_version

NO_PART = "不能确定是哪一项材料，请核对后认领"
BESIDE_FORM = "未作为统计表登记，已保存，无需重发"
NO_UNIT = "不能确定是哪家单位的材料，请核对后认领"


def file_other(
    envelope: Envelope,
    file: File,
    reading: FileReading,
    units: AbstractSet[str],
    delivered: Delivered,
    *,
    known: bool,
) -> bool:
    """Give the file its disposition; whether a version was made.

    Args:
        units: whose forms came in the same delivery, `delivered` those that may count.
        known: whether the sender is registered.
    """
    issued = envelope.home_cycle
    if issued is None or not (known or units):
        _file_strangers(envelope, file, is_ours=bool(reading.proposals))
        return False
    unit = unit_of(envelope, issued, file.name, units)
    senders = envelope.senders_in(issued)
    file.witnesses = {
        "units": [unit] if unit else sorted(senders | units),
        "forms": [_witnesses(envelope, senders)],
    }
    file.cycle = issued.code
    collection = envelope.collection_for(issued, unit) if unit else None
    if unit and collection:
        put(file, issued.code, collection.code, unit, None)
    if reading.disposition == "set_aside":
        file.disposition, file.reason = "set_aside", reading.reason
        if reading.reason == BLANK_COPY:
            file.disposition = "other"
        elif reading.reason == NO_FORM and unit and collection and _has_forms(delivered, collection, unit):
            file.disposition, file.reason = "other", BESIDE_FORM
        return False
    part = classify(file.name, reading, collection.parts) if collection else None
    if unit is None or part is None:
        file.disposition = "triage"
        said = f"（发件人：{listed(senders, issued.names)}）" if senders else ""
        file.reason = NO_PART if unit else NO_UNIT + said
        return False
    if part.kind == "scan":
        note(file, scan_notes(reading))
    return _take(envelope, file, part, Verdict("return", unit, from_registered=unit in senders))


def _has_forms(delivered: Delivered, collection: Collection, unit: str) -> bool:
    """Whether every form that the unit is asked for came in the same delivery: a further workbook is none."""
    asked = {part.instrument for part in collection.parts if part.instrument}
    came = {p.instrument for p in delivered if (p.code, p.unit) == (collection.code, unit)}
    return bool(asked) and asked <= came


def _take(envelope: Envelope, file: File, part: Part, verdict: Verdict) -> bool:
    file.disposition, file.part = "return", part.code
    if add_version(envelope.session, envelope.delivery, file, part, 0, None, verdict) is None:
        file.disposition, file.reason = "duplicate", DUPLICATE
        return False
    return True


def unit_of(envelope: Envelope, issued: IssuedCycle, name: str, units: AbstractSet[str]) -> str | None:
    """Whose a file without a form is: by its file name, else the sender's, else the forms'."""
    senders = envelope.senders_in(issued)
    names = {code: issued.unit(code).names for code in senders | units}
    folders, _, base = name.rpartition("/")
    for choice in (names_within(base, names), names_within(folders, names), senders, units):
        if len(choice) == 1:
            return next(iter(choice))
    return None


def _file_strangers(envelope: Envelope, file: File, *, is_ours: bool) -> None:
    """A file without a form from an address that nobody registered; `is_ours`: it shows a form of ours."""
    issued = envelope.home_cycle
    if envelope.by_folder or is_ours or (issued is not None and envelope.is_related()):
        file.disposition, file.reason = "triage", "发件地址未登记，请核对归属后认领"
        file.cycle = issued.code if issued else None
        file.witnesses = {
            "units": sorted(envelope.asked()),
            "forms": [_witnesses(envelope, frozenset())],
        }
    else:
        file.disposition, file.reason = "other", "与本任务无关"


def _witnesses(envelope: Envelope, senders: AbstractSet[str]) -> dict[str, object]:
    return {
        "file": {"unit": None, "problem": ""},
        "sender": {"address": envelope.delivery.sender, "units": sorted(senders)},
        "content": {"text": "", "units": [], "beneath": None},
    }
