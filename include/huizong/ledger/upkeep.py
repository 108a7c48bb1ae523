"""Tables of the machinery: accounts, attempts, sweeps, troubles. They keep the system running for months; no
figure depends on them. All instants are machine time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from huizong.ledger.tables import Base


class Account(Base):
    """A login at a mail server, as it was last tried. `name` is `smtp:host:port:login` or `imap:…`."""

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(primary_key=True)
    # Salted hashes of passwords, the one last used first, each with how often in a row it was refused:
    # `hash:0 hash:3`. One that was not refused yet is tried afresh.
    secret: Mapped[str]
    failures: Mapped[int] = mapped_column(default=0)  # logins refused in a row
    ok_at: Mapped[datetime | None]  # the last login that was accepted
    paused_until: Mapped[datetime | None]  # the server asked for patience
    stopped_at: Mapped[datetime | None]  # nobody logs in until a person has seen to it
    reason: Mapped[str] = mapped_column(Text, default="")


class Attempt(Base):
    """One try to send a letter; rate limits count these."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_account", "account", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), index=True)
    account: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # None: the process died in it
    stage: Mapped[str]
    state: Mapped[str]
    code: Mapped[int | None]
    reply: Mapped[str] = mapped_column(Text, default="")


class Sweep(Base):
    """A channel as it was last read."""

    __tablename__ = "sweep"

    channel: Mapped[str] = mapped_column(primary_key=True)
    ok_at: Mapped[datetime | None]  # the last time it was read to its end
    failed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    reason: Mapped[str] = mapped_column(Text, default="")


class Unfetched(Base):
    """A mail that the server lists and does not hand out; it is asked for again, and a person is told."""

    __tablename__ = "unfetched"
    __table_args__ = (UniqueConstraint("channel", "place", "mark"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    place: Mapped[str]  # mailbox folder and UIDVALIDITY
    mark: Mapped[str]  # UID
    tries: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class Suppression(Base):
    """An address that gets no automatic replies: a machine that answers machines, or by a person's word."""

    __tablename__ = "suppression"

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(index=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]  # None: until a person lifts it
    reason: Mapped[str] = mapped_column(Text)
    by: Mapped[str]  # "" for the system itself
    lifted_at: Mapped[datetime | None]


class Trouble(Base):
    """What an alarm is about, from its beginning to its end. One of a name is open at a time."""

    __tablename__ = "trouble"
    __table_args__ = (UniqueConstraint("name", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]  # what, and which one: `login:imap:…`, `restricted:12`
    number: Mapped[int]  # counts from 1: how often it has come
    cycle: Mapped[str | None]
    title: Mapped[str]
    lines: Mapped[list[Any]]
    since: Mapped[datetime]
    over_at: Mapped[datetime | None]
