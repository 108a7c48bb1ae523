"""`# 请核对：…` in a definition: what `huizong new` worked out and a person has to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

MARK = "# 请核对："
_MARK = re.compile(r"#\s*请核对[：:]\s*(?P<what>.*)$")


def without_marks(text: str) -> str:
    """The text without the lines that are marks, for the year after."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith(MARK))


def marks_in(text: str) -> Iterator[tuple[int, str]]:
    """(line, what to look at) of every mark that still stands there."""
    for n, line in enumerate(text.splitlines(), start=1):
        if match := _MARK.search(line):
            yield n, match["what"].strip()
