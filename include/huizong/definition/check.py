"""What `huizong check` finds before a clerk of the office would: file, line, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huizong.definition.load import DefinitionError, LoadedCycle, Problem, line_of, load_cycle, read_yaml
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.home import Home, find_file


def check_cycle(path: Path, home: Home, load_rules: Callable[[Path], object]) -> list[Problem]:
    """All problems of one cycle's folder; empty if it can be issued.

    Args:
        load_rules: reads an expectation suite, and raises UsageError where it is none.
    """
    try:
        loaded = load_cycle(path, home)
    except DefinitionError as e:
        return e.problems
    lines = _Lines(path, read_yaml(path))
    problems: list[Problem] = []
    for n, collection in enumerate(loaded.cycle.collections):
        problems += _collection(loaded, collection, n, lines)
    problems += _suites(loaded, home, load_rules, lines)
    problems += _notice(loaded, lines)
    if not problems:  # else the same dates would be told twice
        problems += _upward(loaded, lines)
    return problems


@dataclass(frozen=True)
class _Lines:
    """Finds the line of a key, so that a problem names where to look."""

    path: Path
    raw: Any

    def problem(self, message: str, *keys: str | int) -> Problem:
        return Problem(str(self.path), line_of(self.raw, keys), message)


def _collection(loaded: LoadedCycle, collection: Collection, n: int, lines: _Lines) -> Iterator[Problem]:
    units = loaded.frame(collection)
    here = ("collections", n)
    if not collection.voluntary and not units:
        yield lines.problem(
            f"{collection.code}：audience 没有匹配到任何单位，检查 roster.csv 的 tags", *here, "audience"
        )
    unknown = [u for u in collection.audience.units if u not in loaded.by_code]
    if unknown:
        yield lines.problem(f"{collection.code}：名录中没有单位 {'、'.join(unknown)}", *here, "audience")
    try:
        yield from _dates(loaded, collection, n, lines)
    except UsageError as e:  # a year that is not published, an anchor that is not there
        yield lines.problem(f"{collection.code}：{e}", *here, "due")


def _dates(loaded: LoadedCycle, collection: Collection, n: int, lines: _Lines) -> Iterator[Problem]:
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
    loaded.schedule.rungs(collection)


def _suites(
    loaded: LoadedCycle, home: Home, load_rules: Callable[[Path], object], lines: _Lines
) -> Iterator[Problem]:
    for ref in loaded.instruments:
        path = find_file(home.expectations, f"{ref}.json")
        if path is None:
            yield lines.problem(f"缺少审核规则 expectations/{ref}.json", "collections")
            continue
        try:
            load_rules(path)
        except UsageError as e:
            yield Problem(str(path), 1, str(e))


def _notice(loaded: LoadedCycle, lines: _Lines) -> Iterator[Problem]:
    document = loaded.cycle.notice.document
    if document and not (loaded.folder / document).is_file():
        yield lines.problem(f"通知文件 {document} 不在 {loaded.folder} 中", "notice", "document")


def _upward(loaded: LoadedCycle, lines: _Lines) -> Iterator[Problem]:
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
