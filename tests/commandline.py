"""The command line in this process: an exception that is none of ours would surface in the test."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from huizong.cli.app import run
from huizong.clock import FixedClock
from office import PROJECT


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Call = Callable[..., Answer]


def command_line(home: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    """What runs `huizong …` on a home."""

    def call(*words: object) -> Answer:
        places = {"HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT)}
        code = run([str(word) for word in words], places, FixedClock())
        return Answer(code, *capfd.readouterr())

    return call


def is_refused(answer: Answer, words: str) -> None:
    """Exit 2, nothing on standard output, and in the end one Chinese line that says what to do."""
    assert answer.code == 2, answer.err
    assert answer.out == ""
    line = answer.err.strip().splitlines()[-1]
    assert line.startswith(("错误：", "Error："))
    assert words in answer.err
    assert re.search("[一-鿿]", line.partition("：")[2])
