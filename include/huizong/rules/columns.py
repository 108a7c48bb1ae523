"""From returns to the columns that a suite judges.

Whole numbers, places and sums are worked out on decimals here; Great Expectations only judges the result.
A column either holds floats (NaN where there is no number) or text (None where there is nothing to say),
never both: one text in a column of numbers would silence its rule for every unit.

Column names, as suites write them:

    <item>                 the figure; of a form that several units' figures were added up in, their mean,
                           so that a bound for one unit fits a city's or a province's form as well
    <item>:state           what the cell holds (`huizong.readers.model.State`), or `absent`
    <item>:places          decimal places of the figure
    <item>:full_width      the cell as typed, where it holds full-width characters
    <item>:shown           what the cell's number format shows, where that is another figure
    <item>:unit            the unit written on the form, where it is not the item's and the figure not zero
    <item>:sum_of_others   the sum, where the figure equals the sum of the group's other items
    <item>:same_as         the later items of the group that hold the same figure: 第6项、第7项
    <item>:per:<item>      the figure divided by another, where that one is not zero
    <item>:without:<item>  the figure, where it is above zero while the other one is zero
    <item>:choice          the text, where it is none of those that the form offers
    <item>:phone           the text, where it is no telephone number
    <item>:date            the text, where it names no day, month or season
    form:blank             set where no item of the form holds anything
    form:no_rows           set where a list has no row
    form:same_rows         rows of a list that agree in its key
    form:missing           labels that were not found; form:duplicated: labels that stand twice
    form:unknown           up to three labels of rows that the form does not have
    form:other_year        the title, where it names another year or another matter than the form's
    form:header_blank      set where no unit is named; form:header_other: the name that is not the unit's
    form:as_last_year      the number of items, where all of them equal last year's
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from huizong.errors import OperatorError
from huizong.instruments.model import Instrument, Item
from huizong.rules.model import FormRow

if TYPE_CHECKING:
    import pandas as pd

KEY = "form:key"

Value = float | str | None
Column = Callable[[FormRow], Value]


class RulesBrokenError(OperatorError):
    """The rules could not be run as written: the batch stops, so that nobody is answered wrongly."""


def frame(rows: Sequence[FormRow], instrument: Instrument, columns: Sequence[str]) -> pd.DataFrame:
    """One line a return, in the order given: the key and the columns asked for.

    Raises:
        RulesBrokenError: a column is not one of those above; the sentence names it.
    """
    import pandas as pd

    table = {KEY: pd.Series([row.key for row in rows], dtype="object")}
    for name in columns:
        column, dtype = _column(name, instrument)
        table[name] = pd.Series([column(row) for row in rows], dtype=dtype)
    return pd.DataFrame(table)


def number(row: FormRow, item: str) -> Decimal | None:
    """The item's figure, where the cell holds one exact number (or a sign that is read as 0)."""
    reading = row.items.get(item)
    return reading.number if reading is not None and reading.state in ("number", "none", "dash") else None


def plain(value: Decimal) -> str:
    """A figure as a person writes it: no closing zeros, and no exponent unless it is absurdly long."""
    text = format(value, "f") if abs(value.adjusted()) < 40 else str(value)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


def decimal_places(value: Decimal) -> int:
    """Digits behind the point, closing zeros not counted; exact however long the figure is."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - `ItemReading` takes finite figures only
    closing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - closing) if value else 0


def short_label(item: Item) -> str:
    """The label without its example in brackets: 实物投入情况."""
    return re.split(r"[（(]", item.label)[0]


def _column(name: str, instrument: Instrument) -> tuple[Column, str]:
    head, _, rest = name.partition(":")
    suffix, _, other = rest.partition(":")
    if head == "form" and suffix in _OF_FORM:
        of_form = _OF_FORM[suffix]
        return lambda row: None if row.line else of_form(row, instrument), "object"
    item = instrument.by_code.get(head)
    if item is not None and not other and suffix in _OF_ITEM:
        of_item, dtype = _OF_ITEM[suffix]
        return lambda row: of_item(row, item, instrument), dtype
    if item is not None and other in instrument.by_code and suffix in _OF_PAIR:
        of_pair, dtype = _OF_PAIR[suffix]
        return lambda row: of_pair(row, head, other), dtype
    raise RulesBrokenError(
        f"审核规则引用了不存在的列“{name}”（表样{instrument.ref}），本批未审核；请更正规则文件"
    )


# --- columns of one item -----------------------------------------------------------------------------


def _figure(row: FormRow, item: Item, _: Instrument) -> Value:
    value = number(row, item.code)
    return float("nan") if value is None else float(value / row.combined)


def _state(row: FormRow, item: Item, _: Instrument) -> Value:
    reading = row.items.get(item.code)
    if reading is None or item.code in row.missing:
        return "absent"
    if reading.state == "number" and reading.number is None:
        return "text"  # must not pass for a figure, nor unsaid
    return reading.state


def _places(row: FormRow, item: Item, _: Instrument) -> Value:
    value = number(row, item.code)
    return float("nan") if value is None else float(decimal_places(value))


def _full_width(row: FormRow, item: Item, _: Instrument) -> Value:
    reading = row.items.get(item.code)
    return reading.raw if reading is not None and "full_width" in reading.notes else None


def _shown(row: FormRow, item: Item, _: Instrument) -> Value:
    reading = row.items.get(item.code)
    return (reading.shown if reading is not None else "") or None


def _unit(row: FormRow, item: Item, _: Instrument) -> Value:
    reading = row.items.get(item.code)
    return reading.unit or None if reading is not None and number(row, item.code) else None


def _choice(row: FormRow, item: Item, _: Instrument) -> Value:
    text = _text(row, item)
    return text if text and item.choices and text not in item.choices else None


def _phone(row: FormRow, item: Item, _: Instrument) -> Value:
    text = _text(row, item)
    digits = re.sub(r"\D", "", text)
    plausible = re.fullmatch(r"[\d\s()（）+\-—、,，;；/转]+", text) and len(digits) >= 7
    return text if text and not plausible else None


_DAY = re.compile(
    r"\d\s*[月./-]\s*\d|\d\s*[年月日号]|20\d{6}|[上中下]旬|[年月]底|(?:周|星期)[一二三四五六日末]"
    r"|每[天日周月]|常年|全年|长期|期间|活动周|科普日|[春夏秋冬][季天]|[寒暑]假"
)


def _date(row: FormRow, item: Item, _: Instrument) -> Value:
    text = _text(row, item)
    return text if text and not _DAY.search(text) else None


def _text(row: FormRow, item: Item) -> str:
    reading = row.items.get(item.code)
    return " ".join(unicodedata.normalize("NFKC", reading.raw).split()) if reading is not None else ""


def _siblings(row: FormRow, item: Item, instrument: Instrument) -> list[tuple[str, Decimal]]:
    """The group's other figures that are not zero, in the printed order."""
    others = [other.code for other in instrument.items if other.group == item.group and other != item]
    found = [(code, number(row, code)) for code in others]
    return [(code, value) for code, value in found if value]


def _sum_of_others(row: FormRow, item: Item, instrument: Instrument) -> Value:
    value = number(row, item.code)
    others = [figure for _, figure in _siblings(row, item, instrument)]
    return plain(value) if value and len(others) >= 2 and value == sum(others) else None


def _same_as(row: FormRow, item: Item, instrument: Instrument) -> Value:
    value = number(row, item.code)
    if not value:
        return None
    same = [instrument.numbers[code] for code, figure in _siblings(row, item, instrument) if figure == value]
    own = instrument.numbers[item.code]
    # Only the leftmost of several equal items speaks, and for all of them.
    return "、".join(f"第{n}项" for n in same) if same and own < min(same) else None


# --- columns of two items ----------------------------------------------------------------------------


def _per(row: FormRow, item: str, other: str) -> Value:
    value, divisor = number(row, item), number(row, other)
    return float(value / divisor) if value is not None and divisor else float("nan")


def _without(row: FormRow, item: str, other: str) -> Value:
    value = number(row, item)
    return plain(value) if value and number(row, other) == 0 else None


# --- columns of the whole form -----------------------------------------------------------------------


def _labels(codes: set[str], instrument: Instrument) -> Value:
    return "、".join(f"“{short_label(item)}”" for item in instrument.items if item.code in codes) or None


def _blank(row: FormRow, _: Instrument) -> Value:
    return "blank" if row.items and all(r.state == "blank" for r in row.items.values()) else None


def _missing(row: FormRow, instrument: Instrument) -> Value:
    absent = instrument.by_code.keys() - row.items.keys() if row.lines is None else set()
    return _labels((absent | set(row.missing)) - row.not_asked, instrument)


def _no_rows(row: FormRow, _: Instrument) -> Value:
    return "blank" if row.lines == 0 else None


def _same_rows(row: FormRow, _: Instrument) -> Value:
    return row.same_lines or None


def _duplicated(row: FormRow, instrument: Instrument) -> Value:
    return _labels(set(row.duplicated), instrument)


def _unknown(row: FormRow, _: Instrument) -> Value:
    """Three labels at most, each cut so that the sentence keeps its closing quotation marks."""
    labels = row.unknown[:3]
    longest = 41 // max(1, len(labels)) - 3
    cut = [label if len(label) <= longest else label[: longest - 1] + "…" for label in labels]
    return "、".join(f"“{label}”" for label in cut) or None


def _other_year(row: FormRow, instrument: Instrument) -> Value:
    return row.title if instrument.is_of_another_form(row.title) else None


def _bare(name: str) -> str:
    """A name as it compares: one width, no space, brackets or stamp notes."""
    name = unicodedata.normalize("NFKC", name)
    return re.sub(r"\((盖章|公章|章)\)|[\s\u200b_()、,:]", "", name)


def _header_blank(row: FormRow, _: Instrument) -> Value:
    return None if _bare(row.unit_text) else "blank"


def _header_other(row: FormRow, _: Instrument) -> Value:
    """The line asks for 部门/地方: the bare place (辉县市) or a longer title (河南省…) will do too."""
    typed = _bare(row.unit_text)
    names = [bare for bare in map(_bare, row.unit_names or (row.unit_name,)) if bare]
    if not typed or not names:
        return None
    fits = any(
        typed == n or (len(typed) >= 3 and n.startswith(typed)) or (len(n) >= 4 and n in typed) for n in names
    )
    return None if fits else row.unit_text.strip()


def _as_last_year(row: FormRow, instrument: Instrument) -> Value:
    codes = [item.code for item in instrument.items if item.type != "text"]
    pairs = [(number(row, code), row.previous.get(code)) for code in codes]
    same = all(now is not None and now == before for now, before in pairs)
    return str(len(codes)) if same and any(now for now, _ in pairs) else None


_OF_ITEM: dict[str, tuple[Callable[[FormRow, Item, Instrument], Value], str]] = {
    "": (_figure, "float64"),
    "state": (_state, "object"),
    "places": (_places, "float64"),
    "full_width": (_full_width, "object"),
    "shown": (_shown, "object"),
    "unit": (_unit, "object"),
    "sum_of_others": (_sum_of_others, "object"),
    "same_as": (_same_as, "object"),
    "choice": (_choice, "object"),
    "phone": (_phone, "object"),
    "date": (_date, "object"),
}
_OF_PAIR: dict[str, tuple[Callable[[FormRow, str, str], Value], str]] = {
    "per": (_per, "float64"),
    "without": (_without, "object"),
}
_OF_FORM: dict[str, Callable[[FormRow, Instrument], Value]] = {
    "blank": _blank,
    "no_rows": _no_rows,
    "same_rows": _same_rows,
    "missing": _missing,
    "duplicated": _duplicated,
    "unknown": _unknown,
    "other_year": _other_year,
    "header_blank": _header_blank,
    "header_other": _header_other,
    "as_last_year": _as_last_year,
}
