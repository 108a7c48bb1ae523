"""Reading a cycle's folder: definition, roster and instruments, with file and line for what is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from huizong.definition.calendar import Calendar, calendar_of
from huizong.definition.model import Collection, Cycle, Part
from huizong.definition.schedule import Schedule
from huizong.definition.yaml_file import DefinitionError, Problem, line_of, plain, problems_of, read_yaml
from huizong.errors import UsageError
from huizong.frame.roster import Unit, read_roster
from huizong.home import Home, find_file
from huizong.instruments.model import Instrument, load_instrument


@dataclass(frozen=True)
class LoadedCycle:
    """A cycle with all it stands on: what `issue` freezes and every stage works with."""

    cycle: Cycle
    units: tuple[Unit, ...]
    instruments: Mapping[str, Instrument]  # by code@version
    calendar: Calendar
    folder: Path
    accepted: Mapping[str, Instrument] = field(default_factory=dict)  # older versions that still count

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

    @property
    def asked(self) -> tuple[Instrument, ...]:
        """The instruments on which units report; that of the level above is not among them."""
        wanted = {part.instrument for c in self.cycle.collections for part in c.parts}
        return tuple(i for ref, i in self.instruments.items() if ref in wanted)

    def forms_of(self, collection: Collection) -> tuple[tuple[Part, Instrument], ...]:
        """The parts that are reported on an instrument, form or list, with it."""
        parts = [part for part in collection.parts if part.instrument]
        return tuple((part, self.instruments[part.instrument or ""]) for part in parts)

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
    instruments = {ref: Instrument.model_validate(i) for ref, i in content["instruments"].items()}
    return LoadedCycle(
        cycle=cycle,
        units=tuple(Unit.model_validate(u) for u in content["units"]),
        instruments=instruments,
        calendar=calendar_of(cycle.calendar, home.calendars),
        folder=folder,
        accepted=_accepted(instruments.values(), folder, home),
    )


def _accepted(instruments: Iterable[Instrument], folder: Path, home: Home) -> dict[str, Instrument]:
    """The older versions that these accept, as far as their files are still there."""
    refs = {ref for instrument in instruments for ref in instrument.accepts}
    places = {ref: find_file((folder / "forms", *home.forms), f"{ref}.yaml") for ref in refs}
    return {ref: load_instrument(place) for ref, place in places.items() if place}


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


def _parse(raw: Any, path: Path) -> Cycle:
    try:
        return Cycle.model_validate(plain(raw))
    except ValidationError as e:
        raise DefinitionError(problems_of(e, raw, path)) from e


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
    places: dict[str, tuple[str | int, ...]] = {
        part.instrument: ("collections", n, "parts", m, "instrument")
        for n, collection in enumerate(cycle.collections)
        for m, part in enumerate(collection.parts)
        if part.instrument
    }
    if cycle.upward and cycle.upward.instrument:
        places.setdefault(cycle.upward.instrument, ("upward", "form"))
    for ref in sorted(places):
        place = find_file((path.parent / "forms", *home.forms), f"{ref}.yaml")
        if place is None:
            line = line_of(raw, places[ref])
            problems.append(Problem(str(path), line, f"找不到表样 {ref}：缺少 include/forms/{ref}.yaml"))
            continue
        try:
            instruments[ref] = load_instrument(place)
        except (UsageError, UnicodeDecodeError) as e:
            problems += _wrong_instrument(place, e)
    return instruments


def _wrong_instrument(path: Path, error: Exception) -> list[Problem]:
    try:
        raw = read_yaml(path)
    except DefinitionError as e:
        return e.problems
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return [Problem(str(path), 1, str(error))]
    return problems_of(cause, raw, path)
