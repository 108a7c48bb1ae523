"""Lists in which a Chinese comma made one entry of several."""

from __future__ import annotations

import re
from typing import Any

from huizong.definition.checking.found import Findings, Lines


def check_lists(lines: Lines) -> Findings:
    """Every list of a definition, wherever it stands."""
    yield from _within(lines.raw, (), lines)


def _within(node: Any, place: tuple[str | int, ...], lines: Lines) -> Findings:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _within(value, (*place, key), lines)
    elif isinstance(node, list):
        for n, entry in enumerate(node):
            if isinstance(entry, str) and re.search("[，、；]", entry):
                yield lines.warning(
                    f"“{entry}”中有中文逗号或顿号；列表各项之间用半角逗号，如 [甲, 乙]，确为一项的请改写",
                    *place,
                    n,
                )
            yield from _within(entry, (*place, n), lines)
