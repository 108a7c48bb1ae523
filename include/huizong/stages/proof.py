"""Letters whose answer was lost: known to have left only by proof, else a person decides."""

from __future__ import annotations

from datetime import datetime

from huizong.stages.context import Context


def settle_unknown(ctx: Context, channel: str, as_of: datetime) -> int:
    """Look for proof of a channel's `unknown` letters; how many were found to have been sent."""
    return 0
