"""Units that no letter reaches (无法送达): one trouble a cycle that names them, until each is reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from huizong.errors import HuizongError
from huizong.ledger.tables import Contact, Delivery
from huizong.stages.alarms import end_alarm, is_seen_to, keep_alarm, open_troubles, shown
from huizong.stages.context import Context
from huizong.stages.issued import issued_cycle

_ROBOTS = ("auto_reply", "bounce", "read_receipt", "own_copy")
_TROUBLE = "undeliverable:"


@dataclass(frozen=True)
class _Unit:
    code: str
    addresses: tuple[str, ...]
    since: datetime


def tell_unreachable(ctx: Context) -> None:
    """Raise, bring up to date or end the troubles. An address from which somebody writes is alive again; a
    unit that has one, or has written from elsewhere, is no trouble any more."""
    with ctx.ledger.read() as session:
        cycles = set(session.scalars(select(Contact.cycle).where(Contact.invalid_since.is_not(None))))
        told = {t.name.removeprefix(_TROUBLE) for t in open_troubles(session) if t.name.startswith(_TROUBLE)}
    for cycle in sorted(cycles | told):
        with ctx.ledger.write() as session:
            _revive(session, cycle)
        with ctx.ledger.read() as session:
            units = list(_unreached(session, cycle))
        names = _names(ctx, cycle) if units else {}
        with ctx.ledger.write() as session:
            _tell(ctx, session, cycle, units, names)


def _revive(session: Session, cycle: str) -> None:
    query = select(Contact).where(Contact.cycle == cycle, Contact.invalid_since.is_not(None))
    for contact in session.scalars(query):
        if _written(session, contact.invalid_since, Delivery.sender == contact.address.lower()):
            contact.invalid_since = None


def _unreached(session: Session, cycle: str) -> Iterator[_Unit]:
    """The units of which no address takes mail, and from which nothing has come since."""
    query = select(Contact).where(Contact.cycle == cycle).order_by(Contact.unit, Contact.position)
    for code, rows in groupby(session.scalars(query).all(), key=lambda contact: contact.unit):
        contacts = list(rows)
        gone = [contact.invalid_since for contact in contacts if contact.invalid_since is not None]
        if len(gone) < len(contacts):
            continue
        if not _written(session, max(gone), Delivery.cycle == cycle, Delivery.unit == code):
            yield _Unit(code, tuple(contact.address for contact in contacts), max(gone))


def _written(session: Session, since: datetime | None, *whose: ColumnElement[bool]) -> bool:
    """Whether something that no machine wrote came since."""
    query = select(Delivery.id).where(
        *whose, Delivery.stored_at > since, Delivery.disposition.not_in(_ROBOTS)
    )
    return session.scalars(query.limit(1)).first() is not None


def _names(ctx: Context, cycle: str) -> dict[str, str]:
    try:
        return {unit.code: unit.name for unit in issued_cycle(ctx, cycle, checked=False).loaded.units}
    except HuizongError:
        return {}  # its files cannot be read; the codes have to do


def _tell(ctx: Context, session: Session, cycle: str, units: list[_Unit], names: dict[str, str]) -> None:
    name = f"{_TROUBLE}{cycle}"
    if not units:
        end_alarm(ctx, session, name, "这些单位已来件，或已登记可用的邮箱。")
        return
    newest = max(unit.since for unit in units)
    if is_seen_to(session, name, newest):
        return
    units.sort(key=lambda unit: unit.since)
    lines = [f"{unit.code} {names.get(unit.code, '')}：{'、'.join(unit.addresses)}" for unit in units]
    first = names.get(units[0].code) or units[0].code
    title = f"{first}的邮箱无法送达" if len(units) == 1 else f"{first}等{len(units)}家单位的邮箱无法送达"
    keep_alarm(
        ctx, session, name, title,
        *shown(lines, "家"),
        "发往以上地址的信件被退回，该单位已没有可用的邮箱，催报无法送达。请电话联系，"
        f"在名录（roster.csv）中更正邮箱后运行 huizong issue {cycle}，系统会补发通知。",
        newest=newest, cycle=cycle,
    )  # fmt: skip
