"""Names of units beside their codes, for people who read rows of several cycles at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from huizong.stages.context import Context
from huizong.stages.issued import issued_codes, issued_cycle


def named(ctx: Context, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, each with the `name` of its `unit`, and `names` (code → name) where witnesses speak."""
    known: dict[str, str] = {}
    for code in issued_codes(ctx):
        known |= issued_cycle(ctx, code, checked=False).names
    found = [row | {"name": known.get(row["unit"] or "", "")} for row in rows]
    for row in found:
        if "witnesses" in row:
            row["names"] = {code: known[code] for code in _spoken_of(row["witnesses"]) if code in known}
    return found


def _spoken_of(witnesses: list[dict[str, Any]]) -> Iterator[str]:
    for witness in witnesses:
        file, sender, content = witness["file"], witness["sender"], witness["content"]
        yield from filter(None, (file["unit"], *sender["units"], *content["units"], content["beneath"]))
