"""What a cycle asks of whom, by when and for which office, in the words of the operator's manual."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time

from huizong.definition.load import LoadedCycle
from huizong.definition.model import Collection
from huizong.definition.schedule import Deadline


def arrangement(loaded: LoadedCycle) -> str:
    """Markdown: the cycle's title, and a line of facts for each of its collections."""
    cycle = loaded.cycle
    number = f"（{cycle.document_number}）" if cycle.document_number else ""
    lines = [f"- {'；'.join(_facts(loaded, one))}。" for one in cycle.collections]
    return "\n".join([f"《{cycle.title}》{number}，下发时刻 {minute(loaded)}。报送安排：", "", *lines])


def minute(loaded: LoadedCycle) -> str:
    return f"{loaded.schedule.issue:%Y-%m-%d %H:%M}"


def deadlines(loaded: LoadedCycle) -> str:
    """The due days of all collections, short: what a rehearsal is timed by."""
    found = {one.code: loaded.schedule.due(one) for one in loaded.cycle.collections}
    return "、".join(dict.fromkeys(_until(due) for due in found.values() if due))


def _facts(loaded: LoadedCycle, one: Collection) -> Iterator[str]:
    schedule = loaded.schedule
    yield f"**{one.title or one.code}**：{one.office.signers}"
    if one.voluntary:
        yield "自愿报送，没有应报名单，不催报，不计报送率"
    else:
        yield f"应报 {len(loaded.frame(one))} 家"
    if one.opens is not None:
        yield f"{_moment(schedule.opens(one))}起"
    anchors = schedule.anchors(one)
    if due := anchors.get("due"):
        yield f"{_until(due)}截止"
    if (closes := anchors.get("closes")) and closes != due:
        yield f"{_until(closes)}关闭"
    yield f"材料：{'、'.join(p.name if p.required else f'{p.name}（可选）' for p in one.parts)}"
    address = loaded.cycle.channels[one.channel].address
    yield f"渠道 `{one.channel}`（{address or '文件夹'}）"


def _until(deadline: Deadline) -> str:
    """A day counts to its end; an hour is named where there is one."""
    return f"{deadline.day}" + (f" {deadline.hour:%H:%M} " if deadline.hour else "（含当日）")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" + (f" {moment:%H:%M} " if moment.time() != time(0) else "")
