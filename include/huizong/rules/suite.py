"""The rules of an instrument as data: a Great Expectations suite, `expectations/<code>@<version>.json`.

The file is what Great Expectations itself loads; this module reads the same file for what Great
Expectations does not know: who is told what (`meta`), and which columns the rules judge.

Some of its rules follow from the instrument (`huizong.rules.standard`); the others are written by hand.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from huizong.errors import UsageError
from huizong.rules.model import Severity

# Great Expectations' own scale says what becomes of the return: critical = sent back,
# warning = counted while it is asked about, info = nothing to answer.
GX_SEVERITY: dict[Severity, str] = {
    "mandatory": "critical",
    "quasi_mandatory": "critical",
    "verify": "warning",
    "hint": "info",
}
PLACEHOLDERS = ("value", "raw", "held", "hint", "detail", "count", "in_wan", "address")
_COLUMN_KEYS = ("column", "column_A", "column_B")


class RuleMeta(BaseModel):
    """What the clerk is told. `message` and `remedy` are read one after the other in a letter, so the
    remedy adds to the message and does not repeat it.

    Both may hold {value} (the figure), {raw} (the cell as typed), {held} (a cell that is no number, and what
    is wanted instead), {hint} (a sentence on what that was probably meant to say, often empty: 如为56，
    填“56”。), {detail} (what the judged column holds), {count} (the items that {detail} names, and the
    rule's own), {in_wan} (the figure divided by 10,000) and {address} (你单位 or 贵单位).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    severity: Severity
    item: str | None
    message: str
    remedy: str
    # Not said where one of these rules speaks about the same item, or about the whole form.
    yields_to: tuple[str, ...] = ()

    @field_validator("message", "remedy")
    @classmethod
    def _only_known_placeholders(cls, text: str) -> str:
        try:
            text.format_map(dict.fromkeys(PLACEHOLDERS, ""))
        except (KeyError, IndexError, ValueError) as e:
            raise ValueError(f"“{text}”中只能使用 {'、'.join(PLACEHOLDERS)} 这几个花括号占位") from e
        return text


class Expectation(BaseModel):
    """One expectation as Great Expectations writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    kwargs: dict[str, Any]
    severity: Literal["critical", "warning", "info"]
    meta: RuleMeta

    @model_validator(mode="after")
    def _one_severity(self) -> Self:
        if self.severity != GX_SEVERITY[self.meta.severity]:
            raise ValueError(f"severity {self.severity} 与 meta.severity {self.meta.severity} 不对应")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.kwargs[key] for key in _COLUMN_KEYS if key in self.kwargs)


class Suite(BaseModel):
    """A suite file. `meta.instrument` names the form version that it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    expectations: tuple[Expectation, ...] = Field(min_length=1)
    meta: dict[str, Any] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that a rule judges, once each, in the order of the rules."""
        return tuple(dict.fromkeys(name for rule in self.expectations for name in rule.columns))


def load_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        UsageError: the file is missing or not a suite; the sentence names the file and the place.
    """
    try:
        return Suite.model_validate_json(path.read_bytes())
    except FileNotFoundError as e:
        raise UsageError(f"审核规则文件不存在：{path}") from e
    except ValidationError as e:
        first = e.errors()[0]
        if first["type"] == "json_invalid":
            raise UsageError(f"{path} 不是 JSON 文件，请核对是不是审核规则文件。") from e
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}") from e


def suite_version(path: Path) -> str:
    """The rule version that findings carry in the ledger: 12 hex digits of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def suite_text(suite: Suite) -> str:
    """The suite as it stands in the repository: one expectation a line, so that a change reads as one."""
    lines = [
        json.dumps(rule.model_dump(exclude_defaults=True), ensure_ascii=False) for rule in suite.expectations
    ]
    name, meta = (json.dumps(part, ensure_ascii=False) for part in (suite.name, suite.meta))
    rules = ",\n".join(lines)
    return f'{{\n"name": {name},\n"meta": {meta},\n"expectations": [\n{rules}\n]\n}}\n'
