"""From the bytes of a picture file to pixels, without letting its header ask for gigabytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from huizong.errors import RejectedError

Picture = NDArray[np.uint8]  # height x width x 3, RGB

MAX_PIXELS = 80_000_000  # a 600-dpi A4 page has 35 million, a good camera 50
MAX_SIDE = 2_400  # of what is handed on: an A4 page at 200 dpi, beyond which recognition gains nothing
MAX_FRAMES = 3  # of a TIFF with many pages

TOO_MANY_PIXELS = "图片尺寸过大，无法打开，请缩小后（每边不超过8000像素）重新发送。"
DAMAGED = "图片文件不完整，无法打开，请重新扫描或拍照后发送。"
HEIC = "图片格式（HEIC）无法打开，请在手机上转存为 JPG 后重新发送。"

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP")
_TURNS = {  # EXIF orientation as cameras write it (2, 4, 5, 7 are mirrored and no camera's)
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_270,
    8: Image.Transpose.ROTATE_90,
}


def open_pictures(data: bytes) -> Iterator[Picture]:
    """The picture upright as its EXIF says, longest side at most `MAX_SIDE`; of a TIFF, its first pages.

    Raises:
        RejectedError: more than 80 million pixels (told by the header, before anything is decoded), a format
            that cannot be opened, or a file that ends too early.
    """
    if data[4:8] == b"ftyp":
        raise RejectedError(HEIC)
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            frames = MAX_FRAMES if image.format == "TIFF" else 1
            for frame in range(frames):
                try:
                    image.seek(frame)
                except EOFError:
                    return
                yield _pixels(image)
    except Image.DecompressionBombError as e:
        raise RejectedError(TOO_MANY_PIXELS) from e
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as e:
        raise RejectedError(DAMAGED) from e


def shrink(picture: Picture, side: int) -> Picture:
    """A copy whose longest side is at most `side` pixels; the picture itself if it is small enough."""
    height, width = picture.shape[:2]
    if max(height, width) <= side:
        return picture
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _pixels(image: Image.Image) -> Picture:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise RejectedError(TOO_MANY_PIXELS)
    image.draft("RGB", (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded at a half, a quarter, …
    image.load()  # a TIFF is turned here already, and then has no orientation any more
    frame: Image.Image = image
    if max(frame.size) > MAX_SIDE and frame.mode == "1":
        frame = frame.convert("L")  # or thin strokes vanish
    if max(frame.size) > MAX_SIDE:
        scale = MAX_SIDE / max(frame.size)
        size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
        frame = frame.resize(size, Image.Resampling.BOX if frame.mode != "P" else Image.Resampling.NEAREST)
    with suppress(Exception):  # EXIF is the sender's: a broken one must not cost the picture
        if turn := _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1)):
            frame = frame.transpose(turn)
    if "A" in frame.getbands() or "transparency" in frame.info:
        white = Image.new("RGBA", frame.size, "white")
        frame = Image.alpha_composite(white, frame.convert("RGBA"))
    return np.asarray(frame.convert("RGB"))
