"""What a cell shows and what it holds: only a difference of size is worth a question."""

from __future__ import annotations

from decimal import Decimal

import pytest
from form_files import FORM
from hypothesis import given
from hypothesis import strategies as st

from huizong.readers.sheets.number_formats import HIDDEN, reads_otherwise, shown_otherwise, suspicious

COUNT = FORM.by_code["public.online"]  # 人次
MONEY = FORM.by_code["funding.county"]  # 万元
ACCOUNTING = '_ ¥* #,##0.00_ ;_ ¥* -#,##0.00_ ;_ ¥* "-"??_ ;_ @_ '


@pytest.mark.parametrize(
    ("code", "number", "as_count", "as_money"),
    [
        ('0!.0,"万"', "30000", "", "3.0万"),
        ('0\\.0,"万"', "30000", "", "3.0万"),
        ("0!.0000", "50000", "5.0000", "5.0000"),
        ('[>=10000]0!.0,"万";0', "30000", "", "3.0万"),
        ('[>=10000]0!.0,"万";0', "300", "", ""),
        ('0"万"', "5.5", "6万", ""),
        ('0"万"', "3", "3万", ""),
        ('General"万元"', "5.5", "5.5万元", ""),
        ('0.00"元"', "50000", "50000.00元", "50000.00元"),
        ('0.0,"千元"', "12000", "12.0千元", "12.0千元"),
        ("0,", "30000", "30", "30"),
        ("0.00,,", "12345678", "12.35", "12.35"),
        ("0%", "0.5", "50%", "50%"),
        (";;;", "5", HIDDEN, HIDDEN),
        ("0;-0;;@", "0", "", ""),
        ("#,##0.00", "30000", "", ""),
        (ACCOUNTING, "1234.5", "", ""),
        ("0.0", "12.46", "", ""),
        ("0", "12.6", "", ""),
        ('0"场"', "12", "", ""),
        ("0000", "12", "", ""),
        ("[DBNum1][$-804]General", "56", "", ""),
        ("0_);[Red]\\(0\\)", "-12", "", ""),
        ('0"万"', "-3", "-3万", ""),
    ],
)
def test_what_is_shown(code: str, number: str, as_count: str, as_money: str) -> None:
    assert shown_otherwise(Decimal(number), code, COUNT).removeprefix("-") == as_count.removeprefix("-")
    assert shown_otherwise(Decimal(number), code, MONEY) == as_money
    assert not (as_count or as_money) or suspicious(code)


@pytest.mark.parametrize(
    "code", ["General", "0", "0.00", "#,##0", "#,##0.00", ACCOUNTING, "0_ ", "@", "yyyy-mm-dd"]
)
def test_common_formats_need_no_closer_look(code: str) -> None:
    assert not suspicious(code)


@pytest.mark.parametrize(
    ("number", "text", "shown"),
    [
        ("30000", "30,000.00", ""),
        ("30000", "￥30,000", ""),
        ("12.46", "12.5", ""),
        ("0.5", "50%", "50%"),
        ("30000", "3.0万", "3.0万"),
        ("5.5", "6万元", ""),
        ("120000", "1.2E+05", ""),
        ("-3", "-3", ""),
        ("3", "三", "三"),
    ],
)
def test_a_text_that_stands_beside_its_value(number: str, text: str, shown: str) -> None:
    assert reads_otherwise(Decimal(number), text, MONEY) == shown


@given(st.text('0#?.,%;"!\\_*[]<>=万亿元Ge年 E+-@/', max_size=14), st.decimals(-(10**9), 10**9, places=3))
def test_no_format_breaks_the_reading(code: str, number: Decimal) -> None:
    assert isinstance(shown_otherwise(number, code, MONEY), str)


@given(st.integers(0, 9), st.decimals(-(10**9), 10**9, places=4), st.booleans())
def test_rounding_and_separators_are_never_asked_about(places: int, number: Decimal, grouped: bool) -> None:
    code = ("#,##0" if grouped else "0") + ("." + "0" * places if places else "")
    assert shown_otherwise(number, code, COUNT) == ""
