"""The two column types through which every figure and every instant passes, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, func, insert, select, text
from sqlalchemy.exc import StatementError

from huizong.ledger.types import Exact, Utc, canonical

TABLE = Table(
    "t", MetaData(), Column("id", Integer, primary_key=True), Column("figure", Exact), Column("moment", Utc)
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    TABLE.metadata.create_all(engine)
    yield engine
    engine.dispose()


def stored(engine: Engine, **values: Any) -> tuple[Any, Any]:
    """What comes back through the type, and what stands in the file."""
    (name,) = values
    with engine.begin() as connection:
        connection.execute(insert(TABLE).values(**values))
        back = connection.execute(select(TABLE.c[name])).scalar_one()
        return back, connection.execute(text(f"SELECT {name} FROM t")).scalar_one()


@pytest.mark.parametrize(
    ("figure", "written"),
    [
        ("0.1", "0.1"),
        ("1.50", "1.5"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1E-7", "0.0000001"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("-12.340", "-12.34"),
        ("123456789012345678901234567890.0001", "123456789012345678901234567890.0001"),
        ("9" * 60, "9" * 60),
        (None, None),
    ],
)
def test_a_figure_comes_back_as_it_was(engine: Engine, figure: str | None, written: str | None) -> None:
    back, raw = stored(engine, figure=Decimal(figure) if figure is not None else None)
    assert raw == written
    assert back == (Decimal(figure) if figure is not None else None)


@pytest.mark.parametrize("wrong", [0.1, 5, "5", True])
def test_only_decimals_are_figures(engine: Engine, wrong: Any) -> None:
    with pytest.raises(StatementError, match="a figure is a Decimal"):
        stored(engine, figure=wrong)


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_number_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a figure"):
        canonical(Decimal(wrong))


def test_a_figure_spoilt_in_the_file_is_not_read_as_another(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO t (figure) VALUES ('5万')"))
        with pytest.raises(ValueError, match="5万"):
            connection.execute(select(TABLE.c.figure)).scalar_one()


def test_an_instant_comes_back_in_utc(engine: Engine) -> None:
    beijing = timezone(timedelta(hours=8))
    back, raw = stored(engine, moment=datetime(2022, 6, 20, 23, 59, 59, 999999, beijing))
    assert back == datetime(2022, 6, 20, 15, 59, 59, 999999, UTC)
    assert back.tzinfo is UTC
    assert raw == "2022-06-20T15:59:59.999999+00:00"


def test_a_naive_instant_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="an instant without a zone"):
        stored(engine, moment=datetime(2022, 6, 20))  # noqa: DTZ001


def test_instants_sort_and_compare_as_time_does(engine: Engine) -> None:
    noon = datetime(2022, 6, 20, 12, tzinfo=UTC)
    later = noon + timedelta(microseconds=1)
    early = datetime(2022, 6, 20, 19, 59, tzinfo=timezone(timedelta(hours=8)))  # 11:59 UTC
    with engine.begin() as connection:
        connection.execute(insert(TABLE), [{"moment": m} for m in (later, noon, early)])
        found = list(connection.scalars(select(TABLE.c.moment).order_by(TABLE.c.moment)))
        assert found == [early, noon, later]
        newest = connection.scalar(select(func.max(TABLE.c.moment)).where(TABLE.c.moment <= noon))
        assert newest == noon
