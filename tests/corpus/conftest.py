"""Prints the corpus table when the tests are done."""

from __future__ import annotations

import pytest

TABLE = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table stands at the end of the run, whether the tests passed or not."""
    for line in config.stash.get(TABLE, []):
        terminalreporter.write_line(line)
