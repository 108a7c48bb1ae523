"""Every decision of a person says who took it, and why."""

from __future__ import annotations

from huizong.errors import UsageError


def require_words(by: str, reason: str = "-") -> None:
    """Refuse a decision without a name or without a reason.

    Raises:
        UsageError: one of them is empty.
    """
    if not by.strip() or not reason.strip():
        raise UsageError("请写明经办人（--by）和理由（--reason）。")
