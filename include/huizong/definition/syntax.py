"""What is wrong with a file that is no YAML, in a clerk's words; and the line to look at."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError, YAMLError

# (what the parser says, what that means to a person)
_MEANT = (
    (r"'\\t'", "行首用了制表符（Tab），请改为空格"),
    ("expected ':'", "这一行缺少冒号；键与值之间用半角冒号加一个空格，如 due: 2022-06-20"),
    ("expected ',' or '[]}]'", "方括号或花括号没有配对，或各项之间不是半角逗号"),
    ("mapping values are not allowed", "多了一个冒号，或缩进与上一行不齐；文字中有冒号的请加引号"),
    ("quoted scalar|end of stream", "引号没有配对"),
    ("<block end>", "缩进与同级的其他行不齐，或减号、冒号后面没有空格"),
    ("cannot start any token", "这一行以不能开头的符号起头；以 @、%、` 开头的文字请加引号"),
)


def syntax_fault(error: YAMLError) -> tuple[int, str]:
    """(line, sentence that says what to write)."""
    if not isinstance(error, MarkedYAMLError):
        return 1, "不是合法的 YAML：文件中有不可见的控制字符，请另存为 UTF-8 文本"
    said = f"{error.context or ''} {error.problem or ''}"
    if twice := re.search(r'duplicate key "([^"]*)"', said):
        return _line(error.problem_mark), f"“{twice[1]}”写了两次，请只留一个"
    # A key without its colon, a bracket or a quote: where it began, not where the parser gave up.
    began = re.search(r"simple key|flow (sequence|mapping)|quoted scalar", error.context or "")
    mark = error.context_mark if began else error.problem_mark
    found = next((meant for pattern, meant in _MEANT if re.search(pattern, said)), said.strip())
    return _line(mark or error.context_mark), f"不是合法的 YAML：{found}"


def _line(mark: object) -> int:
    return int(getattr(mark, "line", 0)) + 1
