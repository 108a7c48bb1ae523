"""An instrument (表样): its items, in the order and words in which they are printed.

An instrument is a YAML file `include/forms/<code>@<version>.yaml`; templates, reader, summary and rules
all follow from it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from huizong.errors import UsageError

ItemType = Literal["integer", "decimal", "text"]


class Item(BaseModel):
    """One figure or text of a form. `places` is the most decimal places that are accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    label: str
    group: str = ""
    type: ItemType
    unit: str | None = None  # metadata for messages; never printed on the form (表样不得改动)
    aliases: tuple[str, ...] = ()
    label_in_group: bool = False  # the group's cell is the label: the middle cell is empty
    required: bool = True  # of a list's column, or of words on a form: whether it may be left empty
    choices: tuple[str, ...] = ()  # what a text may be, where the form says so
    format: Literal["phone", "date"] | None = None  # how a text has to look
    private: bool = False  # a contact or a phone number: no part of what is published

    @property
    def places(self) -> int:
        return 4 if self.type == "decimal" else 0


class Instrument(BaseModel):
    """A form version. Items keep the printed order; item number n is `items[n-1]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    version: str
    kind: Literal["form", "list"] = "form"
    title: str
    unit_line: str = "部门/地方（盖章）："
    printed_groups: dict[str, str] = Field(default_factory=dict)  # group -> as printed, with its line breaks
    accepts: tuple[str, ...] = ()  # older versions that still count
    dropped: tuple[str, ...] = ()  # items of last year's version that are left out on purpose
    key: tuple[str, ...] = ()  # of a list: rows that agree in these columns are the same row
    items: tuple[Item, ...]

    @model_validator(mode="after")
    def _what_its_kind_needs(self) -> Instrument:
        if (self.kind == "list") != bool(self.key):
            raise ValueError("key（判定两行相同的栏）只写在名录（kind: list）中，且必须写")
        if unknown := [code for code in self.key if code not in {item.code for item in self.items}]:
            raise ValueError(f"key：没有栏目 {unknown[0]}")
        return self

    @property
    def ref(self) -> str:
        """`code@version`, as a cycle definition and a token name it."""
        return f"{self.code}@{self.version}"

    @cached_property
    def by_code(self) -> dict[str, Item]:
        return {item.code: item for item in self.items}

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Item code -> its number on the form, counted from 1 (letters say 第6项)."""
        return {item.code: n for n, item in enumerate(self.items, start=1)}

    def is_of_another_year(self, title: str) -> bool:
        """Whether a form's title names another year than ours; no year in either of them says nothing."""
        found, own = year_in(title), year_in(self.title)
        return bool(found and own and found != own)

    def is_of_another_form(self, title: str) -> bool:
        """Whether a title names another year, or another matter than ours: 科普日 for 科技活动周.

        What only adds to our own title (a place in front) or only leaves out of it names no other matter.
        """
        found, own = _matter(title), _matter(self.title)
        return self.is_of_another_year(title) or not (_is_part(found, own) or _is_part(own, found))


def row_key(instrument: Instrument, cells: Mapping[str, str]) -> tuple[str, ...]:
    """By what a list's rows are told apart: the texts of its key, without white space. Empty where one of
    them is missing: such a row is like no other.

    Args:
        cells: item code → what the row's cell says.
    """
    key = tuple("".join(cells.get(code, "").split()) for code in instrument.key)
    return key if all(key) else ()


def _is_part(part: str, whole: str) -> bool:
    """Whether the characters of `part` stand in `whole` in their order."""
    rest = iter(whole)
    return all(character in rest for character in part)


def _matter(title: str) -> str:
    """What a title is about, without the year and the words that every form's has: 科技活动周."""
    text = re.sub(r"\(.*?\)", "", unicodedata.normalize("NFKC", title))
    return re.sub(r"\W|\d|附件|年度?|全国|开展|情况|统计|汇总|登记|调查|报表|表", "", text)


def year_in(title: str) -> str:
    """The first year that a title names: 2022 of 2022年全国…, also in full-width digits."""
    match = re.search(r"(19|20)\d{2}", unicodedata.normalize("NFKC", title))
    return match[0] if match else ""


def load_instrument(path: Path) -> Instrument:
    """Read one instrument file.

    Raises:
        UsageError: the file is missing, not YAML, or not an instrument; the sentence names the file.
    """
    try:
        return parse_instrument(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError as e:
        raise UsageError(f"表样文件不存在：{path}（检查 cycle.yaml 中 instrument 的写法：代码@版本）") from e


def parse_instrument(text: str, path: Path) -> Instrument:
    """An instrument from the text of its file, which `path` names in what is said.

    Raises:
        UsageError: it is not YAML, or not an instrument.
    """
    try:
        return _instrument(text)
    except YAMLError as e:
        raise UsageError(f"{path}: 不是合法的 YAML：{e}") from e
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}") from e


@lru_cache(maxsize=32)
def _instrument(text: str) -> Instrument:
    """Read once a process: a sweep asks for the same instrument several times."""
    return Instrument.model_validate(YAML(typ="safe").load(text))
