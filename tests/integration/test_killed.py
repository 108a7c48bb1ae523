"""Killed anywhere and run again comes to the same as run once (invariant 3): real processes, SIGKILL."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import select

from huizong.ledger.tables import (
    DefinitionVersion,
    Delivery,
    File,
    FormIssue,
    Letter,
    Location,
    Value,
    Version,
)
from office import CYCLE, PROJECT, Office, fill, honest

pytestmark = pytest.mark.slow

HUIZONG = Path(sys.executable).with_name("huizong")
ISSUE = ("issue", CYCLE, "--as-of", "2022-05-24T09:00", "--no-send")
RECEIVE = ("receive", "--folder", "{home}/drop", "--cycle", CYCLE, "--as-of", "2022-06-10T10:00")
VALIDATE = ("validate", CYCLE, "--as-of", "2022-06-10T10:05", "--no-send")
UNITS = ("410721", "410724", "410725", "410726")


def start(home: Path, command: tuple[str, ...]) -> subprocess.Popen[str]:
    arguments = [part.format(home=home) for part in command]
    environ = {**os.environ, "HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT)}
    return subprocess.Popen(
        [str(HUIZONG), *arguments, "--json"],
        env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def finish(home: Path, command: tuple[str, ...]) -> dict[str, Any]:
    process = start(home, command)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


def worked(process: subprocess.Popen[str]) -> float:
    """Processor seconds of a process so far: what it has done, however busy the machine is."""
    try:
        spent = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(spent.user + spent.system)


def kill_after(home: Path, command: tuple[str, ...], seconds: float) -> bool:
    """Kill the command, and what it started, after so much work; whether it was still at it."""
    process = start(home, command)
    while process.poll() is None:
        if worked(process) >= seconds:
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.005)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def truth(home: Path) -> dict[str, Any]:
    """What the ledger holds and a person can see, without what is drawn by lot (serials, form numbers)."""
    office = Office(home)
    with office.ctx.ledger.read() as session:

        def rows(*columns: Any) -> list[tuple[Any, ...]]:
            return sorted((tuple(row) for row in session.execute(select(*columns))), key=repr)

        return {
            "definitions": rows(DefinitionVersion.cycle, DefinitionVersion.version, DefinitionVersion.digest),
            "forms": rows(FormIssue.collection, FormIssue.unit, FormIssue.instrument),
            "letters": rows(Letter.key, Letter.kind, Letter.state, Letter.message_id, Letter.subject),
            "deliveries": rows(Delivery.sender, Delivery.disposition, Delivery.received_at),
            "places": [place.replace(str(home), "") for (place,) in rows(Location.place)],
            "files": rows(File.name, File.disposition, File.unit, File.part),
            "versions": rows(Version.unit, Version.part, Version.number, Version.status),
            "values": rows(Value.item, Value.number, Value.cell, Value.raw),
            "folders": sorted(
                str(p.relative_to(home)) for p in (home / "issued").rglob("*")
                if p.is_file() and not p.name.startswith(".")
            ),
        }  # fmt: skip


def templates(home: Path) -> Iterator[Path]:
    return (p for p in (home / "issued").rglob("*") if p.suffix in {".xlsx", ".docx"} and p.name[0] != ".")


def drops(home: Path) -> None:
    """Four units hand in: honest, vague, twice the same, and one file that nobody can read."""
    office = Office(home)
    office.hand_in(UNITS[0], honest(1))
    office.hand_in(UNITS[1], honest(2) | {"public.online": "约5万"})
    form = fill(office.template(UNITS[2]), honest(3))
    office.drop(UNITS[2], {"统计表.xlsx": form, "统计表(1).xlsx": form, "总结报告.txt": "总结".encode()})
    office.drop(UNITS[3], {"统计表.xlsx": b"PK\x03\x04 cut off"})


def kills(home: Path, command: tuple[str, ...], whole: float, count: int) -> int:
    """Kill at random moments, the first quarter of a run (imports only) left out; how many hit.

    The early ones come first: once a run has got to its end, nothing is left to be broken off.
    """
    lots = random.Random(20220620)
    moments = sorted(lots.uniform(whole / 4, whole) for _ in range(count))
    return sum(kill_after(home, command, moment) for moment in moments)


def timed(home: Path, command: tuple[str, ...]) -> tuple[dict[str, Any], float]:
    """What the command answers undisturbed, and the processor seconds that it takes."""
    process, spent = start(home, command), 0.0
    while process.poll() is None:
        spent = max(spent, worked(process))
        time.sleep(0.005)
    out, err = process.communicate()
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    return result, spent


def test_issue_and_receive_killed_again_and_again(tmp_path: Path) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    issued, seconds = timed(calm, ISSUE)
    hits = kills(rough, ISSUE, seconds, 8)
    again = finish(rough, ISSUE)
    assert hits >= 3  # else this test has tried nothing
    assert {**again, "templates_dir": ""} == {**issued, "templates_dir": ""}
    assert truth(rough) == truth(calm)
    for path in templates(rough):
        assert zipfile.ZipFile(path).testzip() is None  # whole

    drops(calm)
    drops(rough)
    received, seconds = timed(calm, RECEIVE)
    assert received["files"] == 6
    hits = kills(rough, RECEIVE, seconds, 7)
    finish(rough, RECEIVE)
    assert hits >= 3
    assert finish(rough, RECEIVE)["messages"] == finish(calm, RECEIVE)["messages"] == 0
    assert truth(rough) == truth(calm)

    _, seconds = timed(calm, VALIDATE)
    hits = kills(rough, VALIDATE, seconds, 3)
    assert finish(rough, VALIDATE) == finish(calm, VALIDATE) | {"queued": pytest.approx(2, abs=2)}
    assert hits >= 1
    assert truth(rough) == truth(calm)


def test_a_form_that_was_being_written_when_it_died_is_made_whole(tmp_path: Path) -> None:
    office = Office(tmp_path / "home")
    office.issue()
    folder = office.ctx.home.issued(CYCLE) / UNITS[0]
    whole = {p.name: p.read_bytes() for p in folder.iterdir()}
    for name in whole:
        (folder / name).unlink()
        (folder / f".{name}").write_bytes(whole[name][:100])  # as a killed process leaves it
    office.issue()
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == whole
