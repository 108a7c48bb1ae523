"""The two column types through which every figure and every instant passes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator, TypeEngine

# Wide enough that no sum of reported figures is ever rounded.
EXACT = Context(prec=200)


def canonical(value: Decimal) -> str:
    """The one way a figure is written: plain digits, no exponent, no trailing zeros, no minus zero.

    Raises:
        ValueError: not a finite number.
    """
    if not value.is_finite():
        raise ValueError(f"not a figure: {value}")
    if value == 0:
        return "0"
    return format(value.normalize(EXACT), "f")


class Exact(TypeDecorator[Decimal]):
    """A figure as canonical decimal text; SQLAlchemy's Numeric on SQLite would store a binary REAL."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"a figure is a Decimal, not {type(value).__name__}")
        return canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        try:
            return Decimal(str(value))
        except InvalidOperation as e:
            raise ValueError(f"the ledger holds {value!r} where a figure belongs") from e


class Utc(TypeDecorator[datetime]):
    """An instant in UTC; naive values are refused on the way in, and come back aware.

    SQLite has no instants: there it is ISO text of fixed width, which sorts as time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant without a zone: {value.isoformat()}")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)
