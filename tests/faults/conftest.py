"""Counts of the faults from each test, and the table when the tests are done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.bed import Bed, made
from faults.table import Count, lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table stands at the end of the run, whether the tests passed or not."""
    ends = [report for report in terminalreporter.stats.get("", []) if report.when == "teardown"]
    counts = [Count(**value) for end in ends for name, value in end.user_properties if name == "fault"]
    if counts:
        for line in lines(counts):
            terminalreporter.write_line(line)


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Callable[[str], Count]:
    """A count that will stand in the table, also when the test fails."""

    def count(fault: str) -> Count:
        one = Count(fault)
        request.addfinalizer(lambda: request.node.user_properties.append(one.property()))
        return one

    return count


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three letters that wait to be sent."""
    return made(tmp_path_factory.mktemp("three") / "home", 3)


@pytest.fixture(scope="session")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with fifty letters that wait to be sent."""
    return made(tmp_path_factory.mktemp("fifty") / "home", 50)


@pytest.fixture
def beds(tmp_path: Path) -> Callable[[Path], Bed]:
    """Fresh copies of a home, one a call."""
    return lambda template: Bed.copied(template, tmp_path / f"home{len(list(tmp_path.iterdir()))}")
