"""When each of the five cycles opens, reminds and closes: every instant, worked out by hand on a calendar."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from huizong.definition.load import LoadedCycle, load_named
from huizong.definition.schedule import instants
from huizong.home import Home
from office import PROJECT

ZONE = ZoneInfo("Asia/Shanghai")
CODES = ("xinxiang-2022", "xinxiang-2023", "siping-2023", "jilin-2020", "cast-2023")
# (cycle, collection) → opens, closes, rungs. In 2023 the week of 29 September to 6 October is free, Saturday
# 7 and Sunday 8 October are worked; 22 and 23 June 2023 are free; nothing is free in August 2020.
ISSUED_2022, ISSUED_XX, ISSUED_SP = "2022-05-24T09:00", "2023-05-17T09:00", "2023-05-11T09:00"
OF_2022 = (
    ISSUED_2022, "2022-07-05T00:00",
    {"nudge": "2022-06-13T08:00", "due_day": "2022-06-20T09:00", "overdue": "2022-06-21T08:00",
     "formal_notice": "2022-06-23T08:00", "superior_informed": "2022-06-27T08:00"},
)  # fmt: skip
# due - 5wd is 29 May, before the event's end (31 May): no nudge, the day itself does for it
OF_JUNE_2023 = {
    "due_day": "2023-06-05T09:00", "overdue": "2023-06-06T08:00", "formal_notice": "2023-06-08T08:00",
    "superior_informed": "2023-06-12T08:00",
}  # fmt: skip
EXPECTED: dict[tuple[str, str], tuple[str, str, dict[str, str]]] = {
    ("xinxiang-2022", "science-departments"): OF_2022,
    ("xinxiang-2022", "associations"): OF_2022,
    ("xinxiang-2023", "areas-and-departments"): (ISSUED_XX, "2023-06-20T00:00", OF_JUNE_2023),
    ("siping-2023", "summary"): (ISSUED_SP, "2023-06-20T00:00", OF_JUNE_2023),
    # issued on Thursday the 23rd: the third working day after is Tuesday the 28th; due before the event, and
    # chased before it
    ("jilin-2020", "registration"): (
        "2020-07-23T09:00", "2020-08-08T00:00",
        {"due_day": "2020-07-31T09:00", "overdue": "2020-08-03T08:30", "formal_notice": "2020-08-05T08:30"},
    ),
    # the event ends on Saturday 29 August
    ("jilin-2020", "summary"): (
        "2020-08-30T00:00", "2020-09-16T00:00",
        {"due_day": "2020-09-01T09:00", "overdue": "2020-09-02T08:30", "formal_notice": "2020-09-04T08:30",
         "superior_informed": "2020-09-08T08:30"},
    ),
    ("cast-2023", "key-activities"): ("2023-08-21T00:00", "2023-09-24T00:00", {}),
    ("cast-2023", "summary"): (
        "2023-09-24T00:00", "2023-10-25T00:00",
        {"due_day": "2023-10-10T09:00", "overdue": "2023-10-11T08:30",
         "superior_informed": "2023-10-17T08:30"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def cycles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedCycle]:
    folder: Path = tmp_path_factory.mktemp("home")
    home = Home.from_environment({"HUIZONG_HOME": str(folder), "HUIZONG_PROJECT": str(PROJECT)})
    return {code: load_named(code, home) for code in CODES}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_every_collection_of_the_five_is_in_the_table(cycles: dict[str, LoadedCycle]) -> None:
    assert {(code, c.code) for code, one in cycles.items() for c in one.cycle.collections} == set(EXPECTED)


@pytest.mark.parametrize(("code", "collection"), EXPECTED, ids=[f"{a}:{b}" for a, b in EXPECTED])
def test_opens_closes_and_reminds(cycles: dict[str, LoadedCycle], code: str, collection: str) -> None:
    loaded = cycles[code]
    one = loaded.cycle.collection(collection)
    assert one is not None
    opens, closes, rungs = EXPECTED[code, collection]
    assert loaded.schedule.opens(one) == at(opens)
    assert loaded.schedule.closes(one) == at(closes)
    assert dict(loaded.schedule.rungs(one)) == {rung: at(moment) for rung, moment in rungs.items()}
    assert all(loaded.schedule.in_office_hours(moment) for _, moment in loaded.schedule.rungs(one))


def test_a_collection_is_open_from_its_first_moment_until_its_last(cycles: dict[str, LoadedCycle]) -> None:
    loaded = cycles["cast-2023"]
    one = loaded.cycle.collections[0]
    moments = ("2023-08-20T23:59", "2023-08-21T00:00", "2023-09-23T23:59", "2023-09-24T00:00")
    assert [loaded.schedule.is_open(one, at(m)) for m in moments] == [False, True, True, False]


@pytest.mark.parametrize(
    ("until", "overdue"),
    [
        ("2023-10-06", "2023-10-07T08:30"),  # a make-up Saturday is worked
        ("2023-10-07", "2023-10-08T08:30"),  # and so is the Sunday
        ("2023-09-28", "2023-10-07T08:30"),  # over the whole holiday
        ("2023-10-13", "2023-10-16T08:30"),  # an ordinary weekend
    ],
)
def test_an_extension_is_reminded_of_on_working_days(
    cycles: dict[str, LoadedCycle], until: str, overdue: str
) -> None:
    from huizong.definition.when import When

    loaded = cycles["cast-2023"]
    one = loaded.cycle.collections[1]
    due = loaded.schedule.resolve(When.parse(until), {})
    assert dict(loaded.schedule.rungs(one, due))["overdue"] == at(overdue)


def test_a_voluntary_collection_wakes_no_reminder(cycles: dict[str, LoadedCycle]) -> None:
    found = instants(cycles["cast-2023"].schedule)
    assert at("2023-10-10T09:00") in found["chase"]
    assert {m.time() for m in found["chase"]} == {
        at("2023-01-01T08:30").time(),
        at("2023-01-01T09:00").time(),
    }
