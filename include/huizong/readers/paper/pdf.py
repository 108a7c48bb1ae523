"""PDF: text that a program put in is read; what is only a picture of text is left to recognition.

pdfium, in C++ and hardened, looks at every file first. Only pages that show a form's labels go on to
pdfplumber, which finds text with its places and the ruling lines of tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms
from huizong.readers.model import FileReading, FormReading
from huizong.readers.paper.page_grid import grid_of
from huizong.readers.paper.pages import MAX_PAGES, PICTURE, Page, Run, mentions, notes_of, usable, with_marks
from huizong.readers.words.word import MAX_TEXT

if TYPE_CHECKING:
    import numpy
    import numpy.typing

_LONGEST_SIDE = 4_000  # pixels of a rendered page
_POINTS_PER_INCH = 72
_MOST_OBJECTS = 25_000  # that pdfplumber is given of one file, 0.4 ms each; a form has about 1,000
_MOST_ANNOTATIONS = 500
_FOLLOWING = 3  # pages


@dataclass(frozen=True)
class _Look:
    """What pdfium says of one page. `objects`: its characters, lines and pictures."""

    text: str = ""
    picture: bool = False
    objects: int = 0

    @property
    def wanting(self) -> bool:
        """Whether there may be more on it than its text says."""
        return self.picture or not usable(self.text)


@dataclass(frozen=True)
class _Seen:
    """What pdfium says of the first pages of a file."""

    looks: tuple[_Look, ...]
    data: bytes  # with what was typed into fields and comments as part of the pages
    pages: int
    signed: bool

    @property
    def text(self) -> str:
        return "\n".join(look.text for look in self.looks if look.text)


def read_pdf(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read a PDF's forms and text. Without a form it is a document, or a scan that is to be looked at.

    Raises:
        RejectedError: damaged, or with a password.
    """
    seen = _look_over(data)
    forms, unread = _forms(seen, instruments)
    pictures = any(look.picture for look in seen.looks)
    look = not forms and (pictures or unread or not usable(seen.text))
    return FileReading(
        kind=kind,
        disposition="return",
        forms=tuple(forms),
        stamp=True if seen.signed else None,
        pages=seen.pages,
        text=seen.text[:MAX_TEXT],
        notes=notes_of(
            signed=seen.signed,
            pages=seen.pages,
            pictures=bool(forms) and pictures,
            unread=bool(forms) and unread,
        ),
        needs="look" if look else "",
    )


def render(data: bytes, *, dpi: int, limit: int) -> Iterator[numpy.typing.NDArray[numpy.uint8]]:
    """The first `limit` scanned pages as pictures (height x width x 3, RGB), no side over 4,000 pixels.

    Where no page is one, the first pages: their text, if there is any, says nothing.

    Raises:
        RejectedError: damaged, or with a password.
    """
    pdf = _open(data)
    try:
        first = range(min(len(pdf), MAX_PAGES))
        scans = [n for n in first if _page(pdf, n).wanting] if len(first) > limit else []
        for index in (scans or first)[:limit]:
            page = pdf[index]
            points = max(1.0, *page.get_size())
            scale = min(dpi / _POINTS_PER_INCH, _LONGEST_SIDE / points)
            yield page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False).to_numpy()[:, :, :3].copy()
            page.close()
    finally:
        pdf.close()


def _open(data: bytes) -> Any:
    """The document, in pdfium; an empty user password opens it too.

    Raises:
        RejectedError: damaged, or with a password.
    """
    import pypdfium2  # here, not above: the child starts without it

    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as e:
        locked = e.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise RejectedError(limits.PASSWORD if locked else limits.DAMAGED) from e


def _look_over(data: bytes) -> _Seen:
    pdf = _open(data)
    try:
        if len(pdf) < 1:
            raise RejectedError(limits.DAMAGED)
        signed = _signed(pdf)  # before fields become part of the pages
        indexes = range(min(len(pdf), MAX_PAGES))
        if sum(_flattened(pdf, index) for index in indexes):
            data = _saved(pdf)
        return _Seen(tuple(_page(pdf, index) for index in indexes), data, len(pdf), signed)
    finally:
        pdf.close()


def _flattened(pdf: Any, index: int) -> bool:
    """Make what was typed into fields and comments part of a page; whether there was any."""
    import pypdfium2

    try:
        page = pdf[index]
        if not 0 < pypdfium2.raw.FPDFPage_GetAnnotCount(page) <= _MOST_ANNOTATIONS:
            return False
        done = pypdfium2.raw.FPDFPage_Flatten(page, pypdfium2.raw.FLAT_NORMALDISPLAY)
        page.close()
    except pypdfium2.PdfiumError:
        return False
    return bool(done == pypdfium2.raw.FLATTEN_SUCCESS)


def _saved(pdf: Any) -> bytes:
    import pypdfium2

    out = BytesIO()
    pdf.save(out, flags=pypdfium2.raw.FPDF_REMOVE_SECURITY)
    return out.getvalue()


def _page(pdf: Any, index: int) -> _Look:
    import pypdfium2

    try:
        page = pdf[index]
        text_page = page.get_textpage()
        count = text_page.count_chars()
        text = text_page.get_text_range(0, min(count, MAX_TEXT)).replace("\r\n", "\n") if count > 0 else ""
        objects = list(islice(page.get_objects(max_depth=4), _MOST_OBJECTS + 1))
        return _Look(text, _picture(page, objects), count + len(objects))
    except pypdfium2.PdfiumError:  # one broken page does not make the file unreadable
        return _Look()


def _picture(page: Any, objects: Sequence[Any]) -> bool:
    """Whether pictures cover the page; scanners also put it together from strips."""
    import pypdfium2

    width, height = page.get_size()
    covered = 0.0
    for thing in objects:
        if thing.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = thing.get_bounds()
            covered += max(0.0, right - left) * max(0.0, top - bottom)
    return bool(covered >= PICTURE * width * height > 0)


def _signed(pdf: Any) -> bool:
    """Whether there is a signature; never whether it is valid."""
    import pypdfium2

    raw = pypdfium2.raw
    signatures = (
        raw.FPDF_GetSignatureObject(pdf, n) for n in range(min(raw.FPDF_GetSignatureCount(pdf), 50))
    )
    return any(s and raw.FPDFSignatureObj_GetContents(s, None, 0) > 0 for s in signatures)


def _forms(seen: _Seen, instruments: Sequence[Instrument]) -> tuple[list[FormReading], bool]:
    """The forms, and whether pages that should have one could not be read."""
    showing = {
        n for n, look in enumerate(seen.looks) if not look.picture and mentions(look.text, instruments)
    }
    indexes = _affordable(seen.looks, showing)
    unread = not showing <= set(indexes)
    if not showing & set(indexes):
        return [], unread
    try:
        pages = _laid_out(seen.data, indexes)
    except Exception:  # pdfminer raises whatever a broken file leads to
        return [], True
    forms = find_forms([grid_of(pages)], instruments)
    return with_marks(forms, seen.text), unread or not forms


def _affordable(looks: Sequence[_Look], showing: set[int]) -> list[int]:
    """Pages that show a form, and those after each: columns that did not fit stand there, without a label."""
    wanted = {n + more for n in showing for more in range(_FOLLOWING + 1) if n + more < len(looks)}
    chosen, left = [], _MOST_OBJECTS
    for n in sorted(wanted):
        if not looks[n].picture and looks[n].objects <= left:
            chosen.append(n)
            left -= looks[n].objects
    return chosen


def _laid_out(data: bytes, indexes: Sequence[int]) -> list[Page]:
    import pdfplumber  # here, not above: the child starts without it

    pages = []
    with pdfplumber.open(BytesIO(data), pages=[n + 1 for n in indexes]) as pdf:
        for page in pdf.pages:
            words = page.dedupe_chars().extract_words(use_text_flow=True, x_tolerance_ratio=0.2)
            runs = [Run(w["text"], *map(float, (w["x0"], w["top"], w["x1"], w["bottom"]))) for w in words]
            rulings = [(e["x0"], e["top"], e["x1"], e["bottom"]) for e in page.edges]
            pages.append(Page(page.page_number, runs, rulings))
            page.close()
    return pages
