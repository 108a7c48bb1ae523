"""What the command line prints: one JSON document or words and tables on standard output, progress on
standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rich.console import Console

from huizong.cli.layout import print_lines
from huizong.cli.screens import print_list
from huizong.cli.wording import WORDS, label_of, rate, worded

_BY_STATE = ("dispositions", "message_dispositions", "by_status")
_RATES = ("reporting_rate", "reporting_rate_on_time")


@dataclass(frozen=True)
class Output:
    """How one call answers."""

    as_json: bool = False
    lang: str = "zh"

    @cached_property
    def stderr(self) -> Console:
        return Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        """Progress, for people; never on standard output."""
        self.stderr.print(message, style="dim", markup=False)

    def error(self, message: str) -> None:
        """One line that says what to do."""
        label = "错误" if self.lang == "zh" else "Error"
        self.stderr.print(f"{label}：{' '.join(message.split())}", style="red", markup=False)

    def result(self, data: Mapping[str, Any]) -> None:
        """The answer itself."""
        if self.as_json:
            text = json.dumps(data, ensure_ascii=False, default=str)
            print(text.encode(errors="backslashreplace").decode())  # a file name that is no Unicode text
            return
        print_answer(Console(highlight=False), data)


def print_answer(console: Console, data: Mapping[str, Any], indent: int = 0, *, states: bool = False) -> None:
    """An answer for people: a line a key, lists of rows as their screens show them.

    Args:
        states: the keys are states, and none of the words that a key of that spelling has elsewhere.
    """
    for key, value in data.items():
        label = WORDS.get(key, key) if states else label_of(key)
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            print_list(console, key, value)
        elif isinstance(value, Mapping):
            print_lines(console, f"{label}：", indent)
            print_answer(console, value, indent + 2, states=key in _BY_STATE)
        else:
            print_lines(console, f"{label}：{_line(key, value)}", indent)


def _line(key: str, value: Any) -> str:
    if key in _RATES:
        return rate(value)
    if isinstance(value, list):
        return "、".join(str(v) for v in value) or "无"
    return worded(value)
