"""A token proves who issued a form and for whom, or is named for what is wrong with it."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huizong.errors import UsageError
from huizong.instruments.token import TokenClaims, TokenError, TokenKeys, find_token, new_serial

OLD, NEW = "k1:" + "a" * 40, "k2:" + "b" * 40
KEYS = TokenKeys.parse(OLD)
CLAIMS = TokenClaims(
    issuer="xinxiang",
    cycle="xinxiang-2022",
    collection="science-departments",
    unit="410702",
    instrument="activity-week-statistics@2022",
    serial="3f9c0a1b2d4e",
)
CODES = st.from_regex(r"[A-Za-z0-9-]{1,32}", fullmatch=True)


@given(issuer=CODES, cycle=CODES, collection=CODES, unit=CODES, form=CODES)
def test_every_code_comes_back_as_it_was_signed(
    issuer: str, cycle: str, collection: str, unit: str, form: str
) -> None:
    claims = TokenClaims(issuer, cycle, collection, unit, f"{form}@2022", "0123456789ab")

    assert KEYS.verify(KEYS.sign(claims)) == claims


def test_codes_of_full_length_still_fit_where_excel_keeps_255_characters() -> None:
    keys = TokenKeys.parse("key-2022:" + "a" * 64)
    claims = TokenClaims("i" * 32, "c" * 32, "o" * 32, "u" * 32, f"{'f' * 32}@2022-01", "s" * 16)

    token = keys.sign(claims)

    assert len(token) < 255
    assert keys.verify(token) == claims


def test_the_same_claims_give_the_same_token_in_its_four_parts() -> None:
    token = KEYS.sign(CLAIMS)

    assert token == TokenKeys.parse(OLD).sign(CLAIMS)
    assert re.fullmatch(r"hz1\.k1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}", token)


@given(st.data())
def test_no_single_character_can_be_changed_unnoticed(data: st.DataObject) -> None:
    token = KEYS.sign(CLAIMS)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_.=@ 报").filter(lambda char: char != token[place]))

    with pytest.raises(TokenError) as caught:
        KEYS.verify(token[:place] + other + token[place + 1 :] + "|")
    assert caught.value.kind == "malformed"
    with pytest.raises(TokenError):
        KEYS.verify(f"{token[:place]}{other}{token[place + 1 :]}")


def test_a_claim_exchanged_for_another_units_is_altered() -> None:
    token = KEYS.sign(CLAIMS).replace("_410702_", "_410703_")

    with pytest.raises(TokenError) as caught:
        KEYS.verify(token)

    assert caught.value.kind == "altered"
    assert "改动" in str(caught.value)


def test_a_token_of_another_office_is_foreign_even_if_well_made() -> None:
    with pytest.raises(TokenError) as caught:
        TokenKeys.parse(NEW).verify(KEYS.sign(CLAIMS))

    assert caught.value.kind == "foreign"
    assert "不是本系统签发" in str(caught.value)


def test_the_same_key_id_with_another_secret_is_no_proof() -> None:
    with pytest.raises(TokenError) as caught:
        TokenKeys.parse("k1:" + "z" * 40).verify(KEYS.sign(CLAIMS))

    assert caught.value.kind == "altered"


@pytest.mark.parametrize(
    "text", ["", "hz1", "hz1.k1.", "hz2.k1.a_b.c", "部门/地方（盖章）：红旗区", "hz1..."]
)
def test_what_is_no_token_is_malformed(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        KEYS.verify(text)

    assert caught.value.kind == "malformed"


def test_a_cut_off_token_is_malformed() -> None:
    with pytest.raises(TokenError) as caught:
        KEYS.verify(KEYS.sign(CLAIMS)[:-1])

    assert caught.value.kind == "malformed"


def test_after_a_change_of_keys_the_first_signs_and_the_old_one_still_verifies() -> None:
    both = TokenKeys.parse(f"{NEW},{OLD}")

    assert both.verify(KEYS.sign(CLAIMS)) == CLAIMS
    assert both.sign(CLAIMS) == TokenKeys.parse(NEW).sign(CLAIMS)


def test_a_token_is_found_inside_other_text() -> None:
    token = KEYS.sign(CLAIMS)

    assert find_token(f"第1页 {token}\n表单编号") == token
    assert find_token("没有识别码") is None


@pytest.mark.parametrize(
    "claims",
    [
        replace(CLAIMS, unit="红旗区"),
        replace(CLAIMS, unit="410702_x"),
        replace(CLAIMS, unit=""),
        replace(CLAIMS, cycle="c" * 33),
        replace(CLAIMS, instrument="activity-week-statistics"),
    ],
)
def test_a_claim_that_is_no_code_is_refused_before_anything_is_issued(claims: TokenClaims) -> None:
    with pytest.raises(UsageError):
        KEYS.sign(claims)


@pytest.mark.parametrize("text", ["", " , ", "k1", "k1:short", "钥:" + "a" * 40, f"{OLD},{OLD}"])
def test_unusable_keys_are_refused_without_repeating_a_secret(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        TokenKeys.parse(text)

    assert "a" * 40 not in str(caught.value)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "token.keys"

    token = TokenKeys.load_or_create(path).sign(CLAIMS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TokenKeys.load_or_create(path).verify(token) == CLAIMS
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    path = tmp_path / "token.keys"

    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: TokenKeys.load_or_create(path).sign(CLAIMS), range(8)))

    assert len(tokens) == 1


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    one = TokenKeys.load_or_create(tmp_path / "one")

    with pytest.raises(TokenError) as caught:
        TokenKeys.load_or_create(tmp_path / "two").verify(one.sign(CLAIMS))

    assert caught.value.kind == "foreign"


def test_serials_differ() -> None:
    assert len({new_serial() for _ in range(100)}) == 100
