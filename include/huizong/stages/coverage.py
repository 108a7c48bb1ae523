"""Coverage (报送覆盖): expected, returned, missing, incomplete, waived; and the two rates (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from huizong.ledger.types import canonical
from huizong.stages.standing import Standing, UnitStatus
from huizong.stages.words import UNIT_STATUS
from huizong.summary.model import Coverage

RATE_PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class CollectionCoverage:
    """Of one collection. `expected = returned + missing`; a voluntary one expects 0."""

    voluntary: bool
    returned: tuple[Standing, ...]
    missing: tuple[Standing, ...]
    incomplete: tuple[Standing, ...]
    waived: tuple[Standing, ...]

    @property
    def expected(self) -> int:
        return 0 if self.voluntary else len(self.returned) + len(self.missing)

    @property
    def returned_for_correction(self) -> tuple[Standing, ...]:
        """Of those missing: the units that did send what would count; it was rejected or is pending."""
        return tuple(s for s in self.missing if _sent(s))

    @property
    def of_all(self) -> tuple[Standing, ...]:
        return (*self.returned, *self.missing, *self.waived)

    def as_data(self) -> dict[str, Any]:
        """The contract's JSON, with where every unit stands and the parts that incomplete ones owe."""
        return {
            "expected": self.expected,
            "returned": len(self.returned),
            "missing": [s.unit.code for s in self.missing],
            "incomplete": [s.unit.code for s in self.incomplete],
            "waived": [s.unit.code for s in self.waived],
            "returned_for_correction": [s.unit.code for s in self.returned_for_correction],
            "states": {s.unit.code: s.status for s in self.of_all},
            "owed": {s.unit.code: [p.code for p in s.missing_parts] for s in self.incomplete},
        }


def contract(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line tells of an edition's coverage."""
    return {key: value for key, value in data.items() if key not in ("states", "owed")}


def named(data: Mapping[str, Any], name: Callable[[str], str]) -> Coverage:
    """An edition's coverage for print. Which parts are owed is not in it: `incomplete` stays empty."""
    return Coverage(
        expected=data["expected"],
        returned=data["returned"],
        missing=tuple((code, name(code)) for code in data["missing"]),
        waived=tuple((code, name(code)) for code in data["waived"]),
        # Editions of earlier releases do not have these two.
        returned_for_correction=tuple((code, name(code)) for code in data.get("returned_for_correction", ())),
        states=states_of(data["missing"], data.get("states", {})),
    )


def states_of(missing: Iterable[str], status: Mapping[str, UnitStatus]) -> dict[str, str]:
    """Of units whose figures are missing: where they stand, if they are not simply 未报."""
    told = {code: status.get(code, "not_started") for code in missing}
    return {code: UNIT_STATUS[stands] for code, stands in told.items() if stands != "not_started"}


def _sent(standing: Standing) -> bool:
    form = standing.collection.form
    parts = [form.code] if form else list(standing.versions)
    return any(standing.versions.get(code) for code in parts)


def coverage(standings: Sequence[Standing], *, voluntary: bool = False) -> CollectionCoverage:
    """Sort one collection's units. A unit whose form counts while its scan or report is missing is
    incomplete, not missing."""
    waived = tuple(s for s in standings if s.status == "waived")
    framed = [s for s in standings if s.status != "waived"]
    returned = tuple(s for s in framed if s.returned)
    return CollectionCoverage(
        voluntary=voluntary,
        returned=returned,
        missing=() if voluntary else tuple(s for s in framed if not s.returned),
        incomplete=tuple(s for s in returned if s.status != "nil" and s.missing_parts),
        waived=waived,
    )


def rate(part: int, whole: int) -> Decimal | None:
    """From 0 to 1, to four places; None where nothing is expected."""
    return (Decimal(part) / Decimal(whole)).quantize(RATE_PLACES) if whole else None


def rate_text(value: Decimal | None) -> str | None:
    return None if value is None else canonical(value)


def rates(standings: Sequence[Standing]) -> tuple[Decimal | None, Decimal | None]:
    """Reporting rate, and the rate of those that returned on time."""
    returned, on_time, expected = _counts(standings)
    return rate(returned, expected), rate(on_time, expected)


def unrounded_rates(standings: Sequence[Standing]) -> tuple[Decimal | None, Decimal | None]:
    """The same, to be rounded once where they are printed: 15 of 19 is 78.9%, 0.7895 would be 79.0%."""
    returned, on_time, expected = _counts(standings)
    return (Decimal(returned) / expected, Decimal(on_time) / expected) if expected else (None, None)


def _counts(standings: Sequence[Standing]) -> tuple[int, int, int]:
    """Returned, returned on time, expected."""
    expected = [s for s in standings if s.status != "waived"]
    returned = [s for s in expected if s.returned]
    return len(returned), sum(map(returned_on_time, returned)), len(expected)


def returned_on_time(standing: Standing) -> bool:
    """Whether what makes the unit count as returned first came before its deadline."""
    if standing.due is None:
        return False
    if standing.nil_since is not None:
        return standing.nil_since < standing.due.instant
    form = standing.collection.form
    parts = [form] if form else list(standing.collection.parts)
    firsts = [found[0] for p in parts if (found := standing.versions.get(p.code))]
    return bool(firsts) and min(v.received_at for v in firsts) < standing.due.instant
