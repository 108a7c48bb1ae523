"""The form number: eight random characters and a check one, printed small at the foot of a personal form.

On paper, PDF and scan it stands in for the token, so it must survive being read by eye or by a machine: of
each pair that is easily confused (O 0, I L 1, Z 2, S 5, B 8, U V) only one is used and the other is read as
it. That leaves 29 characters, a prime, so one weighted sum finds every single wrong character and every
exchange of two neighbours.
"""

from __future__ import annotations

import re
import secrets
import unicodedata

ALPHABET = "0123456789ACDEFGHJKMNPQRTVWXY"
LABEL = "表单编号："

_LENGTH = 9
_VALUE = {char: value for value, char in enumerate(ALPHABET)}
_CONFUSED = str.maketrans("OILZSBU", "011258V")
_DASHES = "\u2010-\u2015\u2212\u30fc\u4e00"  # dashes, minus, ー and 一: what OCR makes of a hyphen
_NOISE = re.compile(rf"[\s\u200b\ufeff_{_DASHES}-]+")

_CHARS = r"[0-9A-Za-z]"
_GAP = rf"[\s\u200b_{_DASHES}-]*"
_LABELLED = re.compile(rf"表\s*单\s*编\s*号\s*[:;.]?\s*((?:{_CHARS}{_GAP}){{{_LENGTH}}})(?!{_CHARS})")
_HYPHEN = rf"\s*[{_DASHES}-]\s*"
_BARE = re.compile(rf"(?<!{_CHARS})({_CHARS}{{4}}{_HYPHEN}{_CHARS}{{4}}{_HYPHEN}{_CHARS})(?!{_CHARS})")


def new_form_number() -> str:
    """A random form number: nine characters without hyphens, as the ledger keeps it."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH - 1))
    return body + ALPHABET[_weighted(body)]


def hyphenated(number: str) -> str:
    """As people read it: `ABCD-EFGH-J`."""
    return f"{number[:4]}-{number[4:8]}-{number[8:]}"


def printed_form_number(number: str) -> str:
    """As it stands on the form: `表单编号：ABCD-EFGH-J`."""
    return f"{LABEL}{hyphenated(number)}"


def normalise_form_number(text: str) -> str | None:
    """The number as the ledger keeps it, from what somebody typed or a machine read; None if it fails.

    Lower case, full width, white space and hyphens do not matter.
    """
    plain = unicodedata.normalize("NFKC", text)
    number = _NOISE.sub("", plain).upper().translate(_CONFUSED)
    if len(number) != _LENGTH or not set(number) <= _VALUE.keys():
        return None
    return number if ALPHABET[_weighted(number[:-1])] == number[-1] else None


def find_form_number(text: str) -> str | None:
    """The first valid form number in a text: behind its label, or else standing alone with its hyphens.

    Without a label the hyphens are required: one in 29 telephone numbers would pass the check.
    """
    plain = unicodedata.normalize("NFKC", text)
    for pattern in (_LABELLED, _BARE):
        for found in pattern.finditer(plain):
            if number := normalise_form_number(found[1]):
                return number
    return None


def _weighted(body: str) -> int:
    """Weights 2 to 9, the check character's own being 1: none is 0 and no two neighbours are alike mod 29."""
    weights = range(len(body) + 1, 1, -1)
    return -sum(weight * _VALUE[char] for weight, char in zip(weights, body, strict=True)) % len(ALPHABET)
