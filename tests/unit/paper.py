"""Paper as it comes from a scanner: a page with lines and text, red seals on it, wear and tear."""

from __future__ import annotations

import math
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

FONTS = ("*CJK-Regular.ttc", "DroidSansFallback*.ttf", "wqy-*.ttc")
CRIMSON, VERMILION, FADED = (190, 20, 40), (225, 60, 30), (235, 150, 140)


@cache
def _font_file() -> str:
    """A font with Chinese characters, or "" where none is installed."""
    folder = Path("/usr/share/fonts")
    return next((str(path) for pattern in FONTS for path in sorted(folder.rglob(pattern))), "")


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Without a Chinese font, Pillow's own: boxes for characters, which is ink enough for a seal."""
    return ImageFont.truetype(_font_file(), size) if _font_file() else ImageFont.load_default(size)


def page(width: int = 827, height: int = 1169) -> Image.Image:
    """A4 at 100 dpi: black text and a table."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for row in range(8):
        top = height // 3 + row * height // 20
        draw.rectangle((width // 8, top, width * 7 // 8, top + height // 20), outline="black", width=2)
        draw.text(
            (width // 6, top + 12), f"线下活动群众参与数量        {row * 137}", "black", font(height // 55)
        )
    return image


def seal(across: int, colour: tuple[int, int, int] = CRIMSON, *, oblong: float = 1.0) -> Image.Image:
    """A round (or, with `oblong` below 1, elliptic) seal on white: ring, star, text along the ring."""
    image = Image.new("RGB", (across, across), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((2, 2, across - 3, across - 3), outline=colour, width=max(3, across // 32))
    centre, size = across / 2, across / 9
    star = [(0.36 if n % 2 else 0.9, -math.pi / 2 + n * math.pi / 5) for n in range(10)]
    draw.polygon(
        [(centre + size * r * math.cos(t) * 1.6, centre + size * r * math.sin(t) * 1.6) for r, t in star],
        fill=colour,
    )
    for n, character in enumerate("红旗区科学技术局"):
        angle = math.radians(-205 + n * 230 / 7)
        letter = Image.new("L", (across // 6, across // 6), 0)
        ImageDraw.Draw(letter).text((2, 0), character, 255, font(across // 8))
        letter = letter.rotate(-math.degrees(angle) - 90, resample=Image.Resampling.BILINEAR)
        x, y = centre + 0.36 * across * math.cos(angle), centre + 0.36 * across * math.sin(angle)
        image.paste(colour, (int(x - across / 12), int(y - across / 12)), letter)
    return image.resize((across, int(across * oblong)))


def stamped(sheet: Image.Image, mark: Image.Image, left: int, top: int) -> Image.Image:
    """The sheet with the seal pressed on it: ink over ink, as a scanner sees it."""
    layer = Image.new("RGB", sheet.size, "white")
    layer.paste(mark, (left, top))
    return ImageChops.multiply(sheet, layer)


def worn(sheet: Image.Image, *, degrees: float = 0.0, noise: float = 0.0, seed: int = 1) -> Image.Image:
    """A copy laid askew, with the noise of a cheap sensor."""
    if degrees:
        sheet = sheet.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    if not noise:
        return sheet
    grain = np.random.default_rng(seed).normal(0, noise, (sheet.height, sheet.width, 3))
    return Image.fromarray((np.asarray(sheet) + grain).clip(0, 255).astype(np.uint8))


def saved_as(image: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
