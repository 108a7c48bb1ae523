"""Findings (审核问题): what a rule said about one return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from huizong.readers.model import FormReading, ItemReading

Severity = Literal["mandatory", "quasi_mandatory", "verify", "hint"]

# Strongest first; letters and lists keep this order.
SEVERITIES: tuple[Severity, ...] = ("mandatory", "quasi_mandatory", "verify", "hint")

# What the clerk reads (DESIGN, Words): never the internal class.
SEVERITY_FOR_CLERK: dict[Severity, str] = {
    "mandatory": "必须更正",
    "quasi_mandatory": "说明原因并经同意",
    "verify": "请核实并说明",
    "hint": "温馨提示（无需回复）",
}


CELLS_JOINED = "、"  # between the cells of a finding that several rows of a list share


@dataclass(frozen=True)
class Finding:
    """One result of a rule. A rule over two items is reported on its left one."""

    rule: str  # the expectation's code, e.g. blank, negative, ministry_tasks_above_held
    severity: Severity
    item: str | None
    message: str  # Chinese, for the clerk; {单位} already replaced
    remedy: str = ""
    sheet: str = ""
    cell: str = ""


@dataclass(frozen=True)
class FormRow:
    """One return as the rules see it. `key` tells findings apart; unique within a batch."""

    key: str
    unit_name: str
    address_as: str  # 你单位 or 贵单位
    items: dict[str, ItemReading]
    not_asked: frozenset[str] = frozenset()  # items that this unit's older form, still accepted, has not
    missing: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # labels of rows that the form does not have
    combined: int = 1  # units whose figures the form holds together
    title: str = ""  # as found; empty where there is none
    unit_text: str = ""
    unit_names: tuple[str, ...] = ()  # all names under which the unit may sign the header
    previous: dict[str, Decimal] = field(default_factory=dict)  # last year's figures, where there are any
    rows: tuple[Mapping[str, ItemReading], ...] = ()  # of a list; its `items` are empty
    numbers: tuple[int, ...] = ()  # of a list: what its rows are called, where each has its own 序号

    @classmethod
    def of(cls, form: FormReading, **whose: Any) -> FormRow:
        """What was read of a form as the rules see it. `whose`: the fields that the reading does not tell."""
        return cls(
            items=dict(form.items),
            rows=form.rows,
            numbers=form.numbers,
            missing=form.missing,
            duplicated=form.duplicated,
            unknown=form.unknown,
            combined=form.combined,
            **whose,
        )

    lines: int | None = None  # of a list as a whole: how many rows it has
    line: int = 0  # of one row of a list: which one, counted from 1
    same_lines: str = ""  # of a list as a whole: rows that agree in its key: 第3行与第7行
