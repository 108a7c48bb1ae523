"""OFD (GB/T 33190), the national format for fixed pages: a zip of XML with text at places in millimetres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.layout.forms import find_forms
from huizong.readers.model import FileReading
from huizong.readers.paper.ofd_file import OfdFile
from huizong.readers.paper.page_grid import grid_of
from huizong.readers.paper.pages import MAX_PAGES, PICTURE, mentions, notes_of, usable, with_marks
from huizong.readers.words.word import MAX_TEXT


def read_ofd(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    """Read an OFD's forms and text. Without a form it is a document, or a scan that is to be looked at.

    Raises:
        RejectedError: damaged, with a password, or too large to be read safely.
    """
    with _damage_named():
        return _read(kind, _open(data), instruments)


def images(data: bytes, *, limit: int = MAX_PAGES) -> list[bytes]:
    """The pictures on the pages, in their order, as the files that they are (PNG, JPEG, …).

    Raises:
        RejectedError: damaged, with a password, or too large to be read safely.
    """
    with _damage_named():
        return _open(data).images(limit)


def _open(data: bytes) -> OfdFile:
    limits.open_zip(data).close()
    return OfdFile(data)


@contextmanager
def _damage_named() -> Iterator[None]:
    from ofdkit import OFDError  # here, not above: the child starts without it

    try:
        yield
    except OFDError as e:
        raise RejectedError(limits.DAMAGED) from e


def _read(kind: str, ofd: OfdFile, instruments: Sequence[Instrument]) -> FileReading:
    indexes = range(min(len(ofd), MAX_PAGES))
    texts = [ofd.text(n) for n in indexes]
    pictures = [ofd.covered(n) >= PICTURE for n in indexes]
    digital = [n for n in indexes if not pictures[n]]
    forms = []
    if any(mentions(texts[n], instruments) for n in digital):
        forms = find_forms([grid_of([ofd.laid_out(n) for n in digital])], instruments)
    scanned = any(pictures) or not usable("".join(texts))
    signed, sealed = ofd.signatures()
    return FileReading(
        kind=kind,
        disposition="return",
        forms=tuple(with_marks(forms, "\n".join(texts))),
        stamp=True if sealed else None,
        pages=len(ofd),
        text="\n".join(filter(None, texts))[:MAX_TEXT],
        notes=notes_of(signed=signed, pages=len(ofd), pictures=bool(forms) and any(pictures)),
        needs="look" if not forms and scanned and ofd.images(1) else "",
    )
