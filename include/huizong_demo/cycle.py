"""The demo's cycle: the notice of 2022 with its dates moved to now, weeks become seconds."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML

CODE = "xinxiang-2022"
COLLECTION = "science-departments"
CHANNEL = "mailbox-kjj"
ZONE = ZoneInfo("Asia/Shanghai")

# After issue. A slow machine needs half a minute from a letter to its answer.
DUE = timedelta(seconds=85)
PROVISIONAL = timedelta(seconds=87)
REMINDER = timedelta(seconds=110)
CLOSES = timedelta(seconds=178)


@dataclass(frozen=True)
class Unit:
    """What the demo needs to know of one line of the roster."""

    code: str
    name: str
    full_name: str
    address: str


def source(project: Path) -> Path:
    return project / "include" / "cycles" / CODE


def units(project: Path) -> list[Unit]:
    """Those whom the collection asks."""
    tag = "science-department"
    with (source(project) / "roster.csv").open(encoding="utf-8-sig", newline="") as roster:
        return [
            Unit(row["code"], row["name"], row["full_name"] or row["name"], row["email"])
            for row in csv.DictReader(roster)
            if tag in row["tags"].split(";")
        ]


def write(home: Path, project: Path, issue_at: datetime) -> Path:
    """Write the definition into the home, where it stands before the project's own; return its file."""
    draft = home / "cycle.draft"
    shutil.copytree(source(project), draft)
    yaml = YAML()
    definition: dict[str, Any] = yaml.load(draft / "cycle.yaml")
    definition.update(
        live=True,
        calendar="always",
        office_hours=["00:00-24:00"],
        event={"from": _day(issue_at, -30), "to": _day(issue_at, -2)},
        ladder_rules={"after_event": 0, "after_issue": 0},
        assemble={"provisional_at": _text(issue_at + PROVISIONAL), "final_at": _text(issue_at + CLOSES)},
    )
    definition["notice"]["issue_at"] = _text(issue_at)
    definition["collections"] = [c for c in definition["collections"] if c["code"] == COLLECTION]
    definition["channels"] = {CHANNEL: definition["channels"][CHANNEL]}
    collection = definition["collections"][0]
    collection.update(
        due=_text(issue_at + DUE),
        closes=_text(issue_at + CLOSES),
        ladder=[{"rung": "overdue", "at": _text(issue_at + REMINDER)}],
    )
    yaml.dump(definition, draft / "cycle.yaml")
    target = home / "cycles" / CODE
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.rename(target)  # at once: Airflow must not read half a cycle
    return target / "cycle.yaml"


def _text(moment: datetime) -> str:
    return moment.astimezone(ZONE).isoformat(timespec="seconds")


def _day(moment: datetime, days: int) -> date:
    return (moment.astimezone(ZONE) + timedelta(days=days)).date()
