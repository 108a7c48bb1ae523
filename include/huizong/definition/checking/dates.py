"""Dates that cannot be meant: on a day off, in the wrong order, too late for the level above."""

from __future__ import annotations

from huizong.definition.checking.found import Findings, Lines
from huizong.definition.load import LoadedCycle
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.instruments.model import year_in

_EARLIEST, _LATEST, _SHORTEST = 6 * 60, 22 * 60, 3 * 60  # minutes: an office's day is not outside of these


def check_dates(loaded: LoadedCycle, lines: Lines) -> Findings:
    """Each collection's dates and ladder, then the office's hours, then the level above."""
    sound = True
    for n, collection in enumerate(loaded.cycle.collections):
        try:
            for found in (*_collection(loaded, collection, n, lines), *_ladder(loaded, collection, n, lines)):
                sound = sound and found.level != "problem"
                yield found
        except UsageError as e:  # a year that is not published, an anchor that is not there
            sound = False
            yield lines.problem(f"{collection.code}：{e}", "collections", n, "due")
    yield from _office_hours(loaded, lines)
    yield from _issue(loaded, lines)
    if sound:  # else the same dates would be told twice
        yield from _upward(loaded, lines)


def _collection(loaded: LoadedCycle, collection: Collection, n: int, lines: Lines) -> Findings:
    due = loaded.schedule.due(collection)
    if due is None:
        return
    if not loaded.calendar.is_working_day(due.day):
        yield lines.problem(
            f"{collection.code}：截止日 {due.day} 是休息日，请改为工作日", "collections", n, "due"
        )
    if due.instant <= loaded.schedule.issue:
        yield lines.problem(
            f"{collection.code}：截止时间早于下发时间，请改为下发之后", "collections", n, "due"
        )
    closes = loaded.schedule.closes(collection)
    if closes is not None and closes < due.instant:
        yield lines.problem(
            f"{collection.code}：closes 早于 due，请改为 due 当日或以后", "collections", n, "closes"
        )


def _ladder(loaded: LoadedCycle, collection: Collection, n: int, lines: Lines) -> Findings:
    """Rungs that no unit will ever get, and rungs written twice."""
    if not collection.ladder:
        return
    at = dict(loaded.schedule.rungs(collection))
    closes = loaded.schedule.closes(collection)
    for m, step in enumerate(collection.ladder):
        here = ("collections", n, "ladder", m)
        if step.rung in {earlier.rung for earlier in collection.ladder[:m]}:
            yield lines.problem(f"{collection.code}：{step.rung} 写了两次，请只留一个", *here)
        elif step.rung not in at:
            yield lines.warning(
                f"{collection.code}：{step.rung}（{step.at}）落在活动结束或下发后不催报的日子里，不会发出，"
                "请改时间或删去",
                *here,
            )
        elif closes is not None and at[step.rung] > closes:
            yield lines.warning(
                f"{collection.code}：{step.rung}（{step.at}）晚于 closes，不会发出，请提前或推迟 closes",
                *here,
            )


def _issue(loaded: LoadedCycle, lines: Lines) -> Findings:
    day = loaded.schedule.issue.date()
    try:
        if not loaded.calendar.is_working_day(day):
            yield lines.warning(f"下发日 {day} 是休息日，请核对", "notice", "issue_at")
    except UsageError as e:
        yield lines.problem(f"notice.issue_at：{e}", "notice", "issue_at")
    named = year_in(loaded.cycle.title)
    years = {day.year, loaded.cycle.event.first.year if loaded.cycle.event else day.year}
    if named and int(named) not in years:
        yield lines.warning(f"题目写的是{named}年，下发却在{day.year}年，请核对年份", "title")


def _office_hours(loaded: LoadedCycle, lines: Lines) -> Findings:
    hours = loaded.cycle.office_hours
    spans = hours.spans
    if any(later[0] < earlier[1] for earlier, later in zip(spans, spans[1:], strict=False)):
        yield lines.warning(f"办公时间“{hours}”前后重叠，请核对", "office_hours")
    elif spans[0][0] < _EARLIEST or spans[-1][1] > _LATEST:
        yield lines.warning(
            f"办公时间“{hours}”在清晨或深夜，下午的时间请写24小时制，如 14:30-18:00", "office_hours"
        )
    elif sum(last - first for first, last in spans) < _SHORTEST:
        yield lines.warning(f"办公时间“{hours}”一天不足3小时，请核对起止", "office_hours")


def _upward(loaded: LoadedCycle, lines: Lines) -> Findings:
    try:
        final = loaded.schedule.editions().get("final")
    except UsageError as e:
        yield lines.problem(f"assemble：{e}", "assemble")
        return
    upward = loaded.cycle.upward
    if upward is None or upward.due is None:
        return
    try:
        due = loaded.schedule.resolve(upward.due, {}).instant
    except UsageError as e:
        yield lines.problem(f"upward.due：{e}", "upward", "due")
        return
    if final is not None and final > due:
        yield lines.problem(
            f"定稿时间 {final:%Y-%m-%d} 晚于上级要求的 {due:%Y-%m-%d}，请提前 final_at", "upward", "due"
        )
