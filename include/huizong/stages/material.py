"""Judging parts without figures of their own: reports, photographs, films.

They count as they came; what is found asks the unit (`verify`) and is told in the same reply as any finding.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.ledger.tables import File, FindingRow, Version
from huizong.readers.model import FileReading
from huizong.rules.material import (
    LEAST_CHARACTERS,
    TOO_LONG,
    Document,
    Media,
    characters,
    judge_document,
    judge_media,
)
from huizong.rules.model import Finding
from huizong.stages.copies import beside_the_form
from huizong.stages.issued import IssuedCycle
from huizong.stages.reports import beside_form
from huizong.stages.versions import COUNTING

_SAME_FROM = 50  # characters: shorter texts agree by chance


@dataclass
class HeldTexts:
    """Whose texts are held in a collection, and were the year before. All reports are read for it: once, when
    the first of those to be judged asks."""

    issued: IssuedCycle
    collection: Collection
    _read: bool = False
    _this: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    _before: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def same_as(self, session: Session, version: Version, text: str) -> str:
        """`other`: another unit brought this text earlier; `before`: the unit itself did, last year."""
        if characters(text) < _SAME_FROM:
            return ""
        if not self._read:
            self._read_all(session)
        key = _hash(text)
        if any(unit != version.unit and held < version.id for held, unit in self._this.get(key, ())):
            return "other"
        return "before" if version.unit in self._before.get(key, ()) else ""

    def _read_all(self, session: Session) -> None:
        cycle = self.issued.loaded.cycle
        documents = [p.code for p in self.collection.parts if p.kind == "document"]
        for version, unit, text in _documents(session, cycle.code, documents, self.collection.code):
            self._this[_hash(text)].append((version, unit))
        if cycle.previous:
            for _, unit, text in _documents(session, cycle.previous, None, None):
                self._before[_hash(text)].add(unit)
        self._read = True


def judged_material(session: Session, texts: HeldTexts, ids: Sequence[int]) -> dict[int, list[Finding]]:
    """Version id → what is to be asked of it, with its file's name for a place; of forms nothing."""
    rows = session.execute(
        select(Version, File).join(File, Version.file_id == File.id).where(Version.id.in_(ids))
    ).all()
    issued, collection = texts.issued, texts.collection
    parts = {part.code: part for part in collection.parts}
    units = _names_of_units(issued)
    found: dict[int, list[Finding]] = {}
    for version, file in rows:
        part = parts.get(version.part)
        if part is None or part.kind not in ("document", "media", "press", "scan"):
            continue
        reading = _reading(file)
        if part.kind == "scan":
            found[version.id] = beside_the_form(session, issued, part, version, reading)
        elif part.kind == "document":
            found[version.id] = [
                *judge_document(_document(session, texts, part, version, file, reading, units)),
                *beside_form(session, issued, collection, part, version, reading),
            ]
        elif part.kind == "media" or reading.kind == "video":
            found[version.id] = judge_media(
                Media(
                    file.kind, file.size, reading.pixels, reading.seconds, part.max_minutes, reading.pictures
                )  # fmt: skip
            )
    names = {version.id: file.name for version, file in rows}
    return {key: [replace(f, sheet=PurePath(names[key]).name) for f in some] for key, some in found.items()}


def _reading(file: File) -> FileReading:
    return FileReading.model_validate_json(file.reading or "{}")


def _names_of_units(issued: IssuedCycle) -> dict[str, list[str]]:
    """Unit → its names, but for those of the offices that collect."""
    offices = {*issued.loaded.cycle.issued_by, *(c.office.name for c in issued.collections)}
    return {u.code: [n for n in u.names if n not in offices] for u in issued.loaded.units if not u.own}


def _document(
    session: Session,
    texts: HeldTexts,
    part: Part,
    version: Version,
    file: File,
    reading: FileReading,
    units: dict[str, list[str]],
) -> Document:
    issued = texts.issued
    unit = issued.unit(version.unit)
    event = issued.loaded.cycle.event
    days = (event.first, event.last) if event else (issued.schedule.issue,)
    return Document(
        part=part.name,
        file=file.name,
        text=reading.text,
        own=unit.names,
        others={code: names for code, names in units.items() if code not in (unit.code, unit.parent)},
        years=frozenset(day.year for day in days),
        least=part.min_characters or (LEAST_CHARACTERS if part.required else 0),
        unread=reading.kind in ("pdf", "ofd") and not reading.text.strip(),
        same_as=texts.same_as(session, version, reading.text),
    )


def _documents(
    session: Session, cycle: str, parts: Sequence[str] | None, collection: str | None
) -> Iterable[tuple[int, str, str]]:
    wanted = [Version.cycle == cycle, Version.instrument.is_(None), Version.status != "superseded"]
    if parts is not None:
        wanted += [Version.part.in_(parts), Version.collection == collection]
    rows = session.execute(
        select(Version.id, Version.unit, File.reading)
        .join(File, Version.file_id == File.id)
        .where(*wanted)
        .order_by(Version.id)
        .execution_options(yield_per=100)
    )
    for row in rows:
        text = json.loads(row.reading or "{}").get("text", "")
        if characters(text) >= _SAME_FROM:
            yield row.id, row.unit, text


def _hash(text: str) -> str:
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()


# --- films --------------------------------------------------------------------------------------------


def replace_too_long(session: Session, version: Version, siblings: Sequence[Version]) -> None:
    """A film that may be that long takes the place of one that was too long: of its name, else the oldest.

    Photographs and films add up, so nothing else would end what was asked of the long one.
    """
    film = session.get_one(File, version.file_id)
    if film.kind != "video" or version.id in _too_long(session, [version]):
        return
    earlier = [v for v in siblings if v.number < version.number and v.status in COUNTING]
    long_ = [v for v in earlier if v.id in _too_long(session, earlier)]
    same = [v for v in long_ if _stem(session.get_one(File, v.file_id).name) == _stem(film.name)]
    if replaced := (same or long_)[:1]:
        replaced[0].status = "superseded"


def _too_long(session: Session, versions: Sequence[Version]) -> set[int]:
    query = select(FindingRow.version_id).where(
        FindingRow.version_id.in_([v.id for v in versions]),
        FindingRow.rule == TOO_LONG,
        FindingRow.settled_at.is_(None),
    )
    return set(session.scalars(query))


def _stem(name: str) -> str:
    return PurePath(name).stem
