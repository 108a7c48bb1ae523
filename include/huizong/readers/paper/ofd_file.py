"""An OFD package: text by ofdkit; ruling lines, pictures and seals, which it does not give, from the XML."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from huizong.readers.paper.pages import Page, Run
from huizong.readers.paper.ruled import MOST_RULINGS, Ruling
from huizong.readers.sniff import sniff

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Affine = tuple[float, float, float, float, float, float]

_POINTS = 72 / 25.4  # a millimetre
_ASCENT = 0.88  # of the size, above the base line
_STRAIGHT = 0.3  # millimetres that the ends of a ruling line may differ
_MOST_RUNS = 20_000
_MOST_IMAGE_BYTES = 100 * 2**20
_PLAIN: Affine = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_STEP = re.compile(r"[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class OfdFile:
    """One file; every method raises `ofdkit.OFDError` where a part of it is broken."""

    def __init__(self, data: bytes) -> None:
        import ofdkit  # here, not above: the child starts without it
        from ofdkit.package import Package

        self._document = ofdkit.open(data)
        self._package = Package(data)
        self._root = self._package.read_xml("OFD.xml")
        self._templates = dict(self._find_templates())

    def __len__(self) -> int:
        return len(self._document.pages)

    def text(self, index: int) -> str:
        """A page's text in reading order."""
        return str(self._document.pages[index].text())

    def laid_out(self, index: int) -> Page:
        """A page's lines of text and ruling lines, in points."""
        page = self._document.pages[index]
        runs = [_run(r) for r in page.runs[:_MOST_RUNS] if r.text.strip()]
        rulings = (r for layer in self._layers(page.location) for r in _rulings(layer))
        return Page(index + 1, runs, list(islice(rulings, MOST_RULINGS + 1)))

    def covered(self, index: int) -> float:
        """How much of a page pictures cover, from 0 to 1."""
        page = self._document.pages[index]
        boxes = [_box(picture) for picture in self._pictures(page.location)]
        return float(min(1.0, sum(b[2] * b[3] for b in boxes) / max(1.0, page.width * page.height)))

    def images(self, limit: int) -> list[bytes]:
        """The pictures on the pages, each once, in the pages' order, as the files that they are."""
        media = dict(self._find_media())
        found: dict[str, bytes] = {}
        left = _MOST_IMAGE_BYTES
        for page in self._document.pages:
            for picture in self._pictures(page.location):
                name = media.get(picture.get("ResourceID", ""))
                if name is None or name in found or len(found) >= limit:
                    continue
                data = self._package.read(name)
                left -= len(data)
                if left > 0 and sniff(data) == "image":
                    found[name] = data
        return list(found.values())

    def signatures(self) -> tuple[bool, bool]:
        """Whether there is a signature, and whether one shows a seal; never whether they are valid."""
        signed = sealed = False
        for listed in _named(self._root, "Signatures"):
            name = self._package.resolve("OFD.xml", listed.text)
            for entry in _named(self._package.read_xml(name), "Signature") if name else ():
                signed = True
                part = self._package.resolve(name, entry.get("BaseLoc"))
                stamps = _named(self._package.read_xml(part), "StampAnnot") if part else iter(())
                sealed |= next(stamps, None) is not None
        return signed, sealed

    def _find_templates(self) -> Iterator[tuple[str, str]]:
        for located in _named(self._root, "DocRoot"):
            name = self._package.resolve("OFD.xml", located.text)
            for template in _named(self._package.read_xml(name), "TemplatePage") if name else ():
                part = self._package.resolve(name, template.get("BaseLoc"))
                if part:
                    yield template.get("ID", ""), part

    def _find_media(self) -> Iterator[tuple[str, str]]:
        for name in self._package.names:
            if not name.lower().endswith("res.xml"):
                continue
            root = self._package.read_xml(name)
            for media in _named(root, "MultiMedia"):
                file = next((e.text for e in _named(media, "MediaFile") if e.text), "")
                located = posixpath.join(root.get("BaseLoc", ""), file.strip())
                part = self._package.resolve(name, located) or self._package.resolve(name, file)
                if part:
                    yield media.get("ID", ""), part

    def _layers(self, location: str | None) -> Iterator[Element]:
        """A page's own content and that of the templates it stands on."""
        if location is None:
            return
        root = self._package.read_xml(location)
        yield root
        for reference in _named(root, "Template"):
            part = self._templates.get(reference.get("TemplateID", ""))
            if part:
                yield self._package.read_xml(part)

    def _pictures(self, location: str | None) -> Iterator[Element]:
        for layer in self._layers(location):
            yield from _named(layer, "ImageObject")


def _named(root: Element, name: str) -> Iterator[Element]:
    """All elements below with this name, in whatever name space the writer uses."""
    return (e for e in root.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == name)


def _run(run: Any) -> Run:
    top = run.y - _ASCENT * run.size
    return Run(
        run.text.strip(),
        run.x * _POINTS,
        top * _POINTS,
        (run.x + run.width) * _POINTS,
        (top + run.size) * _POINTS,
    )


def _rulings(layer: Element) -> Iterator[Ruling]:
    """The straight lines of all paths, in points."""
    for path in _named(layer, "PathObject"):
        left, top, _, _ = _box(path)
        a, b, c, d, e, f = _numbers(path.get("CTM"), 6) or _PLAIN
        data = next((x.text or "" for x in _named(path, "AbbreviatedData")), "")
        for start, end in _segments(data):
            (x0, y0), (x1, y1) = (
                (a * x + c * y + e + left, b * x + d * y + f + top) for x, y in (start, end)
            )
            if min(abs(x1 - x0), abs(y1 - y0)) <= _STRAIGHT:
                yield (
                    min(x0, x1) * _POINTS,
                    min(y0, y1) * _POINTS,
                    max(x0, x1) * _POINTS,
                    max(y0, y1) * _POINTS,
                )


def _segments(data: str) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The straight pieces of a path: S and M move, L draws, C closes; curves (Q, B, A) only move."""
    begin = here = (0.0, 0.0)
    for letter, numbers in _steps(data):
        if letter == "C":
            yield here, begin
            here = begin
        elif len(numbers) >= 2:
            there = (numbers[-2], numbers[-1])
            if letter == "L":
                yield here, there
            elif letter in "SM":
                begin = there
            here = there


def _steps(data: str) -> Iterator[tuple[str, list[float]]]:
    letter, numbers = "", list[float]()
    for step in _STEP.finditer(data):
        token = step[0]
        if token.isalpha():
            if letter:
                yield letter, numbers
            letter, numbers = token, []
        else:
            numbers.append(float(token))
    if letter:
        yield letter, numbers


def _box(element: Element) -> tuple[float, ...]:
    return _numbers(element.get("Boundary"), 4) or (0.0, 0.0, 0.0, 0.0)


def _numbers(text: str | None, count: int) -> Any:
    found = [float(n) for n in _STEP.findall(text or "") if not n.isalpha()]
    return tuple(found[:count]) if len(found) >= count else None
