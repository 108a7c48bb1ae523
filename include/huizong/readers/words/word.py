"""Word documents: an own walk over the body, because python-docx loses tracked insertions, content controls
and nested tables, and takes 45 times as long.

The whole document becomes one grid: a paragraph is a row with one cell, a table's rows follow in their place.
So a header line above the table, two forms one below another, and a table that was split are the plain case.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from zipfile import ZipFile

from lxml import etree

from huizong.errors import RejectedError
from huizong.instruments.form_number import find_form_number
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grammar import CellValue, squeeze
from huizong.readers.layout.grid import TOKEN_PREFIX, Area, Grid, Place
from huizong.readers.model import FileReading
from huizong.readers.secrecy import refuse_marked
from huizong.readers.sheets.spreadsheet import DDE, LINKS, MACROS, token_of
from huizong.readers.words.runs import Manners, manners_of, name_of, text_of

MAX_TEXT = 20_000

_WRAPPERS = {
    "sdt",
    "sdtContent",
    "customXml",
    "smartTag",
    "ins",
    "moveTo",
    "hyperlink",
    "fldSimple",
    "r",
    "dir",
}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
_DDE = re.compile(r"\bDDE(?:AUTO)?\b", re.I)
_MAIN = re.compile(r"word/document\d*\.xml")
_AROUND = re.compile(r"word/(header|footer)\d*\.xml")


def read_word(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read a document's forms and its text. A document without a form is a report: a return all the same.

    Raises:
        RejectedError: damaged, with a password, or too large to be read safely.
        RestrictedError: the document or a page header bears a mark of secrecy.
    """
    archive = limits.open_zip(data)
    body, headers, footers = _parts(archive)
    around = [_laid_out(part) for part in (*headers, *footers)]
    for header in around[: len(headers)]:
        refuse_marked(map(str, header.cells.values()))
    walk = _laid_out(body)
    forms = find_forms(
        [Grid(name="", cells=walk.cells, typed=False, refs=walk.refs, areas=walk.areas)], instruments
    )
    if len(forms) == 1:
        margins = "\n".join(part.text() for part in around)
        forms = [
            forms[0].model_copy(
                update={
                    "token": forms[0].token or token_of(archive) or _token_in(margins),
                    "form_number": forms[0].form_number or find_form_number(margins),
                }
            )
        ]
    notes = _notes(archive, [body, *headers, *footers])
    return FileReading(
        kind=kind,
        disposition="return",
        forms=tuple(forms),
        text=walk.text()[:MAX_TEXT],
        macros=MACROS in notes,
        notes=notes,
    )


def _notes(archive: ZipFile, parts: Sequence[etree._Element]) -> tuple[str, ...]:
    """What the operator is told of a document; none of it is ever run or followed."""
    names = archive.namelist()
    fields = ["".join(e.text or "" for e in part.iter("{*}instrText")) for part in parts]
    fields += [_attribute(e, "instr") or "" for part in parts for e in part.iter("{*}fldSimple")]
    relations = (archive.read(name) for name in names if name.startswith("word/_rels/"))
    found = {
        MACROS: any(name.lower().endswith("vbaproject.bin") for name in names),
        DDE: any(_DDE.search(field) for field in fields),
        LINKS: any(_links_out(rels) for rels in relations if b"External" in rels),
    }
    return tuple(note for note, is_so in found.items() if is_so)


def _links_out(relations: bytes) -> bool:
    """Whether opening the document would fetch something; a hyperlink waits for its reader."""
    return any(
        r.get("TargetMode") == "External" and not str(r.get("Type", "")).endswith("/hyperlink")
        for r in etree.fromstring(relations, _PARSER)
    )


def _parts(archive: ZipFile) -> tuple[etree._Element, list[etree._Element], list[etree._Element]]:
    """The body, the page headers and the page footers."""
    names = archive.namelist()
    try:
        roots = {n: etree.fromstring(archive.read(n), _PARSER) for n in names if _MAIN.fullmatch(n)}
        main = _main_name(archive, names)
        around: dict[str, list[etree._Element]] = {"header": [], "footer": []}
        for match in filter(None, map(_AROUND.fullmatch, names)):
            around[match[1]].append(etree.fromstring(archive.read(match[0]), _PARSER))
        root = roots[main] if main in roots else next(iter(roots.values()))
        body = next(iter(root.iter("{*}body")))
    except (etree.XMLSyntaxError, StopIteration) as e:
        raise RejectedError(limits.DAMAGED) from e
    return body, around["header"], around["footer"]


def _main_name(archive: ZipFile, names: Sequence[str]) -> str:
    """The part that the package names as its document: some writers call it document2.xml."""
    if "_rels/.rels" in names:
        for relation in etree.fromstring(archive.read("_rels/.rels"), _PARSER):
            if str(relation.get("Type", "")).endswith("/officeDocument"):
                return posixpath.normpath(str(relation.get("Target", ""))).lstrip("/")
    return "word/document.xml"


def _laid_out(part: etree._Element) -> _Walk:
    walk = _Walk(manners_of(part))
    walk.blocks(part)
    return walk


class _Walk:
    """Collects the cells of a body in document order."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self.cells: dict[Place, CellValue] = {}
        self.refs: dict[Place, str] = {}
        self._row = 0
        self._tables = 0
        self._merged: dict[Place, Place] = {}  # a cell that continues the one above → the uppermost
        self._reaching: dict[Place, int] = {}  # that one → the last row

    def text(self) -> str:
        lines: dict[int, list[str]] = {}
        for (row, _), cell in sorted(self.cells.items(), key=lambda entry: entry[0]):
            lines.setdefault(row, []).append(str(cell))
        return "\n".join("\t".join(cells) for cells in lines.values())

    def areas(self) -> list[Area]:
        """The cells that are merged with those below them."""
        return [((row, column), (last, column)) for (row, column), last in self._reaching.items()]

    def blocks(self, parent: etree._Element) -> None:
        """Paragraphs and tables below `parent`, through content controls and tracked insertions."""
        for child in parent:
            name = name_of(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._table(child)
            elif name in _WRAPPERS:
                self.blocks(child)

    def _paragraph(self, element: etree._Element) -> None:
        text = text_of(element, self._manners)
        if squeeze(text):
            self._put((self._row, 0), text, f"P{self._row + 1}")
        self._row += 1

    def _table(self, table: etree._Element) -> None:
        self._tables += 1
        number = self._tables
        rows = (tr for tr in _children(table, "tr") if not _deleted(tr))
        for n, tr in enumerate(rows, start=1):
            column = _number(tr, "gridBefore", 0)
            nested: list[etree._Element] = []
            for tc in _children(tr, "tc"):
                # A cell that continues the one above shows nothing of its own.
                text = "" if _continues(tc) else text_of(tc, self._manners)
                place = (self._row, column)
                self.refs[place] = f"T{number}R{n}C{column + 1}"
                if _continues(tc):
                    self._reach(place)
                if squeeze(text):
                    self._put(place, text, self.refs[place])
                column += max(1, _number(tc, "gridSpan", 1))
                nested += _nested(tc)
            self._row += 1
            for inner in nested:
                self._table(inner)

    def _reach(self, place: Place) -> None:
        """Lengthen the merged cell that ends above `place`."""
        above = (place[0] - 1, place[1])
        self._merged[place] = self._merged.get(above, above)
        self._reaching[self._merged[place]] = place[0]

    def _put(self, place: Place, text: str, ref: str) -> None:
        self.cells[place] = text
        self.refs[place] = ref


def _children(parent: etree._Element, wanted: str) -> Iterator[etree._Element]:
    for child in parent:
        name = name_of(child)
        if name == wanted:
            yield child
        elif name in _WRAPPERS:
            yield from _children(child, wanted)


def _nested(cell: etree._Element) -> list[etree._Element]:
    return list(_children(cell, "tbl"))


def _property(element: etree._Element, name: str) -> etree._Element | None:
    properties = element.find(f"{{*}}{name_of(element)}Pr")
    return None if properties is None else properties.find(f"{{*}}{name}")


def _attribute(element: etree._Element, name: str) -> str | None:
    return next((str(v) for k, v in element.attrib.items() if str(k).rpartition("}")[2] == name), None)


def _number(element: etree._Element, name: str, default: int) -> int:
    found = _property(element, name)
    value = None if found is None else _attribute(found, "val")
    return min(int(value), limits.MAX_COLUMN) if value and value.isdecimal() else default


def _continues(cell: etree._Element) -> bool:
    merge = _property(cell, "vMerge")
    return merge is not None and _attribute(merge, "val") != "restart"


def _deleted(row: etree._Element) -> bool:
    return _property(row, "del") is not None


def _token_in(text: str) -> str | None:
    return next((word for word in text.split() if word.startswith(TOKEN_PREFIX)), None)
