"""What the board's pages show, gathered from the stages' own answers (the same as the command line's)."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from huizong.connections import EnvironmentConnections
from huizong.definition.load import find_cycles, load_cycle
from huizong.definition.yaml_file import DefinitionError
from huizong.errors import UsageError
from huizong.home import Home
from huizong.stages.words import UNIT_STATUS
from huizong_airflow.board.downloads import downloads, grouped
from huizong_airflow.board.requests import Request, requests
from huizong_airflow.board.tones import TROUBLED_LETTERS

if TYPE_CHECKING:
    from huizong.stages.context import Context


@cache
def context() -> Context:
    """One for the server's life; opening brings the ledger's tables up to date."""
    from huizong.stages.context import open_context
    from huizong_machine.clock import SystemClock

    return open_context(Home.from_environment(os.environ), SystemClock(), EnvironmentConnections(os.environ))


@dataclass(frozen=True)
class CycleLine:
    """A cycle on the front page."""

    code: str
    title: str
    live: bool
    problem: str = ""
    broken: bool = False
    counts: tuple[tuple[str, int], ...] = ()  # unit status → units, in the order of UNIT_STATUS
    expected: int = 0  # units, or units and collections where there are several
    several: bool = False
    volunteers: int = 0
    rate: str = ""


def front() -> dict[str, Any]:
    """What is wrong, all cycles, what waits for a person (sign-offs, arrivals), the letters by state."""
    from huizong.stages.alarms import open_troubles
    from huizong.stages.status import outbox
    from huizong.stages.triage import waiting

    ctx = context()
    with ctx.ledger.read() as session:
        alarms = open_troubles(session)
    letters = outbox(ctx)["letters"]
    return {
        "now": ctx.clock.now(),
        "alarms": alarms,
        "cycles": [_line(ctx, code) for code in find_cycles(ctx.home)],
        "questions": [line for code in find_cycles(ctx.home) for line in _questions(ctx, code)],
        "waiting": waiting(ctx)["waiting"],
        "letters": Counter(letter["state"] for letter in letters),
        "troubled": [letter for letter in letters if letter["state"] in TROUBLED_LETTERS],
    }


def cycle(code: str) -> dict[str, Any]:
    """One cycle: its collections with every unit, and the files that people work with.

    Raises:
        UsageError: there is no such cycle, or nothing of it has been issued.
    """
    from huizong.stages.issued import issued_cycle
    from huizong.stages.leadership import work_papers
    from huizong.stages.status import status

    ctx = context()
    if code not in find_cycles(ctx.home):
        raise UsageError(f"没有名为“{code}”的统计任务。")
    now = ctx.clock.now()
    issued = issued_cycle(ctx, code)
    units = status(ctx, code, now)["units"]
    asked = requests(ctx, issued, units, now)
    return {
        "now": now,
        "cycle": issued.loaded.cycle,
        "requests": asked,
        "elsewhere": _elsewhere(asked),
        "work_papers": work_papers(ctx, code),
        "downloads": grouped(downloads(ctx, code)),
    }


def _elsewhere(asked: list[Request]) -> dict[str, list[str]]:
    """Unit → the titles of the collections it is asked for, where there are several."""
    found: dict[str, list[str]] = {}
    for request in asked:
        for unit in request.units:
            found.setdefault(unit["code"], []).append(request.title)
    return {code: titles for code, titles in found.items() if len(titles) > 1}


def papers(code: str) -> dict[str, Any]:
    """The scans and photographs of a cycle that hold a form."""
    from huizong.stages.keying import papers

    return {"code": code, "papers": papers(context(), code)}


def paper(identity: str) -> dict[str, Any]:
    """One of them: what was recognised and what was keyed, an item a row."""
    from huizong.stages.keying import paper

    found = paper(context(), identity)
    keyed = (found["keying"] or {}).get("values", {})
    recognised: dict[str, str] = next(iter(found["recognised"]), {})
    return found | {"keyed": keyed, "seen": recognised, "pages": len(pictures(identity))}


@lru_cache(maxsize=4)  # a page asks for each of its pictures by itself
def pictures(identity: str) -> list[bytes]:
    from huizong.stages.keying import pictures

    return pictures(context(), identity)


def _line(ctx: Context, code: str) -> CycleLine:
    from huizong.stages.status import status

    try:
        definition = load_cycle(find_cycles(ctx.home)[code], ctx.home).cycle
    except DefinitionError as e:
        return CycleLine(code, code, live=False, problem=f"定义有误：{e}", broken=True)
    try:
        state = status(ctx, code, ctx.clock.now())
    except UsageError as e:
        return CycleLine(code, definition.title, definition.live, problem=str(e))
    voluntary = {one.code for one in definition.collections if one.voluntary}
    units = [unit for unit in state["units"] if unit["collection"] not in voluntary]
    return CycleLine(
        code,
        definition.title,
        definition.live,
        counts=_counts(units),
        expected=sum(unit["status"] != "waived" for unit in units),
        several=len(definition.collections) - len(voluntary) > 1,
        volunteers=len(state["units"]) - len(units),
        rate=percent(state["reporting_rate"]),
    )


def _questions(ctx: Context, code: str) -> list[dict[str, str]]:
    """What waits for a sign-off in a live cycle; one that is run by hand asks when it is run."""
    from huizong.stages.release import open_questions

    try:
        definition = load_cycle(find_cycles(ctx.home)[code], ctx.home).cycle
        asked = open_questions(ctx, code, ctx.clock.now()) if definition.live else []
    except UsageError:
        return []  # its line on the page says so
    return [{"cycle": definition.title, "title": question.title} for question in asked]


def _counts(units: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    found = Counter(unit["status"] for unit in units)
    return tuple((status, found[status]) for status in UNIT_STATUS if found[status])


def percent(rate: str | None) -> str:
    """A rate (decimal text from 0 to 1) as people write it; nothing where there is no denominator."""
    return f"{Decimal(rate) * 100:.1f}%" if rate else ""


def local_time(moment: datetime | str, zone: Any = None) -> str:
    """An instant in the reader's zone, to the minute."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M}"
