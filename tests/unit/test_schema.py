"""The JSON Schemas that editors use say what the program says, and are the ones in docs/schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from huizong.definition.schema import schema_of
from huizong.errors import UsageError

PROJECT = Path(__file__).parents[2]
FILES = {
    "cycle": sorted(PROJECT.glob("include/cycles/*/cycle.yaml")),
    "form": sorted(PROJECT.glob("include/forms/*.yaml")),
}
ALL = [(kind, path) for kind, paths in FILES.items() for path in paths]


def content(path: Path) -> Any:
    """As an editor reads it: a date is a text (YAML 1.2)."""
    yaml = YAML(typ="safe", pure=True)
    yaml.constructor.add_constructor(
        "tag:yaml.org,2002:timestamp", lambda constructor, node: constructor.construct_scalar(node)
    )
    return yaml.load(path.read_text(encoding="utf-8"))


def wrong(kind: str, data: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema_of(kind)).iter_errors(data)]


@pytest.mark.parametrize("kind", FILES)
def test_the_files_in_docs_are_the_schemas(kind: str) -> None:
    text = (PROJECT / f"docs/schema/{kind}.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == schema_of(kind), f"huizong schema {kind} > docs/schema/{kind}.schema.json"
    Draft202012Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize(("kind", "path"), ALL, ids=lambda v: v if isinstance(v, str) else v.parent.name)
def test_the_projects_definitions_keep_to_them_and_name_them(kind: str, path: Path) -> None:
    assert wrong(kind, content(path)) == []
    head = path.read_text(encoding="utf-8").splitlines()[0]
    place = head.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / place).resolve() == PROJECT / f"docs/schema/{kind}.schema.json"


@pytest.mark.parametrize(
    ("kind", "keys", "value", "says"),
    [
        ("cycle", ("tilte",), "x", "'tilte' was unexpected"),
        ("cycle", ("collections", 0, "due"), "20 June", "under any of the given schemas"),
        ("cycle", ("collections", 0, "ladder", 0, "rung"), "shout", "is not one of"),
        ("cycle", ("office_hours", 0), "8-12", "does not match"),
        ("form", ("items", 0, "type"), "number", "is not one of"),
        ("form", ("items", 0, "code"), "活动", "does not match"),
    ],
)
def test_a_slip_is_underlined(kind: str, keys: tuple[Any, ...], value: str, says: str) -> None:
    data = content(FILES[kind][-1])
    place = data
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    assert any(says in message for message in wrong(kind, data))


def test_every_key_is_explained_in_chinese() -> None:
    for kind in FILES:
        schema = schema_of(kind)
        for name, key, words in _explained({kind: schema, **schema.get("$defs", {})}):
            assert words, f"definition/schema.py does not say what {name}.{key} is"
            assert "\u4e00" <= max(words) <= "\uffff"


def _explained(models: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, model in models.items():
        for key, value in model.get("properties", {}).items():
            yield name, key, value.get("description", "")


def test_there_is_no_schema_of_anything_else() -> None:
    with pytest.raises(UsageError, match="写 cycle 或 form"):
        schema_of("roster")
