"""A form number survives being copied by hand, and a slip is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huizong.instruments.form_number import (
    ALPHABET,
    find_form_number,
    new_form_number,
    normalise_form_number,
    printed_form_number,
)

NUMBERS = st.builds(new_form_number)
FULL_WIDTH = {ord(char): ord(char) + 0xFEE0 for char in ALPHABET + "-"}


@given(NUMBERS)
def test_a_printed_number_is_found_again(number: str) -> None:
    printed = printed_form_number(number)

    assert len(printed) == len("表单编号：ABCD-EFGH-J")
    assert find_form_number(f"填表人：　　{printed}  第1页") == number


@given(NUMBERS)
def test_how_it_is_written_does_not_matter(number: str) -> None:
    for written in (
        number.lower(),
        f" {number[:4]} {number[4:8]}\u3000{number[8]} ",
        f"{number[:4]}—{number[4:8]}－{number[8]}",
        f"{number[:4]}-{number[4:]}".translate(FULL_WIDTH),
        number.replace("0", "O").replace("1", "l").replace("2", "z").replace("5", "S"),
    ):
        assert normalise_form_number(written) == number


@given(NUMBERS, st.integers(0, 8), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_noticed(number: str, place: int, wrong: str) -> None:
    slipped = number[:place] + wrong + number[place + 1 :]

    assert (normalise_form_number(slipped) is None) == (slipped != number)


@given(NUMBERS, st.integers(0, 7))
def test_every_exchange_of_neighbours_is_noticed(number: str, place: int) -> None:
    slipped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assert (normalise_form_number(slipped) is None) == (slipped != number)


@pytest.mark.parametrize("text", ["", "ACDE", "ACDE-FGHJ-KK", "表单编号", "ACDE#FGH1", "ACDÉFGHJK"])
def test_what_is_no_number_gives_none(text: str) -> None:
    assert normalise_form_number(text) is None


@given(NUMBERS)
def test_behind_the_label_hyphens_may_be_lost(number: str) -> None:
    assert find_form_number(f"表 单编号:{number.lower()}") == number
    assert find_form_number(f"表单编号　{number[:4]} {number[4:8]} {number[8]}。") == number


@given(NUMBERS)
def test_without_the_label_only_a_number_with_its_hyphens_counts(number: str) -> None:
    assert find_form_number(f"{number[:4]}-{number[4:8]}-{number[8]}") == number
    assert find_form_number(f"联系电话{number}") is None


def test_a_number_with_a_slip_is_not_found() -> None:
    number = new_form_number()
    wrong = ALPHABET[(ALPHABET.index(number[0]) + 1) % len(ALPHABET)] + number[1:]

    assert find_form_number(printed_form_number(wrong)) is None
