"""Fixtures that every kind of test uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from office import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """xinxiang-2022 on SQLite in a fresh home, nothing issued, no mail connections."""
    return Office(tmp_path / "home")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that no process of the run is left with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
