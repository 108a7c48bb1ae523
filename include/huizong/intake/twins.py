"""Several forms of one unit that came together: sheets of one workbook, or files of one delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from huizong.intake.blank import is_filled
from huizong.ledger.types import canonical
from huizong.readers.model import FormReading

_NAMED = 5  # differing items that a reason names


class Cell(Protocol):
    """What a cell says, as it was read or as the ledger keeps it."""

    @property
    def raw(self) -> str: ...
    @property
    def number(self) -> Decimal | None: ...


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
    if any(twin.form.rows for twin in filled):
        differing = differing_rows([listed(twin.form.rows) for twin in filled])
    else:
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
    bodies = {header for twin in filled if (header := "".join(twin.form.unit_text.split()))}
    ask = f"{said}，请只保留一{measure}后重新发送。"
    if len(bodies) > 1:  # its departments' forms: keeping one would lose the others' figures
        ask = f"来件含所属部门报表{len(filled)}份，请汇总审核为1份后重新报送，部门分表可留存备查。"
    return Dispute(f"{said}{where}，请核对以哪一{measure}为准：{differing}", ask)


def counted(forms: Mapping[int, FormReading]) -> int:
    """Which of several forms that agree is taken: the first that is filled, else the first."""
    return min(forms, key=lambda n: (not is_filled(forms[n]), n))


Listed = list[tuple[tuple[str, str], ...]]  # a list's rows: item and what its cell says, as printed


def listed(rows: Iterable[Mapping[str, Cell]]) -> Listed:
    """The rows of a list as they compare: 10 and 10.0 are one figure, white space and empty cells nothing."""
    return [tuple((code, says) for code, cell in row.items() if (says := _says(cell))) for row in rows]


def differing_rows(lists: Sequence[Listed]) -> str:
    """How many rows they have, and which of them not all have: 2/3行，不同的有…. Empty where they agree."""
    if all(sorted(one) == sorted(lists[0]) for one in lists):
        return ""
    held = Counter(row for one in lists for row in set(one))
    found = [row[0][1] for row, n in held.items() if n < len(lists) and row]
    more = f"等{len(found)}行" if len(found) > _NAMED else ""
    named = f"，不同的有{'、'.join(dict.fromkeys(found[:_NAMED]))}{more}" if found else ""
    return f"{'/'.join(str(len(one)) for one in lists)}行{named}"


def _says(cell: Cell) -> str:
    return "".join(cell.raw.split()) if cell.number is None else canonical(cell.number)


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
