"""The rules of the statistics form: who is told what, and that no return is ever answered wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest
from rule_cases import CASES, INSTRUMENT, SUITE, row, typed

from huizong.rules.model import Finding
from huizong.rules.run import run_batch
from huizong.rules.suite import load_suite


@pytest.fixture(scope="module")
def answers() -> dict[str, list[Finding]]:
    """All cases in one batch: what one row holds must not touch another's findings."""
    return run_batch([r for r, _ in CASES.values()], INSTRUMENT, SUITE)


@pytest.mark.parametrize("name", CASES)
def test_each_mistake_is_answered_in_its_own_words(name: str, answers: dict[str, list[Finding]]) -> None:
    said = [(f.rule, f.severity, f.item, f.message) for f in answers[name]]
    assert said == CASES[name][1]


def test_every_rule_of_the_suite_is_tried_by_a_case() -> None:
    tried = {rule for _, said in CASES.values() for rule, *_ in said}
    assert {rule.meta.code for rule in load_suite(SUITE).expectations} == tried


def test_a_finding_names_the_cell(answers: dict[str, list[Finding]]) -> None:
    [finding] = answers["not exact: 约5万"]
    assert (finding.sheet, finding.cell) == ("统计表", "C5")


GUESSED = {
    "五十六": "现为“五十六”，请填写准确的阿拉伯数字。如为56，填“56”。",
    "500余": "现为“500余”，请填写准确的阿拉伯数字。估算数、范围不能计入汇总。",
    "详见附件": "现为“详见附件”，请填写准确的阿拉伯数字。",
    "其余无": "现为“其余无”，请填写准确的阿拉伯数字。",
    "TRUE": "现为“TRUE”，请填写准确的阿拉伯数字。",
    "1900-01-05": "现为日期“1900-01-05”，请改填数字。如原数为5，填“5”。",
    "2022-05-01 00:00:00": "现为日期“2022-05-01”，请改填数字。",
    "{value}": "现为“{value}”，请填写准确的阿拉伯数字。",
}


def test_a_finding_says_what_the_cell_was_probably_meant_to_say() -> None:
    rows = [row(raw, {"public.online": typed("text", raw)}) for raw in GUESSED]
    found = run_batch(rows, INSTRUMENT, SUITE)
    assert {raw: [f.message + f.remedy for f in told] for raw, told in found.items()} == {
        raw: [f"第15项应填一个数字，{said}"] for raw, said in GUESSED.items()
    }


def test_equal_items_are_counted() -> None:
    equal = {
        "两": ("municipal", "county"),
        "五": ("provincial", "municipal", "county", "enterprise", "in_kind"),
    }
    rows = [
        row(count, dict.fromkeys((f"funding.{c}" for c in codes), "77")) for count, codes in equal.items()
    ]
    found = run_batch(rows, INSTRUMENT, SUITE)
    assert {count: [(f.rule, f.remedy) for f in told] for count, told in found.items()} == {
        count: [("equal_funding", f"确为{count}笔经费的请说明。")] for count in equal
    }


def test_one_bad_return_among_three_hundred_is_the_only_one_told() -> None:
    rows = [row(f"u{n}") for n in range(300)]
    rows[137] = row("u137", {"activities.held": typed("text", "约500"), "funding.central": "-1"})
    answers = run_batch(rows, INSTRUMENT, SUITE)
    assert list(answers) == [f"u{n}" for n in range(300)]
    assert {key: [f.rule for f in found] for key, found in answers.items() if found} == {
        "u137": ["not_exact", "negative"]
    }


def test_the_tone_is_the_one_the_relation_asks_for() -> None:
    relations = ("你单位", "贵单位")
    found = run_batch([row(who, unit_text="", address_as=who) for who in relations], INSTRUMENT, SUITE)
    assert {who: told[0].remedy for who, told in found.items()} == {
        who: f"盖章件上请填写{who}全称。" for who in relations
    }


def test_an_empty_batch_needs_no_rules() -> None:
    assert run_batch([], INSTRUMENT, Path("nowhere.json")) == {}


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        run_batch([row("u"), row("u")], INSTRUMENT, SUITE)
