"""What PDF and OFD have in common: pages of text with places, and what can be told of such text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from huizong.instruments.form_number import find_form_number
from huizong.instruments.model import Instrument
from huizong.instruments.token import find_token
from huizong.readers.layout.labels import normalise
from huizong.readers.model import FormReading
from huizong.readers.paper.ruled import Ruling

MAX_PAGES = 30  # of which the text is looked at; forms of more units than that do not come in one file
PICTURE = 0.7  # of the page: then it is a scan, and text on it (if any) was recognised by somebody's machine
SIGNED = "含电子签章"
SCANNED = "含扫描页，其中的数字未采用"
UNREAD = "部分页面内容过多，未读取"
LONG = f"页数较多，仅读取了前{MAX_PAGES}页"

_USABLE = 20  # characters
_STRANGE = 0.3  # of them
_LABELS = 3
_MADE_UP = frozenset({"Co", "Cn", "Cc", "Cs"})  # characters of fonts that do not say what their glyphs are


@dataclass(frozen=True)
class Run:
    """A piece of one line of text; units are points (1/72 inch), y grows downwards."""

    text: str
    x0: float
    top: float
    x1: float
    bottom: float

    @property
    def x(self) -> float:
        return (self.x0 + self.x1) / 2

    @property
    def y(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return max(self.bottom - self.top, 1.0)


@dataclass(frozen=True)
class Page:
    """What one page shows: `runs` in the order in which the file draws them. `number` counts from 1."""

    number: int
    runs: Sequence[Run]
    rulings: Sequence[Ruling] = ()


def usable(text: str) -> bool:
    """Whether a text layer says anything: enough characters, most of them known ones."""
    letters = [c for c in text if not c.isspace()]
    strange = sum(c == "\ufffd" or unicodedata.category(c) in _MADE_UP for c in letters)
    return len(letters) >= _USABLE and strange < _STRANGE * len(letters)


def mentions(text: str, instruments: Sequence[Instrument]) -> bool:
    """Whether a page shows the title of a form or list, or several of its labels."""
    plain = normalise(text)
    return any(
        normalise(i.title) in plain or sum(normalise(item.label) in plain for item in i.items) >= _LABELS
        for i in instruments
    )


def with_marks(forms: list[FormReading], text: str) -> list[FormReading]:
    """A file's only form, with the token and the form number that stand anywhere in the file's text."""
    if len(forms) != 1:
        return forms
    form = forms[0]
    return [
        form.model_copy(
            update={
                "token": form.token or find_token(text),
                "form_number": form.form_number or find_form_number(text),
            }
        )
    ]


def notes_of(*, signed: bool, pages: int, pictures: bool, unread: bool = False) -> tuple[str, ...]:
    """What the operator is told of the file."""
    told = {SIGNED: signed, SCANNED: pictures, UNREAD: unread, LONG: pages > MAX_PAGES}
    return tuple(note for note, applies in told.items() if applies)
