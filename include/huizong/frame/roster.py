"""The roster (roster.csv): the units an office may address, with their contacts, in 建制顺序.

Columns: code, name, full_name, aliases, parent, relation, tags, contact, email, phone, self. Several
values of one cell are separated by `;`. The order of the lines is the established order.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

Relation = Literal["subordinate", "peer", "superior", "member"]
RELATIONS: dict[str, Relation] = {
    "下级": "subordinate",
    "平级": "peer",
    "上级": "superior",
    "成员": "member",
}
COLUMNS = (
    "code",
    "name",
    "full_name",
    "aliases",
    "parent",
    "relation",
    "tags",
    "contact",
    "email",
    "phone",
    "self",
)
_CODE = re.compile(r"^[A-Za-z0-9-]{1,32}$")
_ADDRESS = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")


class UnitContact(BaseModel):
    model_config = ConfigDict(frozen=True)

    address: str
    name: str = ""
    phone: str = ""


class Unit(BaseModel):
    """A reporting unit (报送单位). `position` is its place in the established order, from 0."""

    model_config = ConfigDict(frozen=True)

    code: str
    name: str
    full_name: str
    aliases: tuple[str, ...] = ()
    parent: str = ""
    relation: Relation = "subordinate"
    tags: tuple[str, ...] = ()
    own: bool = False  # the office's own unit (市本级)
    position: int = 0
    contacts: tuple[UnitContact, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which the unit may sign."""
        return tuple(dict.fromkeys((self.full_name, self.name, *self.aliases)))

    @property
    def address_as(self) -> str:
        return "你单位" if self.relation in {"subordinate", "member"} else "贵单位"


Problem = tuple[int, str]


def _split(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;；]", cell) if part.strip()]


def read_roster(text: str) -> tuple[tuple[Unit, ...], list[Problem]]:
    """Units in the order of the lines, and what is wrong: (line, sentence that says what to write)."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as e:
        return (), [(reader.reader.line_num, f"引号不成对，或不是 CSV 文件（{e}）")]
    if missing := [c for c in ("code", "name") if c not in header]:
        return (), [(1, f"缺少列 {'、'.join(missing)}；第一行须为 {','.join(COLUMNS)}")]
    problems: list[Problem] = [
        (1, f"没有名为“{name}”的列，检查拼写；可用：{','.join(COLUMNS)}")
        for name in header
        if name and name not in COLUMNS
    ]
    units: list[Unit] = []
    codes: dict[str, Unit] = {}
    named: dict[str, Unit] = {}
    for line, row in rows:
        cells = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        if not any(cells.values()):
            continue
        wrong = list(_wrong(cells))
        if None in row:
            wrong.append(f"这一行多于 {len(header)} 列；单元格中的逗号须放在引号内")
        problems += [(line, sentence) for sentence in wrong]
        if not wrong:
            unit = _unit(cells, len(units))
            units.append(unit)
            problems += [(line, s) for s in _clashes(unit, codes, named)]
    return tuple(units), problems


def _wrong(cells: dict[str, str]) -> Iterable[str]:
    if not _CODE.match(cells["code"]):
        yield f"单位代码“{cells['code']}”不合规：只用字母、数字和连字符，1—32 位"
    if not cells["name"]:
        yield "单位名称为空"
    if cells.get("relation", "") not in {"", *RELATIONS}:
        yield f"relation“{cells['relation']}”须为 {'、'.join(RELATIONS)} 之一"
    for address in _split(cells.get("email", "")):
        if not _ADDRESS.match(address):
            yield f"邮箱“{address}”不合规（检查全角＠、空格、逗号；多个邮箱用分号隔开）"


def _clashes(unit: Unit, codes: dict[str, Unit], named: dict[str, Unit]) -> Iterable[str]:
    """What an earlier unit has already; `codes` and `named` are those so far, and get this one's."""
    other = codes.setdefault(unit.code, unit)
    if other is not unit:
        yield f"单位代码 {unit.code} 重复（{other.name}）"
    for name in unit.names:
        other = named.setdefault(name, unit)
        if other is not unit:
            yield f"单位名称“{name}”与 {other.code} 重复"


def _unit(cells: dict[str, str], position: int) -> Unit:
    addresses = [a.lower() for a in _split(cells.get("email", ""))]
    names, phones = _split(cells.get("contact", "")), _split(cells.get("phone", ""))

    def nth(values: list[str], n: int) -> str:
        return values[n] if n < len(values) else (values[-1] if values else "")

    return Unit(
        code=cells["code"],
        name=cells["name"],
        full_name=cells.get("full_name") or cells["name"],
        aliases=tuple(_split(cells.get("aliases", ""))),
        parent=cells.get("parent", ""),
        relation=RELATIONS.get(cells.get("relation", ""), "subordinate"),
        tags=tuple(_split(cells.get("tags", ""))),
        own=cells.get("self", "") in {"1", "true", "是", "yes"},
        position=position,
        contacts=tuple(
            UnitContact(address=a, name=nth(names, n), phone=nth(phones, n))
            for n, a in enumerate(addresses)
            if a not in addresses[:n]  # written twice: one contact
        ),
    )
