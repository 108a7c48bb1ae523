"""Changing single values of a YAML file: every other character, comments too, stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from huizong.definition.marks import MARK

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Value:
    """One scalar of the file: where it is, what it says, from where to where it stands."""

    keys: Keys
    text: str
    start: int
    end: int
    line_start: int  # of the line that its key stands on


@dataclass
class YamlText:
    """A YAML text and the changes to be made to it."""

    text: str
    _edits: list[tuple[int, int, str]] = field(default_factory=list)
    _marked: set[tuple[int, str]] = field(default_factory=set)

    def values(self) -> Iterator[Value]:
        """Every scalar in the order of the file; what an alias (`*office`) repeats comes once."""
        node: Any = YAML(typ="rt").compose(self.text)
        seen: set[int] = set()
        for value in _walk(node, (), 0, self.text):
            if value.start not in seen:
                seen.add(value.start)
                yield value

    def replace(self, value: Value, now: str, *, quoted: bool = False) -> None:
        """Write `now` for a value, in quotation marks if it had some or needs them."""
        was = self.text[value.start : value.end]
        mark = was[0] if was[:1] in {'"', "'"} else '"' if quoted else ""
        if was != f"{mark}{now}{mark}":
            self._edits.append((value.start, value.end, f"{mark}{now}{mark}"))

    def insert_before(self, value: Value, line: str) -> None:
        """A line of its own before the one on which a value's key stands, as far to the right."""
        indent = re.match(r" *", self.text[value.line_start :])
        self.insert_at(value.line_start, f"{indent[0] if indent else ''}{line}\n")

    def insert_at(self, place: int, text: str) -> None:
        """Text at a place of the file as it was."""
        self._edits.append((place, place, text))

    def mark(self, value: Value, what: str) -> None:
        """`# 请核对：` before a value's line; said once a line."""
        if (value.line_start, what) not in self._marked:
            self._marked.add((value.line_start, what))
            self.insert_before(value, f"{MARK}{what}")

    def result(self) -> str:
        """The text with all changes."""
        text, done = [], 0
        for start, end, now in sorted(self._edits, key=lambda edit: edit[:2]):
            text += [self.text[done:start], now]
            done = end
        return "".join([*text, self.text[done:]])


def _walk(node: Node | None, keys: Keys, line_start: int, text: str) -> Iterator[Value]:
    if isinstance(node, MappingNode):
        for key, child in node.value:
            yield from _walk(child, (*keys, key.value), _line_start(key, text), text)
    elif isinstance(node, SequenceNode):
        for n, child in enumerate(node.value):
            yield from _walk(child, (*keys, n), _line_start(child, text), text)
    elif isinstance(node, ScalarNode):
        start = node.start_mark.index
        anchor = re.match(r"[&!]\S+\s+", text[start:])
        start += anchor.end() if anchor else 0
        yield Value(keys, node.value, start, max(start, node.end_mark.index), line_start)


def _line_start(node: Node, text: str) -> int:
    return text.rfind("\n", 0, node.start_mark.index) + 1
