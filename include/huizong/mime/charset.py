"""Bytes of unknown or wrongly declared encoding to text, as Chinese mail needs it.

GB18030 contains GBK, which contains GB2312, and senders label the largest with the smallest name; so every
label of the family is decoded as GB18030. (Python's `gb2312` refuses 镕, its `gbk` refuses 㛃.)
"""

from __future__ import annotations

import codecs

_GB_FAMILY = frozenset(
    ["gb2312", "gb_2312", "gb_2312-80", "csgb2312", "chinese", "euc-cn", "euccn", "gbk", "x-gbk", "cp936"]
    + ["ms936", "windows-936", "gb18030", "gb-18030"]
)
# What a program writes that does not know: not believed over 8-bit bytes.
_WEAK = frozenset(["ascii", "iso8859-1", "cp1252", "utf-7"])


def codec_for(label: str | None) -> str | None:
    """The Python codec for a charset label, or None if there is no such text codec."""
    name = (label or "").strip().strip("\"'").lower()
    if name in _GB_FAMILY:
        return "gb18030"
    try:
        codec = codecs.lookup(name).name
        b"x".decode(codec)
    except UnicodeError:
        return codec if codec != "undefined" else None
    except (LookupError, ValueError):
        return None  # unknown, or no text codec (base64, zlib)
    return codec


def decode_bytes(data: bytes, label: str | None = None) -> str:
    """Decode by the label if the bytes agree with it, else as UTF-8 or GB18030, at last with U+FFFD.

    Never raises.
    """
    declared = codec_for(label)
    if declared == "gb18030" and (text := _utf8_after_all(data)) is not None:
        return text
    believed = declared is not None and (declared not in _WEAK or data.isascii())
    for codec in [declared, "utf-8", "gb18030"] if believed else ["utf-8", "gb18030"]:
        try:
            return data.decode(codec or "utf-8")
        except UnicodeError:
            if codec == declared and _is_cut_off(data, codec):
                break
    # Truncated or damaged: keep what can be read, in the encoding that was meant.
    return data.decode(declared or "utf-8", errors="replace")


def _is_cut_off(data: bytes, codec: str | None) -> bool:
    """Whether only the last character fails: UTF-8 without its end often passes as GB 18030."""
    try:
        return not codecs.getincrementaldecoder(codec or "utf-8")().decode(data).isascii()
    except UnicodeError:
        return False


def _utf8_after_all(data: bytes) -> str | None:
    """The text, if bytes labelled GB are UTF-8 of characters like Chinese ones; they mostly pass as GB too.

    Both at once are next to impossible: the first byte would have to begin a rare character in GB.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeError:
        return None
    foreign = [c for c in text if not c.isascii()]
    return text if foreign and all(c >= "\u0800" for c in foreign) else None
