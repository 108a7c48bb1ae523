"""Reading a cycle's folder: definition, roster and instruments, with file and line for what is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import YAMLError

from huizong.definition.calendar import Calendar, calendar_of
from huizong.definition.model import Collection, Cycle
from huizong.definition.schedule import Schedule
from huizong.errors import UsageError
from huizong.frame.roster import Unit, read_roster
from huizong.home import Home, find_file
from huizong.instruments.model import Instrument, load_instrument


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where, and what to write instead."""

    file: str
    line: int
    message: str


class DefinitionError(UsageError):
    """A definition that cannot be used; `problems` names each place."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        more = f"（另有 {len(problems) - 1} 处）" if len(problems) > 1 else ""
        super().__init__(f"{first.file}:{first.line}: {first.message}{more}")
        self.problems = problems


@dataclass(frozen=True)
class LoadedCycle:
    """A cycle with all it stands on: what `issue` freezes and every stage works with."""

    cycle: Cycle
    units: tuple[Unit, ...]
    instruments: Mapping[str, Instrument]  # by code@version
    calendar: Calendar
    folder: Path

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(self.cycle, self.calendar)

    @cached_property
    def by_code(self) -> dict[str, Unit]:
        return {unit.code: unit for unit in self.units}

    @cached_property
    def _frames(self) -> dict[str, dict[str, Unit]]:
        return {c.code: dict(self._audience(c)) for c in self.cycle.collections}

    def _audience(self, collection: Collection) -> Iterator[tuple[str, Unit]]:
        wanted, named = set(collection.audience.tags), set(collection.audience.units)
        yield from ((u.code, u) for u in self.units if wanted & set(u.tags) or u.code in named)

    def frame(self, collection: Collection) -> tuple[Unit, ...]:
        """The units that must answer, in the established order; empty for a voluntary collection."""
        return tuple(self._frames[collection.code].values())

    def expects(self, collection: Collection, unit: str) -> bool:
        """Whether a unit is in the collection's frame."""
        return unit in self._frames[collection.code]

    def instrument_of(self, collection: Collection) -> Instrument | None:
        form = collection.form
        return self.instruments[form.instrument] if form and form.instrument else None

    def frozen(self) -> str:
        """What invariant 9 freezes, as canonical JSON: contacts, which may change, are left out."""
        return _freeze(self.cycle, self.units, self.instruments)

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.frozen().encode()).hexdigest()


def find_cycles(home: Home) -> dict[str, Path]:
    """Code → cycle.yaml of every cycle; the home's folder stands over the project's."""
    found: dict[str, Path] = {}
    for folder in home.cycle_folders:
        for path in sorted(folder.glob("*/cycle.yaml")):
            found.setdefault(path.parent.name, path)
    return found


def load_named(code: str, home: Home) -> LoadedCycle:
    """The cycle of that code.

    Raises:
        UsageError: there is none.
        DefinitionError: it cannot be used.
    """
    cycles = find_cycles(home)
    if code not in cycles:
        known = "、".join(cycles) or "（无）"
        raise UsageError(f"没有名为“{code}”的统计任务，现有：{known}。")
    return load_cycle(cycles[code], home)


def load_cycle(path: Path, home: Home) -> LoadedCycle:
    """Read one cycle's folder.

    Raises:
        DefinitionError: with every problem's file, line and remedy.
    """
    raw = read_yaml(path)
    cycle = _parse(raw, path)
    problems: list[Problem] = []
    if cycle.code != path.parent.name:
        problems.append(
            Problem(
                str(path), line_of(raw, ("code",)), f"code {cycle.code} 与文件夹名 {path.parent.name} 不一致"
            )
        )
    units = _read_units(path.parent / "roster.csv", problems)
    instruments = _read_instruments(cycle, raw, path, home, problems)
    if problems:
        raise DefinitionError(problems)
    return LoadedCycle(
        cycle=cycle,
        units=units,
        instruments=instruments,
        calendar=calendar_of(cycle.calendar, home.calendars),
        folder=path.parent,
    )


def thaw(frozen: str, folder: Path, home: Home) -> LoadedCycle:
    """A cycle as it was frozen; the units come without contacts, which the ledger has."""
    content = json.loads(frozen)
    cycle = Cycle.model_validate(content["cycle"])
    return LoadedCycle(
        cycle=cycle,
        units=tuple(Unit.model_validate(u) for u in content["units"]),
        instruments={ref: Instrument.model_validate(i) for ref, i in content["instruments"].items()},
        calendar=calendar_of(cycle.calendar, home.calendars),
        folder=folder,
    )


def refrozen(frozen: str) -> str:
    """A frozen text as this program writes it: what it knows besides is no change of the cycle."""
    content = json.loads(frozen)
    return _freeze(
        Cycle.model_validate(content["cycle"]),
        [Unit.model_validate(u) for u in content["units"]],
        {ref: Instrument.model_validate(i) for ref, i in content["instruments"].items()},
    )


_HANDLING = {"proof", "limits", "folders"}  # how a mailbox is read and written, which may change


def _freeze(cycle: Cycle, units: Sequence[Unit], instruments: Mapping[str, Instrument]) -> str:
    free: Any = {"live": True, "channels": dict.fromkeys(cycle.channels, _HANDLING)}
    content = {
        "cycle": cycle.model_dump(mode="json", by_alias=True, exclude=free),
        "units": [u.model_dump(mode="json", exclude={"contacts"}) for u in units],
        "instruments": {ref: i.model_dump(mode="json") for ref, i in sorted(instruments.items())},
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def differences(frozen: str, current: str, limit: int = 5) -> list[str]:
    """Where two frozen texts differ, as paths with both values."""
    found = list(_differences("", json.loads(frozen), json.loads(current)))
    return found[:limit] + ([f"……共 {len(found)} 处"] if len(found) > limit else [])


def _differences(path: str, was: Any, now: Any) -> Any:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(set(was) | set(now)):
            yield from _differences(f"{path}.{key}" if path else key, was.get(key), now.get(key))
    elif (before := _by_code(was)) and (after := _by_code(now)):
        for code in dict.fromkeys((*before, *after)):
            yield from _differences(f"{path}[{code}]", before.get(code), after.get(code))
        if before.keys() == after.keys() and list(before) != list(after):
            yield f"{path}：顺序不同"
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for n, (a, b) in enumerate(zip(was, now, strict=True)):
            yield from _differences(f"{path}[{n}]", a, b)
    elif was != now:
        yield f"{path}：{_short(was)} → {_short(now)}"


def _by_code(value: Any) -> dict[str, Any]:
    """A list of things that have codes (units, collections, parts), by code."""
    if not isinstance(value, list) or not all(isinstance(v, dict) and "code" in v for v in value):
        return {}
    return {v["code"]: v for v in value}


def _short(value: Any) -> str:
    if value is None:
        return "（无）"
    if isinstance(value, dict) and "code" in value:
        value = {k: value[k] for k in ("code", "name") if k in value}
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def read_yaml(path: Path) -> Any:
    """The file as it stands, every key with its line (`line_of`).

    Raises:
        DefinitionError: it is no YAML, not UTF-8, or no mapping.
    """
    try:
        raw = _parsed(path.read_text(encoding="utf-8"))
    except YAMLError as e:
        mark = getattr(e, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise DefinitionError(
            [Problem(str(path), line, f"不是合法的 YAML：{getattr(e, 'problem', e)}")]
        ) from e
    except (OSError, UnicodeDecodeError) as e:
        raise DefinitionError([Problem(str(path), 1, f"无法读取（须为 UTF-8）：{e}")]) from e
    if not isinstance(raw, dict):
        raise DefinitionError([Problem(str(path), 1, "文件为空，或最外层不是“键: 值”")])
    return raw


class _Constructor(RoundTripConstructor):
    """Leaves dates as they are written: `When` reads them, and says what is wrong with 2022-06-31."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_scalar)


@lru_cache(maxsize=32)
def _parsed(text: str) -> Any:
    """Parsed once a process: a sweep asks for the same file several times. Nobody changes what is read."""
    return _yaml().load(text)


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    return yaml


def _parse(raw: Any, path: Path) -> Cycle:
    try:
        return Cycle.model_validate(_plain(raw))
    except ValidationError as e:
        raise DefinitionError(
            [Problem(str(path), line_of(raw, _place(err)), _sentence(err)) for err in _own_errors(e)]
        ) from e


def _own_errors(error: ValidationError) -> list[Any]:
    """Without the echo: a list is called too short when one of its items is wrong."""
    errors = error.errors()
    inner = [err["loc"][: len(outer["loc"])] for err in errors for outer in errors if err is not outer]
    return [err for err in errors if not (err["type"] == "too_short" and err["loc"] in inner)]


def _place(error: Any) -> tuple[int | str, ...]:
    """Where an error is; a check over several keys says by `at` which one."""
    return (*error["loc"], *error.get("ctx", {}).get("at", ()))


def _plain(value: Any) -> Any:
    """ruamel's containers as plain ones, so that pydantic sees what was written."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value


def line_of(node: Any, location: Sequence[int | str]) -> int:
    """The line of the deepest part of `location` that stands in the file."""
    line = 1
    for step in location:
        try:
            if isinstance(node, dict) and step in node:
                line = node.lc.key(step)[0] + 1  # type: ignore[attr-defined]
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int):
                line = node.lc.item(step)[0] + 1  # type: ignore[attr-defined]
                node = node[step]
            else:
                break
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


_SENTENCES = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这个键，检查拼写",
    "string_pattern_mismatch": "写法不合规（小写字母、数字和连字符）",
    "string_type": "须为文字，数字请加引号",
    "tuple_type": "须为列表，如 [a, b]",
    "dict_type": "须为“键: 值”",
    "model_type": "须为“键: 值”",
    "bool_parsing": "须为 true 或 false",
    "literal_error": "须为 {expected} 之一",
    "too_short": "至少写一项",
    "int_parsing": "须为整数",
    "int_type": "须为整数",
    "greater_than_equal": "须不小于 {ge}",
    "date_from_datetime_parsing": "须为日期，如 2022-06-20",
}


def _sentence(error: Any) -> str:
    where = ".".join(str(step) for step in error["loc"])
    message = _SENTENCES.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if error["type"] in _SENTENCES:
        message = message.format(**error.get("ctx", {}))
    return f"{where}: {message}" if where else str(message)


def _read_units(path: Path, problems: list[Problem]) -> tuple[Unit, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.append(Problem(str(path), 1, "缺少单位名录 roster.csv"))
        return ()
    except UnicodeDecodeError:
        problems.append(Problem(str(path), 1, "不是 UTF-8 编码，请另存为“CSV UTF-8”"))
        return ()
    units, wrong = read_roster(text)
    problems += [Problem(str(path), line, sentence) for line, sentence in wrong]
    return units


def _read_instruments(
    cycle: Cycle, raw: Any, path: Path, home: Home, problems: list[Problem]
) -> dict[str, Instrument]:
    instruments: dict[str, Instrument] = {}
    places = {
        part.instrument: ("collections", n, "parts", m, "instrument")
        for n, collection in enumerate(cycle.collections)
        for m, part in enumerate(collection.parts)
        if part.instrument
    }
    for ref in sorted(places):
        place = find_file((path.parent / "forms", *home.forms), f"{ref}.yaml")
        if place is None:
            line = line_of(raw, places[ref])
            problems.append(Problem(str(path), line, f"找不到表样 {ref}：缺少 include/forms/{ref}.yaml"))
            continue
        try:
            instruments[ref] = load_instrument(place)
        except UsageError as e:
            problems.append(Problem(str(place), 1, str(e)))
    return instruments
