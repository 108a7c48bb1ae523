"""From a definition's expressions to instants: due, closed, reminded, assembled."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from huizong.definition.calendar import Always, StateCouncil
from huizong.definition.model import Cycle
from huizong.definition.schedule import Schedule, instants
from huizong.definition.when import When
from huizong.errors import UsageError

ZONE = ZoneInfo("Asia/Shanghai")
LADDER = [
    {"rung": "nudge", "at": "due - 5wd"},
    {"rung": "due_day", "at": "due 09:00"},
    {"rung": "overdue", "at": "due + 1wd"},
    {"rung": "formal_notice", "at": "due + 3wd"},
    {"rung": "superior_informed", "at": "due + 5wd"},
]


def schedule(collection: dict[str, Any] | None = None, **cycle: Any) -> Schedule:
    """xinxiang-2022's dates, with what a case changes."""
    first = {
        "code": "c", "office": {"name": "科"}, "channel": "m", "due": "2022-06-20", "closes": "due + 10wd",
        "parts": [{"code": "report", "kind": "document"}], "ladder": LADDER, **(collection or {}),
    }  # fmt: skip
    content = {
        "code": "x", "title": "x", "issued_by": ["局"], "channels": {"m": {"address": "m@a.example"}},
        "event": {"from": "2022-05-11", "to": "2022-06-10"}, "notice": {"issue_at": "2022-05-24T09:00"},
        "collections": [first], **cycle,
    }  # fmt: skip
    model = Cycle.model_validate(content)
    return Schedule(model, Always() if model.calendar == "always" else StateCouncil())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def rungs(s: Schedule) -> dict[str, datetime]:
    return dict(s.rungs(s.cycle.collections[0]))


def test_a_due_date_without_an_hour_includes_that_day_to_24_00() -> None:
    s = schedule()
    due = s.due(s.cycle.collections[0])
    assert due is not None
    assert (due.day, due.hour, due.instant) == (date(2022, 6, 20), None, at("2022-06-21T00:00"))


def test_a_due_date_with_an_hour_ends_then() -> None:
    s = schedule({"due": "2022-06-20T17:30", "ladder": []})
    due = s.due(s.cycle.collections[0])
    assert due is not None
    assert due.instant == at("2022-06-20T17:30")
    closes = s.closes(s.cycle.collections[0])
    assert closes == at("2022-07-04T17:30")  # a time not given is that of due


def test_closes_counts_working_days_and_has_dues_hour() -> None:
    s = schedule()
    assert s.closes(s.cycle.collections[0]) == at("2022-07-05T00:00")  # 2022-07-04 inclusive


def test_closes_is_due_where_it_is_not_given() -> None:
    s = schedule({"closes": None})
    assert s.closes(s.cycle.collections[0]) == at("2022-06-21T00:00")


def test_the_ladder_of_2022() -> None:
    assert rungs(schedule()) == {
        "nudge": at("2022-06-13T08:00"),  # the event's end + 1wd is the 13th, too
        "due_day": at("2022-06-20T09:00"),
        "overdue": at("2022-06-21T08:00"),
        "formal_notice": at("2022-06-23T08:00"),
        "superior_informed": at("2022-06-27T08:00"),
    }


def test_five_working_days_before_reach_over_a_holiday_and_a_make_up_day() -> None:
    dragon_boat = schedule({"due": "2022-06-08"}, event=None)
    assert rungs(dragon_boat)["nudge"] == at("2022-05-31T08:00")  # 3 to 5 June are free
    national_day = schedule({"due": "2022-10-12", "closes": None}, event=None)
    assert rungs(national_day)["nudge"] == at("2022-09-30T08:00")  # 8 and 9 October are worked


def test_overdue_begins_on_the_next_working_day() -> None:
    assert rungs(schedule({"due": "2022-06-02"}, event=None))["overdue"] == at("2022-06-06T08:00")
    assert rungs(schedule({"due": "2022-09-30"}, event=None))["overdue"] == at("2022-10-08T08:00")


def test_no_reminder_before_the_event_is_over() -> None:
    s = schedule(event={"from": "2022-05-11", "to": "2022-06-14"})
    assert "nudge" not in rungs(s)  # due - 5wd is the 13th: the next rung does for it
    assert list(rungs(s)) == ["due_day", "overdue", "formal_notice", "superior_informed"]
    later = schedule(event={"from": "2022-05-11", "to": "2022-06-14"}, ladder_rules={"after_event": 0})
    assert "nudge" not in rungs(later)


def test_no_reminder_within_three_working_days_of_issue() -> None:
    late = schedule(event=None, notice={"issue_at": "2022-06-09T09:00"})
    assert "nudge" not in rungs(late)  # the 13th is the second working day, the 14th the third
    in_time = schedule(event=None, notice={"issue_at": "2022-06-08T09:00"})
    assert rungs(in_time)["nudge"] == at("2022-06-13T08:00")
    none = schedule(event=None, notice={"issue_at": "2022-06-13T07:00"}, ladder_rules={"after_issue": 0})
    assert "nudge" in rungs(none)


def test_a_unit_with_an_extension_has_its_own_ladder() -> None:
    s = schedule()
    extended = s.resolve(When.parse("2022-06-24"), {})
    found = dict(s.rungs(s.cycle.collections[0], extended))
    assert found["due_day"] == at("2022-06-24T09:00")
    assert found["overdue"] == at("2022-06-27T08:00")


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2022-06-20T08:00", True),
        ("2022-06-20T13:00", False),
        ("2022-06-18T09:00", False),  # a Saturday
        ("2022-06-03T09:00", False),  # a holiday
        ("2022-10-08T09:00", True),  # a make-up Saturday
    ],
)
def test_office_hours_are_the_cycles_own_time_on_working_days(moment: str, open_: bool) -> None:
    assert schedule().in_office_hours(at(moment)) is open_
    assert schedule().in_office_hours(at(moment).astimezone(ZoneInfo("UTC"))) is open_


def test_editions_are_due_when_the_last_collection_is() -> None:
    s = schedule()
    assert s.editions() == {"provisional": at("2022-06-21T08:30"), "final": at("2022-07-05T00:00")}
    first = s.cycle.collections[0].model_dump(mode="json")
    both = schedule(collections=[first | {"code": "a"}, first | {"code": "b", "due": "2022-06-24"}])
    assert both.editions()["provisional"] == at("2022-06-27T08:30")


def test_a_voluntary_collection_holds_nothing_up() -> None:
    s = schedule({"voluntary": True, "due": None, "closes": None, "ladder": []})
    assert s.due(s.cycle.collections[0]) is None
    assert s.editions() == {}


def test_the_dags_instants_are_the_rungs_and_every_morning_until_sixty_days_after_closing() -> None:
    s = schedule()
    found = instants(s)
    assert found["issue"] == [at("2022-05-24T09:00")]
    assert set(rungs(s).values()) <= set(found["chase"])
    assert found["chase"][0] == at("2022-05-25T08:30")
    assert at("2022-07-06T09:00") in found["chase"]  # for a unit extended beyond closing: its day's rung
    assert found["assemble"][-1] == at("2022-09-02T08:30")  # within 60 days of 2022-07-05 00:00
    assert found["chase"] == sorted(set(found["chase"]))
    assert at("2022-07-05T00:00") in found["assemble"]


def test_a_due_date_in_a_year_that_is_not_published_names_the_year() -> None:
    with pytest.raises(UsageError, match="2099年"):
        rungs(schedule({"due": "2099-06-20"}))


def test_an_expression_without_its_anchor_says_which() -> None:
    s = schedule({"due": "event_end + 5wd"}, event=None)
    with pytest.raises(UsageError, match=r"event_end \+ 5wd.*event_end 未给出"):
        s.due(s.cycle.collections[0])


def test_short_spans_of_a_rehearsal_count_seconds() -> None:
    s = schedule({"due": "issue + 90s", "closes": "due + 60s", "ladder": []}, calendar="always", event=None)
    due = s.due(s.cycle.collections[0])
    assert due is not None
    assert due.instant == at("2022-05-24T09:01:30")
    assert s.closes(s.cycle.collections[0]) == at("2022-05-24T09:02:30")
