"""Tables as markup: HTML that web systems call .xls, pages and workbooks saved as mht. Nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes

from lxml import etree, html

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.mime.charset import decode_bytes
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grammar import CellValue
from huizong.readers.layout.grid import Area, Grid, Place
from huizong.readers.layout.pieces import APART, BAR, PLAIN, STRUCK, joined
from huizong.readers.model import FileReading
from huizong.readers.sheets.spreadsheet import NO_FORM
from huizong.readers.words.word import MAX_TEXT

_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
_EXCEL = re.compile(r"urn:schemas-microsoft-com:office:excel|Excel\.Sheet|<x:ExcelWorkbook>", re.I)
_SILENT = frozenset(["script", "style", "head", "title", "template", "noscript", "del"])
_STRUCK = frozenset(["s", "strike"])
# Of what stands in a line: what shows its text without a trace. Anything else parts what stands on its sides.
_SEAMLESS = frozenset(
    ["a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "dfn", "em", "font", "i", "ins"]
    + ["kbd", "label", "mark", "nobr", "q", "samp", "small", "span", "strong", "time", "tt", "u", "var"]
)
_HIDING = re.compile(r"display:none|visibility:hidden|mso-hide:all", re.I)
_STRIKING = re.compile(r"text-decoration(?:-line)?:[^;]*line-through", re.I)
_BLOCKS = frozenset(
    ["p", "div", "li", "ul", "ol", "center", "form", "body", "blockquote", "pre", "section", "article"]
    + ["h1", "h2", "h3", "h4", "h5", "h6", "hr", "caption", "dt", "dd"]
)
_SPACES = re.compile(r"[ \t\r\n\f]+")  # what HTML runs together: not the no-break space
_PLAIN_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
_PARTS = 100


def read_html(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read the forms of a page, all its tables in one grid. A page without a form is a report, like a
    document of Word; a workbook that Excel saved as a page is not.

    Raises:
        RejectedError: too large, or not to be parsed.
    """
    return _reading(kind, [_decoded(data, None)], instruments)


def read_mht(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read the forms of a page or workbook saved as one file: each HTML part of the message is a sheet.

    Raises:
        RejectedError: too large, or no HTML in it.
    """
    if len(data) > limits.MAX_BYTES:
        raise RejectedError(limits.TOO_LARGE)
    pages: list[str] = []
    try:
        for part in message_from_bytes(data).walk():
            content = part.get_payload(decode=True) if part.get_content_type() == "text/html" else None
            if isinstance(content, bytes) and len(pages) < _PARTS:
                pages.append(_decoded(content, part.get_content_charset()))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as e:
        raise RejectedError(limits.DAMAGED) from e
    if not pages:
        raise RejectedError(limits.DAMAGED)
    return _reading(kind, pages, instruments)


def _decoded(data: bytes, label: str | None) -> str:
    if len(data) > limits.MAX_BYTES:
        raise RejectedError(limits.TOO_LARGE)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    declared = _CHARSET.search(data[:4_096])
    return decode_bytes(data, label or (declared[1].decode() if declared else None)).lstrip("\ufeff")


def _reading(kind: str, pages: Sequence[str], instruments: Sequence[Instrument]) -> FileReading:
    grids = [_Page(page).grid(f"Sheet{n}" if len(pages) > 1 else "") for n, page in enumerate(pages, 1)]
    forms = find_forms(grids, instruments)
    if forms and any(_cut_off(page) for page in pages):
        raise RejectedError(limits.DAMAGED)
    kept = bool(forms) or not any(_EXCEL.search(page[:20_000]) for page in pages)
    return FileReading(
        kind=kind,
        disposition="return" if kept else "set_aside",
        reason="" if kept else NO_FORM,
        forms=tuple(forms),
        text="\n".join(map(_text, grids))[:MAX_TEXT],
    )


def _cut_off(page: str) -> bool:
    """Whether the page ends inside a table: its last figure may be half of one."""
    lower = page.lower()
    return lower.rfind("<table") > lower.rfind("</table")


def _text(grid: Grid) -> str:
    lines: dict[int, list[str]] = {}
    for (row, _), text in grid.texts:
        lines.setdefault(row, []).append(text)
    return "\n".join("\t".join(cells) for cells in lines.values())


class _Page:
    """Lays a page out on a grid: a block of text is a row of one cell, a table's rows follow in their place.

    A table inside a cell (pages are laid out with them) follows the row that it stands in.
    """

    def __init__(self, source: str) -> None:
        self._cells: dict[Place, CellValue] = {}
        self._areas: list[Area] = []
        self._row = 0
        self._words: list[tuple[str, str]] = []  # manner and text
        parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
        try:
            # As bytes: lxml refuses text with an encoding declaration, and stops at NUL.
            root = html.document_fromstring(
                source.replace("\x00", "").encode("utf-8", "replace"), parser=parser
            )
        except (etree.LxmlError, ValueError, AssertionError) as e:
            raise RejectedError(limits.DAMAGED) from e
        self._block(root, PLAIN)
        self._flush()

    def grid(self, name: str) -> Grid:
        return Grid(name=name, cells=self._cells, typed=False, areas=lambda: self._areas)

    def _block(self, element: etree._Element, manner: str) -> None:
        self._words.append((manner, element.text or ""))
        for child in element:
            tag = _tag(child)
            if tag == "table":
                self._flush()
                self._table(child)
            elif tag in _BLOCKS or tag == "br":
                self._flush()
                self._block(child, manner)
                self._flush()
            elif not _is_silent(child):
                self._words.extend(_edge(tag))
                self._block(child, _manner(child, manner))
                self._words.extend(_edge(tag))
            self._words.append((manner, child.tail or ""))

    def _flush(self) -> None:
        """End a block of text. What stands too far down for any form is not needed."""
        text = _SPACES.sub(" ", joined(self._words)).strip(" ")
        self._words.clear()
        if text.strip() and self._row < limits.MAX_ROW:
            self._cells[self._row, 0] = text
            self._row += 1

    def _table(self, table: etree._Element) -> None:
        covered: dict[int, int] = {}  # column → how many further rows a cell above reaches into
        for row in _rows(table):
            inner: list[etree._Element] = []
            reaching = {column: rows - 1 for column, rows in covered.items() if rows > 1}
            column = 0
            for cell in (c for c in row if _tag(c) in {"td", "th"}):
                while column in covered:
                    column += 1
                self._cell(cell, column)
                down, across = _span(cell, "rowspan"), min(_span(cell, "colspan"), limits.MAX_COLUMN)
                if down > 1:
                    last = (self._row + down - 1, column + across - 1)
                    self._areas.append(((self._row, column), last))
                    reaching |= dict.fromkeys(range(column, column + across), down - 1)
                inner += _tables(cell)
                column += across
            covered = reaching
            self._row += 1
            for nested in inner:
                self._table(nested)

    def _cell(self, cell: etree._Element, column: int) -> None:
        exact = cell.get("x:num") or ""  # Excel keeps it beside the one that is shown
        lines = joined(_words(cell, _manner(cell, PLAIN))).split("\v")
        shown = "\n".join(_SPACES.sub(" ", line).strip(" ") for line in lines)
        is_marked = BAR in shown or STRUCK in shown
        text = exact if _PLAIN_NUMBER.fullmatch(exact) and not is_marked else shown
        if text.strip():
            limits.check_size(self._row + 1, column + 1)
            self._cells[self._row, column] = text.strip("\n")


def _tag(element: etree._Element) -> str:
    return element.tag if isinstance(element.tag, str) else ""


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for child in table:
        tag = _tag(child)
        if tag == "tr":
            yield child
        elif tag in {"thead", "tbody", "tfoot"}:
            yield from (row for row in child if _tag(row) == "tr")


def _tables(element: etree._Element) -> Iterator[etree._Element]:
    """The outermost tables inside a cell."""
    for child in element:
        if _tag(child) == "table":
            yield child
        else:
            yield from _tables(child)


def _words(element: etree._Element, manner: str) -> Iterator[tuple[str, str]]:
    """A cell's own words with their manner; a vertical tab stands for the end of a line."""
    yield manner, element.text or ""
    for child in element:
        tag = _tag(child)
        if tag in _BLOCKS or tag == "br":
            yield PLAIN, "\v"
        if tag != "table" and not _is_silent(child):
            yield from _edge(tag)
            yield from _words(child, _manner(child, manner))
            yield from _edge(tag)
        yield manner, child.tail or ""


def _is_silent(element: etree._Element) -> bool:
    """Whether it shows nothing. A table is read wherever it stands: pages unfold them."""
    if _tag(element) in _SILENT:
        return True
    hidden = element.get("hidden") is not None or _HIDING.search(_style(element))
    return bool(hidden) and next(element.iter("table"), None) is None


def _style(element: etree._Element) -> str:
    return re.sub(r"\s", "", element.get("style") or "")


def _manner(element: etree._Element, manner: str) -> str:
    return STRUCK if _tag(element) in _STRUCK or _STRIKING.search(_style(element)) else manner


def _edge(tag: str) -> Iterator[tuple[str, str]]:
    """What stands at both sides of an element in a line: own tags of Office (o:p) show nothing either."""
    if not (tag in _SEAMLESS or tag in _STRUCK or tag in _BLOCKS or tag in ("", "br") or ":" in tag):
        yield PLAIN, APART


def _span(cell: etree._Element, name: str) -> int:
    match = re.match(r"\s*(\d{1,6})", cell.get(name) or "")
    return max(1, min(int(match[1]), limits.MAX_ROW)) if match else 1
