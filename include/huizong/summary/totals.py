"""Exact sums: what the units reported, added up digit by digit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

from huizong.ledger.types import canonical

__all__ = ["canonical", "total"]

# A sum that does not fit raises: it is never rounded.
_EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation, Overflow])


def total(values: Iterable[Decimal | None]) -> Decimal:
    """The exact sum; blanks (None) add nothing, and nothing at all is 0.

    Raises:
        decimal.Inexact: the sum needs more than 1000 digits.
        decimal.InvalidOperation: a value is no number.
    """
    result = Decimal(0)
    for value in values:
        if value is not None:
            result = _EXACT.add(result, value)
    if not result.is_finite():
        raise InvalidOperation(f"not a figure: {result}")
    return result
