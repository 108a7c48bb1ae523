"""From a letter's context to its words: one template a letter, text and HTML from the same source.

A template (`include/letters/<kind>.md`, Jinja2) is nearly the letter's text. Its first line is the subject,
`主题：…`; then every line is a block or a line of one (blank lines say nothing):

    ## heading           a heading
    - one                a list, one line each
    | a | b |            a table; its first row is the head
    > line               the signature, right aligned, one line each
    --- text             small print
    anything else        a paragraph, the first one being the salutation

`**bold**` marks what must not be missed. Nothing else is markup, and values can bring none of it in: they are
put on one line, and HTML is escaped by `layout.html`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.exceptions import TemplateNotFound
from markupsafe import Markup, escape

from huizong.errors import OperatorError
from huizong.outbox.contents import titles_joined
from huizong.outbox.context import LetterContext
from huizong.outbox.model import Rendered

BlockKind = Literal["heading", "list", "table", "signature", "small", "paragraph"]
_MARKS: tuple[tuple[str, BlockKind], ...] = (
    ("## ", "heading"),
    ("- ", "list"),
    ("|", "table"),
    ("> ", "signature"),
    ("--- ", "small"),
)
_SUBJECT = "主题："
_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Block:
    """One block of a letter. `rows` are its lines; a table's rows have several cells, all others one."""

    kind: BlockKind
    rows: tuple[tuple[str, ...], ...]


class LetterBook:
    """The letters of one cycle: the first of `directories` that has a template wins."""

    def __init__(self, directories: Sequence[Path]) -> None:
        loader = FileSystemLoader([str(directory) for directory in directories])
        # Escaped where the text becomes HTML, in layout.html: doing it twice would show in the letter.
        self._words = Environment(  # noqa: S701
            loader=loader,
            undefined=StrictUndefined,
            lstrip_blocks=True,
            finalize=_one_line,
        )
        self._words.filters["joined"] = titles_joined
        self._html = Environment(
            loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        self._html.filters["inline"] = _inline

    def render(self, context: LetterContext) -> Rendered:
        """Subject (one line), text and HTML of a letter.

        Raises:
            OperatorError: the template is missing or broken; the sentence names it.
        """
        with _named(context.kind):
            subject, body = self._source(context)
            blocks = tuple(_blocks(body))
            html = self._html.get_template("layout.html").render(subject=subject, blocks=blocks)
        return Rendered(subject=subject, text=_text(blocks), html=html)

    def subject(self, context: LetterContext) -> str:
        """The subject alone, as `render` gives it; the whole letter's words are tried all the same.

        Raises:
            OperatorError: the template is missing or broken; the sentence names it.
        """
        with _named(context.kind):
            return self._source(context)[0]

    def _source(self, context: LetterContext) -> tuple[str, str]:
        """Subject, and the body as the template wrote it."""
        source = self._words.get_template(f"{context.kind}.md").render(c=context)
        # Sentences written by rules and readers may still hold the placeholder of the address.
        head, _, body = source.replace("{单位}", context.address_as).strip().partition("\n")
        if not head.startswith(_SUBJECT):
            raise OperatorError(f"信函模板 {context.kind}.md 的第一行应为“{_SUBJECT}…”")
        return " ".join(head.removeprefix(_SUBJECT).split()), body


@contextmanager
def _named(kind: str) -> Iterator[None]:
    """A template's trouble as a sentence that names the template."""
    try:
        yield
    except TemplateNotFound as e:
        raise OperatorError(f"缺少信函模板：{e.name}（应在 letters 目录中）") from e
    except TemplateError as e:
        raise OperatorError(f"信函模板 {kind}.md 有误：{e}") from e


def _one_line(value: object) -> object:
    """A value on one line, without control characters; `|` would open a table cell."""
    if not isinstance(value, str):
        return value
    if not value.isprintable():
        value = "".join(
            " " if not ch.isprintable() else ch for ch in value if unicodedata.category(ch) != "Cf"
        )
    return " ".join(value.replace("|", "｜").split())


def _blocks(body: str) -> Iterator[Block]:
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    for kind, group in groupby(lines, key=_kind):
        rows = tuple(_cells(kind, line) for line in group)
        if kind in ("paragraph", "heading"):
            yield from (Block(kind, (row,)) for row in rows)
        else:
            yield Block(kind, rows)


def _kind(line: str) -> BlockKind:
    return next((kind for mark, kind in _MARKS if line.startswith(mark)), "paragraph")


def _cells(kind: BlockKind, line: str) -> tuple[str, ...]:
    if kind == "table":
        return tuple(cell.strip() for cell in line.strip("|").split("|"))
    mark = next((mark for mark, marked in _MARKS if marked == kind), "")
    return (line.removeprefix(mark).strip(),)


def _text(blocks: Sequence[Block]) -> str:
    return "\n\n".join(_block_text(block) for block in blocks).replace("**", "") + "\n"


def _block_text(block: Block) -> str:
    lines = [row[0] for row in block.rows]
    if block.kind == "table":
        head, *rows = ("｜".join(row).rstrip("｜") for row in block.rows)
        return "\n".join([head, *(f"· {row}" for row in rows)])
    if block.kind == "list":
        return "\n".join(f"· {line}" for line in lines)
    return "\n".join(lines)


def _inline(line: str) -> Markup:
    return Markup(_BOLD.sub(r"<strong>\1</strong>", str(escape(line))))  # noqa: S704 - escaped first
