"""What an amended definition changes, and how the units are told (补充通知).

Everything that differs is recorded with the definition's version. Units are told what concerns them: until
when, of what, to whom and where they report. How the office reminds and sums up is its own business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from huizong.definition.load import LoadedCycle
from huizong.definition.model import Collection, Event, Part
from huizong.frame.roster import Unit
from huizong.stages.wording import due_text, full_day, nil_text

Pair = tuple[str, str]  # collection and unit


@dataclass(frozen=True)
class CollectionChange:
    """What differs in a collection that there was before."""

    told: tuple[str, ...]  # whole sentences for its units
    moved: bool  # its due date is another one
    instruments: tuple[str, ...]  # form versions that it did not ask for before


@dataclass(frozen=True)
class Changes:
    """What differs between two versions of a cycle's definition."""

    collections: dict[str, CollectionChange]  # those that both have
    added: tuple[Pair, ...]  # units that were not expected before
    removed: tuple[Pair, ...]  # units that are expected no longer
    gone: tuple[Unit, ...]  # units that the roster no longer has
    document: bool  # the notice is another file

    @property
    def told(self) -> dict[str, tuple[str, ...]]:
        """Collection → what its units are told, where there is anything, without a letter's marks."""
        return {
            code: tuple(sentence.replace("**", "") for sentence in change.told)
            for code, change in self.collections.items()
            if change.told
        }

    @property
    def moved(self) -> list[str]:
        return [code for code, change in self.collections.items() if change.moved]

    @property
    def instruments(self) -> list[str]:
        return sorted({ref for change in self.collections.values() for ref in change.instruments})


def compare(was: LoadedCycle, now: LoadedCycle) -> Changes:
    """What differs between the definition in force and the one that is to follow it."""
    before, after = _pairs(was), _pairs(now)
    common = _of_the_cycle(was, now)
    old = {collection.code: collection for collection in was.cycle.collections}
    return Changes(
        collections={
            c.code: _change(was, now, old[c.code], c, common) for c in now.cycle.collections if c.code in old
        },
        added=tuple(pair for pair in after if pair not in before),
        removed=tuple(pair for pair in before if pair not in after),
        gone=tuple(unit for unit in was.units if unit.code not in now.by_code),
        document=was.cycle.notice.document != now.cycle.notice.document,
    )


def _pairs(loaded: LoadedCycle) -> dict[Pair, None]:
    return {(c.code, unit.code): None for c in loaded.cycle.collections for unit in loaded.frame(c)}


def _change(
    was: LoadedCycle, now: LoadedCycle, old: Collection, new: Collection, common: tuple[str, ...]
) -> CollectionChange:
    due, due_now = was.schedule.due(old), now.schedule.due(new)
    moved = due != due_now
    told = [*common]
    if moved and due and due_now:
        told.append(f"报送截止时间由{due_text(due)}调整为**{due_text(due_now)}**。")
    told += _office(was, now, old, new)
    told += _parts(now, old, new)
    if old.nil != new.nil:
        told.append(nil_text(new) or "不再接受零报告。")
    asked = {part.instrument for part in old.forms}
    return CollectionChange(
        told=tuple(told),
        moved=moved,
        instruments=tuple(p.instrument for p in new.forms if p.instrument and p.instrument not in asked),
    )


def _of_the_cycle(was: LoadedCycle, now: LoadedCycle) -> tuple[str, ...]:
    """What concerns the units of every collection."""
    told = []
    if was.cycle.event != now.cycle.event and now.cycle.event:
        told.append(f"活动时间调整为{_span(now.cycle.event)}。")
    if was.cycle.reference_period != now.cycle.reference_period:
        told.append(f"数据和材料所属时段调整为{now.cycle.reference_period}。")
    if was.cycle.notice.document != now.cycle.notice.document and now.cycle.notice.document:
        told.append("通知已更新，以本邮件所附文件为准。")
    return tuple(told)


def _span(event: Event) -> str:
    return f"{full_day(event.first)}至{full_day(event.last)}"


def _office(was: LoadedCycle, now: LoadedCycle, old: Collection, new: Collection) -> Iterator[str]:
    if old.office.name != new.office.name:
        yield f"承办单位由{old.office.name}调整为{new.office.name}。"
    if old.office.contact != new.office.contact and new.office.contact:
        yield f"联系方式调整为{new.office.contact}。"
    mailbox = now.cycle.channels[new.channel].address
    if mailbox and mailbox != was.cycle.channels[old.channel].address:
        yield f"报送邮箱调整为{mailbox}。"


def _parts(now: LoadedCycle, old: Collection, new: Collection) -> Iterator[str]:
    for part in new.parts:
        before = old.part(part.code)
        if before is None:
            yield f"增加报送材料：{part.name}{'' if part.required else '（如有）'}{_hint(part)}。"
        else:
            yield from _part(now, before, part)
    for part in old.parts:
        if new.part(part.code) is None:
            yield f"不再要求报送{part.name}。"


def _part(now: LoadedCycle, old: Part, new: Part) -> Iterator[str]:
    if old.required != new.required:
        yield f"{new.name}改为{'必报' if new.required else '选报（如有）'}。"
    if old.instrument != new.instrument and new.instrument:
        yield (
            f"{new.name}改用新表样，请填写本邮件所附表样{_hint(new)}；此前已报送并审核通过的仍然有效，无需重报。"
        )
    elif old.name != new.name or old.hint != new.hint:
        yield f"{old.name}的要求调整为：{new.name}{_hint(new)}。"
    elif new.max_minutes and old.max_minutes != new.max_minutes:
        yield f"{new.name}中的视频不超过{new.max_minutes}分钟。"


def _hint(part: Part) -> str:
    return f"（{part.hint}）" if part.hint else ""
