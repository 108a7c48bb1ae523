"""Whether a red seal stands on a page: round or elliptic, 25 to 60 mm on A4.

A seal is told by its ring: red along most of an ellipse, paper within and around. Red headings, red lines,
red text and flags have no ring. A copy in black and white shows none either: "not seen" is no proof.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from huizong.readers.paper.pdf import render
from huizong.readers.paper.picture import Picture, shrink

_SIDE = 1_000  # pixels of the longest side when looking: 3.4 a millimetre on A4
_SMALLEST, _LARGEST = 0.07, 0.32  # of the longest side; a photograph may show the page small, or half of it
_MOST_OBLONG = 1.7  # 45 x 30 mm is the longest that is cut
_RING = 0.75  # share of the directions from the centre in which the ring is met
_UNROUND = 0.042  # spread of the outer edge where it is met, in radii; 0.01 when drawn, 0.037 when worn
_EMPTIEST, _FULLEST = 0.04, 0.6  # share of its inside that is red: text and star fill a fifth to a third
_BEYOND = 1.25  # radii: how far around it is looked
_CROWDED = 0.4  # share of its surroundings that may be red: a heading, a second seal, but no red cloth
_DIRECTIONS = 72


def red_ink(picture: Picture) -> NDArray[np.bool_]:
    """Where a picture is red, from vermilion to crimson, also faded: height x width."""
    hue, saturation, value = np.moveaxis(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV), -1, 0)
    red: NDArray[np.bool_] = ((hue <= 10) | (hue >= 165)) & (saturation >= 50) & (value >= 80)
    return red


def without_red_ink(picture: Picture) -> Picture:
    """The page in grey (three equal channels) as if nothing red stood on it: what is black beneath shows.

    In the red channel red ink is light already; where ink is red, all that is as light becomes white.
    """
    red = picture[:, :, 0]
    ink = red_ink(picture)
    if not ink.any():
        return np.repeat(red[:, :, None], 3, axis=2)
    level = max(100.0, 0.8 * float(np.median(red[ink])))
    near = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    cleared = np.clip((red.astype(np.float32) - level / 2) * (510 / level), 0, 255).astype(np.uint8)
    return np.repeat(np.where(near, cleared, red)[:, :, None], 3, axis=2)


def has_red_stamp(picture: Picture) -> bool:
    """Whether the page (RGB, upright or not) bears a red seal."""
    mask = red_ink(shrink(picture, _SIDE))
    return any(_is_ring(*candidate) for candidate in _candidates(mask.astype(np.uint8)))


def stamp_on_pdf(data: bytes) -> bool:
    """Whether one of the first three pages of a PDF bears a red seal.

    Raises:
        RejectedError: the file cannot be opened.
    """
    return any(has_red_stamp(page) for page in render(data, dpi=72, limit=3))


def _candidates(mask: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], float, float]]:
    """Cut-outs of the mask, each with the half axes of the ellipse that may be in its middle, in pixels."""
    closed = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
    side = max(mask.shape)
    reach = int(_LARGEST * side)
    padded = np.pad(mask, reach)
    for x, y, a, b in (*_components(closed, side), *_circles(closed, side)):
        wide, high = int(a * _BEYOND) + 1, int(b * _BEYOND) + 1
        left, top = round(x) + reach - wide, round(y) + reach - high
        yield padded[top : top + 2 * high, left : left + 2 * wide], a, b


def _components(mask: NDArray[np.uint8], side: int) -> Iterator[tuple[float, float, float, float]]:
    """Centre and half axes of what stands alone and is as large as a seal."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for x, y, width, height, _ in stats[1:count].astype(float):
        short, long = sorted((width, height))
        if _SMALLEST * side <= long <= _LARGEST * side and long <= _MOST_OBLONG * short:
            yield x + width / 2, y + height / 2, width / 2, height / 2


def _circles(mask: NDArray[np.uint8], side: int) -> Iterator[tuple[float, float, float, float]]:
    """The same of circles that run into something else that is red: a heading, a line, a second seal."""
    if not mask.any():
        return
    found = cv2.HoughCircles(
        mask * 255,
        cv2.HOUGH_GRADIENT,
        dp=2,
        minDist=side * _SMALLEST / 2,
        param1=100,
        param2=40,
        minRadius=int(side * _SMALLEST / 2),
        maxRadius=int(side * _LARGEST / 2),
    )
    for x, y, radius in found.reshape(-1, 3)[:20].astype(float) if found is not None else ():
        yield x, y, radius, radius


def _is_ring(mask: NDArray[np.uint8], a: float, b: float) -> bool:
    """Whether `mask` is red along the ellipse with half axes a, b in its middle, and is like a seal within.

    `mask` reaches a little beyond the ellipse.
    """
    rows, columns = np.nonzero(mask)
    x, y = (columns - mask.shape[1] / 2 + 0.5) / a, (rows - mask.shape[0] / 2 + 0.5) / b
    distance = np.hypot(x, y)
    on_ring = (distance > 0.88) & (distance < 1.07)
    direction = ((np.arctan2(y, x)[on_ring] + np.pi) / (2 * np.pi) * _DIRECTIONS).astype(int) % _DIRECTIONS
    outermost = np.zeros(_DIRECTIONS)
    np.maximum.at(outermost, direction, distance[on_ring])
    met = outermost[outermost > 0]
    if len(met) < _RING * _DIRECTIONS or met.std() > _UNROUND:
        return False
    within = (distance < 0.8).sum() / (0.64 * np.pi * a * b)
    around = ((distance > 1.1) & (distance < _BEYOND)).sum() / ((_BEYOND**2 - 1.21) * np.pi * a * b)
    return bool(_EMPTIEST < within < _FULLEST and around < _CROWDED)
