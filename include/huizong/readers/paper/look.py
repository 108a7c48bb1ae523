"""Scans and photographs: what a machine recognises on them, as proposals for a person.

Nothing found here ever counts. A person keys the figures beside the picture and another confirms them; the
proposals save typing and tell which form and whose it is (the form number at its foot).

A picture of an event costs one look on a small copy. Only where there is text like a document's is the page
turned upright, freed of red ink (a seal over the figures hides them from recognition) and read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from huizong.instruments.form_number import find_form_number
from huizong.instruments.model import Instrument
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.labels import labels_of
from huizong.readers.model import FileReading, FormReading, ItemReading
from huizong.readers.paper.ocr import Box, Line, find_lines, line_length, recognise, turns_needed
from huizong.readers.paper.ofd import images
from huizong.readers.paper.pdf import render
from huizong.readers.paper.picture import Picture, open_pictures
from huizong.readers.paper.scanned import Scanned, grid_of
from huizong.readers.paper.stamp import has_red_stamp, red_ink, without_red_ink

MAX_PAGES = 3
MAX_TEXT = 20_000

_DPI = 200
_ICON, _STRIP = 200, 50  # pixels: logos in somebody's signature, lines drawn as pictures
_GLANCE_SIDE, _FEW = 640, 4  # pixels of the smallest copy; lines from which it is worth a proper look
_PAGE_FROM = 12  # lines of text from which a picture is taken for a page; a banner has one or two
_HEAD = 6  # topmost lines, always read: a marking, a title
_GLANCE, _READ = 500.0, 1_200.0  # line heights, about characters, at 3 ms each; a form of 20 items has 420
_TASTE = 300.0  # what is read first of a page with more than a glance: only a form is worth the rest
_LABELS = 3  # from which it may be one
_RED_TEXT = 0.06  # share of a line's box that is red where the line itself is
_FOOT = re.compile(r"编号|[0-9A-Z]{3}-[0-9A-Z]{2}")  # where a form number seems to stand
_MOST_FEET = 3
_BLURS = (0.0, 0.8, 1.3)  # pixels: against the noise of sensors and of JPEG
_BLANK = 0.5  # how sure an empty cell is: a single stroke is easily overlooked


@dataclass(frozen=True)
class _Page:
    """What one picture says. `stamp` is None where the picture is no page."""

    lines: tuple[Line, ...]
    red_lines: tuple[Line, ...] = ()  # what is written in red: headings, a seal's own words
    number: str | None = None
    stamp: bool | None = None

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in (*self.lines, *self.red_lines))


def look(kind: str, data: bytes, name: str, instruments: Sequence[Instrument]) -> FileReading:
    """Recognise a picture or a PDF without text (its first three pages).

    Takes 1.5 s for a picture of an event (a third of it where no form is asked for), 3 to 4 s for a page, up
    to 0.9 GB of memory, and 2 s more once a process to load the models.

    Args:
        kind: as sniffed: `image` or `pdf`.
        data: the whole file.
        name: as the sender named it; not used, files are told by content.
        instruments: the forms to look for.

    Returns:
        Always without `forms`. Forms are in `proposals`, each item's `confidence` being how well its cell was
        read times how sure its label is. A form number without a readable form is a proposal without items,
        whose instrument is "" where several could be meant. `stamp` is None where no page was seen.

    Raises:
        RejectedError: it cannot be opened, or has too many pixels.
    """
    del name
    pages = [_read_page(picture, instruments) for picture in _pictures(kind, data)]
    stamps = [page.stamp for page in pages if page.stamp is not None]
    return FileReading(
        kind=kind,
        disposition="return",
        proposals=_proposals(pages, instruments),
        stamp=any(stamps) if stamps else None,
        text="\n".join(page.text for page in pages)[:MAX_TEXT],
    )


def _pictures(kind: str, data: bytes) -> Iterator[Picture]:
    if kind == "ofd":
        return (p for image in images(data, limit=MAX_PAGES) for p in open_pictures(image))
    return render(data, dpi=_DPI, limit=MAX_PAGES) if kind == "pdf" else open_pictures(data)


def _read_page(picture: Picture, instruments: Sequence[Instrument]) -> _Page:
    if max(picture.shape[:2]) < _ICON or min(picture.shape[:2]) < _STRIP:
        return _Page(())
    if not any(instrument.kind == "form" for instrument in instruments):
        # Nothing that is asked for can be a scan, and photographs come by the hundred.
        boxes = find_lines(picture, _GLANCE_SIDE)
        if len(boxes) < _FEW:
            return _Page(tuple(recognise(picture, boxes)))
    boxes = find_lines(picture)
    if len(boxes) < _PAGE_FROM:
        return _Page(tuple(recognise(picture, boxes)))
    if turns := turns_needed(picture, boxes):
        picture = np.ascontiguousarray(np.rot90(picture, turns))
        boxes = find_lines(picture)
    red_lines: list[Line] = []
    plain = picture
    if (ink := red_ink(picture)).mean() > 1e-4:
        red_lines = recognise(picture, _affordable([box for box in boxes if _is_red(ink, box)], _TASTE))
        plain = without_red_ink(picture)
        boxes = find_lines(plain)
    lines = _read_lines(plain, boxes, instruments)
    return _Page(tuple(lines), tuple(red_lines), _form_number(picture, lines), has_red_stamp(picture))


def _read_lines(picture: Picture, boxes: Sequence[Box], instruments: Sequence[Instrument]) -> list[Line]:
    """All lines of an ordinary page; of a closely printed one only some, unless labels are among them."""
    if sum(map(line_length, boxes)) <= _GLANCE:
        return recognise(picture, boxes)
    lines = recognise(picture, _affordable(boxes, _TASTE))
    labels = [labels_of(i.items) for i in instruments if i.kind == "form"]
    if sum(any(known.match(line.text) for known in labels) for line in lines) < _LABELS:
        return lines
    return recognise(picture, _affordable(boxes, _READ))


def _affordable(boxes: Sequence[Box], most: float) -> list[Box]:
    """Of a closely printed page the head and the short lines: a form's labels and figures are short."""
    lengths = [line_length(box) for box in boxes]
    if sum(lengths) <= most:
        return list(boxes)
    left = most
    chosen: set[int] = set()
    for n in sorted(range(len(boxes)), key=lambda n: (n >= _HEAD, lengths[n])):
        left -= lengths[n]
        if left < 0:
            break
        chosen.add(n)
    return [box for n, box in enumerate(boxes) if n in chosen]


def _is_red(ink: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], box: Box) -> bool:
    left, top = np.maximum(box.min(axis=0), 0).astype(int)
    right, bottom = box.max(axis=0).astype(int) + 1
    return bool(ink[top:bottom, left:right].mean() > _RED_TEXT)


def _form_number(picture: Picture, lines: Sequence[Line]) -> str | None:
    """The number on the page; where its check character finds an error, its line is read again otherwise.

    `picture` has its colours: in one channel alone the small grey print is noisier.
    """
    if number := find_form_number("\n".join(line.text for line in lines)):
        return number
    foot = [line.box for line in lines if _FOOT.search(line.text)][-_MOST_FEET:]
    for sigma in _BLURS if foot else ():
        softened = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8) if sigma else picture
        boxes = [cut for box in foot for cut in _other_cuts(box)]
        for line in recognise(softened, boxes):
            if number := find_form_number(line.text):
                return number
    return None


def _other_cuts(box: Box) -> Iterator[Box]:
    """The box, larger and smaller: the line comes to the recogniser in other sizes."""
    across, down = box[1] - box[0], box[3] - box[0]
    end = across / max(1.0, float(np.linalg.norm(across))) * float(np.linalg.norm(down))
    way = np.array([-end - down, end - down, end + down, -end + down], np.float32)
    for more in (0.0, 0.15, -0.1):
        yield np.asarray(box + more * way, np.float32)


def _proposals(pages: Sequence[_Page], instruments: Sequence[Instrument]) -> tuple[FormReading, ...]:
    numbers = [page.number for page in pages if page.number]
    scanned = grid_of([page.lines for page in pages], instruments)
    forms = [_proposed(form, scanned) for form in find_forms([scanned.grid], instruments)]
    if len(forms) == 1 and len(set(numbers)) == 1:
        forms = [forms[0].model_copy(update={"form_number": numbers[0]})]
    known = {form.form_number for form in forms}
    candidates = [i.ref for i in instruments if i.kind == "form"]
    ref = candidates[0] if len(candidates) == 1 else ""
    bare = [FormReading(instrument=ref, form_number=n) for n in dict.fromkeys(numbers) if n not in known]
    return (*forms, *bare)


def _proposed(form: FormReading, scanned: Scanned) -> FormReading:
    items = {code: _with_score(item, scanned) for code, item in form.items.items()}
    pages = {item.sheet for item in items.values()}
    return form.model_copy(update={"items": items, "sheet": min(pages, default=form.sheet)})


def _with_score(item: ItemReading, scanned: Scanned) -> ItemReading:
    """With the page as its sheet, and its confidence lowered by how well the cell was read."""
    score = scanned.scores.get(item.cell, _BLANK)
    confidence = round(item.confidence * score, 3)
    return item.model_copy(update={"sheet": item.cell.partition("R")[0], "confidence": confidence})
