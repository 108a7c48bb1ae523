"""What makes two mails the same: what was written, not the way that it took."""

from __future__ import annotations

import pytest

from huizong.mime.content import content_digest

MAIL = b"From: a@x.example\nSubject: =?utf-8?b?5p2Q5paZ?=\n\tx\nMessage-ID: <1@x.example>\n\nwords\n\nmore\n"


@pytest.mark.parametrize(
    "same",
    [
        MAIL.replace(b"\n", b"\r\n"),
        MAIL + b"\n\n",
        b"Received: from a\n\tby b; now\n" + MAIL,
        b"Return-Path: <a@x.example>\nDelivered-To: b@x.example\nX-QQ-mid: 1\nARC-Seal: i=1;\n  b=1\n" + MAIL,
        b"DKIM-Signature: v=1\nAuthentication-Results: ok\n" + MAIL,
        b"Message-ID: <1@x.example>\nSubject: =?utf-8?b?5p2Q5paZ?= x\nFrom: a@x.example\n\nwords\n\nmore",
    ],
)
def test_the_way_makes_no_difference(same: bytes) -> None:
    assert content_digest(same) == content_digest(MAIL)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"words", b"word"),
        MAIL.replace(b"a@x", b"b@x"),
        MAIL.replace(b"words\n\n", b"words\n"),
        MAIL.replace(b"5p2Q", b"5p2R"),
        b"To: b@x.example\n" + MAIL,
        b"",
    ],
)
def test_what_was_written_does(other: bytes) -> None:
    assert content_digest(other) != content_digest(MAIL)
