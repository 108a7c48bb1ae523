"""The pages of a scan as PNG, for the person who compares figures with them; run in the limited child.

A stranger's file is never shown as it came: a browser would be one more parser of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from huizong.readers.model import Member, Unpacked

_DPI = 130
_LIMIT = 3


def draw(kind: str, data: bytes) -> Unpacked:
    """The first three pages.

    Raises:
        RejectedError: the picture cannot be opened.
    """
    return Unpacked(kind=kind, members=tuple(_pages(kind, data)))


def _pages(kind: str, data: bytes) -> Iterator[Member]:
    from huizong.readers.paper import ofd, pdf, picture

    drawn: Iterator[picture.Picture]
    if kind == "ofd":
        drawn = (p for image in ofd.images(data, limit=_LIMIT) for p in picture.open_pictures(image))
    else:
        drawn = pdf.render(data, dpi=_DPI, limit=_LIMIT) if kind == "pdf" else picture.open_pictures(data)
    for n, pixels in enumerate(drawn, start=1):
        out = BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        yield Member(name=f"{n}.png", data=out.getvalue())
