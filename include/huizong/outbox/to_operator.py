"""What the operator is written, as facts: alarms, and what there is to work with. No unit reads it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _ToOperator(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    lines: tuple[str, ...]
    dated: str = ""
    address_as: Literal["你单位", "贵单位"] = "你单位"


class AlarmContext(_ToOperator):
    """告警: a trouble that the operator must see to; never what a file or a letter says."""

    kind: Literal["alarm"] = "alarm"
    over: bool = False  # it is not a trouble any more


class DigestContext(_ToOperator):
    """工作进展: what the operator is sent to work with, the telephone list."""

    kind: Literal["digest"] = "digest"
