"""The value grammar, case by case: what a clerk types and what it is read as."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from huizong.instruments.model import Item
from huizong.readers.layout.grammar import CellValue, read_value

COUNT = Item(code="activities.held", label="举办活动次数", group="g", type="integer", unit="次")
PEOPLE = Item(code="public.offline", label="线下活动群众参与数量", group="g", type="integer", unit="人次")
MONEY = Item(code="funding.county", label="县级财政经费投入情况", group="g", type="decimal", unit="万元")
BARE = Item(code="other.count", label="其他", group="g", type="integer")

NUMBERS: list[tuple[CellValue, Item, str, set[str]]] = [
    # As a spreadsheet holds them.
    (56, COUNT, "56", set()),
    (56.0, COUNT, "56", set()),
    (0, COUNT, "0", set()),
    (0.0, COUNT, "0", set()),
    (-0.0, COUNT, "0", set()),
    (-3.0, COUNT, "-3", set()),
    (0.1 + 0.2, MONEY, "0.3", set()),
    (1.005, MONEY, "1.005", set()),
    (12.3456789, MONEY, "12.3456789", set()),
    (100000000.0, PEOPLE, "100000000", set()),
    (1.5e20, PEOPLE, "150000000000000000000", set()),
    (0.00001, MONEY, "0.00001", set()),
    # As text.
    ("56", COUNT, "56", {"text_number"}),
    (" 56 ", COUNT, "56", {"text_number"}),
    ("\u300056\u00a0\u200b\n", COUNT, "56", {"text_number"}),
    ("-5", COUNT, "-5", {"text_number"}),
    ("－5", COUNT, "-5", {"text_number", "full_width"}),
    ("\u22125", COUNT, "-5", {"text_number"}),
    ("0", COUNT, "0", {"text_number"}),
    ("-0", COUNT, "0", {"text_number"}),
    ("3.50", MONEY, "3.50", {"text_number"}),
    ("５６", COUNT, "56", {"text_number", "full_width"}),
    ("１２．５", MONEY, "12.5", {"text_number", "full_width"}),
    ("1,234", COUNT, "1234", {"text_number", "thousands"}),
    ("1，234", COUNT, "1234", {"text_number", "thousands"}),
    ("１，２３４，５６７", COUNT, "1234567", {"text_number", "thousands", "full_width"}),
    ("1,234.5", MONEY, "1234.5", {"text_number", "thousands"}),
    # The row's own unit behind the number.
    ("56次", COUNT, "56", {"text_number", "suffix"}),
    ("56 次", COUNT, "56", {"text_number", "suffix"}),
    ("300人次", PEOPLE, "300", {"text_number", "suffix"}),
    ("5万元", MONEY, "5", {"text_number", "suffix"}),
    ("5.25 万元", MONEY, "5.25", {"text_number", "suffix"}),
    # 万 and 亿 of a count say exactly how many.
    ("3万", COUNT, "30000", {"text_number", "scaled"}),
    ("1.2亿", PEOPLE, "120000000", {"text_number", "scaled"}),
    ("3万人次", PEOPLE, "30000", {"text_number", "scaled", "suffix"}),
    ("3万", BARE, "30000", {"text_number", "scaled"}),
]

TEXTS: list[tuple[CellValue, Item]] = [
    *[
        (s, COUNT)
        for s in ("约500", "500左右", "近500", "500余", "500多", "500以上", "500+", "+5", "不少于5")
    ],
    *[(s, COUNT) for s in ("10-20", "10—20", "10~20", "10至20", "十", "五十六", "一", "若干", "〇")],
    *[(s, COUNT) for s in ("①", "12①", "12²", "⑫", "½", "Ⅳ", "٣", "𝟏𝟐", "五6", "1 2", "1 234")],
    *[(s, COUNT) for s in ("1e5", "1E5", "1_000", "nan", "NaN", "inf", "-inf", "0x10", "1.", ".5", "1.2.3")],
    *[(s, COUNT) for s in ("12,34", "1234,567", "1,23", "0,123", ",123", "1,234,", "1、234", "--5", "5-")],
    *[(s, COUNT) for s in ("50%", "5％", "2022-05-01", "5月1日", "/", "／", "是", "TRUE", "56人", "56场次")],
    *[
        (s, COUNT)
        for s in ("(5)", "ー", "详见附件", "56次（含线上）", "3千", "5万元", "3万万", "无5", "没有活动")
    ],
    *[(s, MONEY) for s in ("3万", "1.2亿", "50000元", "5亿元", "5千元", "5万", "5元", "5次", "￥5", "5.0.0")],
    (True, COUNT),
    (False, COUNT),
    (date(2022, 5, 1), COUNT),
    (datetime(2022, 5, 1, 8, 30), COUNT),  # noqa: DTZ001 (what a reader hands over)
    (time(3, 0), COUNT),
    (float("nan"), COUNT),
    (float("inf"), COUNT),
    ("9" * 41, COUNT),
]


@pytest.mark.parametrize(("cell", "item", "number", "notes"), NUMBERS)
def test_one_exact_number(cell: CellValue, item: Item, number: str, notes: set[str]) -> None:
    reading = read_value(cell, item)
    assert (reading.state, str(reading.number), set(reading.notes)) == ("number", number, notes)


@pytest.mark.parametrize(("cell", "item"), TEXTS)
def test_what_a_person_would_have_to_interpret_stays_text(cell: CellValue, item: Item) -> None:
    reading = read_value(cell, item)
    assert (reading.state, reading.number) == ("text", None)
    assert reading.raw, "the unit is shown what it wrote"


@pytest.mark.parametrize("cell", ["无", " 无 ", "没有", "未开展", "暂无", "暂 无", "无。"])
def test_none_is_zero_but_says_so(cell: str) -> None:
    reading = read_value(cell, COUNT)
    assert (reading.state, reading.number, reading.raw) == ("none", Decimal(0), cell)


@pytest.mark.parametrize("cell", ["—", "－", "-", "–", "―", "─", "--", "——", " — ", "−"])
def test_a_dash_is_zero_but_says_so(cell: str) -> None:
    reading = read_value(cell, MONEY)
    assert (reading.state, reading.number, reading.raw) == ("dash", Decimal(0), cell)


@pytest.mark.parametrize("cell", [None, "", " ", "\u3000", "\u00a0", "\u200b", "\n\t \u3000"])
def test_blank_is_not_zero(cell: CellValue) -> None:
    reading = read_value(cell, COUNT)
    assert (reading.state, reading.number) == ("blank", None)


def test_a_text_item_is_never_a_number() -> None:
    name = Item(code="project.name", label="项目名称", group="g", type="text")
    assert read_value("3", name).state == "text"
    assert read_value(3.0, name).raw == "3"
    assert read_value(" ", name).state == "blank"


def test_a_wall_of_text_is_cut() -> None:
    assert len(read_value("约" * 50_000, COUNT).raw) < 2_100
    content = Item(code="project.content", label="活动内容", group="g", type="text")
    assert read_value("讲" * 32_767, content).raw == "讲" * 32_767
    assert len(read_value("讲" * 50_000, content).raw) == 32_767
