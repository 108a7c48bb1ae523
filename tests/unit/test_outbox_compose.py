"""A letter's bytes, read back by the standard library's own (strict) reader."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from huizong.errors import UsageError
from huizong.mime.names import attachment_name
from huizong.mime.parse import parse_message
from huizong.outbox.compose import compose
from huizong.outbox.model import Attachment, Outgoing, Rendered

WHEN = datetime(2022, 5, 24, 1, 0, tzinfo=UTC)
SUBJECT = "关于报送2022年全国科技工作者日暨科技活动周开展情况统计表的工作提示（第二次）"


def letter(**changes: Any) -> Outgoing:
    fields: dict[str, Any] = {
        "sender_name": "新乡市科学技术局科技合作人才与科普科（科技活动周办公室）",
        "sender_address": "kjj@xinxiang.example",
        "to_name": 'Office "A", 卫滨区',
        "to_address": "clerk@county.example",
        "message_id": "<n.1@xinxiang.example>",
        "rendered": Rendered(SUBJECT, "各单位：\n.\n请报送。", "<p>各单位</p>"),
        "auto_submitted": "auto-generated",
    }
    return Outgoing(**{**fields, **changes})


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_headers_once_each_and_readable() -> None:
    raw = compose(letter(in_reply_to="<r@x.example>", references=("<q@x.example>", "<r@x.example>")), WHEN)
    message = read(raw)
    names = [name.lower() for name in message]
    assert len(names) == len(set(names))
    assert message["Subject"] == SUBJECT
    assert parse_message(raw).from_name == letter().sender_name
    assert message["From"].addresses[0].addr_spec == "kjj@xinxiang.example"
    assert message["To"].addresses[0].display_name == letter().to_name
    assert message["To"].addresses[0].addr_spec == "clerk@county.example"
    assert message["Reply-To"].addresses[0].addr_spec == "kjj@xinxiang.example"
    assert message["Date"] == "Tue, 24 May 2022 09:00:00 +0800"
    assert message["Message-ID"] == "<n.1@xinxiang.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["In-Reply-To"] == "<r@x.example>"
    assert message["References"].split() == ["<q@x.example>", "<r@x.example>"]


def test_words_in_both_forms() -> None:
    message = read(compose(letter(), WHEN))
    assert message.get_body(("plain",)).get_content().splitlines() == ["各单位：", ".", "请报送。"]  # type: ignore[union-attr]
    assert "<p>各单位</p>" in message.get_body(("html",)).get_content()  # type: ignore[union-attr]


def test_seven_bit_lines_below_the_limit_and_the_same_bytes_again() -> None:
    outgoing = letter(attachments=(Attachment("统计表（卫滨区科学技术局）.xlsx", b"\x00\xff" * 999),))
    raw = compose(outgoing, WHEN)
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert compose(outgoing, WHEN) == raw


def test_long_message_ids_of_other_programs_are_not_broken() -> None:
    long = f"<{'A' * 150}@outlook.county.example>"
    assert f"In-Reply-To: {long}\r\n".encode() in compose(letter(in_reply_to=long), WHEN)


@pytest.mark.parametrize(
    "name", ["统计表.xlsx", "汇总 表.et", 'a;b".csv', "C:\\报送\\表.xls", "很" * 60 + ".ofd"]
)
def test_both_headers_bear_the_name(name: str) -> None:
    message = message_from_bytes(compose(letter(attachments=(Attachment(name, b"x"),)), WHEN))
    part = message.get_payload()[1]  # type: ignore[index]
    expected = name.rsplit("\\", 1)[-1].replace('"', "'")
    assert part["Content-Disposition"].startswith("attachment;")  # type: ignore[union-attr, index]
    assert attachment_name(part["Content-Disposition"].encode(), None) == expected  # type: ignore[union-attr, index]
    assert attachment_name(None, part["Content-Type"].encode()) == expected  # type: ignore[union-attr, index]


@pytest.mark.parametrize(
    "words", ["s\r\nBcc: e@x.example", "s\nfoo bar", "s\n\nbody", "s\x00\u2028Bcc: e@x.example"]
)
def test_nothing_can_be_smuggled_into_the_headers(words: str) -> None:
    outgoing = letter(
        rendered=Rendered(words, "t", "h"), to_name=words, sender_name=words, in_reply_to=f"<{words}@x>",
        references=(words,), attachments=(Attachment(words, b"x"),),
    )  # fmt: skip
    message = read(compose(outgoing, WHEN))
    assert message["Bcc"] is None
    assert message["Message-ID"] == "<n.1@xinxiang.example>"
    assert message["In-Reply-To"] is None
    assert [part.get_content() for part in message.iter_attachments()] == [b"x"]


@pytest.mark.parametrize(
    "changes",
    [
        {"to_address": "a@x.example,b@x.example"},
        {"sender_address": "kjj"},
        {"message_id": "no brackets"},
        {"message_id": "<a@b>\r\nBcc: x@y.example"},
    ],
)
def test_unusable_letters_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        compose(letter(**changes), WHEN)
