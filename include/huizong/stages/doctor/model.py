"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was tried. `message`: how it is, and where it is not well, what to do about it."""

    name: str
    ok: bool
    message: str
