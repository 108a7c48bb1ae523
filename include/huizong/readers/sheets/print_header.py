"""The header that a workbook prints above every page: where offices put 内部资料 and marks of secrecy."""

from __future__ import annotations

import re

# ECMA-376 part 1, 18.3.1.46: sections, fonts, sizes, colours, page numbers; && is a plain &.
_SECTION = re.compile(r"&[LCR]")
_CODE = re.compile(r'&(?:"[^"]*"|K(?:[0-9A-Fa-f]{6}|\d\d[+-]\d{3})|\d{1,3}|[^&"])')


def lines_of(header: str) -> list[str]:
    """The texts of its left, middle and right, without the codes among them."""
    sections = _SECTION.split(header)
    return [_CODE.sub("", section).replace("&&", "&") for section in sections if section.strip()]
