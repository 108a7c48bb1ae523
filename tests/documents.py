"""The documents' tables, for the tests that hold them against the code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from office import PROJECT

DOCS = PROJECT / "docs"

Row = dict[str, str]


def tables(page: Path) -> list[list[Row]]:
    """The tables of a page in order; a row is its cells by the columns' heads, without code marks."""
    found: list[list[Row]] = []
    heads: list[str] | None = None
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            heads = None
        elif heads is None:
            heads = _cells(line)
            found.append([])
        elif not set(line) <= set("|- "):
            found[-1].append(dict(zip(heads, _cells(line), strict=True)))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


@cache
def tables_of(name: str) -> list[list[Row]]:
    return tables(DOCS / name)
