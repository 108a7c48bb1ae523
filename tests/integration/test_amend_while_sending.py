"""No reminder leaves that is out of date or out of hours: an amendment in the middle of everything takes the
old day's back and tells the new one once; what lies over waits for the office."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mailbed import FaultySmtp
from outboxing import CHANNEL, connect

from huizong.connections import MailServer
from huizong.stages import chase as chasing
from huizong.stages.amend import amend
from huizong.stages.decisions import decide
from huizong.stages.issued import IssuedCycle, issued_cycle
from huizong.stages.send import send
from huizong.stages.sending import Batch
from huizong.stages.status import outbox
from office import PROJECT, Office, at, honest

CYCLE, COLLECTION, FIRST, SECOND = "xinxiang-2022", "science-departments", "410702", "410703"
NUDGED, AMENDED, AGAIN = "2022-06-13T09:00", "2022-06-14T10:00", "2022-06-20T09:30"
OLD_DUE, NEW_DUE = "due: 2022-06-20 ", "due: 2022-06-27 "


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Office, FaultySmtp]]:
    """Three units, one collection, a server that takes every letter; issued, the notices sent."""
    folder = tmp_path / "home/cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    text = (folder / "cycle.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("  - code: associations")
    (folder / "cycle.yaml").write_text(head + rest[rest.index("assemble:") :], encoding="utf-8")
    lines = (folder / "roster.csv").read_text(encoding="utf-8").splitlines()
    (folder / "roster.csv").write_text("\n".join([*lines[:4], ""]), encoding="utf-8")
    office = Office(tmp_path / "home")
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        office.issue(send=True)
        yield office, faulty


def edit(office: Office, old: str = OLD_DUE, new: str = NEW_DUE, name: str = "cycle.yaml") -> None:
    path = Path(office.environ["HUIZONG_HOME"]) / "cycles" / CYCLE / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def amended(office: Office, moment: str = AMENDED) -> dict[str, Any]:
    edit(office)
    return amend(office.ctx, CYCLE, at(moment), by="经办人", reason="上级推迟", send=False)


def chase(office: Office, moment: str) -> None:
    """As by somebody who has no mailbox to read; what is queued is sent on its own."""
    quiet = Office(office.home)
    quiet.clock = office.clock
    quiet.chase(moment)


def left(office: Office) -> list[tuple[str, str]]:
    """(kind, unit) of what was sent besides the notices."""
    letters = outbox(office.ctx)["letters"]
    return sorted((x["kind"], x["unit"]) for x in letters if x["state"] == "sent" and x["kind"] != "notice")


def batch(office: Office, between: Callable[[], Any], moment: str = AMENDED) -> dict[str, int]:
    """One batch in which `between` happens once: a letter is made, and not claimed yet."""
    todo = [between]
    server = office.ctx.connections.get(f"{CHANNEL.replace('-', '_')}_smtp")
    assert isinstance(server, MailServer)
    with Batch(office.ctx, CHANNEL, server, at(moment), lambda: todo and todo.pop()()) as running:
        return running.run()


def sent_on_time(office: Office) -> list[tuple[str, str]]:
    """What leaves later: the new day's ladder, each rung once."""
    for _ in range(2):
        chase(office, AGAIN)
        send(office.ctx, [CHANNEL], at(AGAIN))
    return [entry for entry in left(office) if entry[0] == "nudge"]


def test_amended_while_a_batch_runs_nothing_of_the_old_day_leaves(office: tuple[Office, FaultySmtp]) -> None:
    one, _ = office
    chase(one, NUDGED)
    assert len(one.letters(kind="nudge", state="queued")) == 3
    counts = batch(one, lambda: amended(one))
    assert counts == {"sent": 0, "failed": 0, "cancelled": 3}
    assert left(one) == []
    assert {x["state"] for x in one.letters(kind="nudge")} == {"cancelled"}

    for _ in range(2):  # the new day is told once
        send(one.ctx, [CHANNEL], at(AMENDED))
    units = ["410700-self", FIRST, SECOND]
    assert left(one) == [("amendment", unit) for unit in units]
    assert sent_on_time(one) == [("nudge", unit) for unit in units]
    said = [x["subject"] for x in one.letters(kind="nudge", state="sent")]
    assert len(said) == 3


def test_a_chase_that_read_the_old_definition_queues_what_is_cancelled_at_its_claim(
    office: tuple[Office, FaultySmtp], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = office
    seen: list[IssuedCycle] = []

    def slow(*arguments: Any) -> IssuedCycle:
        """Amended right after the chase has read the definition for the last time."""
        found = issued_cycle(*arguments)
        seen.append(found)
        if len(seen) == 2:
            amended(one, NUDGED)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(chasing, "issued_cycle", slow)
        chase(one, NUDGED)
    assert len(one.letters(kind="nudge", state="queued")) == 3  # of the old day
    send(one.ctx, [CHANNEL], at(NUDGED))
    assert {kind for kind, _ in left(one)} == {"amendment"}
    assert {x["state"] for x in one.letters(kind="nudge")} == {"cancelled"}
    assert len(sent_on_time(one)) == 3


def test_a_letter_in_hand_when_the_day_moved_is_not_tried_again(office: tuple[Office, FaultySmtp]) -> None:
    one, faulty = office
    chase(one, NUDGED)
    faulty.says["hongqi@xinxiang.example"] = "450 4.2.1 try again later"
    send(one.ctx, [CHANNEL], at(NUDGED))
    assert one.letters(kind="nudge", state="rejected_temporary")
    amended(one)
    faulty.says.clear()
    one.clock.sleep(3600)
    send(one.ctx, [CHANNEL], at(AMENDED))
    assert [x["state"] for x in one.letters(kind="nudge", unit=FIRST)] == ["cancelled"]
    assert ("nudge", FIRST) not in left(one)


def test_an_extension_to_a_later_day_outlives_the_amendment(office: tuple[Office, FaultySmtp]) -> None:
    one, _ = office
    decide(one.ctx, CYCLE, FIRST, "extend", at(NUDGED), by="科长", reason="同意", until="2022-07-01")
    amended(one)
    send(one.ctx, [CHANNEL], at(AMENDED))
    chase(one, "2022-06-21T09:30")
    send(one.ctx, [CHANNEL], at("2022-06-21T09:30"))
    assert ("nudge", SECOND) in left(one)
    assert ("nudge", FIRST) not in left(one)  # five working days before its own day: not yet
    chase(one, "2022-06-28T09:30")
    send(one.ctx, [CHANNEL], at("2022-06-28T09:30"))
    assert ("nudge", FIRST) in left(one)
    assert ("reminder", SECOND) in left(one)
    assert ("reminder", FIRST) not in left(one)


def test_after_the_final_edition_an_amendment_makes_a_revised_one(office: tuple[Office, FaultySmtp]) -> None:
    one, _ = office
    one.hand_in(FIRST, honest())
    one.receive_folder("2022-06-13T10:00")
    one.validate("2022-06-13T10:05")
    final = one.assemble("2022-07-06T10:00", "final")
    roster = Path(one.environ["HUIZONG_HOME"]) / "cycles" / CYCLE / "roster.csv"
    lines = roster.read_text(encoding="utf-8").splitlines()
    roster.write_text("\n".join([*(x for x in lines if not x.startswith(SECOND)), ""]), encoding="utf-8")
    amend(one.ctx, CYCLE, at("2022-07-07T10:00"), by="经办人", reason="已撤并", send=False)
    before = {f: Path(f).read_bytes() for f in final["files"]}
    revised = one.assemble("2022-07-07T11:00", "revised")
    assert (revised["edition"], revised["number"]) == ("revised", 1)
    assert revised["coverage"][COLLECTION]["expected"] == final["coverage"][COLLECTION]["expected"] - 1 == 2
    assert {f: Path(f).read_bytes() for f in final["files"]} == before


def test_a_reminder_that_lies_over_waits_for_the_office(office: tuple[Office, FaultySmtp]) -> None:
    one, _ = office
    chase(one, "2022-06-13T17:30")
    for closed in ("2022-06-13T18:30", "2022-06-14T13:00", "2022-06-18T09:00"):  # evening, noon, a Saturday
        assert send(one.ctx, [CHANNEL], at(closed))["sent"] == 0
    assert {x["state"] for x in one.letters(kind="nudge")} == {"queued"}
    send(one.ctx, [CHANNEL], at("2022-06-20T08:30"))
    assert len([entry for entry in left(one) if entry[0] == "nudge"]) == 3
