"""What `huizong check` finds before a clerk of the office would: file, line, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from huizong.definition.calendar import UnpublishedYearError
from huizong.definition.load import DefinitionError, LoadedCycle, Problem, load_cycle
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
    lines = _Lines(path)
    problems: list[Problem] = []
    for n, collection in enumerate(loaded.cycle.collections):
        problems += _collection(loaded, collection, n, lines)
    problems += _suites(loaded, home, load_rules, lines)
    problems += _notice(loaded, lines)
    problems += _upward(loaded, lines)
    return problems


class _Lines:
    """Finds the line of a key, so that a problem names where to look."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self._lines = path.read_text(encoding="utf-8").splitlines()

    def of(self, text: str, nth: int = 0) -> int:
        """The line of the `nth` occurrence of `text`; 1 if there is none."""
        hits = [n for n, line in enumerate(self._lines, start=1) if text in line]
        return hits[nth] if nth < len(hits) else (hits[-1] if hits else 1)

    def problem(self, text: str, message: str, nth: int = 0) -> Problem:
        return Problem(self.file, self.of(text, nth), message)


def _collection(loaded: LoadedCycle, collection: Collection, n: int, lines: _Lines) -> Iterator[Problem]:
    units = loaded.frame(collection)
    if not collection.voluntary and not units:
        yield lines.problem(
            "audience:", f"{collection.code}：audience 没有匹配到任何单位，检查 roster.csv 的 tags", n
        )
    unknown = [u for u in collection.audience.units if u not in loaded.by_code]
    if unknown:
        yield lines.problem("audience:", f"{collection.code}：名录中没有单位 {'、'.join(unknown)}", n)
    try:
        yield from _dates(loaded, collection, n, lines)
    except UnpublishedYearError as e:
        yield lines.problem("due:", str(e), n)
    except ValueError as e:
        yield lines.problem("due:", f"{collection.code}：{e}", n)


def _dates(loaded: LoadedCycle, collection: Collection, n: int, lines: _Lines) -> Iterator[Problem]:
    due = loaded.schedule.due(collection)
    if due is None:
        return
    if not loaded.calendar.is_working_day(due.day):
        yield lines.problem("due:", f"{collection.code}：截止日 {due.day} 是休息日，请改为工作日", n)
    if due.instant <= loaded.schedule.issue:
        yield lines.problem("due:", f"{collection.code}：截止时间早于下发时间", n)
    closes = loaded.schedule.closes(collection)
    if closes is not None and closes < due.instant:
        yield lines.problem("closes:", f"{collection.code}：closes 早于 due", n)
    loaded.schedule.rungs(collection)


def _suites(
    loaded: LoadedCycle, home: Home, load_rules: Callable[[Path], object], lines: _Lines
) -> Iterator[Problem]:
    for ref in loaded.instruments:
        path = find_file(home.expectations, f"{ref}.json")
        if path is None:
            yield lines.problem(ref, f"缺少审核规则 expectations/{ref}.json")
            continue
        try:
            load_rules(path)
        except UsageError as e:
            yield Problem(str(path), 1, str(e))


def _notice(loaded: LoadedCycle, lines: _Lines) -> Iterator[Problem]:
    document = loaded.cycle.notice.document
    if document and not (loaded.folder / document).is_file():
        yield lines.problem("document:", f"通知文件 {document} 不在 {loaded.folder} 中")


def _upward(loaded: LoadedCycle, lines: _Lines) -> Iterator[Problem]:
    upward = loaded.cycle.upward
    if upward is None or upward.due is None:
        return
    try:
        final = loaded.schedule.editions().get("final")
        due = loaded.schedule.resolve(upward.due, {}).instant
    except ValueError as e:
        yield lines.problem("upward:", f"upward.due：{e}")
        return
    if final is not None and final > due:
        yield lines.problem(
            "upward:", f"定稿时间 {final:%Y-%m-%d} 晚于上级要求的 {due:%Y-%m-%d}，请提前 final_at"
        )
