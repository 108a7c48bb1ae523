"""评选参考: facts for people who decide whom to commend; in 建制顺序, never by rank, for the office alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from huizong.summary.cells import (
    BODY,
    CENTRE,
    FIGURE,
    INSET,
    LEFT,
    LINE,
    TITLE,
    WARNING,
    dress,
    heads,
    line,
    lines,
    page,
    put_text,
    set_widths,
)
from huizong.summary.model import Edition, date_text
from huizong.summary.package import repacked
from huizong.summary.totals import canonical

MARK = "内部资料，仅供评选参考，不予通报"
_ORDER = "按建制顺序排列，不是名次。"


@dataclass(frozen=True)
class Formula:
    """What counts how much, as the definition says."""

    punctual: int
    complete: int
    correction: int

    @property
    def sentence(self) -> str:
        return (
            f"得分＝按时报送{self.punctual:+d}分，材料报齐{self.complete:+d}分，"
            f"每退回更正一次{self.correction:+d}分；零报告、免报、说明不报和自愿报送的不计分。"
        )


@dataclass(frozen=True)
class UnitFacts:
    """One unit in one collection."""

    unit: str
    collection: str
    status: str  # as the clerk reads it
    punctual: bool | None  # None: not everything came, or nothing is due
    complete: bool
    corrections: int  # deliveries that had to be sent back
    open_queries: int
    days_late: int | None
    extended: bool
    rows: int  # of its lists, of those that count
    materials: str  # 影像资料3件
    scored: bool

    def parts(self, formula: Formula) -> tuple[int, int, int]:
        """Points for coming in time, for being complete, and for what had to be corrected."""
        if not self.scored:
            return (0, 0, 0)
        return (
            formula.punctual if self.punctual else 0,
            formula.complete if self.complete else 0,
            formula.correction * self.corrections,
        )

    def points(self, formula: Formula) -> int:
        return sum(self.parts(formula))

    def worked_out(self, formula: Formula) -> str:
        """2+2-1=3, in the order of the columns."""
        if not self.scored:
            return "不计分"
        first, *rest = self.parts(formula)
        return f"{first}{''.join(f'{n:+d}' for n in rest)}={self.points(formula)}"


@dataclass(frozen=True)
class Person:
    """Somebody whom a unit named."""

    unit: str
    name: str
    phone: str
    source: str  # 名录联系人, or the list and the row


@dataclass(frozen=True)
class Activities:
    """One list's rows, without what is private."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class CommendationData:
    """What the workbook says. Everything comes in 建制顺序; what is None was not asked for."""

    title: str  # 组织单位和个人通报表扬
    cycle_title: str
    office_name: str
    edition: Edition
    as_of: datetime  # in the cycle's zone
    formula: Formula
    units: tuple[UnitFacts, ...]
    show_units: bool
    people: tuple[Person, ...] | None
    activities: tuple[Activities, ...] | None


def write_commendation(data: CommendationData) -> bytes:
    """评选参考.xlsx; the same data gives the same bytes."""
    book = Workbook()
    book.remove(book.worksheets[0])
    if data.show_units:
        _units(book.create_sheet("组织单位"), data)
    if data.people is not None:
        _people(book.create_sheet("个人"), data, data.people)
    for n, listed in enumerate(data.activities or (), start=1):
        _activities(book.create_sheet(f"活动{n}"), data, listed)
    _notes(book.create_sheet("说明"), data)
    book.properties.title = f"{data.title}评选参考（{MARK}）"
    book.properties.creator = data.office_name
    file = io.BytesIO()
    book.save(file)
    return repacked(file.getvalue(), data.as_of)


_UNIT_COLUMNS = (
    ("序号", 6), ("单位", 18), ("报送事项", 24), ("报送进度", 10), ("按时报送", 9), ("逾期天数", 9),
    ("材料报齐", 9), ("退回更正次数", 9), ("待核实", 8), ("同意延期", 9), ("名录行数", 9), ("其他材料", 24),
    ("按时得分", 9), ("报齐得分", 9), ("更正扣分", 9), ("得分", 8), ("计算", 16),
)  # fmt: skip


def _units(sheet: Worksheet, data: CommendationData) -> None:
    rows = []
    for n, facts in enumerate(data.units, start=1):
        late = "" if facts.days_late is None else str(facts.days_late)
        scores = tuple(map(str, facts.parts(data.formula))) if facts.scored else ("", "", "")
        total = str(facts.points(data.formula)) if facts.scored else ""
        rows.append((
            str(n), facts.unit, facts.collection, facts.status, _yes(facts.punctual), late,
            _yes(facts.complete), str(facts.corrections), str(facts.open_queries),
            "是" if facts.extended else "", str(facts.rows or ""), facts.materials,
            *scores, total, facts.worked_out(data.formula),
        ))  # fmt: skip
    _table(sheet, data, "组织单位", data.formula.sentence, _UNIT_COLUMNS, rows)


def _people(sheet: Worksheet, data: CommendationData, people: Sequence[Person]) -> None:
    """Nothing is known of a person's work: beside each name stands what is known of the unit."""
    of_unit = {name: _of_unit(data, name) for name in dict.fromkeys(p.unit for p in people)}
    columns = (("序号", 6), ("单位", 18), ("姓名", 14), ("电话", 18), ("来源", 34), ("所在单位报送情况", 44))
    rows = [(str(n), p.unit, p.name, p.phone, p.source, of_unit[p.unit]) for n, p in enumerate(people, 1)]
    _table(sheet, data, "个人", "所列为各单位登记的联系人，事迹请另行了解。", columns, rows)


def _of_unit(data: CommendationData, unit: str) -> str:
    mine = [f for f in data.units if f.unit == unit]
    return "；".join(
        f"{f.collection}：{f.status}"
        + ("，按时" if f.punctual else "")
        + (f"，退回更正{f.corrections}次" if f.corrections else "")
        for f in mine
    )


def _activities(sheet: Worksheet, data: CommendationData, listed: Activities) -> None:
    columns = (("序号", 6), ("填报单位", 18), *((head, 18) for head in listed.heads))
    rows = [(str(n), *row) for n, row in enumerate(listed.rows, start=1)]
    said = "影响大小、关注多少、反映好坏由评选人员判断，本表只列报送的事实。"
    _table(sheet, data, listed.title, said, columns, rows)


def _table(
    sheet: Worksheet,
    data: CommendationData,
    what: str,
    said: str,
    columns: Sequence[tuple[str, int]],
    rows: Sequence[Sequence[str]],
) -> None:
    widths = [width for _, width in columns]
    set_widths(sheet, widths)
    line(sheet, 1, f"{data.cycle_title}评选参考（{what}）", len(columns), TITLE, CENTRE)
    line(sheet, 2, f"{MARK}。{_ORDER}", len(columns), WARNING, LEFT)
    until = f"{data.edition.label}　数据截至{date_text(data.as_of)}{data.as_of:%H:%M}。"
    line(sheet, 3, until + said, len(columns), BODY, LEFT)
    heads(sheet, 4, [head for head, _ in columns])
    for r, row in enumerate(rows, start=5):
        for column, text in enumerate(row, start=1):
            wide = widths[column - 1] > 12
            dress(put_text(sheet, r, column, text), BODY if wide else FIGURE, INSET if wide else CENTRE)
        deepest = max(lines(text, width) for text, width in zip(row, widths, strict=True))
        sheet.row_dimensions[r].height = max(21.0, deepest * LINE + 6)
    sheet.freeze_panes = "C5"
    page(sheet, landscape=True, columns=len(columns), last=4 + len(rows), repeat="4:4", foot=MARK)


def _notes(sheet: Worksheet, data: CommendationData) -> None:
    set_widths(sheet, (96,))
    said = (
        f"{data.cycle_title}评选参考", f"{MARK}。", f"评选事项：{data.title}。", data.formula.sentence,
        _ORDER, "按时报送：规定材料首次报全不晚于截止时间（同意延期的按延期后的）；应要求更正的不算逾期。",
        "逾期天数：截止后到规定材料首次报全的日历天数；未报全的不填。",
        "退回更正次数：含“必须更正”或“说明原因并经同意”问题的来件次数。",
        "本表只列事实，评选由人决定；不随汇总表上报，不附于任何信函。",
    )  # fmt: skip
    for row, text in enumerate(said, start=1):
        line(sheet, row, text, 1, TITLE if row == 1 else WARNING if row == 2 else BODY, LEFT)
    page(sheet, landscape=False, columns=1, last=len(said), repeat="1:1", foot=MARK)


def _yes(value: bool | None) -> str:
    return "" if value is None else "是" if value else "否"


def shown(value: object) -> str:
    """A list's cell as text: figures exact."""
    return canonical(value) if isinstance(value, Decimal) else str(value or "")
