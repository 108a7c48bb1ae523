"""What a check found: a problem stops the cycle, a warning is probably a slip, a hint is good to know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huizong.definition.yaml_file import Problem, line_of

Level = Literal["problem", "warning", "hint"]


@dataclass(frozen=True)
class Found:
    """One thing found, and how much it matters."""

    level: Level
    at: Problem


Findings = Iterator[Found]


@dataclass(frozen=True)
class Lines:
    """Finds the line of a key in a definition, so that a finding names where to look."""

    path: Path
    raw: Any

    def problem(self, message: str, *keys: str | int) -> Found:
        return Found("problem", self._at(message, *keys))

    def warning(self, message: str, *keys: str | int) -> Found:
        return Found("warning", self._at(message, *keys))

    def _at(self, message: str, *keys: str | int) -> Problem:
        return Problem(str(self.path), line_of(self.raw, keys), message)
