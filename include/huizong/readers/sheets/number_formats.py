"""What a cell's number format shows, where that is another figure than the cell holds.

A clerk sees `3.0万` where the cell holds 30000, or `6万` where it holds 5.5, and signs that. Only what
changes a figure's size is of interest: scaling commas, %, words of size (万, 亿, 千, 元) in the format, and
figures that are not shown at all (ECMA-376 part 1, 18.8.31; in formats made by Chinese versions `!` marks a
literal, as a backslash does elsewhere). Rounding is none of it, nor are separators and currency signs.
"""

from __future__ import annotations

import operator
import re
from decimal import ROUND_HALF_UP, Decimal

from huizong.instruments.model import Item

HIDDEN = "（不显示）"
BUILT_IN = {9: "0%", 10: "0.00%"}  # the only formats without a code of their own that change a figure's size

_SUSPICIOUS = re.compile(r"[万亿千元%％]|[0#?][^0#?;]*,[^0#?]*(?:;|$)|,\.|[!\\]\.|^\s*;|;\s*;\s*(?:;|$)")
_SECTION = re.compile(r'((?:"[^"]*"?|[\\!].|[^;])*)(?:;|$)', re.S)
_CONDITION = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d+(?:\.\d+)?)\]")
_COMPARE = {"<=": "le", ">=": "ge", "<>": "ne", "<": "lt", ">": "gt", "=": "eq"}
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|[\\!](?P<escaped>.)|_.|\*.|\[[^\]]*\]'
    r"|(?P<general>General|G/通用格式)|(?P<digit>[0#?])|(?P<point>\.)|(?P<comma>,)|(?P<percent>%)"
    r"|(?P<foreign>[EeYyMmDdHhSs/@])|(?P<other>.)",
    re.S | re.I,
)
_OF_MONEY = {"万元": Decimal(1), "万": Decimal(1), "元": Decimal("0.0001"), "千元": Decimal("0.1")}
_OF_MONEY |= {"亿元": Decimal(10_000), "亿": Decimal(10_000)}
_OF_COUNTS = {"万": Decimal(10_000), "亿": Decimal(100_000_000), "千": Decimal(1_000)}
_NOTHING = "\0"  # of a place # that has no digit

Token = tuple[str, str]  # what it is, and its text


def suspicious(code: str) -> bool:
    """Whether a format might show another figure than the cell holds: a cheap look, on the safe side."""
    return _SUSPICIOUS.search(code) is not None


def shown_otherwise(number: Decimal, code: str, item: Item) -> str:
    """What the format shows, where that is another figure in the item's unit; else an empty text."""
    section = _section(code, number)
    tokens = [(m.lastgroup or "", m[m.lastgroup]) for m in _TOKEN.finditer(section) if m.lastgroup]
    if not number or any(kind == "foreign" for kind, _ in tokens):
        return ""
    text, step = _shown(abs(number), tokens)
    if not text.strip():
        return HIDDEN
    return "" if _same(abs(number), text, step, item) else text


def reads_otherwise(number: Decimal, text: str, item: Item) -> str:
    """The text that a cell shows, where it is another figure than its number in the item's unit; else ""."""
    plain = text.replace(",", "").lstrip("-−￥¥$ ")
    if re.search(r"\d[eE][+-]?\d", plain):
        return ""
    if not re.search(r"\d", plain):
        return text
    places = re.search(r"\.(\d+)", plain)
    step = Decimal(1).scaleb(-len(places[1]) if places else 0)
    return "" if _same(abs(number), plain, step, item) else text


def _section(code: str, number: Decimal) -> str:
    """The part of the format that is for this number."""
    parts = [match[1] for match in _SECTION.finditer(code)][: code.count(";") + 1]
    conditions = [_CONDITION.search(part) for part in parts]
    if any(conditions):
        for part, condition in zip(parts, conditions, strict=True):
            if condition is None or getattr(operator, _COMPARE[condition[1]])(number, Decimal(condition[2])):
                return part
    return parts[1] if number < 0 and len(parts) > 1 else parts[0]


def _shown(number: Decimal, tokens: list[Token]) -> tuple[str, Decimal]:
    """The text that the format makes, and the worth of its figure's last place."""
    kinds = [kind for kind, _ in tokens]
    point = kinds.index("point") if "point" in kinds else len(kinds)
    places = kinds[point:].count("digit")
    value = number * 100 ** kinds.count("percent") / 1000 ** _scaling_commas(kinds)
    digits = format(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f").partition(".")
    whole, fraction, pieces = digits[0], digits[2], []
    left = kinds[:point].count("digit")
    whole = whole.zfill(sum(token == ("digit", "0") for token in tokens[:point])).rjust(left, _NOTHING)
    for kind, text in tokens:
        if kind == "digit" and left > 0:  # the first place takes all that the others have no room for
            pieces.append(whole[: len(whole) - left + 1])
            whole, left = whole[len(whole) - left + 1 :], left - 1
        elif kind == "digit":
            pieces.append(fraction[:1])
            fraction = fraction[1:]
        elif kind != "comma":
            pieces.append(format(number, "f") if kind == "general" else text)
    text = "".join(pieces).replace(_NOTHING, "")
    found = re.search(r"\.(\d+)", text)
    return text, Decimal(0) if "general" in kinds else Decimal(1).scaleb(-len(found[1]) if found else 0)


def _scaling_commas(kinds: list[str]) -> int:
    """Commas that divide by a thousand: no place of the whole number comes after them."""
    significant = [kind for kind in kinds if kind in ("digit", "point", "comma")]
    scaling = [n for n, k in enumerate(significant) if k == "comma" and "digit" in significant[:n]]
    point = significant.index("point") if "point" in significant else len(significant)
    return sum("digit" not in significant[n : point if n < point else None] for n in scaling)


def _same(number: Decimal, text: str, step: Decimal, item: Item) -> bool:
    """Whether who reads the text takes it for the number, but for rounding."""
    figures = list(re.finditer(r"\d+(?:\.\d+)?", text))
    if len(figures) != 1 or "%" in text:
        return False
    factor = _factor("".join(text[figures[0].end() :].split()), item)
    return factor is not None and abs(Decimal(figures[0][0]) * factor - number) <= step * factor / 2


def _factor(rest: str, item: Item) -> Decimal | None:
    """What the words behind the figure multiply it by, in the item's unit; None if nobody can say."""
    unit = item.unit or ""
    sizes = _OF_MONEY if unit.endswith("元") else _OF_COUNTS
    if rest == unit:
        return Decimal(1)
    known = sizes.get(rest) or sizes.get(rest.removesuffix(unit))
    return known or (None if re.search("[万亿千元]", rest) else Decimal(1))
