"""Attachment names and header texts as Chinese mail programs write them (RFC 2047, 2231, 6266 and worse).

The standard library decodes 18 of the first 30 cases in the table of `tests/unit/test_mime_names.py`.
All functions take the raw bytes of a header value and never raise.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from huizong.mime.charset import codec_for, decode_bytes

# The end mark may be missing: some gateways cut long headers.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([BbQq])\?([^?]*)(?:\?=|$)")
_PARAMETER = re.compile(
    r"""(?:;|\A)\s*(?P<name>[!-'*-:<>-~]+?)
        (?:\*(?P<number>\d{1,3}))?(?P<extended>\*)?\s*=\s*
        (?:"(?P<quoted>.*?)"\s*(?=;|$)|(?P<open>"[^;]*$)|(?P<bare>[^;]*))""",
    re.VERBOSE | re.DOTALL,
)
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_CHARSET_PREFIX = re.compile(r"([\w.:+-]{0,40})'[\w-]*'(.*)", re.DOTALL)
# What a program puts that could not read or write the true name: QQ's placeholder, question marks.
_NO_NAME = re.compile(r"tcmime[\d.]*\.bin|.*\?\?.*|.*�.*|", re.IGNORECASE | re.DOTALL)
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe]")
_ENTITY = re.compile(r"&#(\d{3,6});")  # of a character that a web page's charset has not
_LONGEST_NAME = 200  # characters
_LONGEST = 16_384  # bytes of a header that are looked at: a name is short, and patterns cost time


def decode_text(raw: bytes) -> str:
    """A header text (subject, display name) as people read it, on one line."""
    text = _decode_words(_unfold(decode_bytes(raw[:_LONGEST])))
    return " ".join(_UNWANTED.sub(" ", text).split())


def attachment_name(disposition: bytes | None, content_type: bytes | None) -> str:
    """A part's file name from its two headers; "" if it bears none.

    `filename*` goes before `filename` (RFC 6266), both before `name`; a placeholder gives way to the next.
    Only the last component of a path is kept.
    """
    candidates: list[str] = []
    for header, parameter in ((disposition, "filename"), (content_type, "name")):
        if header:
            candidates.extend(clean_name(value) for value in _values(header, parameter))
    good = (name for name in candidates if not _NO_NAME.fullmatch(name))
    return next(good, next((name for name in candidates if name), ""))


def header_parameter(header: bytes, name: str) -> str:
    """Any other parameter of a structured header (`charset`, `report-type`), "" if absent."""
    return next(_values(header, name), "")


def _unfold(text: str) -> str:
    return re.sub(r"\r?\n[ \t]*|\r", " ", text)


def _values(header: bytes, wanted: str) -> Iterator[str]:
    """The parameter's values, the RFC 2231 forms first."""
    plain: list[str] = []
    segments: dict[int, tuple[bool, str]] = {}
    for match in _PARAMETER.finditer(_unfold(decode_bytes(header[:_LONGEST]))):
        if match["name"].lower() != wanted:
            continue
        value = _unquote(match)
        if match["extended"] or match["number"]:
            segments.setdefault(int(match["number"] or 0), (bool(match["extended"]), value))
        else:
            plain.append(value)
    if segments:
        yield _decode_words(_join_segments(segments))
    for value in plain:
        yield _decode_plain(value)


def _unquote(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        # Only \" is an escape here: a Windows program writes C:\报送\表.xls and means it.
        return match["quoted"].replace('\\"', '"')
    return (match["open"] or match["bare"] or "").strip().strip('"')


def _join_segments(segments: dict[int, tuple[bool, str]]) -> str:
    """RFC 2231 continuations, joined as bytes: a character may be split between two."""
    charset: str | None = None
    data = b""
    for position, number in enumerate(sorted(segments)):
        extended, value = segments[number]
        if extended and position == 0 and (prefix := _CHARSET_PREFIX.fullmatch(value)):
            charset, value = prefix[1], prefix[2]
        codec = codec_for(charset) or "utf-8"
        data += unquote_to_bytes(value) if extended else value.encode(codec, errors="replace")
    return decode_bytes(data, charset)


def _decode_plain(value: str) -> str:
    """A plain value with whatever was wrongly put into it: encoded words, RFC 2231's form, percent signs."""
    prefix = _CHARSET_PREFIX.fullmatch(value)
    if prefix and codec_for(prefix[1]) and "%" in prefix[2]:
        return decode_bytes(unquote_to_bytes(prefix[2]), prefix[1])
    return _PERCENT.sub(_decode_percent, _decode_words(value))


def _decode_percent(match: re.Match[str]) -> str:
    """Percent signs stand for themselves unless they spell a text that is not ASCII (进度%20 is a name)."""
    data = unquote_to_bytes(match[0])
    text = decode_bytes(data)
    return match[0] if data.isascii() or "�" in text else text


def _decode_words(text: str) -> str:
    """The text without its encodings; twice, for programs that encode what is encoded."""
    return _ENTITY.sub(_character, _decode_once(_decode_once(text)))


def _character(match: re.Match[str]) -> str:
    number = int(match[1])
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else match[0]


def _decode_once(text: str) -> str:
    """RFC 2047 anywhere in the text, also in quotes and without spaces around.

    Neighbours of one charset are joined as bytes first: senders split a character between two words.
    """
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for match in _ENCODED_WORD.finditer(text):
        gap = text[end : match.start()]
        label = match[1].split("*")[0].lower()
        if pending and (gap.strip() or label != charset):
            out.append(decode_bytes(pending, charset))
            pending = b""
        if gap.strip() or not end:
            out.append(gap)
        pending += _word_bytes(match[2], match[3])
        charset, end = label, match.end()
    if pending:
        out.append(decode_bytes(pending, charset))
    out.append(text[end:])
    return "".join(out)


def _word_bytes(encoding: str, payload: str) -> bytes:
    if encoding in "Qq":
        return quopri.decodestring(payload.replace(" ", "_").encode("utf-8", "replace"), header=True)
    letters = re.sub(r"[^A-Za-z0-9+/]", "", payload)
    if len(letters) % 4 == 1:  # cut in the middle: the odd letter says nothing
        letters = letters[:-1]
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4))
    except binascii.Error:
        return payload.encode("utf-8", "replace")


def clean_name(value: str) -> str:
    """The last component of a path, without anything unseen."""
    name = _UNWANTED.sub("", value)
    name = re.split(r"[/\\]", name.strip().rstrip("/\\"))[-1]
    name = name.strip().strip('"').strip()
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 21]}…{name[-20:]}"  # with its ending
    return name if name.strip(". ") else ""
