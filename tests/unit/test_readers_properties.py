"""Whatever number a clerk may write, in whatever dress, is read as that number and no other."""

from __future__ import annotations

from decimal import Decimal

from form_files import FORM
from hypothesis import given
from hypothesis import strategies as st

from huizong.instruments.model import Item
from huizong.readers.forms import find_forms
from huizong.readers.grammar import CellValue, read_value
from huizong.readers.grid import Grid

COUNT = FORM.by_code["public.online"]
MONEY = FORM.by_code["funding.county"]
FULL_WIDTH = str.maketrans("0123456789.-,", "０１２３４５６７８９．－，")

# 15 significant digits: what a cell can hold.
figures = st.decimals(-(10**9), 10**10, places=4).map(lambda d: Decimal(format(d.normalize(), "f")))
whole = st.integers(0, 10**12)
spaces = st.text(" \u3000\u00a0\u200b\n", max_size=3)


@given(figures)
def test_a_double_is_its_decimal(figure: Decimal) -> None:
    reading = read_value(float(figure), MONEY)
    assert (reading.state, reading.number) == ("number", figure)
    assert Decimal(reading.raw) == figure
    assert "E" not in reading.raw


@given(figures, spaces, spaces, st.booleans(), st.booleans(), st.booleans())
def test_a_typed_figure_is_the_same_in_every_dress(
    figure: Decimal, before: str, after: str, full_width: bool, thousands: bool, unit: bool
) -> None:
    text = format(figure, "," if thousands else "")
    text = before + (text.translate(FULL_WIDTH) if full_width else text) + after + ("万元" if unit else "")
    reading = read_value(text, MONEY)
    assert (reading.state, reading.number, reading.raw) == ("number", figure, text)
    assert ("full_width" in reading.notes) == full_width
    assert ("thousands" in reading.notes) == (thousands and abs(figure) >= 1000)
    assert ("suffix" in reading.notes) == unit


@given(whole, st.sampled_from(["万", "亿"]))
def test_ten_thousands_of_a_count(n: int, scale: str) -> None:
    factor = {"万": 10**4, "亿": 10**8}[scale]
    assert read_value(f"{n}{scale}", COUNT).number == n * factor
    assert read_value(f"{n}{scale}", MONEY).state == "text"


@given(
    st.sampled_from(["约", "近", "超", "+", "第"]),
    whole,
    st.sampled_from(["余", "多", "以上", "左右", "+", "-9"]),
)
def test_an_estimate_is_never_a_number(head: str, n: int, tail: str) -> None:
    for text in (f"{head}{n}", f"{n}{tail}", f"{head}{n}{tail}"):
        assert read_value(text, COUNT).state == "text"


@given(st.one_of(st.text(), st.floats(), st.integers(-(10**30), 10**30), st.booleans(), st.none()))
def test_nothing_crashes_and_a_number_has_a_value(cell: CellValue) -> None:
    for item in (COUNT, MONEY):
        reading = read_value(cell, item)
        assert (reading.number is not None) == (reading.state in ("number", "none", "dash"))
        assert reading.number is None or reading.number.is_finite()


@given(st.text(st.characters(categories=["No", "Nl", "Nd"]), min_size=1, max_size=4))
def test_only_plain_and_full_width_digits_are_digits(text: str) -> None:
    plain = all(c in "0123456789０１２３４５６７８９" for c in text)
    assert (read_value(text, COUNT).state == "number") == plain


@given(st.text(" \t\r\n\u00a0\u2003\u200b\u3000\ufeff", max_size=5))
def test_white_space_is_blank(text: str) -> None:
    assert read_value(text, COUNT).state == "blank"


@given(st.permutations(FORM.items), st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.data())
def test_order_place_and_gaps_do_not_matter(
    items: list[Item], down: int, right: int, width: int, data: st.DataObject
) -> None:
    values = {item.code: data.draw(st.integers(0, 10**6)) for item in items}
    cells: dict[tuple[int, int], CellValue] = {}
    row = down
    for item in items:
        row += data.draw(st.integers(1, 3))
        cells[row, right] = item.label
        cells[row, right + width] = values[item.code]
    (form,) = find_forms([Grid(name="a", cells=cells)], [FORM])
    assert {code: reading.number for code, reading in form.items.items()} == values
    assert not (form.missing or form.unknown or form.duplicated)
