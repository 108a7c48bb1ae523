"""How many units' figures a form holds together: the line 本表为13家单位上报数之和 below an assembled form.

It travels as text in a cell, which survives every conversion, and counts the units at the very bottom: what
an office assembled out of other offices' forms adds up what those say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SAID = re.compile(r"本表为([1-9]\d{0,4})家单位上报数之和")


def combined_text(units: int) -> str:
    """The sentence, without a full stop."""
    return f"本表为{units}家单位上报数之和"


def find_combined(texts: Iterable[str]) -> int:
    """The number of units that one of the texts tells; 1 where none does: the form is one unit's own."""
    return next((int(said[1]) for text in texts if (said := _SAID.search(text))), 1)
