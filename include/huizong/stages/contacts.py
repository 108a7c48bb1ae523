"""Contacts may change at any time (invariant 9): the ledger follows the roster, frame or no frame."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.load import LoadedCycle
from huizong.ledger.tables import Contact


def refresh_contacts(session: Session, loaded: LoadedCycle) -> None:
    """Add what the roster has anew, take away what it has no longer; a bounced address stays marked.

    Works in the caller's transaction.
    """
    known = {
        (row.unit, row.address): row
        for row in session.scalars(select(Contact).where(Contact.cycle == loaded.cycle.code))
    }
    for unit in loaded.units:
        for position, wanted in enumerate(unit.contacts):
            row = known.pop((unit.code, wanted.address), None)
            if row is None:
                row = Contact(cycle=loaded.cycle.code, unit=unit.code, address=wanted.address)
                session.add(row)
            row.name, row.phone, row.position = wanted.name, wanted.phone, position
    for gone in known.values():
        session.delete(gone)
    session.flush()


def contacts_by_unit(
    session: Session, code: str
) -> tuple[dict[str, tuple[Contact, ...]], tuple[Contact, ...]]:
    """Unit → its contacts in order, those that bounce left out; and those that bounce."""
    rows = session.scalars(
        select(Contact).where(Contact.cycle == code).order_by(Contact.unit, Contact.position)
    ).all()
    found: dict[str, list[Contact]] = {}
    for row in rows:
        if row.invalid_since is None:
            found.setdefault(row.unit, []).append(row)
    bounced = tuple(row for row in rows if row.invalid_since is not None)
    return {unit: tuple(contacts) for unit, contacts in found.items()}, bounced
