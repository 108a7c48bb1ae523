"""Marks of secrecy (密级标志) at the head of a document, in a file's name or in a mail's subject.

A classified file must not be on this machine at all; what bears such a mark is isolated and not read further.
The marks are those of GB/T 9704-2012 (绝密★, 机密★1年, 秘密★启用前) with what stands for them in offices:
工作秘密 and 内部 alone. Words that only contain them (内部控制, 保守秘密, 秘书) are none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextvars import ContextVar
from itertools import islice

from huizong.errors import RejectedError

REASON = "疑似带有密级标志，已隔离，未读取内容。请勿通过互联网邮箱发送涉密文件，我们将与您电话联系。"
_SAYS = re.compile("密|内\\s*部")  # by far the most heads say nothing of the kind
HEAD = 15  # lines of a text, or filled cells of a sheet: a mark stands above the title

_LEVEL = "(?:绝密|机密|秘密)"
_TERM = r"(?:启用前|长期|(?:\d{1,2}|[一二三四五六七八九十]{1,3})(?:年|个?月|天))"
_STAR = "[★☆✩✪✭✮✯⭐*※]"
# In prose a mark is quoted (标有“机密★”的文件) or follows other words; as a mark it begins something.
_STARRED = re.compile(f"(?<![\u4e00-\u9fff“\"'‘「『《、]){_LEVEL}{_STAR}")
_INTERNAL = (
    "内部(?:资料|文件|材料|刊物|参考|使用)?"
    "(?:(?:请?注意|妥善)(?:保存|保密|保管)|(?:不得|请勿|严禁)(?:外传|外泄|扩散))?"
)
# 机密?启用前: the star of a scan comes out of the character recognition as anything.
_ALONE = re.compile(
    rf"(?:密级[:：]?)?(?:{_LEVEL}级?[^\w\s]?|{_LEVEL}级?.?{_TERM}|工作秘密{_STAR}?{_TERM}?|{_INTERNAL})"
)
_BLANK = " \t\r\u3000\u00a0\u200b\ufeff_"
_PUNCTUATION = re.compile(r"[，,。、;；!！]+")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_SEPARATORS = re.compile(r"[_\-—–.·+]+")
_BRACKETED = re.compile(
    r"^[\[【(〔《<「]([^\])】〕》>」]{2,12})[\])】〕》>」]|[\[【(〔「]([^\])】〕」]{2,12})[\])】〕」]$"
)


# Set while a file is read that a person has cleared: a mark on it is then a word like any other.
CLEARED: ContextVar[bool] = ContextVar("CLEARED", default=False)


class RestrictedError(RejectedError):
    """What is being read bears such a mark: not a word of it goes further."""

    def __init__(self) -> None:
        super().__init__(REASON)


def refuse_marked(texts: Iterable[str]) -> None:
    """Stop reading where the first lines or cells bear a mark.

    Raises:
        RestrictedError: they do.
    """
    if CLEARED.get():
        return
    head = [text for text in islice(texts, HEAD) if _SAYS.search(text)]
    if head and at_head(head):
        raise RestrictedError


def is_restricted(texts: Iterable[str]) -> bool:
    """Whether one of the texts bears a mark: lines, cells, file names (with their folders) or a subject."""
    return any(_is_mark(line) for text in texts for line in _lines(text))


def at_head(texts: Iterable[str]) -> bool:
    """`is_restricted` of the first 15 lines or cells that hold something; later ones are not looked at."""
    lines = (line for text in texts for line in _lines(text))
    return is_restricted(islice(lines, HEAD))


def _lines(text: str) -> Iterable[str]:
    """Lines in one width; a path is one line a folder."""
    for line in unicodedata.normalize("NFKC", text[:20_000]).splitlines():
        if stripped := line.strip(_BLANK):
            yield from stripped.split("/") if _EXTENSION.search(stripped) else [stripped]


def _is_mark(line: str) -> bool:
    line = _EXTENSION.sub("", line)
    squeezed = re.sub(r"[\s\u200b\ufeff]+", "", line)
    if _STARRED.search(squeezed):
        return True
    pieces = [squeezed, _SEPARATORS.split(squeezed)[0]]
    if (first := line.split(maxsplit=1)[:1]) != ["内部"]:  # 内部 审计 is a word typed with a space
        pieces += first
    if found := _BRACKETED.search(squeezed):
        pieces.append(found[1] or found[2])
    return any(_ALONE.fullmatch(_PUNCTUATION.sub("", piece)) for piece in pieces)
