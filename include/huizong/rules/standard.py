"""The rules that every form has, made from its instrument: every cell holds one exact number.

A suite file holds these and, after them, what was written by hand for the one form: bounds, and rules over
several items. `refreshed` makes the first kind anew and leaves the second as it stands.
"""

from __future__ import annotations

from typing import Any

from huizong.instruments.model import Instrument, Item
from huizong.rules.model import Severity
from huizong.rules.suite import GX_SEVERITY, Expectation, Suite

_IS_NULL = "expect_column_values_to_be_null"  # a column that holds text where there is something to say
_NOT_IN = "expect_column_values_to_not_be_in_set"
_BETWEEN = "expect_column_values_to_be_between"

_MILDER: dict[str, Severity] = {"read_as_zero": "hint", "full_width": "hint", "shown_otherwise": "verify"}
# Of figures under another unit than the form's, only that is said.
_YIELDS = {"blank": ("form_blank",), "not_whole": ("other_unit",), "too_many_places": ("other_unit",)}
_ALTERED = "来表与本次表样不一致（{what}），请使用通知所附表样填报，勿增删行列。"


def standard_expectations(instrument: Instrument) -> list[Expectation]:
    """The form as it was printed, then item by item; words are judged as in a list's cells."""
    from huizong.rules.listed import text_rules

    if instrument.kind == "list":
        return list_rules(instrument)
    rules = _form_rules(instrument)
    for n, item in enumerate(instrument.items, start=1):
        rules += (text_rules if item.type == "text" else item_rules)(f"第{n}项", item)
    return rules


def standard_suite(instrument: Instrument) -> Suite:
    """The suite of an instrument for which nobody has written any rules."""
    rules = tuple(standard_expectations(instrument))
    return Suite(name=instrument.ref, expectations=rules, meta={"instrument": instrument.ref})


def refreshed(suite: Suite, instrument: Instrument) -> Suite:
    """The suite with its standard rules made anew from the instrument, the hand-written ones kept."""
    standard = standard_expectations(instrument)
    codes = {rule.meta.code for rule in standard} | {"not_whole", "too_many_places"}
    by_hand = [rule for rule in suite.expectations if rule.meta.code not in codes]
    return suite.model_copy(update={"expectations": (*standard, *by_hand)})


def list_rules(instrument: Instrument) -> list[Expectation]:
    """The rules of a list: of the list as a whole, and of each row's cells."""
    from huizong.rules.listed import cell_rules, whole_rules

    return whole_rules(instrument) + [found for item in instrument.items for found in cell_rules(item)]


def rule(
    type_: str,
    kwargs: dict[str, Any],
    code: str,
    severity: Severity,
    *,
    item: str | None,
    message: str,
    remedy: str,
    yields_to: tuple[str, ...] = (),
) -> Expectation:
    """One expectation with its meta. `message` and `remedy` may hold the placeholders of `RuleMeta`."""
    meta = {"code": code, "severity": severity, "item": item, "message": message, "remedy": remedy}
    return Expectation.model_validate(
        {
            "type": type_,
            "kwargs": kwargs,
            "severity": GX_SEVERITY[severity],
            "meta": {**meta, "yields_to": yields_to},
        }
    )


def _form_rules(instrument: Instrument) -> list[Expectation]:
    def form_rule(column: str, code: str, severity: Severity, message: str, remedy: str) -> Expectation:
        return rule(_IS_NULL, {"column": column}, code, severity, item=None, message=message, remedy=remedy)

    missing, twice = _ALTERED.format(what="缺{detail}"), _ALTERED.format(what="{detail}重复出现")
    old = f"来表标题为“{{detail}}”，与本次表样（{instrument.title}）不一致，请核实是否误用旧表。"
    added = "来表增加了{detail}等行，表样以外的内容不计入汇总，请核实；请使用通知所附表样填报，勿增删行列。"
    again = "请将数据填入本次表样后重新报送。"
    # Whose the return is was settled before the rules run, from token, sender and text together; there a
    # contradiction waits for a person. What is left for a rule is the printed line itself: another name is
    # asked about, an empty line changes no figure and is under the stamp anyway.
    other = "表头“部门/地方”与发件单位不一致，请核对单位名称后重新报送。"
    blank = "表头“部门/地方”未填写，已按发件单位登记。"
    empty = "表内未填写任何数据，请填写后重新报送。"
    return [
        form_rule("form:blank", "form_blank", "mandatory", empty, "可能误发了空白表样，请检查附件。"),
        form_rule("form:missing", "label_missing", "mandatory", missing, again),
        form_rule("form:duplicated", "label_duplicated", "mandatory", twice, again),
        form_rule(
            "form:other_year", "other_year", "verify", old, "误用旧表的请改用本次表样重新报送，无误的请说明。"
        ),
        form_rule(
            "form:unknown", "rows_added", "verify", added, "应计入表内项目的请更正后重新报送，其他的请说明。"
        ),
        form_rule(
            "form:header_other", "header_other_unit", "verify", other, "表头现为“{detail}”，无误的请说明。"
        ),
        form_rule("form:header_blank", "header_blank", "hint", blank, "盖章件上请填写{address}全称。"),
    ]


def item_rules(name: str, item: Item) -> list[Expectation]:
    """What holds for a figure that is called `name` (第6项).

    At most one rule on a cell's state can speak; the other rules need a number to judge.
    """

    def item_rule(
        type_: str, suffix: str, bounds: dict[str, Any], code: str, message: str, remedy: str
    ) -> Expectation:
        kwargs = {"column": item.code + suffix, **bounds}
        return rule(
            type_,
            kwargs,
            code,
            _MILDER.get(code, "mandatory"),
            item=item.code,
            message=f"{name}{message}",
            remedy=remedy,
            yields_to=_YIELDS.get(code, ()),
        )

    def state_rule(states: list[str], code: str, message: str, remedy: str) -> Expectation:
        return item_rule(_NOT_IN, ":state", {"value_set": states}, code, message, remedy)

    if item.type == "integer":
        places = ("not_whole", "应填整数，现为{value}，请更正。", "请按实际数填写。")
    else:
        places = (
            "too_many_places",
            f"小数不超过{item.places}位，现为{{value}}，请更正。",
            f"本项单位为“{item.unit}”。" if item.unit else "多余的小数请四舍五入。",
        )
    other_unit = [
        item_rule(
            _IS_NULL,
            ":unit",
            {},
            "other_unit",
            f"表上单位写为“{{detail}}”，本表单位为“{item.unit}”，请换算后填写。",
            "现填{value}{detail}；表样上的文字请勿改动。",
        )
    ]
    return [
        state_rule(
            ["blank"], "blank", "未填，确无此项的请填“0”，属漏填的请补填。", "表中各项均须填写，不留空格。"
        ),
        state_rule(
            ["text"],
            "not_exact",
            "应填一个数字，现为{held}。",
            "{hint}",
        ),
        state_rule(
            ["formula"],
            "no_result",
            "为公式，未读到计算结果，请直接填写阿拉伯数字。",
            "该格请勿使用公式。",
        ),
        state_rule(
            ["error"], "error_value", "显示为错误值（{raw}），请直接填写数字。", "错误值不能计入汇总。"
        ),
        state_rule(
            ["conflict"], "conflict", "两处填报的数值不一致，请核准后只保留一处。", "该行现有“{raw}”。"
        ),
        item_rule(
            _BETWEEN,
            "",
            {"min_value": 0},
            "negative",
            "填报{value}，不应为负数，请更正。",
            "确无此项的请填“0”。",
        ),
        item_rule(_BETWEEN, ":places", {"max_value": item.places}, *places),
        *(other_unit if item.unit else ()),
        state_rule(
            ["none", "dash"],
            "read_as_zero",
            "填写为“{raw}”，已按0计，下次请直接填写“0”。",
            "",
        ),
        item_rule(
            _IS_NULL,
            ":shown",
            {},
            "shown_otherwise",
            "单元格显示为“{detail}”，实际存放{value}，请核实。",
            "实际数与显示不一致的，请按表样单位重新填写；无误的请说明。",
        ),
        item_rule(
            _IS_NULL,
            ":full_width",
            {},
            "full_width",
            "“{detail}”含全角字符，已按{value}计，下次请用半角数字。",
            "",
        ),
    ]
