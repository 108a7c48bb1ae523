"""The gate for outbound addresses."""

from __future__ import annotations

import pytest

from huizong.errors import UsageError
from huizong.mime.addresses import check_address, clean_header


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("kjj@xinxiang.example", "kjj@xinxiang.example"),
        (" kjj@Xinxiang.EXAMPLE ", "kjj@xinxiang.example"),
        ("a.b+c_d@sub.county.example", "a.b+c_d@sub.county.example"),
        ("123456@qq.example", "123456@qq.example"),
    ],
)
def test_good(given: str, address: str) -> None:
    assert check_address(given) == address


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "kjj",
        "kjj@",
        "@x.example",
        "a@b@c.example",
        "kjj@example",
        "kjj@.example",
        "kjj@x..example",
        "kjj＠x.example",
        "kjj@x．example",
        "科技局@x.example",
        "a@x.example,b@x.example",
        "a@x.example;b@x.example",
        "a@x.example，b@x.example",
        "a@x.example b@x.example",
        "a b@x.example",
        "a@x.example\r\nBcc: b@x.example",
        "a@x.example\n",
        "a@x.\x00example",
        "Zhang <a@x.example>",
        ".a@x.example",
        "a@-x.example",
        "a@[127.0.0.1]",
    ],
)
def test_bad(given: str) -> None:
    with pytest.raises(UsageError, match="邮箱|地址"):
        check_address(given)


def test_headers_stay_on_one_line() -> None:
    assert clean_header("主题\r\nBcc: x@y.example\x00\u2028 末") == "主题 Bcc: x@y.example 末"
    assert clean_header("两个  空格") == "两个  空格"
