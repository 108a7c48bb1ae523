"""Filing one delivery: for each file whose it is, which part, and the version that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from huizong.intake.blank import without_blank_copies
from huizong.intake.relevance import CONTACT_CHANGE, is_contact_change
from huizong.ledger.tables import Event, File, Version
from huizong.readers.model import FileReading
from huizong.readers.secrecy import REASON as RESTRICTED
from huizong.readers.secrecy import is_restricted
from huizong.stages.envelope import Envelope
from huizong.stages.issued import log_event
from huizong.stages.judging import Judged, claims_of, judge_all
from huizong.stages.linked import settle_downloaded
from huizong.stages.linking import Link, file_links
from huizong.stages.others import file_other, unit_of
from huizong.stages.placing import Placing, delivered_forms, note
from huizong.stages.window import note_window

# A message's own disposition is the weightiest of its files'.
_WEIGHT = ("restricted", "return", "subordinate", "set_aside", "link_pending", "triage", "duplicate", "other")
HIDDEN_NAME = "（疑似涉密文件）"


@dataclass(frozen=True)
class Leaf:
    """A file as it came: its name, its store's name, its bytes."""

    name: str
    digest: str
    data: bytes = field(repr=False)
    container: str = ""  # the digest of the archive that it was taken out of


@dataclass
class Filing(Envelope):
    """Works inside the caller's transaction; the readings are there already."""

    def file(
        self, leaves: Sequence[Leaf], readings: Mapping[str, FileReading], links: Sequence[Link] = ()
    ) -> None:
        """Give each file, and the message itself, its disposition; make the versions."""
        isolated = {leaf.digest for leaf in leaves if self._is_restricted(leaf, readings[leaf.digest])}
        readings = without_blank_copies({d: r for d, r in readings.items() if d not in isolated})
        claims = claims_of(self, readings)
        self.follow(claim for found in claims.values() for claim in found)
        known = self.place_sender()
        judged = judge_all(self, readings, claims)
        units = {j.verdict.unit for found in judged.values() for j in found if j.verdict.unit}
        if self.delivery.disposition is not None:
            units |= self._units_before()
        delivered = delivered_forms(self, _names(leaves), readings, judged)
        files: list[File] = []
        made = False
        for leaf in leaves:
            if leaf.digest in isolated:
                files.append(self._isolate(leaf, units))
                continue
            reading, found = readings[leaf.digest], judged[leaf.digest]
            file = self._new_file(leaf, reading)
            if reading.forms or _says_whose(found):
                made |= Placing(self, file, reading, found, delivered).place()
            else:
                made |= file_other(self, file, reading, units, delivered, known=known)
            note(file, reading.notes)
            note_window(self, file)
            files.append(file)
        settle_downloaded(self.ctx, self.session, self.delivery, files)
        secret = [Leaf(link.name, link.digest, link.data) for link in links if link.secret]
        files += [self._isolate(leaf, units) for leaf in secret]
        files += file_links(self, [link for link in links if not link.secret], files, units, known=known)
        self._sum_up(files, made=made)

    def _new_file(self, leaf: Leaf, reading: FileReading) -> File:
        file = File(
            delivery_id=self.delivery.id,
            name=leaf.name[:255],
            digest=leaf.digest,
            container=leaf.container or None,
            size=len(leaf.data),
            kind=reading.kind,
            disposition="triage",
            reason="",
            witnesses={"units": []},
            reading=reading.model_dump_json(exclude_defaults=True),
            awaiting=reading.awaiting or None,
        )
        self.session.add(file)
        self.session.flush()
        return file

    # --- what bears a mark of secrecy -----------------------------------------------------------------

    def _is_restricted(self, leaf: Leaf, reading: FileReading) -> bool:
        """Whether reading found a mark, or the file's name or the mail's subject bears one."""
        if reading.disposition == "restricted":
            return True
        subject = self.mail.subject if self.mail else ""
        return is_restricted((leaf.name, subject)) and not self._is_cleared

    @property
    def _is_cleared(self) -> bool:
        """Whether a person has looked at it and released it: then a name or a subject decides nothing."""
        query = select(Event.id).where(Event.key == cleared_key(self.delivery.id))
        return self.session.scalars(query).first() is not None

    def _isolate(self, leaf: Leaf, units: set[str]) -> File:
        """Of such a file nothing is kept but that it came: no name, no content, not the mail's subject."""
        unknown = FileReading(kind="unknown", disposition="restricted", reason=RESTRICTED)
        file = self._new_file(Leaf(HIDDEN_NAME, leaf.digest, leaf.data, leaf.container), unknown)
        file.disposition, file.reason = "restricted", RESTRICTED
        if (issued := self.home_cycle) is not None:
            unit = unit_of(self, issued, leaf.name, units)
            collection = self.collection_for(issued, unit) if unit else None
            file.unit, file.collection = unit, collection.code if collection else None
            file.cycle = issued.code if unit or self.asked() else None
            file.witnesses = {"units": sorted(({unit} if unit else self.senders | units) | self.asked())}
        log_event(
            self.session, self.ctx, "restricted", cycle=file.cycle, collection=file.collection,
            unit=file.unit, delivery=self.delivery.id, file=file.id,
        )  # fmt: skip
        return file

    # --- the message as a whole -----------------------------------------------------------------------

    def _units_before(self) -> set[str]:
        """Of a delivery that is driven again: whose forms of it were taken before."""
        query = select(Version.unit).where(
            Version.delivery_id == self.delivery.id, Version.instrument.is_not(None)
        )
        return set(self.session.scalars(query))

    def _sum_up(self, files: Sequence[File], *, made: bool) -> None:
        found = {f.disposition for f in files} | ({"return"} if made else set())
        if self.delivery.disposition is not None:  # driven again: what stays of it weighs as well
            kept = select(File.disposition).where(File.delivery_id == self.delivery.id)
            found |= set(self.session.scalars(kept))
        self.delivery.disposition = next((d for d in _WEIGHT if d in found), "other")
        reasons = [f.reason for f in files if f.reason]
        if self.mail is not None and self.delivery.cycle and is_contact_change(self.mail.text):
            reasons.append(CONTACT_CHANGE)
        self.delivery.reason = "；".join(dict.fromkeys(reasons))[:1000]
        for f in files:
            if f.cycle and not self.delivery.cycle:
                self.delivery.cycle, self.delivery.collection = f.cycle, f.collection


def cleared_key(delivery: int) -> str:
    """The key of the event by which a person released a delivery that was isolated."""
    return f"cleared:{delivery}"


def _names(leaves: Sequence[Leaf]) -> dict[str, str]:
    """File's digest → its name, the first where the same file came twice."""
    names: dict[str, str] = {}
    for leaf in leaves:
        names.setdefault(leaf.digest, leaf.name)
    return names


def _says_whose(found: Sequence[Judged]) -> bool:
    """Whether what was recognised on a picture names anybody; else it is whose the delivery is."""
    return any(j.claim.unit or j.claim.problem or j.witnesses.content or j.witnesses.beneath for j in found)
