"""Several forms of one unit in one file: a second sheet with the same figures, or with other ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from huizong.intake.blank import is_filled
from huizong.readers.model import FormReading


def disagreement(forms: Iterable[FormReading]) -> str:
    """Why none of one unit's forms in a file can count: the filled ones differ. Empty where they agree."""
    filled = [form for form in forms if is_filled(form)]
    if all(_figures(form) == _figures(filled[0]) for form in filled):
        return ""
    sheets = "、".join(dict.fromkeys(form.sheet for form in filled if form.sheet))
    count = "两" if len(filled) == 2 else "多"
    return f"文件中有{count}张数据不一致的表{f'（{sheets}）' if sheets else ''}，请核对以哪一张为准"


def counted(forms: Mapping[int, FormReading]) -> int:
    """Which of several forms that agree is taken: the first that is filled, else the first."""
    return min(forms, key=lambda n: (not is_filled(forms[n]), n))


def _figures(form: FormReading) -> dict[str, Decimal | tuple[str, str]]:
    """Item → its number, else what the cell holds: 10 and 10.0 are one figure, empty and 0 are two."""
    return {
        code: (item.state, item.raw) if item.number is None else item.number
        for code, item in form.items.items()
    }
