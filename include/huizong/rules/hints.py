"""What a cell that is no exact number was probably meant to say.

Only ever words for the clerk, who confirms by writing the figure: nothing here is counted. Where two readings
are about as likely (约500, 10-20, 一百二, ￥5 in a 万元 row) there is no hint.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal

from huizong.instruments.model import Item
from huizong.readers.layout.grammar import squeeze

_DIGITS = {c: n for n, cs in enumerate(("〇零○", "一壹", "二贰两", "三叁", "四肆")) for c in cs}
_DIGITS |= {c: n for n, cs in enumerate(("五伍", "六陆", "七柒", "八捌", "九玖"), start=5) for c in cs}
_TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_CHINESE = re.compile(f"([{''.join([*_DIGITS, *_TENS])}万亿]+)([^\\d万亿]*)")
_PLACES = r"(?:[{0}][千仟]零?)?(?:[{0}][百佰]零?)?(?:[{0}]?[十拾])?[{0}]?"
_BELOW_WAN = re.compile(_PLACES.format("一壹二贰两三叁四肆五伍六陆七柒八捌九玖"))

_MONEY = {"元": Decimal("0.0001"), "千元": Decimal("0.1"), "百万": Decimal(100), "千万": Decimal(1_000)}
_MONEY |= {"万": Decimal(1), "百万元": Decimal(100), "千万元": Decimal(1_000)}
_MONEY |= {"亿": Decimal(10_000), "亿元": Decimal(10_000)}
_THOUSANDS = {"百": 100, "千": 1_000, "十万": 100_000, "百万": 1_000_000, "千万": 10_000_000}
_COUNTED = (
    "个",
    "次",
    "场",
    "场次",
    "人",
    "人次",
    "家",
    "篇",
    "所",
    "项",
    "件",
    "名",
    "位",
    "条",
    "处",
    "期",
    "批",
)
_FIGURE = re.compile(r"\+?(\d+(?:\.\d*)?|\.\d+)(\D*)", re.ASCII)
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,2}", re.ASCII)
_DIGIT_LIKE = re.compile(r"[\dOoIl|]+(?:[.。][\dOoIl|]+)?[.。]?", re.ASCII)
_MISTYPED = str.maketrans("OoIl|。", "00111.")
_MARK = re.compile("[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793²³¹\u2070\u2074-\u2079\u2080-\u2089]")
_BRACKETED = re.compile(r"\((\d+(?:\.\d+)?)\)", re.ASCII)
_REMARK = re.compile(r"\([^()]*\)$")
_DATE = re.compile(r"(?:18|19|20)\d\d-\d\d-\d\d(?:\d\d:\d\d.*)?", re.ASCII)
_LOOSE = re.compile(
    r"[约近](?=[\d一二两三四五六七八九十百千万几])|(?<=[\d十百千万亿])[余多来]|几[十百千万]|左右|上下|以[上内]"
    r"|不[少低]于|不足|大概|若干|\d\+$|\d\D?[-－—–~～至到]+\d+(?:\.\d+)?\D*$",
    re.ASCII,
)
_LONGEST = 40
_ABSENT = frozenset({"/", "／", "\\", "×", "空", "没", "没有活动", "未开展活动", "无此项", "N/A", "n/a"})
_EPOCH = date(1899, 12, 30)  # day 0 of a spreadsheet, as from 1 March 1900; one day later before that


def held(raw: str) -> str:
    """A cell that holds no number, and what is wanted instead: “若干”，请填写准确的阿拉伯数字.

    `raw` is the cell as a reader kept it: a date cell as YYYY-MM-DD, a truth value as TRUE or FALSE.
    """
    if _DATE.fullmatch(squeeze(raw)):
        return f"日期“{raw.strip()[:10]}”，请改填数字"
    return f"“{raw}”，请填写准确的阿拉伯数字"


def hint(raw: str, item: Item) -> str:
    """A sentence about the cell behind `held`: the likely figure, or why it cannot count; often none."""
    text = squeeze(raw)
    if text in _ABSENT:
        return "如确无此项，填“0”。"
    if _DATE.fullmatch(text):
        return _of_a_date(text)
    number = likely(raw, item)
    if number is None:
        return "估算数、范围不能计入汇总。" if _LOOSE.search(text) else ""
    unit = item.unit if number and (item.unit or "").endswith("元") else ""
    return f"如为{number}{unit}，填“{number}”。"


def likely(raw: str, item: Item) -> Decimal | None:
    """The one figure that the text was probably meant to be, in the item's own unit; None without one."""
    text = _plain_text(raw)
    if not text or len(text) > _LONGEST:
        return None
    if chinese := _CHINESE.fullmatch(text):
        return _in_chinese(chinese[1], chinese[2], item)
    if re.search(r"\d", text) and _DIGIT_LIKE.fullmatch(text):
        text = text.translate(_MISTYPED)
    if _SCIENTIFIC.fullmatch(text):
        return _plain(Decimal(text))
    match = _FIGURE.fullmatch(text)
    return _scaled(Decimal(match[1]), match[2], item) if match else None


def _plain_text(raw: str) -> str:
    """In plain digits; footnote marks, remarks in brackets and marks between groups of three left out."""
    text = unicodedata.normalize("NFKC", _MARK.sub(_bare_mark, raw.strip()[: 2 * _LONGEST]))
    text = "".join(str(unicodedata.decimal(c, c)) for c in text)
    if bracketed := _BRACKETED.fullmatch(text):
        return bracketed[1]
    text = _REMARK.sub("", text).strip()
    if re.fullmatch(r"\d{1,3}([ _])\d{3}(?:\1\d{3})*\D*", text):
        text = re.sub("[ _]", "", text)
    return "" if re.search(r"\d\s+\d", text) else squeeze(text)


def _bare_mark(match: re.Match[str]) -> str:
    """A circled digit or a superscript is a mark behind a figure, and a figure where it stands alone."""
    return "" if match.start() else format(unicodedata.numeric(match[0]), "g")


def _in_chinese(text: str, unit: str, item: Item) -> Decimal | None:
    if not (item.unit or "").endswith("元"):
        return _scaled(_chinese(text), unit, item)
    if not unit and text[-1] in "万亿":
        text, unit = text[:-1], text[-1]
    if unit == "元" and text[-1:] in ("万", "亿"):
        text, unit = text[:-1], text[-1] + unit
    # 三万五千 without 元 may be yuan: too unlike the row's unit to be guessed at.
    return None if not unit and re.search("[万亿]", text) else _scaled(_chinese(text), unit, item)


def _scaled(number: Decimal | None, rest: str, item: Item) -> Decimal | None:
    """`number`, followed by `rest` in the cell, in the item's unit."""
    if number is None:
        return None
    if rest == (item.unit or ""):
        return _plain(number)
    if (item.unit or "").endswith("元"):
        return _plain(number * _MONEY[rest]) if rest in _MONEY else (None if rest else _plain(number))
    for unit in (item.unit or "", *_COUNTED):
        word = rest.removesuffix(unit)
        if word in _THOUSANDS:
            return _plain(number * _THOUSANDS[word])
        if not word:
            return _plain(number)
    return None


def _plain(number: Decimal) -> Decimal:
    return Decimal(format(number.normalize(), "f")) if number else Decimal(0)


def _chinese(text: str) -> Decimal | None:
    """五十六 → 56, 二〇二二 → 2022, 三万五千 → 35000; None for what is said loosely (一百二, 五六十)."""
    if not text:
        return None
    if all(c in _DIGITS for c in text):
        return Decimal("".join(str(_DIGITS[c]) for c in text))
    total = 0
    for factor, mark in ((10**8, "亿"), (10**4, "万")):
        head, found, rest = text.partition(mark)
        if found:
            below = _below_wan(head)
            if below is None or not below:
                return None
            total, text = total + below * factor, rest
            loose = text and text[0] not in "零〇" and not re.match(r".[千仟万]", text)
            if loose:  # 三万五 is 35,000 to most people, and 30,005 to some
                return None
    rest_value = _below_wan(text)
    return None if rest_value is None else Decimal(total + rest_value)


def _below_wan(text: str) -> int | None:
    text = text.lstrip("零〇")
    match = _BELOW_WAN.fullmatch(text)
    # 一百二: a digit right behind 百 or 千 lacks its place.
    if match is None or re.search(r"[百佰千仟][^零〇十拾百佰](?![百佰十拾])", text):
        return None
    value, digit = 0, 0
    for c in text:
        if c in _TENS:
            value, digit = value + (digit or 1) * _TENS[c], 0
        else:
            digit = _DIGITS[c]
    return value + digit


def _of_a_date(text: str) -> str:
    """A figure in a cell formatted as a date: 5 is shown as 1900-01-05."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return ""
    if len(text) > 10 or day.year >= 2000:  # a real date, or 5-1 that became one
        return ""
    days = (day - _EPOCH).days - (date(1899, 12, 31) <= day < date(1900, 3, 1))
    return f"如原数为{days}，填“{days}”。"
