"""Mails that were damaged on the way, or made to cost: never an exception, never long, nothing lost."""

from __future__ import annotations

import base64
import random
import time
import tracemalloc
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from corpus.mails import damaged, parse_all
from huizong.mime import limits
from huizong.mime.parse import parse_message
from huizong.readers.packing.archives import unpack
from timing import processor_seconds

HEAD = b"From: clerk@county.example\r\nSubject: hostile\r\nMIME-Version: 1.0\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"


def whole() -> list[bytes]:
    """A return with its files, a forward of it, a bounce of it, and one in raw GBK."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "卫滨区科技局 <c@county.example>",
        "kjj@xinxiang.example",
        "统计表",
    )
    mail.set_content("见附件。")
    mail.add_alternative("<p>见<b>附件</b>。</p>", subtype="html")
    for name in ("统计表.xlsx", "总结.docx"):
        mail.add_attachment(random.Random(1).randbytes(300), maintype="a", subtype="b", filename=name)
    forward = EmailMessage()
    forward["Subject"] = "转发"
    forward.set_content("请看")
    forward.add_attachment(mail)
    bounce = b"From: MAILER-DAEMON@mx.example\r\nContent-Type: multipart/report; boundary=R\r\n\r\n"
    bounce += b"--R\r\n\r\nsorry\r\n--R\r\nContent-Type: message/delivery-status\r\n\r\n"
    bounce += b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    bounce += b"--R\r\nContent-Type: message/rfc822\r\n\r\n" + mail.as_bytes() + b"\r\n--R--\r\n"
    raw = 'Subject: 统计表\r\nContent-Disposition: attachment; filename="统计表.xls"\r\n\r\n正文\r\n'
    return [mail.as_bytes(), forward.as_bytes(), bounce, raw.encode("gbk")]


def test_damaged_mails_are_read_as_far_as_they_go() -> None:
    copies = [
        (f"{number} seed {seed}", damaged(raw, seed))
        for number, raw in enumerate(whole())
        for seed in range(250)
    ]
    report = parse_all(copies)
    assert report.faults == []
    assert report.counts["messages"] == len(copies) == 1000
    assert report.counts["files"] > 1000  # most damage leaves most files


def nested(depth: int, lines: int) -> bytes:
    raw = HEAD
    for level in range(depth):
        raw += f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n".encode()
    return raw + b"Content-Type: application/pdf; name=x.pdf\r\n\r\n" + b"x\r\n" * lines


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "1,500 levels": (lambda: nested(1500, 0), "too_deep"),
    "300 levels around many lines": (lambda: nested(300, 300_000), "too_deep"),
    "30 levels around very many lines": (lambda: nested(30, 1_500_000), "too_deep"),
    "1,500 messages": (lambda: HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1500, "too_deep"),
    "100,000 parts": (lambda: MIXED + b"--B\r\n\r\nx\r\n" * 100_000, "too_many_parts"),
    "300,000 status blocks": (
        lambda: HEAD + b"Content-Type: message/delivery-status\r\n\r\n" + b"A: b\r\n\r\n" * 300_000,
        "too_many_parts",
    ),
    "a header of 10 MB": (lambda: b"X-A: " + b"a" * 10_000_000 + b"\r\n" + HEAD + b"\r\nx", "too_long_head"),
    "many headers": (lambda: HEAD + b"X-A: b\r\n" * 1_500_000 + b"\r\nx", "too_long_head"),
    "NULs only": (lambda: b"\0" * 10_000_000, "too_long_head"),
    "lines only": (lambda: MIXED + b"\n" * 10_000_000, "too_many_lines"),
    "a Content-Type of many parameters": (
        lambda: b"Content-Type: multipart/mixed" + b"; a=b" * 300_000 + b"\r\n" + HEAD + b"\r\nx",
        "no_parts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_mails_are_kept_whole_in_little_time(kind: str) -> None:
    make, problem = HOSTILE[kind]
    raw = make()
    read = parse_message(raw)
    assert processor_seconds(lambda: parse_message(raw)) < 4
    assert read.problems == (problem,)
    if problem != "no_parts":
        (leaf,) = read.leaves
        assert (leaf.name, leaf.data) == ("message.eml", raw)
        assert unpack("eml", raw, "message.eml").reason  # and a sentence for the clerk


def test_a_large_file_comes_out_without_being_held_many_times() -> None:
    data = random.Random(1).randbytes(1000) * 10_000
    raw = HEAD + b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw += base64.encodebytes(data)
    tracemalloc.start()
    started = time.perf_counter()
    (leaf,) = parse_message(raw).leaves
    seconds, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert leaf.data == data
    assert peak < 8 * len(data) and seconds < 20


def test_four_thousand_addressees() -> None:
    to = ", ".join(f'"科员{n}" <a{n}@county.example>' for n in range(4000))
    read = parse_message(f"To: {to}\r\nSubject: x\r\n\r\nx".encode("gbk"))
    assert len(read.to) == 4000 and read.to[-1] == "a3999@county.example"


def test_honest_mail_stays_below_every_limit() -> None:
    assert limits.MAX_LINES * 57 > 100 * 2**20  # bytes of a file that a line of base64 holds
    forwards = nested(8, 0)
    assert [leaf.name for leaf in parse_message(forwards).leaves] == ["x.pdf"]
    assert [leaf.name for leaf in parse_message(nested(12, 1_100_000)).leaves] == ["x.pdf"]
