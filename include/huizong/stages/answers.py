"""What deliveries are answered with, fetched for many at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from huizong.ledger.tables import Delivery, File, FindingRow, Letter, Value, Version
from huizong.stages.issued import IssuedCycle
from huizong.stages.keying import KEYED, SHEET


@dataclass
class Answer:
    """What one delivery is answered with. `findings`: all of its versions, settled or not, oldest first;
    `keyed`: the figures of those versions that staff keyed from paper."""

    delivery: Delivery
    files: list[File]
    versions: list[Version]
    findings: dict[int, list[FindingRow]]
    keyed: dict[int, list[Value]]

    @property
    def subordinates(self) -> list[File]:
        """Forms of departments, which their unit has to sum up."""
        return [f for f in self.files if f.disposition == "subordinate"]

    @property
    def to_redo(self) -> list[File]:
        """Files that wait, and of which the unit is told what to do."""
        return [f for f in self.files if ask_of(f)]

    @property
    def checking(self) -> list[File]:
        """Files that wait for a person, and for nothing else."""
        return [f for f in self.files if _waits(f) and not ask_of(f)]

    @property
    def restricted(self) -> bool:
        return any(f.disposition == "restricted" for f in self.files)

    @property
    def only_restricted(self) -> bool:
        """Whether there is nothing to speak of but what must not be spoken of."""
        return self.restricted and all(f.disposition == "restricted" for f in self.files)

    @property
    def explained(self) -> bool:
        """Whether reasons were given for anything in it."""
        return any(f.explanation is not None for v in self.versions for f in self.findings.get(v.id, ()))

    def to_answer(self, version: Version) -> list[FindingRow]:
        """A version's findings that the unit has to answer."""
        return to_answer(version, self.findings.get(version.id, ()))

    def asks_something(self, version: Version) -> bool:
        """Whether any of them asks for more than to be read."""
        return any(f.severity != "hint" for f in self.to_answer(version))

    def of(self, unit: str) -> Answer:
        """What of it concerns one unit: its contact hears nothing of the others in the same mail."""
        versions = [v for v in self.versions if v.unit == unit]
        held = {v.file_id for v in versions}
        files = [f for f in self.files if f.id in held or f.unit == unit]
        return replace(self, files=files, versions=versions)


def senders_of(issued: IssuedCycle, delivery: Delivery) -> frozenset[str]:
    """The units that a delivery's sender speaks for: by its registered address, or its folder's name."""
    if delivery.kind == "folder":
        return frozenset({delivery.sender} & issued.loaded.by_code.keys())
    return issued.units_by_address.get(delivery.sender, frozenset())


def ask_of(file: File) -> str:
    """What the unit has to do about a file that waits; empty where only we have to do something."""
    return str(file.witnesses.get("ask") or "") if _waits(file) else ""


def _waits(file: File) -> bool:
    return file.disposition == "triage" and file.settled_at is None


def to_answer(version: Version, findings: Iterable[FindingRow]) -> list[FindingRow]:
    """A version's open findings that the unit has to answer: what it has explained waits for us, and what
    it has corrected meanwhile is done with."""
    if version.status == "superseded":
        return []
    return [f for f in findings if f.settled_at is None and f.explanation is None]


def gather(session: Session, deliveries: Sequence[Delivery]) -> list[Answer]:
    """What these deliveries brought, in their order."""
    ids = [delivery.id for delivery in deliveries]
    files = session.scalars(
        select(File).where(File.delivery_id.in_(ids)).order_by(File.id).options(defer(File.reading))
    ).all()
    versions = session.scalars(select(Version).where(Version.delivery_id.in_(ids)).order_by(Version.id)).all()
    held = [v.id for v in versions]
    findings = session.scalars(
        select(FindingRow).where(FindingRow.version_id.in_(held)).order_by(FindingRow.id)
    ).all()
    on_paper = session.scalars(select(Value).where(Value.version_id.in_(held), Value.sheet == SHEET)).all()
    files_of, versions_of = _grouped(files, "delivery_id"), _grouped(versions, "delivery_id")
    findings_of = _grouped(findings, "version_id")
    keyed = _grouped([v for v in on_paper if KEYED in v.notes], "version_id")  # a sheet may bear that name
    return [
        Answer(d, files_of[d.id], [v for v in versions_of[d.id] if v.cycle == d.cycle], findings_of, keyed)
        for d in deliveries
    ]


def _grouped(rows: Sequence[Any], key: str) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def replies_before(session: Session, cycle: str) -> Counter[int]:
    """Delivery → how many letters answered it before: some, where a person assigned what waited in it."""
    keys = session.scalars(select(Letter.key).where(Letter.cycle == cycle, Letter.key.startswith("reply:")))
    return Counter(int(key.split(":")[1]) for key in keys)
