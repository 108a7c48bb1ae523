"""Passages of reports that the notice asks for by name (典型经验, 意见建议), found by their headings."""

from __future__ import annotations

import re

TOPICS = {"典型经验": r"典型经验|经验做法|典型做法|主要经验", "意见建议": r"建议"}
_LONGEST = 300  # characters of one passage; the whole stands in the unit's own report
_FIRST = r"第?[一二三四五六七八九十]+(?:部分|[、.．])"
_HEADING = re.compile(rf"(?:{_FIRST}|[（(][一二三四五六七八九十]+[)）]|\d+[、.．])?[^。；，]{{2,30}}")


def passage(text: str, topic: str) -> str:
    """What stands under the first heading that names a topic of `TOPICS`, up to the next heading of its rank;
    empty where there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ranks = [_rank(line) for line in lines]
    for start, line in enumerate(lines):
        if not ranks[start] or not re.search(TOPICS[topic], line):
            continue
        ends = (n for n in range(start + 1, len(lines)) if 0 < ranks[n] <= ranks[start])
        body = lines[start + 1 : next(ends, len(lines))]
        while body and body[-1][-1] not in "。；！”）)":  # signature and date
            body.pop()
        said = "".join(body)
        if said:
            return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}……"
    return ""


def _rank(line: str) -> int:
    """1 of 一、; 2 of （一）, 1. and a short line by itself; 0 of what is no heading."""
    if _HEADING.fullmatch(line) is None:
        return 0
    return 1 if re.match(_FIRST, line) else 2
