"""Changed rules over the returns that are held: what would be told otherwise, and nothing recorded."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from list_files import PROJECTS, filled, project
from sqlalchemy import func, select

from huizong.errors import UsageError
from huizong.ledger.tables import Event, FindingRow
from huizong.stages.recheck import recheck
from office import ISSUED, PROJECT, Office, at, honest

AS_OF = "2022-06-15T10:00"
SUITE = PROJECT / "expectations/activity-week-statistics@2022.json"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Three returns are held: a clean one, one with more ministry tasks than activities, one blank."""
    office = Office(tmp_path_factory.mktemp("recheck"))
    office.issue(ISSUED)
    office.hand_in("410702", honest())
    office.hand_in("410703", {**honest(1), "activities.ministry_tasks": Decimal(90)})
    office.hand_in("410704", {k: v for k, v in honest(2).items() if k != "activities.held"})
    office.receive_folder("2022-06-10T10:00")
    office.validate("2022-06-10T10:05")
    return office


def suite(tmp_path: Path, change: Any) -> Path:
    """The form's own suite, its rules changed by `change`."""
    content = json.loads(SUITE.read_text(encoding="utf-8"))
    content["expectations"] = change(content["expectations"])
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def checked(office: Office, rules: Path) -> dict[str, Any]:
    return recheck(office.ctx, office.cycle, rules, at(AS_OF))


def recorded(office: Office) -> tuple[int, int]:
    with office.ctx.ledger.read() as session:
        return (
            session.scalar(select(func.count(FindingRow.id))) or 0,
            session.scalar(select(func.count(Event.id))) or 0,
        )


def test_the_same_rules_change_nothing(office: Office) -> None:
    found = checked(office, SUITE)
    assert found["returns"] == 3
    assert found["changed"] == []


def test_a_rule_that_goes_and_one_that_comes(office: Office, tmp_path: Path) -> None:
    before = recorded(office)

    def change(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [r for r in rules if not (r["meta"]["item"] == "activities.held" and _blank(r))]
        assert len(kept) < len(rules)
        return [*kept, _at_most("public.offline", 5000)]

    found = checked(office, suite(tmp_path, change))
    rows = {(r["unit"], r["item"]): (r["was"], r["now"]) for r in found["changed"]}
    assert rows["410704", "activities.held"] == ("mandatory", None)
    assert rows["410703", "public.offline"] == (None, "verify")
    assert rows["410704", "public.offline"] == (None, "verify")
    assert len(rows) == 3
    (row,) = (r for r in found["changed"] if r["was"])
    assert row["was_message"] and row["now_message"] is None
    assert recorded(office) == before


def _blank(rule: dict[str, Any]) -> bool:
    return bool(rule["meta"]["code"] == "blank")


def _at_most(item: str, most: int) -> dict[str, Any]:
    return {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": f"{item}", "max_value": most},
        "severity": "warning",
        "meta": {
            "code": "too_many", "severity": "verify", "item": item,
            "message": "人数为{value}，请核实。", "remedy": "",
        },
    }  # fmt: skip


def test_a_suite_of_another_form_is_refused_by_name(office: Office, tmp_path: Path) -> None:
    content = json.loads(SUITE.read_text(encoding="utf-8")) | {"meta": {"instrument": "other@2020"}}
    path = tmp_path / "other.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(UsageError, match="other@2020"):
        checked(office, path)
    with pytest.raises(UsageError, match="不存在"):
        checked(office, tmp_path / "none.json")


def test_lists_are_rechecked_column_by_column(tmp_path: Path) -> None:
    office = Office(tmp_path / "home", cycle="jilin-2020")
    office.issue("2020-07-23T09:00")
    files = (office.ctx.home.issued(office.cycle) / "220100").glob("*.xlsx")
    template = next(f.read_bytes() for f in files if PROJECTS.title in f.name)
    office.drop("220100", {"list.xlsx": filled([project(1), project(2, 主办单位=None)], template)})
    office.receive_folder("2020-07-28T09:00")
    office.validate("2020-07-28T09:05")
    own = office.ctx.home.expectations[0] / f"{PROJECTS.ref}.json"

    content = json.loads(own.read_text(encoding="utf-8"))
    content["expectations"] = [r for r in content["expectations"] if not _blank(r)]
    own.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")  # edited where it stands
    found = recheck(office.ctx, office.cycle, own, at("2020-07-28T10:00"))
    rows = [(r["unit"], r["item"], r["was"], r["now"]) for r in found["changed"]]
    assert rows == [("220100", "project.host", "mandatory", None)]
    assert "第2行" in found["changed"][0]["was_message"]
