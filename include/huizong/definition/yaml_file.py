"""YAML files with the line of every key, and what is wrong with them in a clerk's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import YAMLError

from huizong.definition.syntax import syntax_fault
from huizong.errors import UsageError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where, and what to write instead."""

    file: str
    line: int
    message: str


class DefinitionError(UsageError):
    """A definition that cannot be used; `problems` names each place."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        more = f"（另有 {len(problems) - 1} 处）" if len(problems) > 1 else ""
        super().__init__(f"{first.file}:{first.line}: {first.message}{more}")
        self.problems = problems


def read_yaml(path: Path) -> Any:
    """The file as it stands, every key with its line (`line_of`).

    Raises:
        DefinitionError: it is no YAML, not UTF-8, or no mapping.
    """
    try:
        raw = _parsed(path.read_text(encoding="utf-8"))
    except YAMLError as e:
        raise DefinitionError([Problem(str(path), *syntax_fault(e))]) from e
    except UnicodeDecodeError as e:
        raise DefinitionError([Problem(str(path), 1, "不是 UTF-8 编码，请在编辑器中另存为 UTF-8")]) from e
    except OSError as e:
        raise DefinitionError([Problem(str(path), 1, f"文件无法读取：{e.strerror}")]) from e
    if not isinstance(raw, dict):
        raise DefinitionError([Problem(str(path), 1, "文件为空，或最外层不是“键: 值”")])
    return raw


class _Constructor(RoundTripConstructor):
    """Leaves dates as they are written: `When` reads them, and says what is wrong with 2022-06-31."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", RoundTripConstructor.construct_scalar)


@lru_cache(maxsize=32)
def _parsed(text: str) -> Any:
    """Parsed once a process: a sweep asks for the same file several times. Nobody changes what is read."""
    return _yaml().load(text)


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    return yaml


def problems_of(error: ValidationError, raw: Any, path: Path) -> list[Problem]:
    """Each thing that a model refuses of a file, with its line and a sentence."""
    return [Problem(str(path), line_of(raw, _place(e)), _sentence(e)) for e in _own_errors(error)]


def _own_errors(error: ValidationError) -> list[Any]:
    """Without the echo: a list is called too short when one of its items is wrong."""
    errors = error.errors()
    inner = [err["loc"][: len(outer["loc"])] for err in errors for outer in errors if err is not outer]
    return [err for err in errors if not (err["type"] == "too_short" and err["loc"] in inner)]


def _place(error: Any) -> tuple[int | str, ...]:
    """Where an error is; a check over several keys says by `at` which one."""
    return (*error["loc"], *error.get("ctx", {}).get("at", ()))


def plain(value: Any) -> Any:
    """ruamel's containers as plain ones, so that pydantic sees what was written."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def line_of(node: Any, location: Sequence[int | str]) -> int:
    """The line of the deepest part of `location` that stands in the file."""
    line = 1
    for step in location:
        try:
            if isinstance(node, dict) and step in node:
                line = node.lc.key(step)[0] + 1  # type: ignore[attr-defined]
                node = node[step]
            elif isinstance(node, list) and isinstance(step, int):
                line = node.lc.item(step)[0] + 1  # type: ignore[attr-defined]
                node = node[step]
            else:
                break
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line


_SENTENCES = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这个键，检查拼写",
    "string_pattern_mismatch": "写法不合规（小写字母、数字和连字符）",
    "string_type": "须为文字，数字请加引号",
    "tuple_type": "须为列表，如 [a, b]",
    "dict_type": "须为“键: 值”",
    "model_type": "须为“键: 值”",
    "bool_parsing": "须为 true 或 false",
    "literal_error": "须为 {expected} 之一",
    "too_short": "至少写一项",
    "int_parsing": "须为整数",
    "int_type": "须为整数",
    "greater_than_equal": "须不小于 {ge}",
    "date_from_datetime_parsing": "须为日期，如 2022-06-20",
}


def _sentence(error: Any) -> str:
    where = ".".join(str(step) for step in error["loc"])
    if r"\." in str(error.get("ctx", {}).get("pattern")):
        return f"{where}: 写法不合规（组名.项名，小写字母、数字和下划线，如 activities.held）"
    message = _SENTENCES.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if error["type"] in _SENTENCES:
        told = dict(error.get("ctx", {}))
        told["expected"] = re.sub("', '|' or '", "、", told.get("expected", "")).strip("'")
        message = message.format(**told)
    return f"{where}: {message}" if where else str(message)
