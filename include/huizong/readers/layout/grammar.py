"""The value grammar: what one cell says, without judging it.

A cell is *one exact number*, or it is something else that keeps its own name (blank, 无, —, text). Nothing
is guessed: what a person would have to interpret (约5万, 10-20, 五十六, a date) stays text and a rule asks
the unit.

`float()` is never used on text: it takes '1_000', 'nan' and '３４'. Nor is NFKC: it turns '12①' into '121'
and '12²' into '122'. Full-width forms are mapped by an own table instead, so that only digits which a clerk
means as digits become digits.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from decimal import Decimal
from math import isfinite

from huizong.instruments.model import Item
from huizong.readers.model import ItemReading

# What the parsers hand over. `datetime` is a `date`; `bool` must be looked at before `int`.
CellValue = str | int | float | bool | date | time | timedelta | None

# White space as people paste it: no-break, ideographic, zero-width, byte-order mark.
BLANK = " \t\r\n\v\f\u00a0\u2000-\u200f\u2028\u2029\u202a-\u202f\u205f\u2060\u3000\ufeff"
_SPACE = re.compile(f"[{BLANK}]+")
_STRIP = "".join(c for c in map(chr, range(0x3001)) if _SPACE.fullmatch(c)) + "\ufeff"
_FULL_WIDTH = {0xFF10 + n: str(n) for n in range(10)} | {0xFF0E: ".", 0xFF0D: "-"}
_ASCII = _FULL_WIDTH | {0xFF0C: ",", 0x2212: "-"}  # the comma is noted as `thousands`, U+2212 is a true minus

_NONE = frozenset({"无", "没有", "未开展", "暂无"})
_DASH = re.compile("[-\u2010-\u2015\u2212\u2500\u2501\ufe58\ufe63\uff0d]+")  # never 一 (one) nor ー
_NUMBER = re.compile(
    r"(?P<sign>-?)(?P<whole>\d+|[1-9]\d{0,2}(?P<groups>(?:,\d{3})+))(?P<fraction>\.\d+)?(?P<rest>\D*)",
    re.ASCII,
)
_SCALE = {"万": Decimal(10_000), "亿": Decimal(100_000_000)}
_LONGEST_NUMBER = 40
_LONGEST_RAW = 2_000
_LONGEST_TEXT = 32_767  # a workbook's cell holds no more, so a text is whole


def squeeze(text: str) -> str:
    """The text without any white space, visible or not."""
    return _SPACE.sub("", text)


def read_value(cell: CellValue, item: Item) -> ItemReading:
    """What `cell` says for `item`; the reading has no place yet (`sheet`, `cell` are empty).

    Notes: `full_width`, `thousands`, `text_number` (a number typed as text), `suffix` (the item's own unit
    stood behind the number), `scaled` (万 or 亿 of a count, multiplied out).
    """
    if cell is None:
        return ItemReading(state="blank")
    if isinstance(cell, str):
        return _read_text(cell, item)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return ItemReading(state="text", raw=_display(cell))
    if item.type == "text" or not isfinite(cell):
        return ItemReading(state="text", raw=_display(cell))
    return ItemReading(state="number", number=exact(cell), raw=_display(cell))


def exact(number: int | float) -> Decimal:
    """A cell's number as a spreadsheet shows it: its double to 15 significant digits, in plain notation."""
    value = Decimal(number) if isinstance(number, int) else Decimal(format(number, ".15g"))
    return Decimal(format(value, "f")) if value else Decimal(0)


def _display(cell: int | float | bool | date | time | timedelta) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float) and isfinite(cell):
        return format(exact(cell), "f")
    return str(cell)


def _read_text(cell: str, item: Item) -> ItemReading:
    most = _LONGEST_TEXT if item.type == "text" else _LONGEST_RAW
    raw = cell if len(cell) <= most else cell[: most - 1] + "…"
    text = squeeze(cell)
    if not text:
        return ItemReading(state="blank", raw=raw)
    if item.type == "text":
        return ItemReading(state="text", raw=raw)
    if text.rstrip("。.") in _NONE:
        return ItemReading(state="none", number=Decimal(0), raw=raw)
    if _DASH.fullmatch(text):
        return ItemReading(state="dash", number=Decimal(0), raw=raw)
    found = _read_number(cell, item)
    if found is None:
        return ItemReading(state="text", raw=raw)
    number, notes = found
    return ItemReading(state="number", number=number, raw=raw, notes=notes)


def _read_number(cell: str, item: Item) -> tuple[Decimal, tuple[str, ...]] | None:
    """The one exact number that the text is, or None. White space may stand around the number, not inside."""
    text = cell.strip(_STRIP).translate(_ASCII)
    match = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if match is None:
        return None
    factor = _factor(squeeze(match["rest"]), item)
    if factor is None:
        return None
    number = Decimal(match["sign"] + match["whole"].replace(",", "") + (match["fraction"] or ""))
    applied = {
        "text_number": True,
        "full_width": any(ord(c) in _FULL_WIDTH for c in cell),
        "thousands": match["groups"] is not None,
        "suffix": bool(item.unit) and squeeze(match["rest"]).endswith(str(item.unit)),
        "scaled": factor != 1,
    }
    if factor != 1:
        number = Decimal(format((number * factor).normalize(), "f"))
    return (number or Decimal(0)), tuple(note for note, applies in applied.items() if applies)


def _factor(rest: str, item: Item) -> Decimal | None:
    """What the text behind the number multiplies it by; None if it makes it inexact or another unit.

    5万元 in a 万元 row is 5; 3万 in a count row is 30,000. 万 or 亿 without 元 in a 万元 row, and 50000元
    there, are the commonest mistakes of all and are left to the unit.
    """
    unit = item.unit or ""
    if rest in ("", unit):
        return Decimal(1)
    if unit.endswith("元"):
        return None
    return _SCALE.get(rest.removesuffix(unit))
