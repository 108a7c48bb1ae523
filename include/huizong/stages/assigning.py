"""What a person gave to a unit: the versions it makes, as the part that it shows or the person names."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.clock import Clock
from huizong.definition.model import Collection, Part
from huizong.errors import UsageError
from huizong.intake.parts import classify
from huizong.intake.recognise import Verdict, units_named
from huizong.intake.relevance import NIL
from huizong.intake.twins import Twin, counted, dispute
from huizong.ledger.tables import Decision, Delivery, File, Version
from huizong.readers.model import FileReading, FormReading
from huizong.stages.issued import IssuedCycle
from huizong.stages.placing import put
from huizong.stages.versions import add_version

NIL_PART = "nil"  # said instead of a part's code: the unit states that it has nothing to report

_Forms = dict[int, FormReading]


def part_meant(collection: Collection, code: str | None) -> Part | None:
    """The part of this code; None where none is named, or `nil`.

    Raises:
        UsageError: the collection asks for no such part, or takes no nil return by reply.
    """
    if code is None or (code == NIL_PART and collection.nil == "reply"):
        return None
    if (part := collection.part(code)) is None:
        raise UsageError(f"没有代码为“{code}”的材料，--part 可写：{_sayable(collection.parts, collection)}。")
    return part


def _sayable(parts: tuple[Part, ...], collection: Collection) -> str:
    nil = [f"{NIL_PART} {NIL}"] if collection.nil == "reply" else []
    return "、".join([*(f"{part.code} {part.name}" for part in parts), *nil])


def assign_file(
    session: Session,
    issued: IssuedCycle,
    file: File,
    delivery: Delivery,
    unit: str,
    collection: Collection,
    part: Part | None,
) -> int:
    """Make the file's versions for the unit; how many.

    Args:
        part: what the person says that it is; None: what the file itself shows.

    Raises:
        UsageError: taken already; forms of one unit that differ; or nothing in it that can be that part.
    """
    reading = FileReading.model_validate_json(file.reading or "{}")
    verdict = Verdict("return", unit, from_registered=False)
    open_ = _open_forms(session, file, reading)
    meant = {n: f for n, f in open_.items() if unit in units_named(f.unit_text, issued.units_by_name)}
    made: list[Version | None] = []
    for one, n, form in _pieces(issued, file, reading, collection, meant or open_, part):
        put(file, issued.code, collection.code, unit, one.code)
        made.append(add_version(session, delivery, file, one, n, form, verdict))
    file.disposition = "return" if any(made) else "duplicate"
    file.reason = "" if any(made) else file.reason
    if delivery.disposition != "restricted":
        delivery.disposition = file.disposition
    if part is None and meant and len(meant) < len(open_):
        file.disposition = "triage"  # other units' forms in it still wait
    assigned = {unit, *file.witnesses.get("assigned", ())}
    said = {key: value for key, value in file.witnesses.items() if key != "ask"}
    file.witnesses = said | {"assigned": sorted(assigned)}
    return sum(v is not None for v in made)


def _pieces(
    issued: IssuedCycle,
    file: File,
    reading: FileReading,
    collection: Collection,
    forms: _Forms,
    said: Part | None,
) -> list[tuple[Part, int, FormReading | None]]:
    """What of the file is taken: part, the form's number in it, and the form where its figures count."""
    if said is not None and said.instrument is None:
        return [(said, 0, None)]
    found: list[tuple[Part, int, FormReading | None]] = []
    for part, several in _by_part(collection, forms):
        if said not in (None, part):
            continue
        if part.appends:  # lists that add up: none of them is in the way of another
            found += [(part, n, form) for n, form in several.items()]
            continue
        numbers = issued.loaded.instruments[part.instrument or ""].numbers
        if problem := dispute((Twin(file.name, form) for form in several.values()), numbers):
            raise UsageError(f"“{file.name}”不能认领：{problem.reason}；请单位重新报送只含一张表的文件。")
        n = counted(several)
        found.append((part, n, several[n]))
    if said is None and not reading.forms and (shown := classify(file.name, reading, collection.parts)):
        found.append((shown, 0, None))
    if not found:
        raise UsageError(_nothing(file, collection, said))
    return found


def _nothing(file: File, collection: Collection, said: Part | None) -> str:
    if said is not None:
        return f"“{file.name}”里没有读出“{said.name}”的数据，不能认领为此项；请单位重新报送，原件结案。"
    sayable = _sayable(tuple(part for part in collection.parts if part.instrument is None), collection)
    return f"“{file.name}”不能确定是哪项材料，请以 --part 写明是哪项材料（{sayable}），或 triage close 结案。"


def _by_part(collection: Collection, forms: _Forms) -> Iterator[tuple[Part, _Forms]]:
    """The forms that the collection asks for, a part at a time."""
    for instrument in dict.fromkeys(form.instrument for form in forms.values()):
        if part := next((p for p in collection.parts if p.instrument == instrument), None):
            yield part, {n: form for n, form in forms.items() if form.instrument == instrument}


def _open_forms(session: Session, file: File, reading: FileReading) -> _Forms:
    """The file's forms that nobody has yet, by their place in it.

    Raises:
        UsageError: all of it was taken before: a figure counts for one unit only.
    """
    taken = set(session.scalars(select(Version.form).where(Version.file_id == file.id)))
    forms = {n: form for n, form in enumerate(reading.forms) if n not in taken}
    if taken and not forms:
        raise UsageError(f"“{file.name}”已经登记，不能再认领。")
    return forms


def assign_nil(
    session: Session,
    clock: Clock,
    issued: IssuedCycle,
    file: File | None,
    delivery: Delivery,
    unit: str,
    collection: Collection,
    *,
    by: str,
    reason: str,
) -> None:
    """Record what came as the unit's statement that it has nothing to report; a later return stands over it.

    Raises:
        UsageError: we hold figures of the unit.
    """
    figures = select(Version.id).where(
        Version.cycle == issued.code,
        Version.collection == collection.code,
        Version.unit == unit,
        Version.instrument.is_not(None),
    )
    if session.scalars(figures).first() is not None:
        raise UsageError(
            f"{issued.unit(unit).name}已报统计表，不能登记为零报告；请与单位核实，由单位更正后重报。"
        )
    session.add(
        Decision(
            cycle=issued.code,
            collection=collection.code,
            unit=unit,
            kind="nil",
            value={"delivery": delivery.id},
            by=by,
            reason=reason,
            as_of=delivery.received_at,
            recorded_at=clock.now(),
        )
    )
    if file is not None:
        put(file, issued.code, collection.code, unit, None)
        file.disposition, file.reason = "return", NIL
    delivery.disposition, delivery.reason = "return", NIL
