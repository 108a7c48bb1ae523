"""The gate for outbound addresses and header texts."""

from __future__ import annotations

import re
import unicodedata

from huizong.errors import UsageError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+ *")


def check_address(text: str) -> str:
    """The address itself (`name@host.domain`, ASCII, domain in lower case) if one letter may be sent to it.

    Raises UsageError with a Chinese sentence. Nothing is repaired but blanks around it: a wrong guess
    would send a county's figures to a stranger.
    """
    address = text.strip(" \u3000")
    shown = clean_header(address)[:80]
    if not address:
        raise UsageError("邮箱地址为空，请填写一个地址，如 name@example.com。")
    if any(c in address for c in ",;，；、"):
        raise UsageError(f"“{shown}”像是多个地址，请每处只填写一个邮箱地址。")
    if any(c.isspace() or unicodedata.category(c) == "Cc" for c in address):
        raise UsageError(f"邮箱地址“{shown}”中含有空格或换行，请删去。")
    if not address.isascii():
        raise UsageError(f"邮箱地址“{shown}”含有全角或中文字符，请改用半角英文字符（如“@”“.”）。")
    local, at, domain = address.partition("@")
    if not at or "@" in domain:
        raise UsageError(f"邮箱地址“{shown}”应当有且只有一个“@”。")
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        raise UsageError(f"邮箱地址“{shown}”在“@”之前的部分不正确，请核对。")
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise UsageError(f"邮箱地址“{shown}”在“@”之后的域名不正确（应如 example.com），请核对。")
    return f"{local}@{domain.lower()}"


def clean_header(text: str) -> str:
    """The text on one line: control characters (CR, LF, NUL…) and line separators become one space."""
    return _CONTROL.sub(" ", text).strip()
