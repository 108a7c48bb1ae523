"""The line over a table that names the unit: 部门/地方（盖章）：…"""

from __future__ import annotations

import re

# What follows the unit's name on the same line in some copies.
_NEXT_FIELD = re.compile(r"[\s_＿]+(?:填|联系|审核|单位|负责人|日期|电话|制表).*", re.S)
_MARKS = r"""(?:[^\w="'“<#]|_)*"""  # between the words of the line and a name; a formula's begins the name
_FIELD_NAME = re.compile(r"^(?:[\u4e00-\u9fff（()）\s]*[:：])+")  # 单位名称：
_SEAL = re.compile(r"[（(]\s*(?:盖章|公章|章)\s*[)）]")


def behind(text: str, unit_line: str) -> str | None:
    """What stands behind 部门/地方（盖章）： in `text`, or None; spaces and marks may differ."""
    for words in (unit_line, re.sub(r"[（(].*?[)）]", "", unit_line)):
        letters = re.findall(r"[^\W_]", words)
        spread = r"[\W_]*".join(map(re.escape, letters))
        match = re.match(rf"[\W_]*{spread}{_MARKS}(.*)", text, re.S)
        if letters and match:
            rest = _SEAL.sub("", _NEXT_FIELD.sub("", match[1]))
            return _FIELD_NAME.sub("", rest).strip(" \t\r\n\u3000\u00a0_＿")
    return None
