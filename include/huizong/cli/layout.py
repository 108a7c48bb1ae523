"""Rows for people: a table where it fits, else one block an item; a code or an address is never split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_INDENT = 4  # cells
_LEAST = 12  # cells: a column of words may be this narrow
# What stays on one line: 第6项 with its figure, a run of ASCII, or one character; and the punctuation that
# may not end or begin a line.
_WHOLE = re.compile(r"[（“《]*(?:第\d+项(?: [!-~]+)?|[!-~]+|.)[，。；：、！？）”》]*")


@dataclass(frozen=True)
class Column:
    """`words` may go over several lines, in a table one for each of 甲、乙; `spare` may be left out."""

    title: str
    words: bool = False
    spare: bool = False


@dataclass(frozen=True)
class Block:
    """One item: what stands on its first line, and the lines under it (label, text)."""

    head: Sequence[str]
    lines: Sequence[tuple[str, str]] = ()


def clean(text: str) -> str:
    """Without what a terminal obeys: names and subjects are strangers' words."""
    return "".join(c if c.isprintable() else " " for c in text)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken between Chinese characters and words, never inside a code that
    fits on a line."""
    lines, line = [], ""
    for piece in _WHOLE.findall(clean(text)):
        if line and cell_len(line + piece) > width:
            lines.append(line.rstrip())
            line = ""
        line = line + piece if line else piece.lstrip()
        while cell_len(line) > width:  # one run longer than a line
            cut = _fitting(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line] if line or not lines else lines


def _fitting(text: str, width: int) -> int:
    """How many of its characters, at least one, fit into `width` cells."""
    return next((n for n in range(len(text), 1, -1) if cell_len(text[:n]) <= width), 1)


def print_lines(console: Console, text: str, indent: int = 0) -> None:
    """Text, indented, its further lines a little more."""
    hang = indent + 2
    first, *rest = wrap(text, max(console.width - hang, 2))
    _line(console, " " * indent + first)
    for line in rest:
        _line(console, " " * hang + line)


def _line(console: Console, text: str) -> None:
    console.print(Text(text, no_wrap=True, overflow="ignore"), crop=False, soft_wrap=True)


def print_blocks(console: Console, blocks: Sequence[Block]) -> None:
    """One block an item, lines without a text left out."""
    for block in blocks:
        print_lines(console, "  ".join(part for part in block.head if part))
        for label, text in block.lines:
            if text:
                print_lines(console, f"{label}：{text}", _INDENT)


def print_rows(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]], head: int) -> None:
    """A table of the columns that hold anything, else one without the spare ones and with words over several
    lines; where that does not fit either, blocks: the first `head` columns and the short ones on their first
    line, a line for each column of words."""
    cells = [[clean(cell) for cell in row] for row in rows]
    filled = [n for n in range(len(columns)) if any(row[n] for row in cells)]
    needed = [n for n in filled if not columns[n].spare]
    for chosen, least in ((filled, console.width), (needed, _LEAST)):
        if sum(_room(columns, cells, chosen, least)) <= console.width:
            console.print(_table(columns, cells, chosen))
            return
    print_blocks(console, [_block(columns, row, head) for row in cells])


def _block(columns: Sequence[Column], row: Sequence[str], head: int) -> Block:
    rest = [(column, text) for column, text in zip(columns[head:], row[head:], strict=True) if text]
    short = [f"{column.title}：{text}" for column, text in rest if not column.words]
    return Block((*row[:head], *short), [(column.title, text) for column, text in rest if column.words])


def _room(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], chosen: Sequence[int], least: int
) -> Iterator[int]:
    """The cells that each column needs, its padding with it; one of words at most `least`."""
    yield 2  # the table's edges
    for n in chosen:
        texts = [columns[n].title, *(line for row in cells for line in _lines(columns[n], row[n]))]
        natural = max(map(cell_len, texts))
        yield 2 + (min(natural, least) if columns[n].words else natural)


def _lines(column: Column, text: str) -> list[str]:
    return text.split("、") if column.words else [text]


def _table(columns: Sequence[Column], cells: Sequence[Sequence[str]], chosen: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for n in chosen:
        words = columns[n].words
        table.add_column(
            columns[n].title, no_wrap=not words, overflow="fold", min_width=_LEAST if words else None
        )
    for row in cells:
        table.add_row(*(Text("\n".join(_lines(columns[n], row[n]))) for n in chosen))
    return table
