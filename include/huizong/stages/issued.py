"""A cycle as it was issued: the frozen definition, and the contacts of today."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.load import (
    LoadedCycle,
    differences,
    find_cycles,
    load_cycle,
    load_named,
    refrozen,
    thaw,
)
from huizong.definition.model import Collection
from huizong.definition.schedule import Schedule
from huizong.errors import UsageError
from huizong.frame.roster import Unit
from huizong.intake.recognise import name_index
from huizong.ledger.tables import Contact, DefinitionVersion, Event, EventPerson, Volunteer
from huizong.stages.amended import Amended, amendments
from huizong.stages.contacts import contacts_by_unit, refresh_contacts
from huizong.stages.context import Context


@dataclass(frozen=True)
class IssuedCycle:
    """What every stage after issue works with."""

    loaded: LoadedCycle
    version: int
    contacts: dict[str, tuple[Contact, ...]]  # by unit, in order; those that bounce left out
    bounced: tuple[Contact, ...] = ()  # at whose addresses nothing arrives
    volunteers: dict[str, Unit] = field(default_factory=dict)  # by code; grows while deliveries are filed
    amended: Amended = Amended()

    @property
    def code(self) -> str:
        return self.loaded.cycle.code

    @property
    def schedule(self) -> Schedule:
        return self.loaded.schedule

    @property
    def collections(self) -> tuple[Collection, ...]:
        return self.loaded.cycle.collections

    def collection(self, code: str) -> Collection:
        found = self.loaded.cycle.collection(code)
        if found is None:
            known = "、".join(c.code for c in self.collections)
            raise UsageError(f"{self.code} 没有报送事项“{code}”，现有：{known}。")
        return found

    def unit(self, code: str) -> Unit:
        found = self.loaded.by_code.get(code) or self.volunteers.get(code) or self.amended.former.get(code)
        if found is None:
            raise UsageError(f"{self.code} 的名录中没有单位“{code}”。")
        return found

    def asks(self, collection: Collection, unit: str) -> bool:
        """Whether a collection takes a unit's returns: it expects them, or takes anybody's."""
        return collection.voluntary or self.loaded.expects(collection, unit)

    def add_volunteer(self, unit: Unit) -> None:
        self.volunteers[unit.code] = unit
        self.names[unit.code] = unit.name

    @cached_property
    def own_addresses(self) -> frozenset[str]:
        """The mailboxes that this cycle's letters come from, in lower case."""
        return frozenset(c.address.lower() for c in self.loaded.cycle.channels.values() if c.address)

    @cached_property
    def bounced_units(self) -> frozenset[str]:
        return frozenset(contact.unit for contact in self.bounced)

    @cached_property
    def units_by_address(self) -> dict[str, frozenset[str]]:
        """Registered address → the units that it speaks for, also while nothing arrives there."""
        found: dict[str, set[str]] = {}
        for contact in (*chain.from_iterable(self.contacts.values()), *self.bounced):
            found.setdefault(contact.address, set()).add(contact.unit)
        return {address: frozenset(units) for address, units in found.items()}

    @cached_property
    def names(self) -> dict[str, str]:
        """Unit code → its short name."""
        units = (*self.amended.former.values(), *self.loaded.units, *self.volunteers.values())
        return {unit.code: unit.name for unit in units}

    @cached_property
    def units_by_name(self) -> dict[str, frozenset[str]]:
        return name_index({unit.code: unit.names for unit in self.loaded.units})


def newest_definition(session: Session, code: str) -> DefinitionVersion | None:
    return session.scalars(
        select(DefinitionVersion)
        .where(DefinitionVersion.cycle == code)
        .order_by(DefinitionVersion.version.desc())
        .limit(1)
    ).first()


def issued_cycle(ctx: Context, code: str, *, checked: bool = True) -> IssuedCycle:
    """The cycle as frozen at issue.

    Args:
        checked: stop where its files were changed since. Taking in and sending out go on with what was
            frozen: one cycle's edited file must not stop another's mail.

    Raises:
        UsageError: it was never issued, or (checked) its files were changed since.
    """
    with ctx.ledger.read() as session:
        newest = newest_definition(session, code)
    path = find_cycles(ctx.home).get(code)
    if newest is None:
        load_named(code, ctx.home)  # names the cycles that there are
        raise UsageError(f"{code} 尚未下发，请先运行 huizong issue {code}。")
    frozen = ctx.store.get(newest.content).decode()
    folder = path.parent if path else ctx.home.path
    if path and checked:
        current = load_cycle(path, ctx.home)
        stop_if_changed(code, frozen, current, newest.digest)
        _follow_roster(ctx, current)
    loaded = thaw(frozen, folder, ctx.home)
    with ctx.ledger.read() as session:
        return as_issued(session, loaded, newest.version)


def as_issued(session: Session, loaded: LoadedCycle, version: int) -> IssuedCycle:
    """A definition that is in force as `version`, with what the ledger holds of its people."""
    code = loaded.cycle.code
    contacts, bounced = contacts_by_unit(session, code)
    rows = session.scalars(select(Volunteer).where(Volunteer.cycle == code)).all()
    return IssuedCycle(
        loaded=loaded,
        version=version,
        contacts=contacts,
        bounced=bounced,
        volunteers={row.code: volunteer_unit(row, len(loaded.units)) for row in rows},
        amended=amendments(session, code, version, loaded.by_code),
    )


def volunteer_unit(row: Volunteer, registered: int) -> Unit:
    """A volunteer as a unit, after all `registered` ones in the order in which they first came."""
    position = registered + row.id
    return Unit(code=row.code, name=row.name, full_name=row.name, relation="peer", position=position)


def _follow_roster(ctx: Context, current: LoadedCycle) -> None:
    """Take over the roster's contacts of today, where they differ from the ledger's."""
    with ctx.ledger.read() as session:
        rows = session.scalars(select(Contact).where(Contact.cycle == current.cycle.code))
        held = {(c.unit, c.address, c.name, c.phone, c.position) for c in rows}
    wanted = {
        (u.code, c.address, c.name, c.phone, n) for u in current.units for n, c in enumerate(u.contacts)
    }
    if held != wanted:
        with ctx.ledger.write() as session:
            refresh_contacts(session, current)


def issued_codes(ctx: Context) -> list[str]:
    """Codes of all cycles that were issued, oldest first."""
    with ctx.ledger.read() as session:
        rows = session.scalars(select(DefinitionVersion).order_by(DefinitionVersion.id)).all()
    return list(dict.fromkeys(row.cycle for row in rows))


def stop_if_changed(code: str, frozen: str, current: LoadedCycle, digest: str) -> None:
    """A changed file says what differs and stops (invariant 9)."""
    if current.digest != digest and (was := refrozen(frozen)) != current.frozen():
        what = "；".join(differences(was, current.frozen()))
        raise UsageError(
            f"{code} 下发后定义或名录有改动：{what}。确需变更的，核对后运行 huizong amend {code} "
            "--by 经办人 --reason 理由；否则请改回原样。"
        )


def log_event(
    session: Session,
    ctx: Context,
    kind: str,
    *,
    cycle: str | None = None,
    collection: str | None = None,
    unit: str | None = None,
    key: str | None = None,
    by: str | None = None,
    words: str = "",
    **data: Any,
) -> Event:
    """Append one event; what is personal (who, in which words) stands apart."""
    event = Event(
        key=key,
        recorded_at=ctx.clock.now(),
        cycle=cycle,
        collection=collection,
        unit=unit,
        kind=kind,
        data=data,
    )
    session.add(event)
    if by is not None:
        session.flush()
        session.add(EventPerson(event_id=event.id, by=by, words=words))
    return event


def require_aware(as_of: datetime) -> datetime:
    if as_of.tzinfo is None:
        raise UsageError("as_of 须带时区")
    return as_of
