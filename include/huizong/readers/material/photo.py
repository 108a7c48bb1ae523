"""Photographs (照片): how large they are, told by their head; and how many a document holds."""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

_PICTURE = re.compile(r"(?:word|ppt)/media/[^/]+\.(?:jpe?g|png|bmp|gif|tiff?|webp|jfif|heic)", re.I)


def pixels_of(data: bytes) -> tuple[int, int] | None:
    """Width and height of a picture; None where it does not say, which is no reason to refuse it here:
    looking at it tells what is wrong."""
    from PIL import Image  # here, not above: the child starts without it

    try:
        with Image.open(BytesIO(data)) as image:
            return image.size
    except Exception:  # Pillow raises whatever a broken head leads to
        return None


def pictures_in(data: bytes) -> int | None:
    """How many pictures a .docx or .pptx holds; None where it is no such file."""
    try:
        with ZipFile(BytesIO(data)) as archive:
            return sum(bool(_PICTURE.fullmatch(name)) for name in archive.namelist())
    except (BadZipFile, ValueError, NotImplementedError):
        return None
