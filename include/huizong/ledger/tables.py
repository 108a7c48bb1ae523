"""The ledger: what is true.

Grouped as the work goes: definitions and frames, deliveries and files, versions and values, letters,
decisions, events. Files themselves are in the store; here stand their hashes.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from huizong.ledger.types import Exact, Utc


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: Utc,
        Decimal: Exact,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        str: String,
    }


# --- definitions and frames -------------------------------------------------------------------------


class DefinitionVersion(Base):
    """A frozen copy of a cycle's definition, roster and instruments (invariant 9)."""

    __tablename__ = "definition_version"
    __table_args__ = (UniqueConstraint("cycle", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    version: Mapped[int]
    digest: Mapped[str]
    content: Mapped[str]  # the store's name of the frozen definition (JSON)
    as_of: Mapped[datetime]
    recorded_at: Mapped[datetime]
    by: Mapped[str | None]
    reason: Mapped[str | None]


class FrameUnit(Base):
    """A unit expected in a collection, as frozen with a definition version."""

    __tablename__ = "frame_unit"
    __table_args__ = (UniqueConstraint("cycle", "version", "collection", "unit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    version: Mapped[int]
    collection: Mapped[str]
    unit: Mapped[str]
    position: Mapped[int]  # 建制顺序


class Volunteer(Base):
    """Who answered a voluntary collection without standing in the roster. `code` is made from the name."""

    __tablename__ = "volunteer"
    __table_args__ = (UniqueConstraint("cycle", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]


class Contact(Base):
    """Whom to write to; may change at any time, so it is no part of the frozen frame."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("cycle", "unit", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    unit: Mapped[str]
    address: Mapped[str]
    name: Mapped[str]
    phone: Mapped[str]
    position: Mapped[int]
    invalid_since: Mapped[datetime | None]  # a hard bounce


class FormIssue(Base):
    """A personal form: its token and the short number printed at its foot."""

    __tablename__ = "form_issue"
    __table_args__ = (UniqueConstraint("cycle", "collection", "unit", "instrument"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    collection: Mapped[str]
    unit: Mapped[str]
    instrument: Mapped[str]
    serial: Mapped[str] = mapped_column(unique=True)
    form_number: Mapped[str] = mapped_column(unique=True)
    token: Mapped[str]
    workbook: Mapped[str]  # the store's names of the personal files
    document: Mapped[str]


# --- deliveries and files ---------------------------------------------------------------------------


class Delivery(Base):
    """A message, or one folder drop. `digest` names the raw message; a drop has none."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_open", "processed_at", "answered_at"),
        Index("ix_delivery_sender", "sender", "stored_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    kind: Mapped[str]  # mail, folder
    via: Mapped[str | None]  # how it reached the office, where a person brought it in: fax, qq, wechat, …
    digest: Mapped[str | None] = mapped_column(index=True)
    received_at: Mapped[datetime]
    stored_at: Mapped[datetime]
    sender: Mapped[str]  # lower-case address, or the drop's folder name
    subject: Mapped[str]
    message_id: Mapped[str | None] = mapped_column(index=True)
    content: Mapped[str | None]  # of a mail: hash of what its writer wrote, without the traces of its way
    headers: Mapped[str | None]  # the store's name of its headers, where only these are kept any more
    cycle: Mapped[str | None]  # told by the caller, or found by recognising
    collection: Mapped[str | None]
    unit: Mapped[str | None]  # the sender's unit, where known; of a stranger's answer, whom we had written to
    disposition: Mapped[str | None]
    reason: Mapped[str | None]
    processed_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]  # by a person, or by what came later


class Location(Base):
    """Where a delivery was seen: (folder, UIDVALIDITY, UID) of a mailbox, or a path of a folder."""

    __tablename__ = "location"
    __table_args__ = (UniqueConstraint("channel", "place", "mark"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    place: Mapped[str]  # mailbox folder and UIDVALIDITY, or path
    mark: Mapped[str]  # UID, or SHA-256
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    size: Mapped[int]


class File(Base):
    """A file of a delivery and what became of it."""

    __tablename__ = "file"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(index=True)
    container: Mapped[str | None]  # the digest of the archive or message that it was taken out of
    size: Mapped[int]
    kind: Mapped[str]  # told by content
    disposition: Mapped[str]
    reason: Mapped[str]
    witnesses: Mapped[dict[str, Any]]  # what file, sender and content say of the unit
    cycle: Mapped[str | None]
    collection: Mapped[str | None]
    unit: Mapped[str | None]
    part: Mapped[str | None]
    reading: Mapped[str | None] = mapped_column(Text)  # what reading found (JSON of FileReading)
    awaiting: Mapped[str | None]  # the program that would read it and is not installed
    settled_at: Mapped[datetime | None]


class Keying(Base):
    """Figures that a person keyed from a picture; they count once another one has confirmed them."""

    __tablename__ = "keying"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("file.id"), index=True)
    cycle: Mapped[str]
    collection: Mapped[str]
    unit: Mapped[str]
    form: Mapped[str] = mapped_column(Text)  # JSON of FormReading
    by: Mapped[str]
    keyed_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]  # keyed anew, or refused by the second person


# --- versions, values, findings ---------------------------------------------------------------------


class Version(Base):
    """One file's content for (cycle, collection, unit, part), numbered by `received_at`."""

    __tablename__ = "version"
    __table_args__ = (
        UniqueConstraint("cycle", "collection", "unit", "part", "number"),
        UniqueConstraint("file_id", "part", "unit", "form"),
        Index("ix_version_status", "cycle", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    collection: Mapped[str]
    unit: Mapped[str]
    part: Mapped[str]
    number: Mapped[int]
    file_id: Mapped[int] = mapped_column(ForeignKey("file.id"), index=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    form: Mapped[int]  # which form of the file, counted from 0
    instrument: Mapped[str | None]
    received_at: Mapped[datetime]
    from_registered: Mapped[bool]
    status: Mapped[str]  # pending, accepted, accepted_with_queries, rejected, superseded
    rules_version: Mapped[str | None]
    checked_at: Mapped[datetime | None]


class Value(Base):
    """One figure as reported: the number, the raw content, and where it stands."""

    __tablename__ = "value"
    __table_args__ = (UniqueConstraint("version_id", "row", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"), index=True)
    row: Mapped[int]  # 0 in a form; counts the rows of a list form
    item: Mapped[str]
    state: Mapped[str]
    number: Mapped[Decimal | None]
    raw: Mapped[str] = mapped_column(Text)
    notes: Mapped[list[Any]]
    sheet: Mapped[str]
    cell: Mapped[str]
    matched: Mapped[str]
    confidence: Mapped[str]


class FindingRow(Base):
    """A result of a rule, with the rules' version. `settled_at` says when it ceased to be open."""

    __tablename__ = "finding"

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"), index=True)
    rule: Mapped[str]
    rules_version: Mapped[str]
    severity: Mapped[str]
    item: Mapped[str | None]
    message: Mapped[str] = mapped_column(Text)
    remedy: Mapped[str] = mapped_column(Text)
    sheet: Mapped[str]
    cell: Mapped[str]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    explanation: Mapped[str | None] = mapped_column(Text)


# --- letters ----------------------------------------------------------------------------------------


class Letter(Base):
    """A row of the outbox. `key` makes it unique; `mime` is frozen at the first claim (invariant 3)."""

    __tablename__ = "letter"
    __table_args__ = (
        Index("ix_letter_queue", "channel", "state"),
        Index("ix_letter_address", "address", "claimed_at"),
        Index("ix_letter_kind", "kind", "claimed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    channel: Mapped[str]
    cycle: Mapped[str | None] = mapped_column(index=True)
    collection: Mapped[str | None]
    unit: Mapped[str | None]
    address: Mapped[str]
    addressee: Mapped[str]
    subject: Mapped[str]
    message_id: Mapped[str] = mapped_column(unique=True)
    in_reply_to: Mapped[str | None]
    state: Mapped[str]
    context: Mapped[dict[str, Any]]  # what the template needs
    attachments: Mapped[list[Any]]  # [name, store's name]
    expires_at: Mapped[datetime | None]  # business time after which the text would be wrong
    queued_at: Mapped[datetime]
    not_before: Mapped[datetime | None]  # machine time of the next attempt after a refusal or a cap
    claimed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    mime: Mapped[str | None]
    reply: Mapped[str | None] = mapped_column(Text)


# --- decisions, events --------------------------------------------------------------------


class Approval(Base):
    """A sign-off: who, when, on what basis (invariant 11). `subject` is what exactly was signed off."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("cycle", "question", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    question: Mapped[str]  # issue, final, formal_notice, results
    subject: Mapped[str]
    by: Mapped[str]
    basis: Mapped[str]
    as_of: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Decision(Base):
    """What a person decided about a unit: waive, extend, accept, send-back, refuse. The newest counts."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision", "cycle", "collection", "unit"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    collection: Mapped[str]
    unit: Mapped[str]
    kind: Mapped[str]
    value: Mapped[dict[str, Any]]
    by: Mapped[str]
    reason: Mapped[str]
    as_of: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Event(Base):
    """The append-only log. `key` makes a fact that must be recorded once unique."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)
    recorded_at: Mapped[datetime]
    cycle: Mapped[str | None] = mapped_column(index=True)
    collection: Mapped[str | None]
    unit: Mapped[str | None]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]


class EventPerson(Base):
    """The personal data of an event, apart, so that it can be erased and the event stays."""

    __tablename__ = "event_person"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)
    by: Mapped[str]
    words: Mapped[str] = mapped_column(Text)
