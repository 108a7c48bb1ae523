"""What the console shows in the end."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from rich.console import Console
from rich.table import Table

from huizong.instruments.model import Instrument
from huizong.stages.words import LETTER_KIND, UNIT_STATUS
from huizong_demo.cast import CAST
from huizong_demo.cycle import ZONE
from huizong_demo.facts import Facts, Summary


def unit_table(facts: Facts) -> Table:
    table = Table(title="各单位报送情况", title_justify="left")
    for heading in ("单位", "情况", "收到时间", "按时", "版本", "报送进度"):
        table.add_column(heading, overflow="fold")
    for role in CAST:
        unit = facts.units.get(role.unit, {})
        table.add_row(
            unit.get("name", role.unit),
            role.story,
            _hour(unit.get("received_at")),
            "是" if unit.get("punctual") else "—",
            str(unit.get("versions", "—")),
            UNIT_STATUS.get(unit.get("status", ""), "—"),
        )
    return table


def letter_table(facts: Facts) -> Table:
    table = Table(title="信函", title_justify="left")
    for heading in ("种类", "封数", "其中退信"):
        table.add_column(heading)
    bounced = Counter(letter["kind"] for letter in facts.letters if letter["state"] == "bounced")
    for kind, count in Counter(letter["kind"] for letter in facts.letters).items():
        table.add_row(LETTER_KIND.get(kind, kind), str(count), str(bounced[kind] or "—"))
    return table


def total_table(summary: Summary, form: Instrument) -> Table:
    cover = summary.coverage
    told = f"应报 {cover['expected']}，已报 {cover['returned']}，未报 {len(cover['missing'])}"
    table = Table(title=f"汇总（定稿）：{told}", title_justify="left")
    for heading in ("序号", "指标", "合计", "计量单位"):
        table.add_column(heading)
    for number, item in enumerate(form.items, start=1):
        table.add_row(str(number), item.label, str(summary.totals.get(item.code, "—")), item.unit or "")
    return table


def show_files(console: Console, summary: Summary) -> None:
    for file in summary.files:
        console.print(f"  {file}", soft_wrap=True, highlight=False)


def _hour(instant: str | None) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(ZONE):%H:%M:%S}" if instant else "—"
