"""Whatever number a clerk may write, in whatever dress, is read as that number and no other."""

from __future__ import annotations

from decimal import Decimal

from form_files import FORM
from hypothesis import given
from hypothesis import strategies as st

from huizong.instruments.model import Item
from huizong.readers.layout.forms import find_forms
from huizong.readers.layout.grammar import CellValue, read_value
from huizong.readers.layout.grid import Grid
from huizong.rules.hints import hint, likely

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


@given(st.text("0123456789０１２.,，-－ 万亿元次约余+①²_eE五十%/()（）", max_size=12))
def test_a_number_says_what_its_digits_say(text: str) -> None:
    for item in (COUNT, MONEY):
        reading = read_value(text, item)
        if reading.state == "number":
            plain = text.translate(str.maketrans("０１２３４５６７８９．－，", "0123456789.-,"))
            digits = Decimal("".join(c for c in plain if c in "0123456789.-"))
            scale = {"万": 10**4, "亿": 10**8}.get(plain.strip()[-1], 1) if item is COUNT else 1
            assert reading.number == digits * scale


@given(st.one_of(st.text(max_size=40), st.text("0123456789〇一二三十百千万亿元.。()①², ", max_size=12)))
def test_no_text_breaks_a_hint_and_what_it_names_is_a_figure(text: str) -> None:
    for item in (COUNT, MONEY):
        number = likely(text, item)
        assert number is None or number >= 0
        assert isinstance(hint(text, item), str)
        if number is not None:
            assert read_value(str(number), item).number == number


DRESSES = ("{}", "{}：", "1、{}", "（一）{}", " {} ", "{}\n")


@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=20), st.data())
def test_a_scrambled_form_reads_the_same(values: list[int], data: st.DataObject) -> None:
    """Rows and columns inserted, groups merged, unmerged or gone, labels dressed, remarks behind."""
    left, gap = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 2))
    groups = data.draw(st.sampled_from(["merged", "repeated", "gone"]))
    cells: dict[tuple[int, int], CellValue] = {(0, left): FORM.title}
    row, seen = 1, ""
    for item, value in zip(FORM.items, values, strict=True):
        row += data.draw(st.integers(1, 2))
        if groups == "repeated" or (groups == "merged" and item.group != seen):
            cells[row, left] = item.group
        seen = item.group
        dress = data.draw(st.sampled_from(DRESSES))
        cells[row, left if item.label_in_group else left + 1] = dress.format(item.label)
        cells[row, left + 2 + gap] = value
        if remark := data.draw(st.sampled_from(["", "", "含线上", "无"])):
            cells[row, left + 3 + gap] = remark
    _reads_as(cells, values)


@given(st.lists(st.integers(0, 10**6), min_size=20, max_size=20), st.integers(1, 20), st.integers(0, 3))
def test_a_layout_changes_no_value(values: list[int], width: int, left: int) -> None:
    """Figures right of their labels, behind them in one cell, or below them, so many labels a row."""
    pairs = list(zip(FORM.items, values, strict=True))
    _reads_as({(n, left): f"{i.label}：{v}{i.unit}" for n, (i, v) in enumerate(pairs)}, values)
    below: dict[tuple[int, int], CellValue] = {}
    for n, (item, value) in enumerate(pairs):
        row, column = 2 * (n // width), left + n % width
        below[row, column], below[row + 1, column] = item.label, value
    _reads_as(below, values)


def _reads_as(cells: dict[tuple[int, int], CellValue], values: list[int]) -> None:
    (form,) = find_forms([Grid(name="a", cells=cells)], [FORM])
    assert [form.items[item.code].number for item in FORM.items] == values
    assert not (form.missing or form.unknown or form.duplicated)
