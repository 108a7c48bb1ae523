"""Units of measure (计量单位) that a clerk wrote on the form: in a label, beside it, above the figures.

A figure under another unit than the form's own is another figure, 元 for 万元 one 10,000 times too large.
Nothing is converted: what was written is kept, and a rule asks. Words in brackets that are no unit (如：…,
含…) say nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from huizong.instruments.model import Item
from huizong.readers.layout.grammar import squeeze

_SCALES = {"": 1, "十": 10, "百": 100, "千": 1_000, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7}
_SCALES |= {"亿": 10**8, "十亿": 10**9, "百亿": 10**10, "千亿": 10**11}
_BASES = "元|人次|人|名|位|场次|场|次|个|家|篇|所|项|件|条|处|期|批|座|户|份"
_WORD = f"(?:[十百千]?[万亿]|[十百千])?(?:{_BASES})|[十百千]?[万亿]"
_WORDS = f"(?:人民币)?((?:{_WORD})(?:[、,/和](?:{_WORD}))*)"
_WHOLE = re.compile(rf"\(*(?:[\u4e00-\u9fff]{{0,4}}单位[:为是]?)?{_WORDS}\)*")
_NAMED = re.compile(rf"单位[:为是]{_WORDS}(?![\u4e00-\u9fff])")
_BY = re.compile(rf"(?<![勿不非])以{_WORDS}(?:为单位|计)")
_AT_END = re.compile(rf"(?:[/,:、_-]|(?<=[数量况])){_WORDS}")
_BRACKETED = re.compile(r"[(\[【〔<《]([^()\[\]【】〔〕<>《》]*)[)\]】〕>》]")
_BETWEEN_PARTS = re.compile(r"[;,。]")
_LONGEST = 200
_LONGEST_UNIT = 20


@dataclass(frozen=True)
class Stated:
    """Units written in one place. Over a whole table they speak only of the figures of their own sort."""

    units: tuple[str, ...]
    of_table: bool = False


def as_units(cell: object) -> tuple[str, ...]:
    """The units that a cell consists of: 元, （万人次）, 单位：万元、人次; none where it says more."""
    if not isinstance(cell, str) or len(cell) > _LONGEST_UNIT or cell.isascii():
        return ()
    match = _WHOLE.fullmatch(_plain(cell))
    return _split(match[1]) if match else ()


def in_label(text: str) -> tuple[str, ...]:
    """The units that a label or a column's head names: in brackets, behind 单位：, at its end."""
    if len(text) > _LONGEST:
        return ()
    plain = _plain(text)
    parts = (part for match in _BRACKETED.finditer(plain) for part in _BETWEEN_PARTS.split(match[1]))
    found = [unit for part in parts for unit in as_units(part)]
    bare = _BRACKETED.sub("", plain)
    at_end = next((m for m in _AT_END.finditer(bare) if m.end() == len(bare)), None)
    return tuple(dict.fromkeys([*found, *in_line(text), *(_split(at_end[1]) if at_end else ())]))


def in_line(text: str) -> tuple[str, ...]:
    """The units that a line outside the rows states: 单位：万元、人次, 以元为单位."""
    if len(text) > _LONGEST or not ("单" in text or "以" in text):
        return ()
    plain = _plain(text)
    return tuple(u for pattern in (_NAMED, _BY) for m in pattern.finditer(plain) for u in _split(m[1]))


def other_unit(item: Item, places: Iterable[Stated]) -> str:
    """The first unit written that is not the item's own; empty where all agree, or none is written.

    人 for 人次 or 场次 for 次 changes no figure and is not another unit.
    """
    for place in places:
        units = [u for u in place.units if not place.of_table or _is_of_sort(u, item.unit or "")]
        if item.unit and units and all(_differ(u, item.unit) for u in units):
            return units[0]
    return ""


def _differ(unit: str, own: str) -> bool:
    (scale, base), (own_scale, own_base) = _parse(unit), _parse(own)
    return scale != own_scale or (bool(base) and (base == "元") != (own_base == "元"))


def _is_of_sort(unit: str, own: str) -> bool:
    base, own_base = _parse(unit)[1], _parse(own)[1]
    return base in ("", own_base) or (base, own_base) == ("人", "人次")


def _parse(unit: str) -> tuple[int, str]:
    """万人次 → 10,000 and 人次; of a unit that is none of ours, itself."""
    base = re.sub("^(?:[十百千]?[万亿]|[十百千])", "", unit)
    return _SCALES[unit[: len(unit) - len(base)]], base


def _split(units: str) -> tuple[str, ...]:
    return tuple(re.split("[、,/和]", units))


def _plain(text: str) -> str:
    return squeeze(unicodedata.normalize("NFKC", text))
