"""Who is addressed: audiences, the roster's units and contacts, the addresses of the mailboxes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from huizong.definition.checking.found import Findings, Found, Level, Lines
from huizong.definition.load import LoadedCycle
from huizong.definition.model import Collection
from huizong.definition.yaml_file import Problem
from huizong.frame.roster import ROSTER, Unit, address_meant, is_address, lines_by_code

_NAMED = 5  # units that one finding names
_RESERVED = (".example", ".test", ".invalid")  # RFC 2606: nobody has a mailbox there


def check_audiences(loaded: LoadedCycle, lines: Lines) -> Findings:
    for n, collection in enumerate(loaded.cycle.collections):
        yield from _audience(loaded, collection, n, lines)


def _audience(loaded: LoadedCycle, collection: Collection, n: int, lines: Lines) -> Findings:
    here = ("collections", n, "audience")
    if not collection.voluntary and not loaded.frame(collection):
        yield lines.problem(f"{collection.code}：audience 没有匹配到任何单位，检查 roster.csv 的 tags", *here)
        return
    if unknown := [u for u in collection.audience.units if u not in loaded.by_code]:
        yield lines.problem(f"{collection.code}：名录中没有单位 {'、'.join(unknown)}", *here)
    used = {tag for unit in loaded.units for tag in unit.tags}
    if idle := [tag for tag in collection.audience.tags if tag not in used]:
        yield lines.warning(
            f"{collection.code}：名录中没有单位的 tags 是 {'、'.join(idle)}，检查拼写或删去", *here
        )


def check_channels(loaded: LoadedCycle, lines: Lines) -> Findings:
    """That the mailboxes' addresses can be written to."""
    for code, channel in loaded.cycle.channels.items():
        here = ("channels", code, "address")
        if channel.address is None:
            continue
        if not is_address(channel.address):
            meant = address_meant(channel.address)
            yield lines.problem(
                f"{code} 的邮箱“{channel.address}”不合规（检查全角＠、空格、逗号）"
                + (f"，疑为“{meant}”" if meant else ""),
                *here,
            )
        elif loaded.cycle.live and channel.address.endswith(_RESERVED):
            yield lines.warning(
                f"{code} 的邮箱“{channel.address}”是示例地址，启用（live: true）前请写实际邮箱", *here
            )


def check_roster(loaded: LoadedCycle) -> Findings:
    """What the roster says that is not wrong in itself, but hardly meant."""
    path = loaded.folder / ROSTER
    at = lines_by_code(path.read_text(encoding="utf-8"))

    def said(level: Level, message: str, unit: Unit) -> Found:
        return Found(level, Problem(str(path), at.get(unit.code, 1), message))

    yield from (said("problem", *found) for found in (*_parents(loaded), *_tags(loaded), *_own(loaded)))
    yield from (said("warning", *found) for found in _to_ourselves(loaded))
    yield from (said("warning", *found) for found in _not_addressed(loaded))
    yield from (said("hint", *found) for found in _shared(loaded.units))


Said = tuple[str, Unit]


def _not_addressed(loaded: LoadedCycle) -> Sequence[Said]:
    fixed = [c for c in loaded.cycle.collections if not c.voluntary]
    if not fixed or any(not loaded.frame(c) for c in fixed):
        return []
    left = [u for u in loaded.units if not any(loaded.expects(c, u.code) for c in fixed)]
    if not left:
        return []
    return [
        (f"没有任何报送事项面向 {_names(left)}，检查 tags 与 audience；不需其报送的可从名录删去", left[0])
    ]


def _parents(loaded: LoadedCycle) -> Sequence[Said]:
    """A parent that is the unit itself, or above itself in the end; parents elsewhere are no mistake."""
    found = []
    for unit in loaded.units:
        seen, above = {unit.code}, loaded.by_code.get(unit.parent)
        while above is not None and above.code not in seen:
            seen.add(above.code)
            above = loaded.by_code.get(above.parent)
        if above is not None and above.code == unit.code:
            found.append((f"{unit.name}的上级单位（parent）又回到它自己，请改正", unit))
    return found


def _tags(loaded: LoadedCycle) -> Sequence[Said]:
    """Several tags that were written as one."""
    joined = [(tag, unit) for unit in loaded.units for tag in unit.tags if re.search(r"[，、,\s]", tag)]
    return [(f"{u.name}的标签“{tag}”含有逗号、顿号或空格；几个标签请用分号隔开", u) for tag, u in joined]


def _own(loaded: LoadedCycle) -> Sequence[Said]:
    """The second unit that is called the office's own, and what follows."""
    own = [unit for unit in loaded.units if unit.own]
    return [(f"{u.name}与{own[0].name}都标为本级（self），只能有一家，请改正", u) for u in own[1:]]


def _to_ourselves(loaded: LoadedCycle) -> Sequence[Said]:
    """A unit whose letters would come back to the mailbox that takes the returns."""
    ours = {channel.address.lower() for channel in loaded.cycle.channels.values() if channel.address}
    return [
        (f"{unit.name}的邮箱 {contact.address} 就是接收报送的邮箱，通知会发给自己，请写填报人的邮箱", unit)
        for unit in loaded.units
        for contact in unit.contacts
        if contact.address in ours
    ]


def _shared(units: Sequence[Unit]) -> Sequence[Said]:
    having: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        for contact in unit.contacts:
            having[contact.address].append(unit)
    return [
        (f"{_names(same)}共用邮箱 {address}，来件只能凭表样识别是哪家", same[0])
        for address, same in having.items()
        if len(same) > 1
    ]


def _names(units: Sequence[Unit]) -> str:
    named = "、".join(f"{u.code} {u.name}" for u in units[:_NAMED])
    return named + (f"等{len(units)}家" if len(units) > _NAMED else "")
