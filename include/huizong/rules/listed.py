"""Rules over lists (名录): the list as a whole, and every row of it judged like a small form of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from huizong.instruments.model import Instrument, Item, row_key
from huizong.rules.model import CELLS_JOINED, SEVERITIES, Finding, FormRow
from huizong.rules.run import run_batch
from huizong.rules.standard import item_rules, rule
from huizong.rules.suite import Expectation

_IS_NULL = "expect_column_values_to_be_null"
_NOT_IN = "expect_column_values_to_not_be_in_set"
_NAMED = 8  # rows that one finding names


def whole_rules(instrument: Instrument) -> list[Expectation]:
    """Of the list as a whole: that it has rows, the printed columns, and no row twice."""
    old = f"来表标题为“{{detail}}”，与本次表样（{instrument.title}）不一致，请核实是否误用旧表。"
    altered = "来表与本次表样不一致（{what}），请使用通知所附表样填报，勿增删栏目。"
    key = "、".join(instrument.by_code[code].label for code in instrument.key)

    def whole(column: str, code: str, severity: str, message: str, remedy: str) -> Expectation:
        kwargs = {"column": column}
        return rule(_IS_NULL, kwargs, code, severity, item=None, message=message, remedy=remedy)  # type: ignore[arg-type]

    return [
        whole("form:no_rows", "form_blank", "mandatory", "表内未填写任何内容，请填写后重新报送。",
              "确无可报的，请在回信中注明“无”。"),
        whole("form:missing", "label_missing", "mandatory", altered.format(what="缺{detail}"),
              "请将内容填入本次表样后重新报送。"),
        whole("form:duplicated", "label_duplicated", "mandatory", altered.format(what="{detail}重复出现"),
              "请将内容填入本次表样后重新报送。"),
        whole("form:other_year", "other_year", "verify", old,
              "误用旧表的请改用本次表样重新报送，无误的请说明。"),
        whole("form:same_rows", "rows_twice", "verify", f"{{detail}}的{key}相同，请核实是否重复填报。",
              "重复的请删去后重新报送，确为两项的请说明。"),
    ]  # fmt: skip


def cell_rules(item: Item) -> list[Expectation]:
    """Of one column: filled where it has to be, a figure where one is asked for, one of the choices."""
    name = f"“{item.label}”"
    if item.type != "text":
        found = item_rules(name, item)
        return found if item.required else [r for r in found if r.meta.code != "blank"]
    return text_rules(name, item)


def text_rules(name: str, item: Item) -> list[Expectation]:
    """What holds for words that are called `name`: “联系电话” in a list, 第3项 on a form."""
    rules = []
    if item.required:
        states = {"column": f"{item.code}:state", "value_set": ["blank"]}
        rules.append(
            rule(
                _NOT_IN,
                states,
                "blank",
                "mandatory",
                item=item.code,
                message=f"{name}未填，请补填。",
                remedy="",
            )
        )
    rules.append(
        rule(_NOT_IN, {"column": f"{item.code}:state", "value_set": ["error", "formula"]}, "no_text",
             "mandatory", item=item.code, message=f"{name}显示为公式错误或未计算的公式，请直接填写文字。",
             remedy="")
    )  # fmt: skip
    if item.choices:
        choices = "、".join(item.choices)
        rules.append(
            rule(_IS_NULL, {"column": f"{item.code}:choice"}, "not_a_choice", "verify", item=item.code,
                 message=f"{name}应为{choices}之一，现为“{{detail}}”。",
                 remedy="请更正，确属其他情况的请说明。")
        )  # fmt: skip
    if item.format == "phone":
        rules.append(
            rule(_IS_NULL, {"column": f"{item.code}:phone"}, "no_phone", "verify", item=item.code,
                 message=f"{name}不像电话号码（{{detail}}），请核实。", remedy="请写区号和号码，或手机号。")
        )  # fmt: skip
    if item.format == "date":
        rules.append(
            rule(_IS_NULL, {"column": f"{item.code}:date"}, "no_date", "verify", item=item.code,
                 message=f"{name}未写明日期（{{detail}}），请核实。", remedy="请写明月日，如8月23日。")
        )  # fmt: skip
    return rules


def judge(rows: Sequence[FormRow], instrument: Instrument, suite_path: Path) -> dict[str, list[Finding]]:
    """Findings of each form or list by its key. What several rows of a list have in common is said once,
    with their numbers.

    Raises:
        RulesBrokenError, UsageError, ValueError: as `run_batch`.
    """
    if instrument.kind == "form":
        return run_batch(rows, instrument, suite_path)
    batch = [line for whole in rows for line in _lines(whole, instrument)]
    found = run_batch(batch, instrument, suite_path)
    return {whole.key: _together(whole, found) for whole in rows}


def _lines(whole: FormRow, instrument: Instrument) -> Iterator[FormRow]:
    yield replace(whole, lines=len(whole.rows), same_lines=_same(whole, instrument))
    for n, row in enumerate(whole.rows, start=1):
        yield replace(whole, key=_key(whole.key, n), items=dict(row), missing=(), line=n)


def _key(key: str, line: int) -> str:
    return f"{key}/{line}"


def _called(whole: FormRow, line: int) -> int:
    """The number by which a clerk knows a row: its 序号, else how many-th of the filled ones it is."""
    return whole.numbers[line - 1] if whole.numbers else line


def _same(whole: FormRow, instrument: Instrument) -> str:
    """第3行与第7行 of the first rows that agree in all columns of the key."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for n, row in enumerate(whole.rows, start=1):
        if key := row_key(instrument, {code: cell.raw for code, cell in row.items()}):
            places[key].append(_called(whole, n))
    twice = ["与".join(f"第{n}行" for n in found[:_NAMED]) for found in places.values() if len(found) > 1]
    return "、".join(twice[:_NAMED])


def _together(whole: FormRow, found: Mapping[str, list[Finding]]) -> list[Finding]:
    """The whole's findings, and the rows' with the rows named: 第2、5行“联系电话”未填。"""
    groups: dict[tuple[str, str], list[tuple[int, Finding]]] = defaultdict(list)
    for n in range(1, len(whole.rows) + 1):
        for finding in found[_key(whole.key, n)]:
            groups[finding.rule, finding.message].append((_called(whole, n), finding))
    said = [*found[whole.key], *(_named(group) for group in groups.values())]
    return sorted(said, key=lambda finding: SEVERITIES.index(finding.severity))


def _named(group: Sequence[tuple[int, Finding]]) -> Finding:
    """One finding for all of them: the first rows by number, and all cells of the first one's sheet."""
    lines = [n for n, _ in group]
    more = f"等{len(lines)}" if len(lines) > _NAMED else ""
    first = group[0][1]
    cells = dict.fromkeys(finding.cell for _, finding in group if finding.sheet == first.sheet)
    return replace(
        first,
        message=f"第{'、'.join(map(str, lines[:_NAMED]))}{more}行{first.message}",
        cell=CELLS_JOINED.join(cells),
    )
