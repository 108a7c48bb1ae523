"""What the guides say of decisions, ways in, folders and definitions is what the program has."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from documents import DOCS, Row, tables
from huizong.cli.wording import DECISION
from huizong.definition.model import Collection, Cycle, Part
from huizong.stages.window import EARLY, LATE
from huizong.stages.words import RUNG, VIA
from office import PROJECT

GUIDE = DOCS / "operator.zh-CN.md"
ADDING = DOCS / "adding-a-cycle.md"


def table_with(head: str) -> list[Row]:
    (found,) = (table for table in tables(GUIDE) if head in table[0])
    return found


def test_every_decision_stands_in_the_guide_under_its_name() -> None:
    rows = {row["写法"].split()[0]: row["决定"] for row in table_with("写法")}
    assert rows == DECISION


@pytest.mark.parametrize("page", ["docs/operator.zh-CN.md", "README.md", "README.zh-CN.md"])
def test_every_way_in_and_every_decision_is_named(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    assert [word for word in (*VIA, *DECISION) if f"`{word}" not in text and f" {word} " not in text] == []


def test_what_came_outside_its_time_is_told_in_these_words() -> None:
    for page in (GUIDE, DOCS / "values.md"):
        text = page.read_text(encoding="utf-8")
        assert EARLY in text
        assert LATE in text


def test_rungs_that_are_passed_on_are_called_as_their_folders() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for rung in ("nudge", "due_day", "overdue"):
        assert f"`-{RUNG[rung]}`" in text


def test_every_key_of_a_definition_is_explained() -> None:
    """In the first cell of its own row, or in the row of the key that it belongs to."""
    text = ADDING.read_text(encoding="utf-8")
    missing = [key for key in _keys(Cycle, Collection, Part) if not re.search(rf"`{key}\b", text)]
    assert missing == []


def _keys(*models: type[BaseModel]) -> Iterator[str]:
    for model in models:
        yield from (field.alias or name for name, field in model.model_fields.items())
