"""From a definition's expressions to instants: when a collection is due, closes, and reminds.

A due date without an hour ends at 24:00 of that day in the cycle's zone. What is derived from it takes
its hour where it has one; a rung derived from a due day without an hour starts that day's office hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from huizong.definition.calendar import Calendar, add_working_days
from huizong.definition.model import Collection, Cycle, Rung
from huizong.definition.when import When
from huizong.errors import UsageError

# Reminding and assembling look again each morning until this long after closing (DESIGN 7).
MORNINGS_AFTER_CLOSING = timedelta(days=60)
MORNING = time(8, 30)


@dataclass(frozen=True)
class Deadline:
    """A due instant. `day` is the day that letters name; `hour` is None where the day counts whole."""

    instant: datetime
    day: date
    hour: time | None


@dataclass(frozen=True)
class Schedule:
    """The instants of one cycle. All are aware, in the cycle's zone."""

    cycle: Cycle
    calendar: Calendar

    def _local(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.cycle.zone)

    def _absolute(self, when: When) -> Deadline:
        if when.day is not None:
            return Deadline(self._local(when.day + timedelta(days=1), time(0)), when.day, None)
        if when.moment is None:
            raise ValueError(f"{when} is relative")
        moment = when.moment
        moment = (
            moment.astimezone(self.cycle.zone) if moment.tzinfo else moment.replace(tzinfo=self.cycle.zone)
        )
        return Deadline(moment, moment.date(), moment.timetz().replace(tzinfo=None))

    @property
    def issue(self) -> datetime:
        """When the notice goes out."""
        when = self.cycle.notice.issue_at
        return self._local(when.day, time(0)) if when.day else self._absolute(when).instant

    def resolve(self, when: When, anchors: dict[str, Deadline]) -> Deadline:
        """An expression to an instant, given the deadlines it may start from.

        Raises:
            UsageError: it starts from an anchor that this collection does not have.
        """
        if when.anchor is None:
            return self._absolute(when)
        if when.anchor not in anchors:
            raise UsageError(f"“{when}”所依据的 {when.anchor} 未给出")
        start = anchors[when.anchor]
        if when.shift:
            moved = start.instant + when.shift
            hour = when.at or (start.hour if when.shift % timedelta(days=1) == timedelta() else moved.time())
            if start.hour is None and when.shift % timedelta(days=1) == timedelta():
                day = start.day + when.shift
                return self._on(day, when.at)
            return Deadline(
                moved if when.at is None else self._local(moved.date(), when.at), moved.date(), hour
            )
        day = add_working_days(self.calendar, start.day, when.working_days)
        return self._on(day, when.at or start.hour)

    def _on(self, day: date, at: time | None) -> Deadline:
        if at is None:
            return Deadline(self._local(day + timedelta(days=1), time(0)), day, None)
        return Deadline(self._local(day, at), day, at)

    def anchors(self, collection: Collection, due: Deadline | None = None) -> dict[str, Deadline]:
        """The deadlines that expressions of this collection start from; `due` if a unit has its own."""
        issue = self.issue
        anchors = {"issue": Deadline(issue, issue.date(), issue.time())}
        if self.cycle.event:
            anchors["event_end"] = self._on(self.cycle.event.last, None)
        if due is None and collection.due is not None:
            due = self.resolve(collection.due, anchors)
        if due is not None:
            anchors["due"] = due
        if collection.closes is not None:
            anchors["closes"] = self.resolve(collection.closes, anchors)
        elif due is not None:
            anchors["closes"] = due
        return anchors

    def due(self, collection: Collection) -> Deadline | None:
        return self.anchors(collection).get("due")

    def opens(self, collection: Collection) -> datetime:
        """When a collection begins: a day at 0:00, `event_end` when the event is over; else at issue."""
        when = collection.opens
        if when is None:
            return self.issue
        found = self.resolve(when, self.anchors(collection))
        counted = when.anchor != "event_end" or when.working_days or when.shift
        return self._local(found.day, time(0)) if found.hour is None and counted else found.instant

    def closes(self, collection: Collection) -> datetime | None:
        closes = self.anchors(collection).get("closes")
        return closes.instant if closes else None

    def asks_until(self, collection: Collection, due: Deadline | None) -> datetime | None:
        """When a unit is asked no more: at closing, or on a later day of its own (an extension)."""
        closes = self.closes(collection)
        return max(closes, due.instant) if closes and due else closes

    def is_open(self, collection: Collection, moment: datetime) -> bool:
        """Whether a collection asks for returns then; what comes at another time is kept all the same."""
        closes = self.closes(collection)
        return self.opens(collection) <= moment and (closes is None or moment < closes)

    def rungs(self, collection: Collection, due: Deadline | None = None) -> list[tuple[Rung, datetime]]:
        """The ladder's instants in order, for a unit whose deadline is `due` (default: the collection's).

        Rungs before the event's end, too soon after issue, or before the collection opens are left out: the
        next one does for them. Nobody is chased for a voluntary collection.
        """
        if collection.voluntary:
            return []
        anchors = self.anchors(collection, due)
        earliest = max(self._no_rung_before(anchors), self.opens(collection))
        steps = [(step.rung, self._rung_instant(step.at, anchors)) for step in collection.ladder]
        return sorted(((r, at) for r, at in steps if at >= earliest), key=lambda step: step[1])

    def _rung_instant(self, when: When, anchors: dict[str, Deadline]) -> datetime:
        resolved = self.resolve(when, anchors)
        if resolved.hour is None:
            return self._local(resolved.day, self.cycle.office_hours.opens)
        return resolved.instant

    def _no_rung_before(self, anchors: dict[str, Deadline]) -> datetime:
        rules = self.cycle.ladder_rules
        start = self._local(add_working_days(self.calendar, anchors["issue"].day, rules.after_issue), time(0))
        if rules.after_issue == 0:
            start = anchors["issue"].instant
        if "event_end" in anchors and anchors["due"].day > anchors["event_end"].day:
            # What is asked for before the event (a registration) is chased before it, too.
            day = add_working_days(self.calendar, anchors["event_end"].day, rules.after_event)
            start = max(start, self._local(day, time(0)))
        return start

    def in_office_hours(self, moment: datetime) -> bool:
        local = moment.astimezone(self.cycle.zone)
        return self.cycle.office_hours.contains(local) and self.calendar.is_working_day(local.date())

    def editions(self) -> dict[str, datetime]:
        """When the provisional and the final summary are due: when the last collection's are."""
        result: dict[str, datetime] = {}
        plan = self.cycle.assemble
        for kind, when in (("provisional", plan.provisional_at), ("final", plan.final_at)):
            instants = [
                self.resolve(when, self.anchors(c)).instant for c in self.cycle.collections if not c.voluntary
            ]
            if instants:
                result[kind] = max(instants)
        return result


def instants(schedule: Schedule) -> dict[str, list[datetime]]:
    """What a cycle's DAGs run at: `issue`, `chase` and `assemble`, each sorted and without repeats.

    Chasing and assembling also run each morning from issue until 60 days after the last closing. A unit with
    its own deadline, which may be after closing, is reminded at the ladder's hours of its own days: chasing
    runs at those, too.
    """
    cycle = schedule.cycle
    fixed = [c for c in cycle.collections if not c.voluntary]
    closing = [at for c in cycle.collections if (at := schedule.closes(c))]
    mornings = _mornings(schedule.issue, max(closing, default=schedule.issue) + MORNINGS_AFTER_CLOSING)
    rungs = {at for c in fixed for _, at in schedule.rungs(c)}
    return {
        "issue": [schedule.issue],
        "chase": sorted(rungs.union(mornings, *(_later_hours(schedule, c) for c in fixed))),
        "assemble": sorted(set(schedule.editions().values()) | set(mornings)),
    }


def _later_hours(schedule: Schedule, collection: Collection) -> Iterator[datetime]:
    """The hours of rungs that no morning's run catches, each working day as long as there are mornings."""
    rungs = [at for _, at in schedule.rungs(collection)]
    closes = schedule.closes(collection)
    last = closes and closes + MORNINGS_AFTER_CLOSING
    for hour in {at.timetz() for at in rungs if at.time() > MORNING}:
        moment = datetime.combine(min(rungs).date(), hour)
        while last is not None and (moment := moment + timedelta(days=1)) < last:
            if schedule.in_office_hours(moment):
                yield moment


def _mornings(first: datetime, last: datetime) -> list[datetime]:
    moments = []
    day = first.date() + timedelta(days=1)
    while (moment := datetime.combine(day, MORNING, first.tzinfo)) <= last:
        moments.append(moment)
        day += timedelta(days=1)
    return moments
