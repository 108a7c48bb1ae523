"""Files without a form: a part of the unit that the delivery is from, other business, or a question."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from huizong.definition.model import Collection, Part
from huizong.intake.blank import BLANK_COPY
from huizong.intake.parts import classify, notes_on
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
NO_TABLE = "本次不要求报送表格，请核对是否发错文件；如为要求报送的材料，请以 Word 或 PDF 格式重新发送。"
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
    fits = _fits(envelope, issued, unit, file.name, reading) if unit else []
    collection, part = fits[0] if len(fits) == 1 else (None, None)
    if collection is None and unit:
        collection = envelope.collection_for(issued, unit)
    if unit and collection:
        put(file, issued.code, collection.code, unit, None)
    seen_by_people = part is not None and part.kind == "media" and _is_photograph(reading)
    if reading.disposition == "set_aside" and not (seen_by_people or _lists_press(reading, collection)):
        file.disposition, file.reason = "set_aside", _in_words_of(collection, reading.reason)
        if reading.reason == BLANK_COPY:
            file.disposition = "other"
        elif reading.reason == NO_FORM and unit and collection and _has_forms(delivered, collection, unit):
            file.disposition, file.reason = "other", BESIDE_FORM
        return False
    if unit is None or part is None:
        file.disposition = "triage"
        said = f"（发件人：{listed(senders, issued.names)}）" if senders else ""
        file.reason = _which(fits) if unit else NO_UNIT + said
        return False
    note(file, [*notes_on(part, reading), *([reading.reason] if seen_by_people else [])])
    return _take(envelope, file, part, Verdict("return", unit, from_registered=unit in senders))


def is_asked_for(envelope: Envelope, name: str, reading: FileReading) -> bool:
    """Whether what a registered sender's one unit typed into its mail is a part of one of its collections."""
    issued = envelope.home_cycle
    unit = unit_of(envelope, issued, name, set()) if issued else None
    return bool(issued and unit and len(_fits(envelope, issued, unit, name, reading)) == 1)


def _fits(
    envelope: Envelope, issued: IssuedCycle, unit: str, name: str, reading: FileReading
) -> list[tuple[Collection, Part]]:
    """What the file may be among the unit's collections: of the likeliest ones that it fits at all."""
    for group in envelope.preferred(issued, unit):
        found = [(c, part) for c in group if (part := classify(name, reading, c.parts))]
        if found:
            return found
    return []


def _which(fits: Sequence[tuple[Collection, Part]]) -> str:
    """Why the unit's file was not taken: it is none of what is asked for, or may be for several offices."""
    if not fits:
        return NO_PART
    named = "、".join(f"{collection.title or collection.code}（{part.name}）" for collection, part in fits)
    return f"{named}均可能是此项材料，不能确定是哪一项，请核对后认领"


def _in_words_of(collection: Collection | None, reason: str) -> str:
    """What is wrong with a file, by the name of what the collection asks for: a list is no 统计表."""
    if collection is None:
        return reason
    names = {part.name for part in collection.forms}
    if reason == NO_FORM and not names:
        return NO_TABLE
    if not names or any(part.kind == "form" for part in collection.parts):
        return reason
    ends = {name[-3:] for name in names}
    return reason.replace("统计表", ends.pop() if len(ends) == 1 else "名录")


def _is_photograph(reading: FileReading) -> bool:
    """Whether it is a telephone's own picture format (HEIC), which is material although we cannot open it."""
    return reading.kind == "image" and "HEIC" in reading.reason


def _lists_press(reading: FileReading, collection: Collection | None) -> bool:
    """Whether it is a workbook of press reports, and such a list is asked for: then no form is missed."""
    asked = collection is not None and any(part.kind == "press" for part in collection.parts)
    return asked and bool(reading.press) and reading.reason == NO_FORM


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
