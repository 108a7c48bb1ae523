"""The roster (roster.csv): the units an office may address, with their contacts, in 建制顺序.

Columns: code, name, full_name, aliases, parent, relation, tags, contact, email, phone, self. Several
values of one cell are separated by `;`. The order of the lines is the established order.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Relation = Literal["subordinate", "peer", "superior", "member"]
RELATIONS: dict[str, Relation] = {
    "下级": "subordinate",
    "平级": "peer",
    "上级": "superior",
    "成员": "member",
}
ROSTER = "roster.csv"
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
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[Ee]\+?\d+")
_YES, _NO = {"1", "true", "是", "yes", "√"}, {"", "0", "false", "否", "no"}
_NUMBER = re.compile(r"^[\d+()（）\s-]{7,}$")
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


def is_address(text: str) -> bool:
    """Whether a letter can be sent to it: one plain address, nothing else."""
    return bool(_ADDRESS.match(text))


def address_meant(text: str) -> str:
    """What a mistyped cell of addresses seems to mean (full-width signs, Chinese commas); '' if unclear."""
    narrow = re.sub(r"\s", "", re.sub("。", ".", unicodedata.normalize("NFKC", text)))
    parts = [part for part in re.split("[,;、]", narrow) if part]
    return ";".join(parts) if parts and all(map(is_address, parts)) else ""


def lines_by_code(text: str) -> dict[str, int]:
    """Unit code → the line on which its row of the roster ends."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    return {(row.get("code") or "").strip(): reader.line_num for row in reader}


def telephones(text: str) -> dict[str, tuple[str, str]]:
    """Unit code → (contacts, telephones) as the roster has them, also where there is no address."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    return {
        (row.get("code") or "").strip(): (
            "、".join(_split(row.get("contact") or "")),
            "、".join(_split(row.get("phone") or "")),
        )
        for row in reader
    }


def roster_text(rows: Iterable[Sequence[str]]) -> str:
    """The file roster.csv of rows of cells in the order of `COLUMNS`."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    return out.getvalue()


def _split(cell: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;；]", cell) if part.strip()]


def read_roster(text: str) -> tuple[tuple[Unit, ...], list[Problem]]:
    """Units in the order of the lines, and what is wrong: (line, sentence that says what to write)."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    begun = 1
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        begun = reader.line_num + 1
        for row in reader:
            rows.append((reader.line_num, row))
            begun = reader.line_num + 1
    except csv.Error:  # the parser gives up at the end of the file: what matters is where the row began
        return (), [(begun, '从这一行起引号不成对（半角 "），或不是 CSV 文件；请补上或删去引号')]
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
    if not cells["code"]:
        yield "单位代码为空"
    elif not _CODE.match(cells["code"]):
        yield f"单位代码“{cells['code']}”不合规：只用字母、数字和连字符，1—32 位{_code_meant(cells['code'])}"
    if not cells["name"]:
        yield "单位名称为空"
    if cells.get("relation", "") not in {"", *RELATIONS}:
        yield f"relation“{cells['relation']}”须为 {'、'.join(RELATIONS)} 之一"
    if cells.get("self", "").lower() not in _YES | _NO:
        yield f"self“{cells['self']}”看不懂，疑为错列：市本级写 1，其他单位留空"
    yield from _wrong_contacts(cells)


def _code_meant(code: str) -> str:
    narrow = "".join(unicodedata.normalize("NFKC", code).split())
    if _SCIENTIFIC.fullmatch(narrow):
        return "；被表格软件改成了科学计数，请把该列设为文本后重写"
    if re.search(r"[\u4e00-\u9fff]", narrow):
        return "；合计、备注等不是单位的行请删去"
    return f"，疑为“{narrow}”" if _CODE.match(narrow) else ""


def _wrong_contacts(cells: dict[str, str]) -> Iterable[str]:
    """Addresses that nobody has, and what stands in the wrong column."""
    for address in _split(cells.get("email", "")):
        if _NUMBER.match(address):
            yield f"邮箱“{address}”像是电话号码，疑为错列：电话写在 phone 列"
        elif not is_address(address):
            meant = address_meant(address)
            yield (
                f"邮箱“{address}”不合规（检查全角＠、空格、逗号；多个邮箱用分号隔开）"
                + (f"，疑为“{meant}”" if meant else "")
            )
    for name in _split(cells.get("contact", "")):
        if is_address(name) or _NUMBER.match(name):
            yield f"联系人“{name}”像是邮箱或电话，疑为错列：contact 列写姓名"
    for phone in _split(cells.get("phone", "")):
        if _SCIENTIFIC.fullmatch(phone):
            yield f"电话“{phone}”被表格软件改成了科学计数，请把该列设为文本后重写号码"
        elif re.search("[@＠]|日期", phone) or not re.search(r"\d", phone):
            yield f"电话“{phone}”不是号码，疑为错列：phone 列写电话"


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
        own=cells.get("self", "").lower() in _YES,
        position=position,
        contacts=tuple(
            UnitContact(address=a, name=nth(names, n), phone=nth(phones, n))
            for n, a in enumerate(addresses)
            if a not in addresses[:n]  # written twice: one contact
        ),
    )
