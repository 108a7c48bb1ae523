"""What a cycle's page says of each collection: whose it is, when it is due, and how far it has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huizong.definition.model import Collection
    from huizong.stages.context import Context
    from huizong.stages.issued import IssuedCycle
    from huizong.stages.standing import Standing

_SILENT = frozenset({"not_started", "undeliverable", "refused"})


@dataclass(frozen=True)
class Request:
    """One collection on the page. Rates are decimal text from 0 to 1, None where there is no denominator."""

    code: str
    title: str
    office: str
    voluntary: bool
    when: str
    coverage: str
    rate: str | None
    on_time: str | None
    counts: dict[str, int]
    units: list[dict[str, Any]]
    parts: dict[str, str]
    optional: frozenset[str]


def requests(
    ctx: Context, issued: IssuedCycle, units: Sequence[dict[str, Any]], now: datetime
) -> list[Request]:
    """In the order of the definition.

    Args:
        units: the lines of `status`.
    """
    from huizong.stages.standing import standings

    with ctx.ledger.read() as session:
        found = standings(session, issued, now)
    return [
        _request(
            issued,
            one,
            [s for s in found if s.collection.code == one.code],
            [unit for unit in units if unit["collection"] == one.code],
            now,
        )
        for one in issued.collections
    ]


def _request(
    issued: IssuedCycle, one: Collection, found: list[Standing], units: list[dict[str, Any]], now: datetime
) -> Request:
    from huizong.stages.coverage import rate_text, rates

    rate, on_time = (None, None) if one.voluntary else rates(found)
    return Request(
        code=one.code,
        title=one.title or one.office.name,
        office=one.office.signers,
        voluntary=one.voluntary,
        when=_when(issued, one, now),
        coverage=_coverage(one, found),
        rate=rate_text(rate),
        on_time=rate_text(on_time),
        counts=Counter(unit["status"] for unit in units),
        units=units,
        parts={part.code: part.name for part in one.parts},
        optional=frozenset(part.code for part in one.parts if not part.required),
    )


def _when(issued: IssuedCycle, one: Collection, now: datetime) -> str:
    """截止6月20日（星期一）前（含当日），已关闭。 A collection says when it begins only until it has."""
    from huizong.stages.wording import due_text

    schedule = issued.schedule
    due, closes = schedule.due(one), schedule.anchors(one).get("closes")
    said = []
    if now < (opens := schedule.opens(one)):
        said.append(f"{opens:%Y-%m-%d %H:%M} 开始")
    if due:
        said.append(f"截止 {due.day}，即{due_text(due)}")
    if closes and now >= closes.instant:
        said.append(f"已于 {closes.day} 关闭")
    elif closes and closes != due:
        said.append(f"{closes.day} 关闭")
    return "，".join(said)


def _coverage(one: Collection, found: list[Standing]) -> str:
    """应报18家，已报12家（其中零报告1家），未报6家，缺件2家。"""
    from huizong.stages.coverage import coverage

    covered = coverage(found, voluntary=one.voluntary)
    nil = sum(s.status == "nil" for s in covered.returned)
    returned = f"{len(covered.returned)} 家" + (f"（其中零报告 {nil} 家）" if nil else "")
    if one.voluntary:
        return f"自愿报送，已收到 {returned}"
    came = sum(s.status not in _SILENT for s in covered.missing)
    missing = f"{len(covered.missing)} 家" + (f"（其中 {came} 家已来件，待处理或待更正）" if came else "")
    said = [f"应报 {covered.expected} 家", f"已报 {returned}", f"未报 {missing}"]
    said += [f"已报但缺件 {len(covered.incomplete)} 家"] if covered.incomplete else []
    said += [f"免报 {len(covered.waived)} 家（不计入应报）"] if covered.waived else []
    return "，".join(said)
