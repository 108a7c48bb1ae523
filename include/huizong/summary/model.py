"""What a summary of one collection says; the workbook and the Word report are two prints of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Literal

from huizong.instruments.combined import combined_text
from huizong.instruments.model import Instrument
from huizong.rules.model import Severity
from huizong.summary.totals import total

EditionKind = Literal["provisional", "final", "revised"]

# Two things that a sum must not hide (口径).
ADDED_NOT_DEDUPLICATED = "各单位上报数直接加总，未去重"


@dataclass(frozen=True)
class Edition:
    """An edition (版次). `number` counts the revisions; it says nothing for the other two kinds."""

    kind: EditionKind
    number: int = 1

    @property
    def label(self) -> str:
        if self.kind == "revised":
            return f"修订稿（第{self.number}次）"
        return "初步汇总（未定稿）" if self.kind == "provisional" else "定稿"


@dataclass(frozen=True)
class UnitLine:
    """One unit of the frame. `values` holds what counts in the sum: empty where nothing does."""

    code: str
    name: str
    order: int  # place in the established order (建制顺序)
    status: str  # as the clerk reads it: 已报齐, 缺件, 待核实, 未报…
    punctual: bool | None = None  # None: nothing to tell
    version: int | None = None
    received_at: str = ""  # 2022-06-13 09:12, in the cycle's zone
    values: Mapping[str, Decimal | None] = field(default_factory=dict)
    notes: str = ""
    open_queries: int = 0
    own: bool = False  # the office's own line (市本级)
    rejected: bool = False  # its newest form was returned; an earlier one may count
    owed: tuple[str, ...] = ()  # parts of which nothing stands

    @property
    def counts(self) -> bool:
        """Whether figures of the unit are in the sum."""
        return self.version is not None or bool(self.values)

    @property
    def punctual_text(self) -> str:
        return "" if self.punctual is None else "是" if self.punctual else "否"


@dataclass(frozen=True)
class Coverage:
    """Coverage (报送覆盖). `expected` = returned + missing; waived units stand outside; 0: voluntary."""

    expected: int
    returned: int
    missing: tuple[tuple[str, str], ...] = ()  # (code, name)
    incomplete: tuple[tuple[str, str, tuple[str, ...]], ...] = ()  # (code, name, parts still owed)
    waived: tuple[tuple[str, str], ...] = ()
    returned_for_correction: tuple[tuple[str, str], ...] = ()  # of those missing: sent, does not count yet
    states: Mapping[str, str] = field(default_factory=dict)  # of those missing: code → 缺件, where not 未报

    @property
    def sentence(self) -> str:
        """应报18家、已报15家（83.3%），未报1家：封丘县；尚未计入1家：辉县市（缺件）；
        已报待更正（未计入）1家：长垣市。"""
        if not self.expected:
            return f"本事项为自愿报送，共收到{self.returned}家材料。"
        done = f"应报{self.expected}家、已报{self.returned}家"
        share = percent(Decimal(self.returned) / Decimal(self.expected))
        return f"{done}（{share}），{self.missing_text}。"

    @property
    def missing_text(self) -> str:
        """Those that sent nothing apart from those that did; no full stop."""
        sent = self.returned_for_correction
        others = [unit for unit in self.missing if unit not in sent]
        silent = tuple(unit for unit in others if unit[0] not in self.states)
        some = tuple((code, f"{name}（{self.states[code]}）") for code, name in others if code in self.states)
        told = [(silent, "未报"), (some, "尚未计入"), (sent, "已报待更正（未计入）")]
        said = [f"{what}{len(units)}家：{_names(units)}" for units, what in told if units]
        return "；".join(said) or "无未报单位"

    @property
    def incomplete_sentence(self) -> str:
        """缺件1家：原阳县（缺盖章扫描件、总结报告）。 Empty where nothing is owed."""
        if not self.incomplete:
            return ""
        named = "；".join(f"{name}（缺{'、'.join(parts)}）" for _, name, parts in self.incomplete)
        return f"缺件{len(self.incomplete)}家：{named}。"

    @property
    def waived_sentence(self) -> str:
        return f"免报{len(self.waived)}家（不计入应报数）：{_names(self.waived)}。" if self.waived else ""


@dataclass(frozen=True)
class SummaryData:
    """All that an edition prints for one collection.

    `as_of` is in the cycle's zone; units come in any order and are kept in 建制顺序. `instrument` is None
    for a collection without a form: coverage and the units' progress are then all there is.
    """

    cycle_title: str
    document_number: str
    issued_by: tuple[str, ...]
    office_name: str
    area_name: str  # stands in the header of the summed form: 新乡市, or the office's own name
    collection_code: str
    collection_title: str
    edition: Edition
    as_of: datetime
    instrument: Instrument | None
    units: tuple[UnitLine, ...]
    coverage: Coverage
    reporting_rate: Decimal | None  # 0 to 1; None: voluntary
    reporting_rate_on_time: Decimal | None
    definition_version: str
    findings: Mapping[Severity, int] = field(default_factory=dict)  # open ones
    snippets: tuple[tuple[str, str], ...] = ()  # (unit and topic, passage of its report)
    combined: int = 0  # units at the very bottom whose figures are in the sums

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", tuple(sorted(self.units, key=lambda u: (u.order, u.code))))

    @cached_property
    def totals(self) -> dict[str, Decimal]:
        """Item code -> exact sum over the units, in the form's order; texts have none."""
        items = self.instrument.items if self.instrument else ()
        return {
            item.code: total(unit.values.get(item.code) for unit in self.units)
            for item in items
            if item.type != "text"
        }

    @property
    def method_sentence(self) -> str:
        """How the figures came about (口径), for the form itself: the level above reads it."""
        of = f"；{combined_text(self.combined)}" if self.combined else ""
        return f"口径：{ADDED_NOT_DEDUPLICATED}{of}。"

    @property
    def as_of_text(self) -> str:
        return f"{date_text(self.as_of)}{self.as_of:%H:%M}"

    @property
    def rates_sentence(self) -> str:
        """报送率88.9%，统计表按时报送率77.8%。 Empty for a voluntary collection.

        Of the form alone: the units' column 按时 asks for all parts.
        """
        if self.reporting_rate is None:
            return ""
        on_time = self.reporting_rate_on_time
        of = "统计表" if self.instrument else ""
        also = f"，{of}按时报送率{percent(on_time)}" if on_time is not None else ""
        return f"报送率{percent(self.reporting_rate)}{also}。"

    @property
    def own_sentence(self) -> str:
        """That the office's own events, which no unit reports, are a unit of their own."""
        own = [unit for unit in self.units if unit.own]
        if not own:
            return ""
        state = "已一并计入" if any(unit.values for unit in own) else "尚未填报，未计入"
        return f"本级自办活动由“{own[0].name}”单独填报，{state}。"

    @property
    def queries_sentence(self) -> str:
        """What the figures still wait for; every edition says it, even that there is nothing."""
        asked = [u for u in self.units if u.counts and not u.rejected and u.open_queries]
        returned = [u for u in self.units if u.rejected and not u.counts]
        replaced = [u for u in self.units if u.rejected and u.counts]
        told = (
            (asked, "的数据待核实，已按现报数计入"),
            (returned, "的报表已退回更正，尚未计入"),
            (replaced, "新报的报表已退回更正，按此前审核通过的数计入"),
        )
        said = [f"{len(units)}家单位{what}：{_queried(units)}。" for units, what in told if units]
        return "".join(said) or "已计入的数据无待核实问题。"


def percent(rate: Decimal) -> str:
    """A rate from 0 to 1 as 88.9%; all but everything never rounds up to 100%, nor something to 0%."""
    if rate in (0, 1):
        return f"{rate * 100:.0f}%"
    shown = (rate * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{min(max(shown, Decimal('0.1')), Decimal('99.9'))}%"


def date_text(day: datetime) -> str:
    """2022年6月21日, without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def _names(units: tuple[tuple[str, str], ...]) -> str:
    return "、".join(name for _, name in units)


def _queried(units: Sequence[UnitLine]) -> str:
    return "、".join(u.name + (f"（{u.open_queries}项）" if u.open_queries else "") for u in units)
