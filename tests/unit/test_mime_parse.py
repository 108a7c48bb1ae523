"""Reading whole mails: which files come out, what the words are, and that nothing odd breaks it."""

from __future__ import annotations

import base64

import pytest

from huizong.mime.bounces import parse_bounce
from huizong.mime.parse import ParsedMail, parse_message
from huizong.mime.robots import automatic_kind, is_acknowledgement, is_extension_request, is_question
from timing import processor_seconds


def mail(headers: str, body: bytes | str = b"") -> ParsedMail:
    data = body if isinstance(body, bytes) else body.encode()
    return parse_message(
        headers.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n" + data.replace(b"\n", b"\r\n")
    )


MIXED = """
From: =?gb2312?B?zvXI1sf4v8a8vL7W?= <Clerk@County.example>
To: kjj@xinxiang.example
Subject: =?gbk?B?zbO8xrHt?=
Message-ID: <a b@[odd>
In-Reply-To: <notice@xinxiang.example>
References: <first@xinxiang.example>
 <notice@xinxiang.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B
"""


def test_every_file_comes_out_whatever_its_disposition() -> None:
    read = mail(
        MIXED,
        "--B\nContent-Type: text/plain; charset=gbk\n\n正文\n"
        "--B\nContent-Type: text/plain; name=a.txt\n\nA\n"
        "--B\nContent-Type: text/csv\nContent-Disposition: inline; filename=b.csv\n\nB\n"
        "--B\nContent-Type: None/None; name=c.et\n\nC\n"
        "--B\nContent-Type: application/ms-tnef; name=winmail.dat\n\nD\n"
        "--B\nContent-Type: image/png\n\nE\n"
        "--B\nContent-Disposition: attachment\n\nF\n"
        "--B--\n".encode("gbk"),
    )
    assert [(leaf.name, leaf.data.strip(), leaf.path) for leaf in read.leaves] == [
        ("a.txt", b"A", "2"),
        ("b.csv", b"B", "3"),
        ("c.et", b"C", "4"),
        ("winmail.dat", b"D", "5"),
        ("未命名附件6", b"E", "6"),
        ("未命名附件7", b"F", "7"),
    ]
    assert read.text == "正文"
    assert read.problems == ()


def test_headers_are_kept_as_bytes_and_read_as_words() -> None:
    read = mail(MIXED, "--B--\n")
    assert read.from_address == "clerk@county.example"
    assert read.subject == "统计表"
    assert read.message_id_raw == "<a b@[odd>"
    assert read.in_reply_to == "<notice@xinxiang.example>"
    assert read.references == ("<first@xinxiang.example>", "<notice@xinxiang.example>")
    assert read.return_path is None
    assert read.to == ("kjj@xinxiang.example",)


def test_sender_written_in_raw_gbk() -> None:
    read = parse_message('From: "卫滨区科技局" <C@X.example>\r\nSubject: 回复：报表\r\n\r\n'.encode("gbk"))
    assert (read.from_address, read.from_name, read.subject) == ("c@x.example", "卫滨区科技局", "回复：报表")


def test_files_of_a_forwarded_mail_come_out_with_where_they_were() -> None:
    read = mail(
        MIXED,
        "--B\nContent-Type: message/rfc822\n\n"
        "Message-ID: <inner@county.example>\nContent-Type: multipart/mixed; boundary=I\n\n"
        "--I\nContent-Type: text/plain\n\ninner words\n"
        "--I\nContent-Type: application/octet-stream; name=form.xlsx\n\nX\n--I--\n"
        "--B--\n",
    )
    assert [(leaf.name, leaf.inside, leaf.path) for leaf in read.leaves] == [
        ("form.xlsx", ("<inner@county.example>",), "1.1.2")
    ]
    assert read.attached_ids == ("<inner@county.example>",)
    assert "inner words" not in read.text


def test_a_forward_in_base64_is_opened_although_forbidden() -> None:
    inner = b"Message-ID: <i@x.example>\r\nContent-Type: application/pdf; name=p.pdf\r\n\r\nPDF"
    read = mail(
        MIXED,
        b"--B\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(inner)
        + b"--B--\n",
    )
    assert [(leaf.name, leaf.data.strip()) for leaf in read.leaves] == [("p.pdf", b"PDF")]


def test_html_words_and_links() -> None:
    read = mail(
        "Content-Type: text/html; charset=gb2312",
        (
            "<html><head><style>p{}</style><title>t</title></head><body><p>附件见<!-- x -->链接</p>"
            "<table><tr><td>甲</td><td>乙</td></tr></table>"
            "<a href='https://mail.163.com/large-attachment-download/index.html?f=1'>统计表.xlsx</a>"
            "<a href='javascript:alert(1)'>x</a><script>no()</script></body></html>"
        ).encode("gbk"),
    )
    assert read.text == "附件见链接\n甲 乙\n统计表.xlsxx"
    assert read.links == ("https://mail.163.com/large-attachment-download/index.html?f=1",)


def test_of_an_alternative_the_plain_text_is_read_unless_it_is_blank() -> None:
    both = "--A\nContent-Type: text/plain\n\n{}\n--A\nContent-Type: text/html\n\n<b>html</b>\n--A--\n"
    head = "Content-Type: multipart/alternative; boundary=A"
    assert mail(head, both.format("plain")).text == "plain"
    assert mail(head, both.format(" ")).text == "html"


def test_quoted_history_stays_in_the_text() -> None:
    assert "> 请报送" in mail("Subject: x", "收到\n\n> 请报送\n").text


@pytest.mark.parametrize("kind", ["multipart/mixed; boundary=b{}", "message/rfc822"])
@pytest.mark.parametrize("depth", [30, 200, 1500])
def test_deep_nesting_is_kept_whole_or_opened(kind: str, depth: int) -> None:
    raw = b"Subject: deep\r\nMIME-Version: 1.0\r\n"
    for level in range(depth):
        kind_here = kind.format(level)
        raw += f"Content-Type: {kind_here}\r\n\r\n".encode()
        if "multipart" in kind:
            raw += f"--b{level}\r\n".encode()
    raw += b"Content-Type: application/pdf; name=x.pdf\r\n\r\nPDF\r\n"
    read = parse_message(raw)
    assert read.subject == "deep"
    if depth == 30:
        assert [leaf.name for leaf in read.leaves] == ["x.pdf"]
    else:
        assert read.problems and len(read.leaves) == 1
        assert b"x.pdf" in read.leaves[0].data


def test_many_parts_end() -> None:
    part = "--B\nContent-Type: image/png\n\nE\n"
    assert len(mail(MIXED, part * 1900).leaves) == 1900
    read = mail(MIXED, part * 2500)
    assert [leaf.name for leaf in read.leaves] == ["message.eml"]
    assert read.problems == ("too_many_parts",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\r\n\r\n",
        b"\x00" * 1000 + b"\r\nFrom: a@b.example\r\n\r\n\x00",
        b"From:\r\nTo: <<>>\r\nSubject: =?x?B?\xff?=\r\n\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\n--",
        b"Content-Type: text/plain; charset=base64\r\n\r\nabc",
        b"Content-Type: text/plain; charset=undefined\r\n\r\n\xff",
        b"Content-Type: text/html\r\n\r\n<?xml version='1.0' encoding='gbk'?><p>\x00\xff",
        b"Content-Type: text/html\r\n\r\n",
        b"Content-Type: ;;;\r\nContent-Disposition: ;filename\r\nContent-Transfer-Encoding: \xff\r\n\r\nx",
        b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJ*D\xffRA",
        b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: BASE64;\r\n\r\nQUJDR",
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff\xff",
        b"Content-Type: message/delivery-status\r\n\r\n\xff: \x00\r\n\r\n\r\n",
        b"Content-Type: message/partial; number=1; total=2; id=x\r\n\r\nx",
        bytes(range(256)) * 8,
    ],
)
def test_odd_mails_do_not_raise(raw: bytes) -> None:
    read = parse_message(raw)
    for leaf in read.leaves:
        assert leaf.name
    assert read.header("subject") in {None, read.subject}


def test_base64_that_was_cut_off_keeps_the_rest() -> None:
    read = mail("Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64;", "QUJDREVGR")
    assert read.leaves[0].data == b"ABCDEF"


@pytest.mark.parametrize(
    "filler", [b" ", b"@", b"<@", b'"', b"=?x?B?", b";a=", b"%41", b"\xd5'", b"> \r\n ", b"\r\n "]
)
def test_hostile_lengths_cost_no_time(filler: bytes) -> None:
    long = filler * (300_000 // len(filler))
    headers = b"".join(
        name + b": x" + long + b"x\r\n" for name in (b"From", b"Subject", b"Return-Path", b"In-Reply-To")
    )
    headers += b'Content-Disposition: attachment; filename="' + long + b"x\r\n"
    text = long.decode("latin-1")

    def read() -> None:
        mail = parse_message(headers + b"\r\n" + long)
        for judge in (is_acknowledgement, is_question, is_extension_request):
            judge(text)
        automatic_kind(mail)
        parse_bounce(b"From: postmaster@x.example\r\n\r\n" + long)

    assert processor_seconds(read) < 3
