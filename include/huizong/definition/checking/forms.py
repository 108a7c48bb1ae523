"""Forms and their rules: what was printed twice, what last year's form had, rules of another form."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huizong.definition.checking.found import Findings, Found, Lines
from huizong.definition.load import LoadedCycle, find_cycles, load_cycle
from huizong.definition.yaml_file import DefinitionError, read_yaml
from huizong.errors import HuizongError, UsageError
from huizong.home import Home, find_file
from huizong.instruments.model import Instrument, Item

CheckRules = Callable[[Path, Instrument], list[str]]  # what a suite says that does not fit its form


def check_forms(loaded: LoadedCycle, home: Home, lines: Lines, check_rules: CheckRules) -> Findings:
    previous, found = _last_year(loaded, home, lines)
    yield from found
    now = {form.code for form in loaded.instruments.values()}
    for code in sorted(previous.keys() - now):
        yield lines.warning(f"上年的“{previous[code].title}”今年没有用到，请核对是否漏写", "previous")
    for ref, instrument in loaded.instruments.items():
        path = instrument_path(ref, loaded.folder, home)
        here = Lines(path, read_yaml(path))
        yield from _itself(instrument, ref, here)
        yield from _of_this_year(loaded, instrument, lines)
        if instrument.code in previous:
            yield from _since(instrument, previous[instrument.code], here)
        yield from _rules(instrument, home, check_rules)


def instrument_path(ref: str, folder: Path, home: Home) -> Path:
    """The file of an instrument that has been loaded."""
    path = find_file((folder / "forms", *home.forms), f"{ref}.yaml")
    if path is None:
        raise UsageError(f"找不到表样 {ref}：缺少 include/forms/{ref}.yaml。")
    return path


def _of_this_year(loaded: LoadedCycle, instrument: Instrument, lines: Lines) -> Findings:
    """That the form's title names no other year than the cycle's own."""
    if instrument.is_of_another_year(loaded.cycle.title):
        n, m = next(
            (n, m)
            for n, collection in enumerate(loaded.cycle.collections)
            for m, part in enumerate(collection.parts)
            if part.instrument == instrument.ref
        )
        yield lines.warning(
            f"表样 {instrument.ref} 的标题是“{instrument.title}”，与任务“{loaded.cycle.title}”年份不同",
            *("collections", n, "parts", m, "instrument"),
        )


def _itself(instrument: Instrument, ref: str, lines: Lines) -> Findings:
    if instrument.ref != ref:
        yield lines.problem(f"文件名是 {ref}，其中却写着 {instrument.ref}，请改成一致", "version")
    codes: dict[str, int] = {}
    labels: dict[tuple[str, str], int] = {}
    for n, item in enumerate(instrument.items):
        if codes.setdefault(item.code, n) != n:
            yield lines.problem(f"指标代码 {item.code} 写了两次，请改其中一个", "items", n)
        if labels.setdefault(_printed(item), n) != n:
            yield lines.problem(f"“{item.label}”在同一组里写了两次，填报时无法分辨，请改其中一个", "items", n)


def _printed(item: Item) -> tuple[str, str]:
    group, label = ("".join(unicodedata.normalize("NFKC", t).split()) for t in (item.group, item.label))
    return group, label


def _last_year(loaded: LoadedCycle, home: Home, lines: Lines) -> tuple[Mapping[str, Instrument], list[Found]]:
    """The forms of the previous cycle by their code."""
    code = loaded.cycle.previous
    if code is None:
        return {}, []
    path = find_cycles(home).get(code)
    if path is None:
        return {}, [lines.warning(f"没有名为“{code}”的统计任务，无法与上年比较，检查 previous", "previous")]
    try:
        forms = load_cycle(path, home).instruments.values()
    except DefinitionError as e:
        return {}, [lines.warning(f"上年的 {code} 有问题，未与之比较：{e}", "previous")]
    return {form.code: form for form in forms}, []


def _since(now: Instrument, before: Instrument, lines: Lines) -> Findings:
    """What last year's form had and this one has not, unless it says so itself (`dropped`)."""
    for item in before.items:
        same = now.by_code.get(item.code)
        if same is None and item.code not in now.dropped:
            yield lines.problem(
                f"上年（{before.ref}）的“{item.label}”（{item.code}）今年没有了；确已取消的请写 "
                f"dropped: [{item.code}]，只是改名的请沿用原代码",
                "items",
            )
        elif same is not None and same.type != item.type:
            yield lines.problem(
                f"{item.code} 上年为 {item.type}，今年为 {same.type}，两年无法比较；请改回，"
                f"或换一个代码并写 dropped: [{item.code}]",
                "items",
                now.items.index(same),
                "type",
            )


def _rules(instrument: Instrument, home: Home, check_rules: CheckRules) -> Findings:
    path = find_file(home.expectations, f"{instrument.ref}.json")
    if path is None:
        return  # the rules that follow from the form are made of it
    lines: Any = Lines(path, None)
    try:
        for said in check_rules(path, instrument):
            yield lines.problem(said)
    except HuizongError as e:
        yield lines.problem(str(e))
