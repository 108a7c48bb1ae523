"""Instants as people read them, and what every letter of a collection has in common."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from huizong.definition.model import Collection, Part
from huizong.definition.schedule import Deadline
from huizong.frame.roster import Unit
from huizong.ledger.tables import Contact
from huizong.outbox.contents import MissingPart
from huizong.stages.issued import IssuedCycle

_WEEKDAYS = "一二三四五六日"
ANSWER_ITSELF = "请直接回复"  # only a mail can be answered itself: a message in a group says to whom


def day_text(day: date) -> str:
    return f"{day.month}月{day.day}日"


def full_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def moment_text(moment: datetime, issued: IssuedCycle) -> str:
    local = moment.astimezone(issued.loaded.cycle.zone)
    return f"{full_day(local.date())}{local:%H:%M}"


def due_text(due: Deadline) -> str:
    """6月20日（星期一）前（含当日）; with an hour: 6月20日（星期一）17:00前."""
    day = f"{day_text(due.day)}（星期{_WEEKDAYS[due.day.weekday()]}）"
    if due.hour is None:
        return f"{day}前（含当日）"
    return f"{day}{due.hour:%H:%M}前"


def late_text(issued: IssuedCycle, due: Deadline, as_of: datetime) -> str:
    """How many working days a return is late: 2个工作日; empty on the first day."""
    day, today, count = due.day, as_of.astimezone(issued.loaded.cycle.zone).date(), 0
    while day < today:
        day += timedelta(days=1)
        count += issued.loaded.calendar.is_working_day(day)
    return f"{count}个工作日" if count else ""


def missing_part(part: Part) -> MissingPart:
    """A part that is still owed, as letters name it."""
    kind = "form" if part.kind == "list" else part.kind
    return MissingPart(title=part.name, kind=kind)


def nil_text(collection: Collection) -> str:
    """How a unit says that it has nothing to report."""
    # A list may be due before the event: what it asks for is planned, and was not held.
    listed = all(part.kind == "list" for part in collection.required_parts)
    nothing = "如无可填报的内容" if listed else "如本期未开展相关活动"
    if collection.nil == "reply":
        return f"{nothing}，{ANSWER_ITSELF}“{'无相关内容' if listed else '无活动'}”。"
    if collection.nil == "stamped_form":
        return f"{nothing}，请报送加盖公章的零报表。"
    return ""


def _matter(collection: Collection) -> str:
    """What tells it from the other matters that a unit is asked for: （活动总结等）."""
    parts = [p for p in collection.parts if p.required] or collection.parts
    return f"（{parts[0].name}{'等' if len(parts) > 1 else ''}）"


def letter_basics(
    issued: IssuedCycle,
    collection: Collection,
    unit: Unit,
    contact: Contact | None,
    as_of: datetime,
    due: Deadline | None,
) -> dict[str, Any]:
    """The fields that every letter context shares."""
    cycle = issued.loaded.cycle
    several = sum(issued.loaded.expects(c, unit.code) for c in issued.collections) > 1
    return {
        "cycle_title": cycle.title + (_matter(collection) if several else ""),
        "several": several,
        "document_number": cycle.document_number,
        "issued_by": cycle.issued_by,
        "office_name": collection.office.name,
        "office_contact": collection.office.contact,
        "mailbox": cycle.channels[collection.channel].address or "",
        "unit_name": unit.full_name,
        "address_as": unit.address_as,
        "contact_name": contact.name if contact else "",
        "due_text": due_text(due) if due else "",
        "past_due": bool(due and as_of >= due.instant),
        "reference_period": cycle.reference_period,
        "dated": full_day(as_of.astimezone(cycle.zone).date()),
    }
