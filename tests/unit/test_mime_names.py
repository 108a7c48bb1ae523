"""Attachment names: the ways in which they arrive, seen in real mail or in bug reports about it."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from huizong.mime.names import attachment_name, decode_text, header_parameter
from huizong.mime.parse import parse_message

NAME = "统计表（新乡）.xlsx"


def b64(text: str, codec: str) -> str:
    return base64.b64encode(text.encode(codec)).decode()


def split_word(text: str, codec: str, at: int) -> str:
    """Two encoded words, cut inside a character when `at` is odd for GBK."""
    data = text.encode(codec)
    first, second = (base64.b64encode(part).decode() for part in (data[:at], data[at:]))
    return f"=?{codec}?B?{first}?=\r\n =?{codec}?B?{second}?="


def q(text: str, codec: str) -> str:
    return "".join(f"={byte:02X}" for byte in text.encode(codec))


PLAIN = "attachment; filename="
WORD = f"=?gbk?B?{b64(NAME, 'gbk')}?="
CASES: list[tuple[str, bytes | None, bytes | None, str]] = [
    (
        "rfc2231 utf-8",
        f"attachment; filename*=utf-8''{quote(NAME)}".encode(),
        None,
        NAME,
    ),
    (
        "rfc2231 gbk, upper-case label",
        f"attachment; filename*=GBK''{quote(NAME.encode('gbk'))}".encode(),
        None,
        NAME,
    ),
    (
        "rfc2231 in segments, cut inside a character",
        (
            b"attachment;\r\n filename*0*=utf-8''%E7%BB%9F%E8%AE;\r\n filename*1*=%A1%E8%A1%A8;\r\n"
            b' filename*2=".xlsx"'
        ),
        None,
        "统计表.xlsx",
    ),
    (
        "rfc2231 segments out of order",
        b"attachment; filename*1*=%A1%A8.xlsx; filename*0*=utf-8''%E7%BB%9F%E8%AE%A1%E8",
        None,
        "统计表.xlsx",
    ),
    (
        "rfc2231 segments that hold an encoded word",
        b'attachment; filename*0="=?utf-8?B?57uf6K6h"; filename*1="6KGoLnhsc3g=?="',
        None,
        "统计表.xlsx",
    ),
    (
        "rfc2231 form in a parameter without star",
        f"attachment; filename=\"UTF-8''{quote(NAME)}\"".encode(),
        None,
        NAME,
    ),
    ("word in quotes, gb18030 (QQ)", f'{PLAIN}"=?gb18030?B?{b64(NAME, "gb18030")}?="'.encode(), None, NAME),
    ("word in quotes, utf-8 Q", f'{PLAIN}"=?UTF-8?Q?{q(NAME, "utf-8")}?="'.encode(), None, NAME),
    ("word without quotes", f"{PLAIN}=?utf-8?B?{b64(NAME, 'utf-8')}?=".encode(), None, NAME),
    (
        "words folded over lines, GBK (163)",
        f'{PLAIN}"{split_word(NAME, "gbk", 8)}"'.encode(),
        None,
        NAME,
    ),
    ("GBK cut inside a character", f'{PLAIN}"{split_word(NAME, "gbk", 7)}"'.encode(), None, NAME),
    ("UTF-8 cut inside a character", f'{PLAIN}"{split_word(NAME, "utf-8", 7)}"'.encode(), None, NAME),
    (
        "gb2312 label over GBK bytes",
        f'{PLAIN}"=?gb2312?B?{b64("朱镕.xls", "gbk")}?="'.encode(),
        None,
        "朱镕.xls",
    ),
    (
        "gb2312 label over GB18030 bytes",
        f'{PLAIN}"=?gb2312?B?{b64("㛃县.xls", "gb18030")}?="'.encode(),
        None,
        "㛃县.xls",
    ),
    ("x-gbk label", f'{PLAIN}"=?x-gbk?B?{b64(NAME, "gbk")}?="'.encode(), None, NAME),
    ("raw GBK bytes", PLAIN.encode() + b'"' + NAME.encode("gbk") + b'"', None, NAME),
    ("raw UTF-8 bytes", PLAIN.encode() + b'"' + NAME.encode() + b'"', None, NAME),
    (
        "raw GBK whose second byte is a backslash",
        PLAIN.encode() + '"燶表.xls"'.encode("gbk"),
        None,
        "燶表.xls",
    ),
    (
        "ASCII filename and filename*",
        f"attachment; filename=\"tongji.xlsx\"; filename*=utf-8''{quote(NAME)}".encode(),
        None,
        NAME,
    ),
    (
        "question marks, and filename* broken away; name is good",
        b'attachment; filename="???????.xlsx"',
        f'application/octet-stream; name="=?utf-8?B?{b64(NAME, "utf-8")}?="'.encode(),
        NAME,
    ),
    (
        "QQ's placeholder, name is good",
        b'attachment; filename="tcmime.1388.1527.1742.bin"',
        f'application/octet-stream; name="=?gb18030?B?{b64(NAME, "gb18030")}?="'.encode(),
        NAME,
    ),
    ("only Content-Type", None, f'text/plain; charset="gbk"; name="{NAME}"'.encode("gbk"), NAME),
    (
        "base64 cut off",
        f'{PLAIN}"=?gb18030?B?{b64("统计表汇总", "gb18030")[:-3]}'.encode(),
        None,
        "统计表汇\ufffd",  # one character is lost by nature
    ),
    ("windows path", rb'attachment; filename="C:\baosong\2022\tongji.xls"', None, "tongji.xls"),
    (
        "windows path in GBK",
        PLAIN.encode() + r'"D:\报送\统计表.xls"'.encode("gbk"),
        None,
        "统计表.xls",
    ),
    ("percent-encoded plain name", f'{PLAIN}"{quote(NAME)}"'.encode(), None, NAME),
    ("a percent sign that is one", '附件; filename="完成率100%25.xlsx"'.encode(), None, "完成率100%25.xlsx"),
    (
        "blanks without quotes",
        "attachment; filename=2022 年 统计表.xls".encode("gbk"),
        None,
        "2022 年 统计表.xls",
    ),
    (
        "a semicolon in the quoted name",
        'attachment; filename="甲;乙.xls"; size=3'.encode(),
        None,
        "甲;乙.xls",
    ),
    (
        "two charsets side by side, language tag",
        f'{PLAIN}"=?utf-8*zh?B?{b64("统计", "utf-8")}?= =?gbk?Q?{q("表.xls", "gbk")}?="'.encode(),
        None,
        "统计表.xls",
    ),
    # beyond the thirty of which the research tells
    ("utf-8 label over GBK bytes", f'{PLAIN}"=?utf-8?B?{b64(NAME, "gbk")}?="'.encode(), None, NAME),
    (
        "gbk label over UTF-8 bytes",
        f'{PLAIN}"=?gbk?B?{b64("统计", "utf-8")}?=.xls"'.encode(),
        None,
        "统计.xls",
    ),
    ("iso-8859-1 label over GBK", f'{PLAIN}"=?iso-8859-1?B?{b64(NAME, "gbk")}?="'.encode(), None, NAME),
    (
        "GBK label over rfc2231 UTF-8",
        f"attachment; filename*=GBK''{quote('统计')}.xls".encode(),
        None,
        "统计.xls",
    ),
    ("hz-gb-2312", f'{PLAIN}"=?hz-gb-2312?B?{b64("统计表.xls", "hz")}?="'.encode(), None, "统计表.xls"),
    ("utf-7", f'{PLAIN}"=?utf-7?B?{b64("统计表.xls", "utf-7")}?="'.encode(), None, "统计表.xls"),
    ("utf-16", f'{PLAIN}"=?utf-16?B?{b64("统计表.xls", "utf-16")}?="'.encode(), None, "统计表.xls"),
    ("big5", f'{PLAIN}"=?big5?B?{b64("統計表.xls", "big5")}?="'.encode(), None, "統計表.xls"),
    (
        "encoded twice",
        f'{PLAIN}"=?utf-8?B?{b64(WORD, "utf-8")}?="'.encode(),
        None,
        NAME,
    ),
    (
        "a word in rfc2231",
        f"attachment; filename*=utf-8''{quote(WORD)}".encode(),
        None,
        NAME,
    ),
    ("rfc2231 without charset", f"attachment; filename*=''{quote(NAME)}".encode(), None, NAME),
    (
        "rfc2231 GBK without charset",
        f"attachment; filename*=''{quote(NAME.encode('gbk'))}".encode(),
        None,
        NAME,
    ),
    ("rfc2231 without its marks", f"attachment; filename*={quote(NAME)}".encode(), None, NAME),
    ("rfc2231 in quotes", f"attachment; filename*=\"utf-8''{quote(NAME)}\"".encode(), None, NAME),
    ("only Content-Type, rfc2231", None, f"a/b; name*=gbk''{quote(NAME.encode('gbk'))}".encode(), NAME),
    ("blanks and capitals", f'ATTACHMENT ; FILENAME = "{NAME}"'.encode(), None, NAME),
    ("no disposition type", f'filename="{NAME}"'.encode(), None, NAME),
    ("no blank between parameters", f'attachment;size=3;filename="{NAME}"'.encode(), None, NAME),
    (
        "ending outside the word",
        f'{PLAIN}"=?gb2312?B?{b64("统计表", "gbk")}?=.xls"'.encode(),
        None,
        "统计表.xls",
    ),
    (
        "folded by a tab",
        f'{PLAIN}"{split_word(NAME, "utf-8", 6)}"'.encode().replace(b"\n ", b"\n\t"),
        None,
        NAME,
    ),
    ("a web page's entity", '附件; filename="&#14019;县.xls"'.encode(), None, "㛃县.xls"),
    ("empty, name is good", b'attachment; filename=""', f'a/b; name="{NAME}"'.encode(), NAME),
    ("empty", b'attachment; filename=""', b"a/b", ""),
    ("no name", b"attachment", b"application/octet-stream", ""),
    ("only dots", b'attachment; filename=".."', None, ""),
    ("only a path", b'attachment; filename="/"', None, ""),
    ("unix path", 'attachment; filename="../../etc/表.xls"'.encode(), None, "表.xls"),
    ("turned round", 'attachment; filename="表\u202eslx.exe"'.encode(), None, "表slx.exe"),
    ("control characters", 'attachment; filename="\x00统\x07计\x1b.xls"'.encode(), None, "统计.xls"),
    (
        "overlong",
        PLAIN.encode() + b'"' + ("表" * 5000).encode() + b'.xls"',
        None,
        "表" * 179 + "…" + "表" * 16 + ".xls",
    ),
]


@pytest.mark.parametrize(
    "header",
    [
        b'attachment; filename="=?iso-2022-cn?B?GyQpQQ49JTRGRSkP?="',  # no codec for it
        b'attachment; filename="\xb2\xce\xad\xa4\xff\xff.xls"',  # no encoding at all
        b'attachment; filename="=?gbk?B?/////w==?="',
    ],
)
def test_a_name_that_cannot_be_read_still_keeps_its_file(header: bytes) -> None:
    raw = b"Content-Type: application/octet-stream\r\nContent-Disposition: " + header + b"\r\n\r\nX"
    (leaf,) = parse_message(raw).leaves
    assert leaf.name and leaf.data == b"X"


@pytest.mark.parametrize(
    ("disposition", "content_type", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_name(disposition: bytes | None, content_type: bytes | None, expected: str) -> None:
    assert attachment_name(disposition, content_type) == expected


@pytest.mark.parametrize("case", CASES[:-1], ids=[c[0] for c in CASES[:-1]])  # the overlong one takes long
def test_no_truncation_or_damage_raises(case: tuple[str, bytes | None, bytes | None, str]) -> None:
    for header in case[1:3]:
        for cut in range(len(header or b"")):
            attachment_name((header or b"")[:cut] + b"\xff\x00=?", None)
            decode_text((header or b"")[cut:])


def test_control_characters_and_direction_marks_are_dropped() -> None:
    name = attachment_name(b"attachment; filename*=utf-8''%E8%A1%A8%E2%80%AEslx.exe%00%0A", None)
    assert name == "表slx.exe"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("=?utf-8?B?5YWz5LqO?= =?utf-8?B?5oql6YCB?=", "关于报送"),
        ("Re: =?gb2312?B?zbO8xrHt?= 2022", "Re: 统计表 2022"),
        ("=?UTF-8?Q?=E6=8A=A5=E9=80=81_a_b?=", "报送 a b"),
        ("plain\r\n folded", "plain folded"),
        ("=?unknown-charset?B?57uf6K6h?=", "统计"),
        ("统计表", "统计表"),
        (f"=?gbk?B?{b64('统计', 'utf-8')}?=", "统计"),
        (f"=?utf-8?B?{b64('=?gbk?Q?=CD=B3=BC=C6?=', 'ascii')}?=", "统计"),
        ("回复：&#14019;县", "回复：㛃县"),
    ],
)
def test_header_text(raw: str, expected: str) -> None:
    assert decode_text(raw.encode()) == expected


def test_raw_gbk_subject() -> None:
    assert decode_text("回复：统计表报送".encode("gbk")) == "回复：统计表报送"


def test_other_parameters() -> None:
    header = b'multipart/report; boundary="x;y"; report-type=delivery-status'
    assert header_parameter(header, "report-type") == "delivery-status"
    assert header_parameter(header, "boundary") == "x;y"
