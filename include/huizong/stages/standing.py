"""Where every unit stands: computed from the ledger, never stored (报送进度).

One place decides; status, chase, replies, assemble and the board all ask here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from huizong.definition.model import Collection, Part
from huizong.definition.schedule import Deadline
from huizong.frame.roster import Unit
from huizong.ledger.tables import Decision, Delivery, File, FindingRow, FrameUnit, Value, Version
from huizong.stages.deadlines import own_deadline
from huizong.stages.issued import IssuedCycle
from huizong.stages.open_matters import WAITING, Newest, Waiting, newest_return, settled_later
from huizong.stages.versions import COUNTING

UnitStatus = Literal[
    "not_started", "unsettled", "partial", "in_query", "complete", "nil", "waived", "refused", "undeliverable"
]
QUERIES = ("mandatory", "quasi_mandatory", "verify")


@dataclass
class Standing:
    """One unit in one collection at `as_of`."""

    unit: Unit
    collection: Collection
    due: Deadline | None
    due_version: int = 1
    status: UnitStatus = "not_started"
    versions: dict[str, list[Version]] = field(default_factory=dict)  # part → oldest first
    findings: list[FindingRow] = field(default_factory=list)  # open, of the versions that stand
    waiting: list[str] = field(default_factory=list)  # open dispositions
    linked: set[str] = field(default_factory=set)  # parts that came as a link and are not downloaded yet
    extended: bool = False
    no_mailbox: bool = False
    punctual: bool | None = None
    nil_since: datetime | None = None  # when the unit said that it has nothing to report
    zero_forms: frozenset[int] = frozenset()  # versions that hold nothing but zeros, where that says nil

    def newest(self, part: Part) -> Version | None:
        found = self.versions.get(part.code)
        return found[-1] if found else None

    def counted(self, part: Part) -> Version | None:
        """The version of a part that counts: the newest accepted."""
        return next((v for v in reversed(self.versions.get(part.code, [])) if v.status in COUNTING), None)

    def counting(self, part: Part) -> list[Version]:
        """What counts of a part: the newest accepted, or all accepted where they add up; of a waived unit
        nothing does."""
        if self.status == "waived":
            return []
        if part.appends:
            return [v for v in self.versions.get(part.code, []) if v.status in COUNTING]
        found = self.counted(part)
        return [found] if found else []

    @property
    def missing_parts(self) -> list[Part]:
        """Required parts of which nothing stands: nothing came, or all of it was rejected."""
        return [p for p in self.collection.required_parts if not self._stands(p)]

    def _stands(self, part: Part) -> bool:
        return self.counted(part) is not None

    @property
    def absent_parts(self) -> list[Part]:
        """Required parts of which nothing came at all, not even a link: those a letter asks for. None where
        nothing is owed any more (nil, waived, refused)."""
        if self.status in ("nil", "waived", "refused"):
            return []
        came = self.versions.keys() | self.linked
        return [p for p in self.collection.required_parts if p.code not in came]

    @property
    def stamped_zero_form(self) -> datetime | None:
        """When the last came of a form with nothing but zeros and its stamped copy: a nil return on paper
        (nil: stamped_form). None where the collection takes none, or they are not there."""
        scans = [p for p in self.collection.parts if p.kind == "scan"]
        needed = [self.counted(p) for p in (*self.collection.forms, *scans) if p.required or p.kind == "scan"]
        came = [v.received_at for v in needed if v is not None]
        forms = [v for v in needed if v is not None and v.instrument]
        if not scans or not forms or len(came) < len(needed):
            return None
        return max(came) if all(v.id in self.zero_forms for v in forms) else None

    @property
    def returned(self) -> bool:
        """Whether the unit counts as returned: its form counts (without a form: any part), or nil."""
        if self.status == "nil":
            return True
        form = self.collection.form
        if form is not None:
            return self.counted(form) is not None
        return any(v.status in COUNTING for found in self.versions.values() for v in found)

    @property
    def open_queries(self) -> list[FindingRow]:
        return [f for f in self.findings if f.severity in QUERIES]

    @property
    def awaits_consent(self) -> bool:
        """Whether the unit gave a reason on which the operator has to decide."""
        return any(f.explanation for f in self.open_queries)

    @property
    def reminders_wait(self) -> bool:
        """暂缓催报: something of the unit's is pending, or waits for a person: file, question or reason."""
        pending = any(v.status == "pending" for found in self.versions.values() for v in found)
        return pending or bool(self.waiting) or self.awaits_consent

    def flags(self) -> list[str]:
        told = {"extended": self.extended, "no_mailbox": self.no_mailbox, "punctual": bool(self.punctual)}
        return [name for name, on in told.items() if on]


EVER = datetime.max.replace(tzinfo=UTC)


def standings_now(
    session: Session, issued: IssuedCycle, units: str | frozenset[str] | None = None
) -> list[Standing]:
    """Where units stand by all that the ledger holds.

    Answers and reminders ask this: a run's `as_of` is its start, and what another process received a
    second later must neither be missed in an answer nor be chased.
    """
    return standings(session, issued, EVER, units)


def standings(
    session: Session, issued: IssuedCycle, as_of: datetime, units: str | frozenset[str] | None = None
) -> list[Standing]:
    """Every unit of every frame (or these) in the established order, as the ledger says at `as_of`."""
    only = frozenset({units}) if isinstance(units, str) else units
    return [s for c in issued.collections for s in _Facts(session, issued, c, as_of, only).standings()]


@dataclass(frozen=True)
class _Facts:
    """What the ledger holds of one collection, fetched by kind and not by unit."""

    session: Session
    issued: IssuedCycle
    collection: Collection
    as_of: datetime
    only: frozenset[str] | None

    def standings(self) -> list[Standing]:
        decisions, versions, waiting = self._decisions(), self._versions(), self._waiting()
        findings = self._findings()
        usual = self.issued.schedule.due(self.collection)
        zeros = self._zero_forms()
        result = []
        for unit in self._units(versions):
            decided = decisions.get(unit.code, [])
            held = dict(versions.get(unit.code, {}))
            own = own_deadline(self.issued, self.collection, usual, decided)
            standing = Standing(
                unit, self.collection, own.due, own.version, versions=held, extended=own.extended,
                zero_forms=zeros,
            )  # fmt: skip
            standing.waiting = [w.disposition for w in waiting.get(unit.code, [])]
            standing.linked = {w.part for w in waiting.get(unit.code, []) if w.part is not None}
            standing.no_mailbox = not (
                unit.code in self.issued.contacts or unit.code in self.issued.bounced_units
            )
            standing.findings = [f for v in _standing_versions(standing) for f in findings.get(v.id, [])]
            standing.status = _status(self.issued, standing, decided)
            if standing.status == "nil":
                said = (_said_nil(decided), standing.stamped_zero_form)
                standing.nil_since = min(filter(None, said), default=None)
            standing.punctual = _punctual(standing)
            result.append(standing)
        return result

    def _of(self, cycle: Any, collection: Any, unit: Any) -> list[ColumnElement[bool]]:
        """This cycle and collection; these units, where not all are asked for."""
        wanted = [cycle == self.issued.code, collection == self.collection.code]
        return wanted if self.only is None else [*wanted, unit.in_(self.only)]

    def _units(self, sent: Iterable[str]) -> list[Unit]:
        """Whom it is about: the frame; of a voluntary collection whoever sent something, in the established
        order."""
        if self.collection.voluntary:
            return sorted(map(self.issued.unit, sent), key=lambda unit: unit.position)
        return self._frame()

    def _frame(self) -> list[Unit]:
        codes = self.session.scalars(
            select(FrameUnit.unit)
            .where(
                *self._of(FrameUnit.cycle, FrameUnit.collection, FrameUnit.unit),
                FrameUnit.version == self.issued.version,
            )
            .order_by(FrameUnit.position)
        )
        return [self.issued.unit(code) for code in codes]

    def _zero_forms(self) -> frozenset[int]:
        """Versions whose figures are all zero, where the collection takes such a form as a nil return."""
        if self.collection.nil != "stamped_form":
            return frozenset()
        other = case((Value.number == Decimal(0), 0), else_=1)
        rows = self.session.scalars(
            select(Value.version_id)
            .join(Version, Value.version_id == Version.id)
            .where(*self._of(Version.cycle, Version.collection, Version.unit), Value.number.is_not(None))
            .group_by(Value.version_id)
            .having(func.max(other) == 0)
        )
        return frozenset(rows)

    def _decisions(self) -> dict[str, list[Decision]]:
        rows = self.session.scalars(
            select(Decision)
            .where(
                *self._of(Decision.cycle, Decision.collection, Decision.unit), Decision.as_of <= self.as_of
            )
            .order_by(Decision.id)
        )
        return _grouped(rows, lambda d: d.unit)

    def _versions(self) -> dict[str, dict[str, list[Version]]]:
        rows = self.session.scalars(
            select(Version)
            .where(
                *self._of(Version.cycle, Version.collection, Version.unit), Version.received_at <= self.as_of
            )
            .order_by(Version.number)
        )
        found: dict[str, dict[str, list[Version]]] = defaultdict(lambda: defaultdict(list))
        for version in rows:
            found[version.unit][version.part].append(version)
        return found

    def _findings(self) -> dict[int, list[FindingRow]]:
        """Open findings by version, of versions that are not superseded."""
        rows = self.session.scalars(
            select(FindingRow)
            .join(Version, FindingRow.version_id == Version.id)
            .where(
                *self._of(Version.cycle, Version.collection, Version.unit),
                Version.status.in_(("rejected", *COUNTING)),
                FindingRow.settled_at.is_(None),
            )
            .order_by(FindingRow.id)
        )
        return _grouped(rows, lambda f: f.version_id)

    def _waiting(self) -> dict[str, list[Waiting]]:
        """Open dispositions by unit; unreadable files are settled by what was taken afterwards."""
        open_ = (Delivery.received_at <= self.as_of, Delivery.settled_at.is_(None))
        files = self.session.execute(
            select(
                File.disposition,
                File.witnesses,
                File.unit,
                File.part,
                Delivery.unit.label("sender"),
                Delivery.id,
            )  # fmt: skip
            .join(Delivery, File.delivery_id == Delivery.id)
            .where(
                *open_,
                func.coalesce(File.cycle, Delivery.cycle) == self.issued.code,
                File.disposition.in_(WAITING),
                File.settled_at.is_(None),
            )
        )
        messages = self.session.execute(
            select(Delivery.disposition, Delivery.unit, Delivery.id).where(
                *open_,
                Delivery.cycle == self.issued.code,
                Delivery.disposition.in_(WAITING),
                ~select(File.id).where(File.delivery_id == Delivery.id).exists(),
            )
        )
        found: list[tuple[str | None, Waiting, int, bool]] = [
            (m.unit, Waiting(m.disposition or ""), m.id, False) for m in messages
        ]
        for file in files:
            units = {file.unit or file.sender, *file.witnesses.get("units", [])}
            one = Waiting(file.disposition, file.part if file.disposition == "link_pending" else None)
            found += [(unit, one, file.id, "ask" in file.witnesses) for unit in units]
        later = newest_return(self.session, self.issued.code, self.collection.code)
        waiting: dict[str, list[Waiting]] = defaultdict(list)
        for unit, one, delivery, asked in found:
            if unit and not settled_later(one.disposition, later.get(unit, Newest()), delivery, asked=asked):
                waiting[unit].append(one)
        return waiting


def _standing_versions(standing: Standing) -> Iterable[Version]:
    """Of each part the newest version, and the one that counts while a newer one is rejected."""
    for part in standing.collection.parts:
        found = standing.versions.get(part.code, [])
        if part.appends:
            yield from found
        elif found:
            yield found[-1]


def _status(issued: IssuedCycle, standing: Standing, decisions: list[Decision]) -> UnitStatus:
    last = next((d.kind for d in reversed(decisions) if d.kind in {"waive", "refuse", "nil", "reopen"}), None)
    if last == "nil" and _sent_since(standing, decisions):
        last = None
    decided: dict[str | None, UnitStatus] = {"waive": "waived", "refuse": "refused", "nil": "nil"}
    if last in decided:
        return decided[last]
    if any(v.status == "rejected" for v in _standing_versions(standing)) or standing.open_queries:
        return "in_query"
    if standing.stamped_zero_form:
        return "nil"
    if not standing.missing_parts:
        return "complete"
    if standing.reminders_wait:
        return "unsettled"
    if any(standing.versions.values()):
        return "partial"
    unreachable = standing.unit.code in issued.bounced_units and standing.unit.code not in issued.contacts
    return "undeliverable" if unreachable else "not_started"


def _sent_since(standing: Standing, decisions: list[Decision]) -> bool:
    """Whether something came after the unit said that it had nothing."""
    said = _said_nil(decisions)
    return said is not None and any(
        v.received_at > said for found in standing.versions.values() for v in found
    )


def _said_nil(decisions: list[Decision]) -> datetime | None:
    return max((d.as_of for d in decisions if d.kind == "nil"), default=None)


def _punctual(standing: Standing) -> bool | None:
    """Whether the first readable version with all required parts came in time; None while there is none.

    A later correction that we asked for does not make it late, so the first of each part decides.
    """
    if standing.due is None:
        return None
    if standing.nil_since is not None:
        return standing.nil_since < standing.due.instant
    firsts = [standing.versions.get(p.code, [None])[0] for p in standing.collection.required_parts]
    arrived = [v.received_at for v in firsts if v is not None]
    if len(arrived) < len(firsts) or not arrived:
        return None
    return max(arrived) < standing.due.instant


def _grouped(rows: Iterable[Any], key: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found
