"""Matching what stands in a cell with the labels of an instrument.

Exact, then alias, then a unique near miss, then the same characters in another order. A near miss differs
in words that carry no meaning (的, 数量, 其它 for 其他) and has a clear distance to the second best. A slip
in any other word may be another item (科普兼职人员 for 科普专职人员, 中学 for 大学): that is nobody's label,
and the unit is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from huizong.instruments.model import Item
from huizong.readers.layout.grammar import squeeze
from huizong.readers.layout.units import as_units, in_label

Matched = Literal["exact", "alias", "fuzzy", "bag"]

_NUMBERING = re.compile(
    r"^(?:第?\d{1,2}(?:项|[、.,)])|\(\d{1,2}\)|\(?[一二三四五六七八九十]{1,3}[、.,)]|\d{1,2}(?![\d年月日]))"
)
_BRACKETED = re.compile(r"[(\[【〔<《][^)\]】〕>》]*[)\]】〕>》]")
_OPENING = re.compile(r"[(\[【〔<《（［＜]")
_DROPPED = re.compile(r"[\s、,，:：;；。.·*()\[\]【】〔〕<>《》“”\"'‘’/_\-]+")

# Similarity in percent of a near miss, and its lead over the second best (measured on the labels of the
# statistics form: one wrong character in ten gives 90, its neighbours 80 or less).
NEAR = 90.0
LEAD = 8.0
_EMPTY = str.maketrans("它她", "他他", "的之与及和等了数量情况")  # what a near miss may differ in
_SHORTEST = 4  # shorter texts (个, 合计) are only ever matched exactly
_LONGEST = 80


def normalise(label: str) -> str:
    """NFKC without white space, brackets, punctuation and a leading number."""
    text = squeeze(unicodedata.normalize("NFKC", label))
    return _DROPPED.sub("", _NUMBERING.sub("", text, count=1))


def without_brackets(label: str) -> str:
    """`normalise` of the label without what it has in brackets: （单位：万元）, （如：…）."""
    return normalise(_BRACKETED.sub("", unicodedata.normalize("NFKC", label)))


@dataclass(frozen=True)
class Group:
    """The group whose label a text is; `units` that the text names where it is not the printed one."""

    label: str
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """The items whose label this may be (several only where groups share a label), and how sure that is."""

    codes: tuple[str, ...]
    matched: Matched
    confidence: float
    units: tuple[str, ...] = ()  # that the text names and the printed label does not


class Labels:
    """The labels of one instrument, ready for look-up; remembers what it has seen (see `labels_of`)."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self._exact = _index((normalise(item.label), item) for item in items)
        aliases = [(normalise(a), i) for i in items for a in i.aliases]
        aliases += [(without_brackets(i.label), i) for i in items]
        self._alias = {key: codes for key, codes in _index(aliases).items() if key not in self._exact}
        self._bags = {tuple(sorted(key)): codes for key, codes in self._exact.items()}
        self._printed = frozenset(normalise(i.group) for i in items)
        self._groups = {normalise(i.group): i.group for i in items}
        self._groups |= {without_brackets(i.group): i.group for i in items}
        self._letters = frozenset("".join((*self._exact, *self._alias, *self._groups)))
        self._seen: dict[str, tuple[Match | None, Group | None]] = {}

    def match(self, text: str) -> Match | None:
        """The item or items whose label the text is, or None."""
        return self._look_up(text)[0]

    def group(self, text: str) -> Group | None:
        """The group whose label the text is, or None."""
        return self._look_up(text)[1]

    def _look_up(self, text: str) -> tuple[Match | None, Group | None]:
        if len(text) > 4 * _LONGEST or (text.isascii() and self._letters.isdisjoint(text)):
            return None, None
        if text not in self._seen:
            if len(self._seen) > 20_000:  # bounds the cache, not the result
                self._seen.clear()
            key = normalise(text)
            short = without_brackets(text) if _OPENING.search(text) else key
            label = self._groups.get(key) or self._groups.get(short)
            match = self._match(key, short, label)
            if match is not None and match.matched != "exact":
                match = replace(match, units=in_label(text))
            units = in_label(text) if label and key not in self._printed else ()
            self._seen[text] = (match, Group(label, units) if label else None)
        return self._seen[text]

    def _match(self, key: str, short: str, group: str | None) -> Match | None:
        if key in self._exact:
            return Match(self._exact[key], "exact", 1.0)
        for candidate in (key, short):
            codes = self._alias.get(candidate) or self._exact.get(candidate)
            if codes:
                return Match(codes, "alias", 1.0)
        if group or not _SHORTEST <= len(key) <= _LONGEST:
            return None
        if 2 * sum(map(self._letters.__contains__, key)) < len(key):
            return None  # far from any label, and told so at little cost
        return self._near(key) or self._same_characters(key)

    def _near(self, key: str) -> Match | None:
        best = process.extract(key, self._exact.keys(), scorer=fuzz.ratio, limit=2)
        (label, score, _), (second, second_score, _) = best[0], (best[1:] or [("", 0.0, 0)])[0]
        if key.translate(_EMPTY) != label.translate(_EMPTY) and not as_units(key.removeprefix(label)):
            return None
        one_slip = Levenshtein.distance(key, label) == 1 and Levenshtein.distance(key, second) >= 3
        if one_slip or (score >= NEAR and score - second_score >= LEAD):
            return Match(self._exact[label], "fuzzy", round(score / 100, 3))
        return None

    def _same_characters(self, key: str) -> Match | None:
        codes = self._bags.get(tuple(sorted(key)))
        return Match(codes, "bag", 0.9) if codes else None


@lru_cache(maxsize=64)
def labels_of(items: tuple[Item, ...]) -> Labels:
    """The labels of an instrument's items, made once a process."""
    return Labels(items)


def _index(pairs: Iterable[tuple[str, Item]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, item in pairs:
        if item.code not in found.get(key, ()):
            found[key] = (*found.get(key, ()), item.code)
    return found
