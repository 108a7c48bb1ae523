"""Several forms of one unit that came together: sheets of one workbook, or files of one delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from huizong.intake.blank import is_filled
from huizong.ledger.types import canonical
from huizong.readers.model import FormReading

_NAMED = 5  # differing items that a reason names


@dataclass(frozen=True)
class Twin:
    """One of them, with the name of its file."""

    file: str
    form: FormReading


@dataclass(frozen=True)
class Dispute:
    """Why none of them can count: `reason` for the operator, `ask` for the clerk."""

    reason: str
    ask: str


def dispute(twins: Iterable[Twin], numbers: Mapping[str, int]) -> Dispute | None:
    """None where the filled ones agree.

    Args:
        numbers: item → its number on the form, by which a reason names it.
    """
    filled = [twin for twin in twins if is_filled(twin.form)]
    differing = _differing([_figures(twin.form) for twin in filled], numbers)
    if not differing:
        return None
    count = "两" if len(filled) == 2 else "多"
    files = list(dict.fromkeys(twin.file for twin in filled))
    if len(files) > 1:
        what, measure, names = "来件", "份", files
    else:
        what, measure = "文件", "张"
        names = list(dict.fromkeys(twin.form.sheet for twin in filled if twin.form.sheet))
    said = f"{what}中有{count}{measure}数据不一致的表"
    where = f"（{'、'.join(names)}）" if names else ""
    return Dispute(
        f"{said}{where}，请核对以哪一{measure}为准：{differing}", f"{said}，请只保留一{measure}后重新发送。"
    )


def counted(forms: Mapping[int, FormReading]) -> int:
    """Which of several forms that agree is taken: the first that is filled, else the first."""
    return min(forms, key=lambda n: (not is_filled(forms[n]), n))


_Figure = Decimal | tuple[str, str]


def _figures(form: FormReading) -> dict[str, _Figure]:
    """Item → its number, else what the cell holds: 10 and 10.0 are one figure, empty and 0 are two."""
    return {
        code: (item.state, item.raw) if item.number is None else item.number
        for code, item in form.items.items()
    }


def _differing(figures: Sequence[Mapping[str, _Figure]], numbers: Mapping[str, int]) -> str:
    """The items on which they do not all say the same, as a sentence's part: 第1项 88/12. Else empty."""
    items = dict.fromkeys(code for one in figures for code in one)
    several = {code: dict.fromkeys(one.get(code) for one in figures) for code in items}
    found = [
        f"第{numbers[code]}项 {'/'.join(map(_text, says))}" if code in numbers else code
        for code, says in several.items()
        if len(says) > 1
    ]
    more = f"等{len(found)}项" if len(found) > _NAMED else ""
    return "，".join(found[:_NAMED]) + more


def _text(figure: _Figure | None) -> str:
    if isinstance(figure, Decimal):
        return canonical(figure)
    return (figure[1].strip() if figure else "") or "空"
