"""The standard library's parser, kept from what would take it minutes or gigabytes.

Measured on hostile mails without these limits: 300 levels 10 s, a million status blocks 24 s, a Content-Type
of 10 MB more than 90 s, 25 million lines 14 s and 2 GB.
"""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesFeedParser, BytesHeaderParser
from email.policy import Policy, compat32

MAX_DEPTH = 40  # a forward of a forward costs two or three levels
MAX_PARTS = 2_000
MAX_LINES = 2_000_000  # a file of 100 MB in base64 has 1.8 million
MAX_HEAD = 2 * 2**20  # bytes of the mail's own header
_SHORT_HEAD = 2**18  # bytes of it that are looked at if the mail is not
_MAX_LINE_LEVELS = 30_000_000  # the parser holds every line against the boundaries of all levels around it
_LONGEST_CONTENT = 16_384  # bytes of a Content- header; the library's reading of one is quadratic…
_MOST_PARAMETERS = 100  # …in its parameters
_PIECE = 2**16
_HEAD_END = re.compile(rb"\r?\n\r?\n|\r\r")


class TooMuchError(ValueError):
    """A mail beyond the limits; `str(e)` names the problem as `ParsedMail.problems` does."""


def read_message(raw: bytes) -> Message:
    """The mail taken apart.

    Raises:
        TooMuchError: `too_many_lines`, `too_long_head`, `too_deep`, `too_many_parts`.
    """
    lines = max(raw.count(b"\n"), raw.count(b"\r"))
    if lines > MAX_LINES:
        raise TooMuchError("too_many_lines")
    if not _HEAD_END.search(raw, 0, MAX_HEAD) and len(raw) > MAX_HEAD:
        raise TooMuchError("too_long_head")
    budget = _Budget(min(MAX_DEPTH, 1 + _MAX_LINE_LEVELS // (lines + 1)))
    parser = BytesFeedParser(budget.part)
    for start in range(0, len(raw), _PIECE):  # whole, it would be held four times
        parser.feed(raw[start : start + _PIECE])
    message: Message = parser.close()
    return message


def read_head(raw: bytes) -> Message:
    """The mail's header alone, as far as it is of a bearable length."""
    return BytesHeaderParser().parsebytes(raw[:_SHORT_HEAD])


class _Budget:
    """How many parts there may still be, and how deep."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._parts = 0

    def part(self, policy: Policy[Message] = compat32) -> _Part:
        """The parser calls this for each part (and once to try it)."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooMuchError("too_many_parts")
        return _Part(policy, self)


class _Part(Message):
    def __init__(self, policy: Policy[Message], budget: _Budget) -> None:
        super().__init__(policy)
        self._budget = budget
        self._level = 0

    def attach(self, payload: Message) -> None:  # type: ignore[override]
        """The parser hands a part to the one around it before it reads on."""
        if isinstance(payload, _Part):
            payload._level = self._level + 1
            if payload._level > self._budget.depth:
                raise TooMuchError("too_deep")
        super().attach(payload)

    def set_raw(self, name: str, value: str) -> None:
        """The parser hands over each header field through this."""
        if name[:8].lower() == "content-" and (
            len(value) > _LONGEST_CONTENT or value.count(";") > _MOST_PARAMETERS
        ):
            value = ";".join(value[:_LONGEST_CONTENT].split(";")[:_MOST_PARAMETERS])
        super().set_raw(name, value)
