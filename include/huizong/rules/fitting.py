"""Whether a suite still belongs to its form: a form changes, and the rules written for it stay behind."""

from __future__ import annotations

from pathlib import Path

from huizong.instruments.model import Instrument
from huizong.rules.columns import RulesBrokenError, frame
from huizong.rules.standard import refreshed, standard_expectations
from huizong.rules.suite import Suite, load_suite, suite_text


def misfits(path: Path, instrument: Instrument) -> list[str]:
    """What of a suite file does not fit the form, each with what to do.

    Raises:
        UsageError: the file is missing or not a suite.
    """
    suite = load_suite(path)
    found = []
    if (name := suite.meta.get("instrument", instrument.ref)) != instrument.ref:
        found.append(f"规则属于表样 {name}，不是 {instrument.ref}，请改 meta.instrument")
    gone = sorted({r.meta.item for r in suite.expectations if r.meta.item} - set(instrument.by_code))
    found += [f"规则所指的指标 {item} 表样中没有，请删去该规则或改正 item" for item in gone]
    found += _columns(suite, instrument, gone)
    return found + _without_rules(suite, instrument) + _of_another_type(suite, instrument)


def _columns(suite: Suite, instrument: Instrument, gone: list[str]) -> list[str]:
    """Columns that cannot be worked out; of an item that is gone, that has been said."""
    found = []
    for column in suite.columns:
        if column.partition(":")[0] in gone:
            continue
        try:
            frame((), instrument, (column,))
        except RulesBrokenError as e:
            found.append(str(e))
    return found


def _without_rules(suite: Suite, instrument: Instrument) -> list[str]:
    judged = {rule.meta.item for rule in suite.expectations}
    standard = dict.fromkeys(r.meta.item for r in standard_expectations(instrument) if r.meta.item)
    return [
        f"“{instrument.by_code[item].label}”（{item}）没有任何审核规则，请补上，或删去本文件后重新生成"
        for item in standard
        if item not in judged
    ]


def _of_another_type(suite: Suite, instrument: Instrument) -> list[str]:
    wrong = {"integer": "too_many_places", "decimal": "not_whole"}
    return [
        f"{item.code} 的类型改为 {item.type}，规则 {rule.meta.code} 已不适用，请删去"
        for rule in suite.expectations
        if (item := instrument.by_code.get(rule.meta.item or "")) is not None
        and rule.meta.code == wrong.get(item.type)
    ]


def renewed(path: Path, instrument: Instrument) -> str:
    """The text of a suite for a form's new version: standard rules anew, those written by hand as they stand.

    Raises:
        UsageError: `path` is missing or not a suite.
    """
    suite = refreshed(load_suite(path), instrument)
    own = {"name": instrument.ref, "meta": {"instrument": instrument.ref}}
    return suite_text(suite.model_copy(update=own))
