"""Fixtures that every kind of test uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from office import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """xinxiang-2022 on SQLite in a fresh home, nothing issued, no mail connections."""
    return Office(tmp_path / "home")
