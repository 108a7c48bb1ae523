"""The ledger's editions of a summary: what each stands on, and the sums it gave."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from huizong.ledger.tables import Base


class Edition(Base):
    """A summary as it was at one moment; never changed, only followed by another."""

    __tablename__ = "edition"
    __table_args__ = (UniqueConstraint("cycle", "kind", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle: Mapped[str]
    kind: Mapped[str]  # provisional, final, revised
    number: Mapped[int]
    digest: Mapped[str]  # of the versions and the definition it stands on
    definition_version: Mapped[int]
    as_of: Mapped[datetime]
    recorded_at: Mapped[datetime]
    coverage: Mapped[dict[str, Any]]
    files: Mapped[list[Any]]  # [name, store's name]
    handed_over: Mapped[dict[str, Any] | None]


class EditionVersion(Base):
    """Which versions an edition's figures come from."""

    __tablename__ = "edition_version"

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"), primary_key=True)


class EditionTotal(Base):
    """One sum of an edition."""

    __tablename__ = "edition_total"
    __table_args__ = (UniqueConstraint("edition_id", "collection", "instrument", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"), index=True)
    collection: Mapped[str]
    instrument: Mapped[str]
    item: Mapped[str]
    total: Mapped[Decimal]
