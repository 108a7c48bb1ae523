"""The words of a mail and the files in it, as encodings, labels and boundaries go wrong in practice."""

from __future__ import annotations

import base64
import binascii
import quopri

import pytest

from huizong.mime.parse import ParsedMail, parse_message

WORDS = "附件是朱镕、㛃县的统计表，请查收。"
BIG5 = "附件是統計表，請查收。"


def mail(headers: str, body: bytes) -> ParsedMail:
    return parse_message(headers.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("label", "codec", "words"),
    [
        ("gb2312", "gb18030", WORDS),
        ("GBK", "gb18030", WORDS),
        ("x-gbk", "gb18030", WORDS),
        ("gb18030", "gb18030", WORDS),
        ("utf-8", "utf-8", WORDS),
        ("", "gb18030", WORDS),
        ("", "utf-8", WORDS),
        ("us-ascii", "gb18030", WORDS),
        ("iso-8859-1", "gb18030", WORDS),
        ("utf-8", "gb18030", WORDS),
        ("gb2312", "utf-8", WORDS),
        ("gbk", "utf-8", "统计"),
        ("default_charset", "gb18030", WORDS),
        ("big5", "big5", BIG5),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_the_words_are_read_whatever_the_label_says(
    label: str, codec: str, words: str, encoding: str
) -> None:
    data = words.encode(codec)
    encoded = {"8bit": bytes, "base64": base64.encodebytes, "quoted-printable": quopri.encodestring}[
        encoding
    ](data)
    charset = f"; charset={label}" if label else ""
    head = f"Content-Type: text/plain{charset}\nContent-Transfer-Encoding: {encoding}"
    assert mail(head, encoded).text == words


def test_big5_under_the_name_of_gb_keeps_the_file_and_does_not_raise() -> None:
    head = "Content-Type: multipart/mixed; boundary=B"
    words = b"--B\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n" + BIG5.encode("big5")
    name = "統計表.xls".encode("big5")
    read = mail(head, words + b'\r\n--B\r\nContent-Type: a/b; name="' + name + b'"\r\n\r\nX\r\n')
    assert read.text
    assert [(leaf.name[-4:], leaf.data) for leaf in read.leaves] == [(".xls", b"X")]


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("base64", b"6ZmE5Lu2\r\n** 56m65qC8 **\r\n6KeB5paH", "附件空格见文"),  # junk between the lines
        ("base64", b"6ZmE5Lu26KeB5p", "附件见"),  # cut off
        ("quoted-printable", b"=E9=99=84=E4=BB=B6=\r\n=E8=A7=81=ZZ=", "附件见=ZZ"),
        ("QUOTED-PRINTABLE ;", b"=E9=99=84", "附"),
        ("x-unknown", "附件".encode(), "附件"),
    ],
)
def test_broken_transfer_encodings_give_what_can_be_read(encoding: str, body: bytes, words: str) -> None:
    read = mail(f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}", body)
    assert read.text.startswith(words)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("统计表".encode("gbk"), "统计表"),
        ("统计表".encode(), "统计表"),
        (b"=?gb2312?B?" + base64.b64encode("朱镕".encode("gbk")) + b"?=", "朱镕"),
        (b"=?utf-8?B?" + base64.b64encode("统计表".encode("gbk")) + b"?=", "统计表"),
        (b"=?gb18030?Q?=CD=B3=BC=C6?= \r\n =?gb18030?B?se0=?=", "统计表"),
    ],
)  # fmt: skip
def test_subject_and_sender_likewise(raw: bytes, words: str) -> None:
    read = parse_message(b"Subject: " + raw + b"\r\nFrom: " + raw + b" <Clerk@County.example>\r\n\r\n")
    assert (read.subject, read.from_name, read.from_address) == (words, words, "clerk@county.example")


def uuencoded(name: str, data: bytes, end: str = "`\r\nend\r\n") -> str:
    lines = [
        binascii.b2a_uu(data[n : n + 45]).decode().replace("\n", "\r\n") for n in range(0, len(data), 45)
    ]
    return f"begin 644 {name}\r\n{''.join(lines)}{end}"


@pytest.mark.parametrize("end", ["`\r\nend\r\n", " \r\nend\r\n", "\r\nend\r\n", "end"])
def test_a_file_written_into_the_words(end: str) -> None:
    data = bytes(range(256)) * 3
    body = "见附件\r\n\r\n" + uuencoded("统计表.xls", data, end)
    read = mail("Content-Type: text/plain; charset=gbk", body.encode("gbk"))
    assert [(leaf.name, leaf.data) for leaf in read.leaves] == [("统计表.xls", data)]
    assert read.text == "见附件"


def test_words_that_only_begin_like_a_file_stay_words() -> None:
    for body in ("begin 644 a\r\n这不是编码\r\nend\r\n", "begin 644 a\r\nM\r\n", "begin 644 \r\nend"):
        read = mail("Content-Type: text/plain; charset=utf-8", body.encode())
        assert read.leaves == () and "begin 644" in read.text


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: multipart/mixed; boundary=another",
        "Content-Type: multipart/mixed",
        "Content-Type: multipart/mixed; boundary=",
        'Content-Type: multipart/mixed; boundary="=_B',
    ],
)
def test_parts_are_found_where_the_header_names_another_boundary(head: str) -> None:
    body = (
        b"--=_B\r\nContent-Type: text/plain\r\n\r\nwords\r\n"
        b"--=_B\r\nContent-Type: application/octet-stream; name=a.xlsx\r\n\r\nX\r\n--=_B--\r\n"
    )
    read = mail(head, body)
    assert [(leaf.name, leaf.data) for leaf in read.leaves] == [("a.xlsx", b"X")]
    assert read.text == "words"


def test_a_message_sent_as_a_file_is_opened_like_any_forward() -> None:
    """Else the blank form in a copy of our own letter would count as an answer."""
    inner = (
        b"Message-ID: <letter.1@xinxiang.example>\r\nSubject: x\r\nContent-Type: multipart/mixed;"
        b" boundary=I\r\n\r\n--I\r\nContent-Type: a/b; name=form.xlsx\r\n\r\nX\r\n--I--\r\n"
    )
    head = 'Content-Type: a/b; name="=?gbk?B?16q3og==?=.eml"\nContent-Transfer-Encoding: base64'
    (leaf,) = mail(head, base64.encodebytes(inner)).leaves
    assert (leaf.name, leaf.data, leaf.inside) == ("form.xlsx", b"X", ("<letter.1@xinxiang.example>",))


def test_a_file_that_is_only_called_eml_stays_one() -> None:
    (leaf,) = mail("Content-Type: application/octet-stream; name=a.eml", b"\x00\x01").leaves
    assert (leaf.name, leaf.data) == ("a.eml", b"\x00\x01")
