"""What reaches the office by no mailbox: by fax, in a chat group, on paper, over the counter."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select

from huizong.cli.app import run
from huizong.clock import FixedClock
from huizong.errors import UsageError
from huizong.ledger.tables import Event, EventPerson, Letter
from huizong.outbox.context import load_context
from huizong.stages.amend import amend
from huizong.stages.issued import issued_cycle
from huizong.stages.receive import receive_folder
from huizong.stages.triage import waiting
from office import CYCLE, PROJECT, Office, at, honest

A, B = "410721", "410724"


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def brought_in(office: Office, via: str, by: str = "李科") -> None:
    receive_folder(office.ctx, office.home / "drop", CYCLE, at("2022-06-10T10:00"), via=via, by=by)


def test_the_receipt_says_by_which_way_it_came_and_the_log_who_took_it(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    brought_in(issued, "fax")
    issued.validate("2022-06-10T10:05")
    (letter,) = issued.letters(unit=A, kind="supplement")
    with issued.ctx.ledger.read() as session:
        row = session.get_one(Letter, letter["id"])
        text = issued.ctx.letter_book.render(load_context(json.dumps(row.context["letter"]))).text
        event = session.scalars(select(Event).where(Event.kind == "brought_in")).one()
        person = session.get_one(EventPerson, event.id)
    assert "材料已于2022年6月10日10:00经传真收到。" in text
    assert (event.data["via"], person.by) == ("fax", "李科")
    assert issued.unit(A)["notes"] == ["统计表.xlsx：经传真收到"]
    assert issued.unit(A)["parts"]["statistics"] == "accepted"


def test_what_waits_for_a_person_says_how_it_came(issued: Office) -> None:
    issued.drop("某处", {"照片.txt": "约5万人".encode()})
    brought_in(issued, "wechat")
    (row,) = waiting(issued.ctx)["waiting"]
    assert row["via"] == "wechat"


def test_a_way_nobody_knows_and_a_nameless_bringer_are_refused(issued: Office) -> None:
    issued.hand_in(A, honest(1))
    with pytest.raises(UsageError, match="fax、qq、wechat"):
        brought_in(issued, "telephone")
    with pytest.raises(UsageError, match="--by"):
        brought_in(issued, "fax", by=" ")
    told = ["receive", "--folder", str(issued.home / "drop"), "--cycle", CYCLE, "--as-of", "2022-06-10T10:00"]
    assert run([*told, "--via", "pigeon", "--by", "李科"], issued.environ, FixedClock()) == 2
    assert run(["receive", "--via", "fax", "--by", "李科"], issued.environ, FixedClock()) == 2
    assert issued.unit(A)["versions"] == 0
    assert run([*told, "--via", "paper", "--by", "李科", "--json"], issued.environ, FixedClock()) == 0
    assert issued.unit(A)["versions"] == 1


# --- units without a mailbox -------------------------------------------------------------------------

MUTE = {"410702": "hongqi@xinxiang.example", "410703": "weibin@xinxiang.example"}


@pytest.fixture
def mute(office: Office) -> Office:
    """Two units whose address nobody has; one of them has a telephone."""
    folder = office.home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    roster = (folder / "roster.csv").read_text()
    for address in MUTE.values():
        assert roster.count(f",{address},,") == 1
        roster = roster.replace(f",{address},,", ",,0373-0000001," if "hongqi" in address else ",,,")
    (folder / "roster.csv").write_text(roster)
    office.issue()
    return office


def laid_out(office: Office, suffix: str) -> list[Path]:
    return sorted((office.home / "forwarding" / CYCLE).glob(f"*/*{suffix}"))


def test_units_without_a_mailbox_get_a_package_and_a_group_text_at_issue(mute: Office) -> None:
    texts, packages = laid_out(mute, ".txt"), laid_out(mute, ".zip")
    assert {path.parent.name for path in texts + packages} == {"2022-05-24-下发"}
    names = [name for path in packages for name in zipfile.ZipFile(path).namelist()]
    assert {name.split("/")[0] for name in names} == {"410702-红旗区", "410703-卫滨区"}
    own = next((mute.home / "issued" / CYCLE / "410702").glob("*.xlsx"))
    package = next(p for p in packages if f"410702-红旗区/{own.name}" in zipfile.ZipFile(p).namelist())
    assert zipfile.ZipFile(package).read(f"410702-红旗区/{own.name}") == own.read_bytes()
    assert "请于6月20日（星期一）前（含当日）报送，发送至" in "".join(p.read_text("utf-8-sig") for p in texts)
    assert [letter for letter in mute.letters() if letter["unit"] in MUTE] == []
    before = {path: path.stat().st_mtime_ns for path in texts + packages}
    mute.issue("2022-05-25T09:00")
    after = {path: path.stat().st_mtime_ns for path in laid_out(mute, ".txt") + laid_out(mute, ".zip")}
    assert after == before


def test_a_reminder_to_the_group_names_nobody_and_is_made_once(mute: Office) -> None:
    mute.chase("2022-06-21T09:00")
    mute.chase("2022-06-21T10:00")
    mute.chase("2022-06-22T09:00")
    texts = [p for p in laid_out(mute, ".txt") if "逾期提醒" in p.parent.name and "2022-06-21" in str(p)]
    assert texts
    assert not [p for p in laid_out(mute, ".txt") if p.parent.name.startswith("2022-06-22")]
    said = "".join(path.read_text("utf-8-sig") for path in texts)
    assert "还未报送的请尽快报送" in said
    units = issued_cycle(mute.ctx, CYCLE).loaded.units
    assert [name for unit in units if not unit.own for name in unit.names if name in said] == []


def test_what_was_amended_is_said_to_the_group_once(mute: Office) -> None:
    definition = mute.home / "cycles" / CYCLE / "cycle.yaml"
    definition.write_text(definition.read_text().replace("due: 2022-06-20 ", "due: 2022-06-27 ", 1))
    amend(mute.ctx, CYCLE, at("2022-06-14T10:00"), by="经办人", reason="活动延期", send=False)
    (text,) = [path for path in laid_out(mute, ".txt") if path.parent.name.startswith("2022-06-14")]
    assert text.name.startswith("各县（市、区）科技管理部门及有关单位")  # the associations' day stays
    said = text.read_text("utf-8-sig")
    assert "由6月20日（星期一）前（含当日）调整为6月27日（星期一）前（含当日）" in said
    assert "本邮件" not in said
    definition.write_text(definition.read_text().replace("due: 2022-06-27 ", "due: 2022-06-28 ", 1))
    amend(mute.ctx, CYCLE, at("2022-06-14T16:00"), by="经办人", reason="再延期", send=False)
    folders = [path.parent.name for path in laid_out(mute, ".txt") if "补充通知" in path.parent.name]
    assert sorted(folders) == ["2022-06-14-补充通知（第2版）", "2022-06-14-补充通知（第3版）"]
    assert text.read_text("utf-8-sig") == said  # the first one is still there to be passed on
