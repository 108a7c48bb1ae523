"""The form for the level above: that ours can fill it, and what of it would stay empty."""

from __future__ import annotations

from huizong.definition.checking.found import Findings, Lines
from huizong.definition.load import LoadedCycle
from huizong.definition.model import Upward
from huizong.instruments.model import Instrument


def check_upward(loaded: LoadedCycle, lines: Lines) -> Findings:
    """What is wrong with `upward.form` and `upward.mapping`."""
    upward = loaded.cycle.upward
    if upward is None or upward.form is None:
        return
    ours = [form for c in loaded.cycle.collections if (form := loaded.instrument_of(c)) is not None]
    if not ours:
        yield lines.problem("本任务没有统计表，upward.form 请改为 null", "upward", "form")
    elif upward.blank:
        if not (loaded.folder / upward.blank).is_file():
            yield lines.problem(f"上级空白表 {upward.blank} 不在 {loaded.folder} 中", "upward", "form")
    elif upward.instrument:
        yield from _form(upward, loaded.instruments[upward.instrument], ours, lines)


def _form(upward: Upward, theirs: Instrument, ours: list[Instrument], lines: Lines) -> Findings:
    if theirs.kind == "list":
        yield lines.problem(f"上级表样 {theirs.ref} 是名录（kind: list），不能由合计填写", "upward", "form")
        return
    for code in upward.mapping:
        if code not in theirs.by_code:
            yield lines.problem(
                f"上级表样 {theirs.ref} 没有指标 {code}，请改正或删去", "upward", "mapping", code
            )
    for form in ours:
        yield from _items(upward, theirs, form, lines)


def _items(upward: Upward, theirs: Instrument, form: Instrument, lines: Lines) -> Findings:
    for item in theirs.items:
        sources = upward.mapping.get(item.code, (item.code,))
        for code in sources:
            found = form.by_code.get(code)
            own = None if found is None or found.type == "text" else found  # words have no sum
            if own is None and item.code in upward.mapping:
                yield lines.problem(
                    f"本级表样 {form.ref} 没有数字指标 {code}，请改正", "upward", "mapping", item.code
                )
            elif own is None and item.type != "text":
                yield lines.warning(
                    f"上级表样的“{item.label}”（{item.code}）没有对应的本级指标，上报时留空；"
                    f"请在 mapping 中写明",
                    "upward",
                    "form",
                )
            elif own is not None and item.unit and own.unit and item.unit != own.unit:
                yield lines.warning(
                    f"上级指标 {item.code} 的单位是{item.unit}，本级 {code} 是{own.unit}，请核对",
                    "upward",
                    "mapping",
                    item.code,
                )
