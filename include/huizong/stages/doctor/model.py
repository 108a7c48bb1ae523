"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One thing that was tried. `message`: how it is, and where it is not well, what to do about it; whole
    sentences. `name`: what it is about; `trouble:` and a name for an open trouble."""

    name: str
    ok: bool
    message: str


def sentence(text: str) -> str:
    """Words on one line, with the stop that they lack."""
    said = " ".join(text.split())
    return said if not said or said[-1] in "。！？；" else f"{said}。"
