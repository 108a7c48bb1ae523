"""Running the rules: one Great Expectations validation for a whole batch of returns.

One validation costs about as much for three thousand returns as for one, so nobody calls this form by
form. Importing Great Expectations takes seconds: it happens inside, and only where there is something to
validate.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huizong.instruments.model import Instrument
from huizong.rules.columns import KEY, RulesBrokenError, frame, number, plain
from huizong.rules.hints import held, hint
from huizong.rules.model import SEVERITIES, Finding, FormRow
from huizong.rules.suite import Expectation, RuleMeta, Suite, load_suite, suite_version

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RulesBrokenError", "run_batch", "suite_version"]

_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [KEY],
    "return_unexpected_index_query": False,
}


def run_batch(rows: Sequence[FormRow], instrument: Instrument, suite_path: Path) -> dict[str, list[Finding]]:
    """Findings of each return, by its key; every key is there, strongest first, then by item number.

    Raises:
        RulesBrokenError: a rule could not be judged for every return; no finding of the batch may be used.
        UsageError: the suite file is missing or not a suite.
        ValueError: a key stands twice.
    """
    if not rows:
        return {}
    by_key = {row.key: row for row in rows}
    if len(by_key) != len(rows):
        raise ValueError("the keys of a batch must be unique")
    suite = load_suite(suite_path)
    table = frame(rows, instrument, suite.columns)
    details = table.set_index(KEY)
    findings: dict[str, list[tuple[RuleMeta, Finding]]] = {key: [] for key in by_key}
    for rule, keys in _broken_by(suite, table):
        for key in keys:
            detail = details.at[key, rule.columns[0]]
            findings[key].append((rule.meta, _finding(rule.meta, by_key[key], str(detail), instrument)))
    return {key: _in_order(found, instrument) for key, found in findings.items()}


def _broken_by(suite: Suite, table: pd.DataFrame) -> list[tuple[Expectation, list[str]]]:
    """Each rule with the keys of the returns that break it."""
    results = _validate(suite, table)
    if len(results) != len(suite.expectations):
        raise RulesBrokenError(f"审核规则{suite.name}只执行了一部分，本批未审核；请检查规则文件")
    broken = []
    for result in results:
        rule = Expectation.model_validate(
            {key: result["expectation_config"][key] for key in ("type", "kwargs", "severity", "meta")}
        )
        _refuse_unjudged(rule, result, len(table))
        broken.append((rule, [entry[KEY] for entry in result["result"]["unexpected_index_list"]]))
    return broken


def _validate(suite: Suite, table: pd.DataFrame) -> list[dict[str, Any]]:
    """One validation of the whole table; a result a rule, in the plain form Great Expectations prints."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("returns").add_dataframe_asset("batch")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": table})
    try:
        expectations = gx.ExpectationSuite(**suite.model_dump(mode="json", exclude_defaults=True))
        answer = batch.validate(expectations, result_format=_RESULT_FORMAT)
    except (GreatExpectationsError, TypeError, ValueError) as e:
        raise RulesBrokenError(f"审核规则{suite.name}无法执行，本批未审核；请检查规则文件：{e}") from e
    results: list[dict[str, Any]] = answer.to_json_dict()["results"]  # type: ignore[no-untyped-call]
    return results


def _refuse_unjudged(rule: Expectation, result: dict[str, Any], rows: int) -> None:
    """A rule that failed inside Great Expectations names no unit: it must not pass for a clean one."""
    raised = result.get("exception_info") or {}
    # Either one flat record, or one a metric that failed.
    records = [raised] if "raised_exception" in raised else list(raised.values())
    counted = result["result"].get("element_count")
    if not any(record["raised_exception"] for record in records) and counted == rows:
        return
    reason = next(
        (r["exception_message"] for r in records if r["raised_exception"]), f"只核对了{counted}/{rows}份"
    )
    columns = "、".join(rule.columns)
    raise RulesBrokenError(
        f"审核规则{rule.meta.code}（{columns}）无法对全部{rows}份报送件执行，本批未审核；请更正规则文件：{reason}"
    )


def _finding(meta: RuleMeta, row: FormRow, detail: str, instrument: Instrument) -> Finding:
    reading = row.items.get(meta.item) if meta.item else None
    value = number(row, meta.item) if meta.item else None
    asked = reading.raw if reading and "{hint}" in meta.remedy else None
    words = {
        "address": row.address_as,
        "detail": _short(detail),
        "count": _in_words(detail.count("、") + 2),
        "raw": _short(reading.raw if reading else ""),
        "held": held(_short(reading.raw) if reading else ""),
        "hint": hint(asked, instrument.by_code[meta.item]) if asked is not None and meta.item else "",
        "value": "" if value is None else plain(value),
        "in_wan": "" if value is None else plain(_in_wan(value)),
    }
    return Finding(
        rule=meta.code,
        severity=meta.severity,
        item=meta.item,
        message=meta.message.format_map(words),
        remedy=meta.remedy.format_map(words),
        sheet=reading.sheet if reading else "",
        cell=reading.cell if reading else "",
    )


def _in_words(count: int) -> str:
    """As one counts things: 两, 三, …; beyond ten in digits."""
    return "零一两三四五六七八九十"[count] if count <= 10 else str(count)


def _in_wan(value: Decimal) -> Decimal:
    """The figure divided by 10,000, to the four places that a 万元 row takes."""
    wan = value.scaleb(-4)
    return wan.quantize(Decimal("0.0001"), ROUND_HALF_UP) if wan.adjusted() < 20 else wan


def _short(text: str, most: int = 40) -> str:
    """What the clerk typed, on one line and short enough for a sentence."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most] + "…"


def _in_order(found: list[tuple[RuleMeta, Finding]], instrument: Instrument) -> list[Finding]:
    said = {(finding.item, finding.rule) for _, finding in found}
    kept = [
        f
        for meta, f in found
        if not any((item, code) in said for code in meta.yields_to for item in (f.item, None))
    ]
    return sorted(
        kept,
        key=lambda f: (
            SEVERITIES.index(f.severity),
            instrument.numbers.get(f.item, 0) if f.item else 0,
            f.rule,
        ),
    )
