"""The suite as a file: what follows from the instrument, and what happens where a rule is written wrongly."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from huizong.errors import UsageError
from huizong.instruments.model import load_instrument
from huizong.readers.model import ItemReading
from huizong.rules.model import SEVERITIES, FormRow
from huizong.rules.run import RulesBrokenError, run_batch, suite_version
from huizong.rules.standard import refreshed, standard_expectations
from huizong.rules.suite import load_suite, suite_text

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "expectations" / "activity-week-statistics@2022.json"
INSTRUMENT = load_instrument(ROOT / "include" / "forms" / "activity-week-statistics@2022.yaml")


def row(key: str) -> FormRow:
    items = {code: ItemReading(state="number", number=Decimal(7), raw="7") for code in INSTRUMENT.by_code}
    return FormRow(key=key, unit_name="甲县科学技术局", address_as="你单位", items=items)


def test_the_suite_holds_what_follows_from_the_instrument_and_is_written_as_we_write_it() -> None:
    suite = load_suite(SUITE)
    standard = standard_expectations(INSTRUMENT)
    assert list(suite.expectations[: len(standard)]) == standard
    assert refreshed(suite, INSTRUMENT) == suite
    assert suite_text(suite) == SUITE.read_text(encoding="utf-8")


def test_every_rule_says_something_about_an_item_of_the_form() -> None:
    for rule in load_suite(SUITE).expectations:
        assert rule.meta.item is None or rule.meta.item in INSTRUMENT.by_code
        assert rule.meta.severity in SEVERITIES
        assert rule.meta.message.endswith("。")
        assert rule.meta.remedy.endswith("。") or rule.meta.remedy in ("", "{hint}")
        if rule.meta.item:
            assert f"第{INSTRUMENT.numbers[rule.meta.item]}项" in rule.meta.message


def test_the_version_follows_the_bytes(tmp_path: Path) -> None:
    changed = tmp_path / "suite.json"
    changed.write_bytes(SUITE.read_bytes() + b"\n")
    assert suite_version(SUITE) != suite_version(changed)
    assert len(suite_version(SUITE)) == 12


Change = Callable[[dict[str, Any]], None]


def changed_suite(tmp_path: Path, change: Change) -> Path:
    """A suite of one rule, changed: the whole one takes seconds."""
    suite = json.loads(SUITE.read_text(encoding="utf-8"))
    suite["expectations"] = [e for e in suite["expectations"] if e["meta"]["code"] == "negative"][:1]
    change(suite["expectations"][0])
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(suite), encoding="utf-8")
    return path


BROKEN: dict[str, Change] = {
    "a column that is not there": lambda e: e["kwargs"].update(column="activities.hold"),
    "a column of another instrument's pair": lambda e: e["kwargs"].update(column="activities.held:per:a.b"),
    "numbers asked of text": lambda e: e["kwargs"].update(column="activities.held:state"),
    "an expectation that does not exist": lambda e: e.update(type="expect_wonders"),
    "an argument that does not exist": lambda e: e["kwargs"].update(minimum=1),
    "a bound that is no number": lambda e: e["kwargs"].update(min_value="many"),
    "a rule for some rows only": lambda e: e["kwargs"].update(
        row_condition='col("activities.held")>100', condition_parser="great_expectations"
    ),
    "a rule over the table, which names no unit": lambda e: e.update(
        type="expect_column_max_to_be_between", kwargs={"column": "activities.held", "max_value": 1}
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_rule_that_cannot_be_judged_for_everybody_stops_the_batch(name: str, tmp_path: Path) -> None:
    with pytest.raises(RulesBrokenError, match="本批未审核"):
        run_batch([row("u1"), row("u2")], INSTRUMENT, changed_suite(tmp_path, BROKEN[name]))


def _wrong_severity(e: dict[str, Any]) -> None:
    e["severity"] = "info"


@pytest.mark.parametrize(
    "change",
    [_wrong_severity, lambda e: e["meta"].update(message="{unknown}"), lambda e: e["meta"].pop("remedy")],
    ids=["severity that contradicts its meta", "unknown placeholder", "no remedy"],
)
def test_a_suite_that_is_written_wrongly_is_named(change: Change, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suite\.json: expectations\.0"):
        run_batch([row("u")], INSTRUMENT, changed_suite(tmp_path, change))


def test_a_suite_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="不存在"):
        run_batch([row("u")], INSTRUMENT, tmp_path / "suite.json")
