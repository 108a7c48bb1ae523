"""评选参考: what the ledger knows of units, people and activities, gathered for those who decide.

For the office alone: it goes into no letter, no public list and not up. Why no ranks: the notices ask for
为基层减负.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Commendation, Part
from huizong.home import as_file_name
from huizong.instruments.model import Instrument, Item
from huizong.ledger.tables import Contact, File, FindingRow, Version
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.standing import Standing
from huizong.stages.words import UNIT_STATUS
from huizong.summary import commendation as summary
from huizong.summary.lists import ListedRow, MergedList
from huizong.summary.model import Edition

PREFIX = "评选参考"
_UNSCORED = {"nil", "waived", "refused"}


def is_internal(name: str) -> bool:
    """Whether a file of an edition is for the office alone."""
    return name.startswith(PREFIX)


def commendation_documents(
    ctx: Context,
    issued: IssuedCycle,
    found: Sequence[Standing],
    lists: Mapping[str, Sequence[MergedList]],
    edition: Edition,
    as_of: datetime,
) -> list[tuple[str, str]]:
    """(name, store's name) of 评选参考, where the definition asks for it; of no provisional edition.

    Args:
        lists: the merged lists of each collection.
    """
    asked = issued.loaded.cycle.commendation
    if asked is None or edition.kind == "provisional":
        return []
    with ctx.ledger.read() as session:
        data = _data(session, issued, asked, found, lists, edition, as_of)
    content = summary.write_commendation(data)
    name = as_file_name(f"{PREFIX}_{issued.loaded.cycle.title}_{edition.label}.xlsx")
    return [(name, ctx.store.put(content))]


def _data(
    session: Session,
    issued: IssuedCycle,
    asked: Commendation,
    found: Sequence[Standing],
    lists: Mapping[str, Sequence[MergedList]],
    edition: Edition,
    as_of: datetime,
) -> summary.CommendationData:
    cycle, points = issued.loaded.cycle, asked.points
    ordered = sorted(found, key=lambda s: (s.unit.position, s.unit.code))  # stable: collections keep theirs
    sent_back, materials = _sent_back(session, ordered), _materials(session, ordered)
    counts = {code: sum((Counter(m.by_unit()) for m in some), Counter()) for code, some in lists.items()}
    units = tuple(
        _facts(
            s,
            counts[s.collection.code][s.unit.name],
            sent_back,
            materials.get((s.collection.code, s.unit.code), {}),
        )
        for s in ordered
    )
    every = [merged for c in issued.collections for merged in lists[c.code]]
    counted = {(f.unit, f.collection): f.materials for f in units if f.materials}
    return summary.CommendationData(
        title=asked.title,
        cycle_title=cycle.title,
        office_name=issued.collections[0].office.name,
        edition=edition,
        as_of=as_of.astimezone(cycle.zone),
        formula=summary.Formula(points.punctual, points.complete, points.correction),
        units=units,
        show_units="units" in asked.of,
        people=tuple(_people(issued, ordered, every)) if "people" in asked.of else None,
        activities=tuple(_activities(m, counted) for m in every) if "activities" in asked.of else None,
    )


def _facts(
    s: Standing, rows: int, sent_back: Mapping[int, int], materials: Mapping[str, int]
) -> summary.UnitFacts:
    versions = [v for held in s.versions.values() for v in held]
    return summary.UnitFacts(
        unit=s.unit.name,
        collection=s.collection.title or s.collection.code,
        status=UNIT_STATUS[s.status],
        punctual=s.punctual,
        complete=s.status not in _UNSCORED and s.returned and not s.missing_parts,
        # One delivery with several wrong files was sent back once.
        corrections=len({sent_back[v.id] for v in versions if v.id in sent_back}),
        open_queries=len(s.open_queries),
        days_late=_days_late(s),
        extended=s.extended,
        rows=rows,
        materials="、".join(f"{name}{count}件" for name, count in materials.items()),
        scored=s.status not in _UNSCORED and not s.collection.voluntary,
    )


def _days_late(s: Standing) -> int | None:
    """Calendar days from the deadline until all required parts had first come; None while they had not."""
    if s.due is None or s.punctual is None:
        return None
    if s.punctual:
        return 0
    firsts = [held[0].received_at for p in s.collection.required_parts if (held := s.versions.get(p.code))]
    arrived = s.nil_since or max(firsts)
    return (arrived - s.due.instant).days + 1


def _sent_back(session: Session, found: Sequence[Standing]) -> dict[int, int]:
    """Version → its delivery, of the versions that had what must be corrected or agreed to."""
    deliveries = {v.id: v.delivery_id for s in found for held in s.versions.values() for v in held}
    ids, wrong = list(deliveries), set[int]()
    for start in range(0, len(ids), 500):
        wrong |= set(
            session.scalars(
                select(FindingRow.version_id).where(
                    FindingRow.version_id.in_(ids[start : start + 500]),
                    FindingRow.severity.in_(("mandatory", "quasi_mandatory")),
                )
            )
        )
    return {i: deliveries[i] for i in ids if i in wrong}


def _materials(session: Session, found: Sequence[Standing]) -> dict[tuple[str, str], dict[str, int]]:
    """(collection, unit) → pieces by part: of media and news the files, of press what the files list."""
    counted: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for s in found:
        for part in s.collection.parts:
            if part.kind in {"media", "news", "press"} and (versions := s.counting(part)):
                counted[s.collection.code, s.unit.code][part.name] = _pieces(session, part, versions)
    return counted


def _pieces(session: Session, part: Part, versions: Sequence[Version]) -> int:
    if part.kind != "press":
        return len(versions)
    readings = session.scalars(select(File.reading).where(File.id.in_([v.file_id for v in versions]))).all()
    listed = [len(json.loads(reading or "{}").get("press", ())) for reading in readings]
    return sum(max(1, n) for n in listed)


def _people(
    issued: IssuedCycle, found: Sequence[Standing], lists: Sequence[MergedList]
) -> Iterator[summary.Person]:
    """Each unit's contacts, first those of the roster, then those that its lists name; each once."""
    units = list(dict.fromkeys((s.unit.code, s.unit.name) for s in found))
    listed = [_listed_people(merged) for merged in lists]
    for code, name in units:
        told = dict[tuple[str, str], str]()
        contacts: Sequence[Contact] = issued.contacts.get(code, ())
        for who, phone, source in (
            *((c.name, c.phone, "名录联系人") for c in contacts),
            *(row for by_unit in listed for row in by_unit.get(name, ())),
        ):
            if who:
                told.setdefault((who, phone), source)
        yield from (summary.Person(name, who, phone, source) for (who, phone), source in told.items())


def _listed_people(merged: MergedList) -> dict[str, list[tuple[str, str, str]]]:
    """Unit's name → name, telephone and place of whom each of its rows names."""
    names = [i for i in _private(merged.instrument) if i.format != "phone"]
    phones = [i for i in _private(merged.instrument) if i.format == "phone"]
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for row in merged.rows:
        mine = found[row.unit]
        mine.append((_first(row, names), _first(row, phones), f"{merged.title}第{len(mine) + 1}行"))
    return found


def _private(instrument: Instrument) -> list[Item]:
    return [item for item in instrument.items if item.private]


def _first(row: ListedRow, items: Sequence[Item]) -> str:
    return next((text for i in items if (text := summary.shown(row.cells.get(i.code)))), "")


def _activities(merged: MergedList, materials: Mapping[tuple[str, str], str]) -> summary.Activities:
    """Rows as they were reported; beside each what the unit sent of pictures, news and press coverage."""
    items = [item for item in merged.instrument.items if not item.private]
    of_unit: dict[str, list[str]] = defaultdict(list)
    for (unit, _), text in materials.items():
        of_unit[unit].append(text)
    rows = tuple(
        (row.unit, *(summary.shown(row.cells.get(i.code)) for i in items), "、".join(of_unit[row.unit]))
        for row in merged.rows
    )
    return summary.Activities(merged.title, (*(i.label for i in items), "该单位影像和报道"), rows)
