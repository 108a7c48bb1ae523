"""One text out of the pieces of a cell, where letters alone would say something else.

A struck 5 beside an 8 is not 58, nor is 1 with a raised 2 behind it 12, nor 5 and 6 with a picture between
them 56. The grammar sees only the text; so what parts the pieces stands in it, and no number contains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from math import isfinite
from operator import itemgetter

from huizong.readers.layout.grammar import CellValue, exact

# The manner of a piece. Characters of XML texts they are not.
PLAIN = ""
APART = "\x1f"  # raised, lowered, a fraction's part, beside a picture: not in one line with its neighbours
SIGN = "\x1e"  # a character of a symbol font: nobody knows which
STRUCK = " （删除线）"
HIDDEN = " （隐藏文字）"
PROMPT = " （占位文字）"
FORMULA = " （公式）"

BAR = "¦"
_MARKS = re.compile("[\x1e\x1f]")
_SIGN_AT_FIGURE = re.compile(f"(?<=\\d){SIGN}|{SIGN}(?=\\s*\\d)")


def joined(pieces: Iterable[tuple[str, str]]) -> str:
    """The text of (manner, text) in order; pieces of one manner that follow one another are one piece.

    A lone `APART` as text stands for something between the pieces that is no text.
    """
    runs = [(manner, "".join(t for _, t in run)) for manner, run in groupby(pieces, key=itemgetter(0))]
    text = "".join(_told(manner, run) for manner, run in runs)
    return _settled(text) if _MARKS.search(text) else text


def struck(cell: CellValue) -> str:
    """What a cell says that is struck out as a whole."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and isfinite(cell):
        return format(exact(cell), "f") + STRUCK
    return f"{cell}{STRUCK}"


def _told(manner: str, text: str) -> str:
    if not manner or not text.strip():
        return text
    return f"{APART}{text}{APART if manner == APART else manner}"


def _settled(text: str) -> str:
    """A bar for what parts a figure from its neighbour; between words, and at the ends, it says nothing."""
    whole, *rest = re.split(f"{APART}+", _SIGN_AT_FIGURE.sub(BAR, text))
    for piece in rest:
        left, right = whole.rstrip()[-1:], piece.lstrip()[:1]
        parts = left and right and (left.isdigit() or right.isdigit())
        whole += (BAR if parts else "") + piece
    return whole.replace(SIGN, "")
