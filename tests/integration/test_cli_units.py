"""`huizong unit` with each of its words, and `receive --via`: what they answer, and what they refuse."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from commandline import Call, command_line, is_refused
from huizong.cli.wording import DECISION, WORDS
from huizong.stages.decisions import KINDS
from office import COLLECTION, CYCLE, Office, honest

GOOD, ASKED, SILENT = "410721", "410724", "410725"
DAY = ("--as-of", "2022-06-11T10:00")
SIGNED = ("--by", "李科", "--reason", "电话核实")


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One unit's form accepted, another's asked about; all others have sent nothing."""
    office = Office(tmp_path_factory.mktemp("units") / "home")
    office.issue()
    office.hand_in(GOOD, honest(1))
    office.hand_in(ASKED, honest(2) | {"funding.county": 60000})  # more than a county can have
    office.receive_folder("2022-06-10T10:00")
    office.validate("2022-06-10T10:05")
    return office.home


@pytest.fixture
def home(received: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(received, tmp_path / "home"))


@pytest.fixture
def call(home: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    return command_line(home, capfd)


def decide(call: Call, unit: str, *words: str) -> Any:
    """A decision that is taken; its answer."""
    answer = call("unit", CYCLE, unit, *words, *SIGNED, *DAY, "--json")
    assert answer.code == 0, answer.err
    assert {"cycle", "unit", "collection", "decision"} <= answer.json.keys()
    assert (answer.json["unit"], answer.json["decision"]) == (unit, words[0])
    return answer.json


def row(call: Call, unit: str) -> Any:
    units = call("status", CYCLE, *DAY, "--json").json["units"]
    return next(u for u in units if (u["code"], u["collection"]) == (unit, COLLECTION))


def letters(call: Call, unit: str, kind: str) -> list[Any]:
    found = call("outbox", "list", "--json").json["letters"]
    return [letter for letter in found if (letter["unit"], letter["kind"]) == (unit, kind)]


def test_every_word_of_the_stages_is_one_of_the_command(call: Call) -> None:
    assert set(DECISION) == {*KINDS, "log-contact"}
    assert "|".join(DECISION) in "".join(call("unit", "--help").out.split())


def test_sent_back_is_taken_out_and_the_unit_told_why_until_it_is_taken_back(call: Call) -> None:
    before = len(letters(call, GOOD, "correction"))
    assert decide(call, GOOD, "send-back")["was"] == "accepted"
    assert (row(call, GOOD)["status"], row(call, GOOD)["parts"]["statistics"]) == ("in_query", "rejected")
    assert len(letters(call, GOOD, "correction")) == before + 1
    assert decide(call, GOOD, "reopen")["undoes"] == "send-back"
    assert (row(call, GOOD)["status"], row(call, GOOD)["parts"]["statistics"]) == ("partial", "accepted")


def test_accepted_in_spite_of_a_finding(call: Call) -> None:
    assert row(call, ASKED)["parts"]["statistics"] == "rejected"
    assert decide(call, ASKED, "accept")["versions"]
    assert row(call, ASKED)["parts"]["statistics"] == "accepted"


def test_waived_and_refused_until_reopened(call: Call) -> None:
    for word, status in (("waive", "waived"), ("refuse", "refused")):
        decide(call, SILENT, word)
        assert row(call, SILENT)["status"] == status
        assert decide(call, SILENT, "reopen")["undoes"] == word
        assert row(call, SILENT)["status"] == "not_started"


def test_an_extension_is_answered_in_writing(call: Call) -> None:
    assert decide(call, SILENT, "extend", "--until", "2022-06-24")["until"] == "2022-06-24"
    assert "extended" in row(call, SILENT)["flags"]
    (letter,) = letters(call, SILENT, "extension")
    assert letter["state"] == "queued"


def test_so_is_a_refusal_to_extend_which_leaves_the_deadline(call: Call) -> None:
    decide(call, SILENT, "decline")
    assert "extended" not in row(call, SILENT)["flags"]
    assert [letter["state"] for letter in letters(call, SILENT, "extension")] == ["queued"]


def test_a_call_is_logged_and_changes_nothing(call: Call) -> None:
    before = row(call, SILENT)
    decide(call, SILENT, "log-contact")
    assert row(call, SILENT) == before


def test_people_read_the_answer_in_chinese(call: Call) -> None:
    for words in (("extend", "--until", "2022-06-24"), ("refuse",), ("reopen",), ("log-contact",)):
        told = call("unit", CYCLE, SILENT, *words, *SIGNED, *DAY).out
        assert f"决定：{WORDS[words[0]]}" in told
        assert not re.search(r"^[a-z_]+：", told, re.MULTILINE), told


@pytest.mark.parametrize("word", DECISION)
@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_who_and_why_are_asked_for(call: Call, word: str, missing: str) -> None:
    left = [w for pair in (SIGNED[:2], SIGNED[2:]) if pair[0] != missing for w in pair]
    until = ("--until", "2022-06-24") if word == "extend" else ()
    is_refused(call("unit", CYCLE, SILENT, word, *until, *left), missing)
    is_refused(call("unit", CYCLE, SILENT, word, *until, *left, missing, "  "), missing)
    assert (row(call, SILENT)["status"], row(call, SILENT)["flags"]) == ("not_started", [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((SILENT, "sack"), "、".join(DECISION)),
        (("999999", "waive"), "没有单位“999999”"),
        ((SILENT, "extend"), "--until"),
        ((SILENT, "extend", "--until", "gestern"), "写成 2022-06-20"),
        ((SILENT, "waive", "--until", "2022-06-24"), "--until 只与 extend（延期）同用"),
        ((SILENT, "accept", "--part", "report"), "--part 只与 send-back（退回修改）同用"),
        ((SILENT, "log-contact", "--part", "report"), "--part 只与 send-back（退回修改）同用"),
        ((GOOD, "send-back", "--part", "photos"), "可用：statistics"),
        ((SILENT, "send-back"), "没有已采用的"),
        ((GOOD, "accept"), "没有待说明或待同意的审核问题"),
        ((SILENT, "reopen"), "没有可以撤销的"),
        ((SILENT, "waive", "--collection", "associations"), "associations"),
    ],
)
def test_what_cannot_be_decided_says_what_can(call: Call, words: tuple[str, ...], told: str) -> None:
    is_refused(call("unit", CYCLE, *words, *SIGNED, *DAY), told)


def test_a_unit_of_several_collections_is_asked_which(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path / "jilin", cycle="jilin-2020")
    office.issue("2020-07-23T09:00")
    call = command_line(office.home, capfd)
    told = ("unit", "jilin-2020", "220100", "waive", *SIGNED, "--as-of", "2020-07-30T09:00")
    is_refused(call(*told), "（registration、summary），请以 --collection 写明")
    assert call(*told, "--collection", "summary", "--json").json["collection"] == "summary"


# --- receive --via -----------------------------------------------------------------------------------


def test_what_came_by_fax_is_registered_with_how_it_came(call: Call, home: Path) -> None:
    office = Office(home)
    office.drop(SILENT, {"说明.txt": "请查收".encode()}, "fax")
    told = ("receive", "--folder", home / "fax", "--cycle", CYCLE, "--via", "fax", "--by", "李科", *DAY)
    answer = call(*told, "--json")
    assert answer.code == 0, answer.err
    assert {"messages", "files", "dispositions"} <= answer.json.keys()
    assert answer.json["messages"] == 1
    assert call(*told, "--json").json["messages"] == 0
    (waiting,) = call("triage", "list", "--json").json["waiting"]
    assert (waiting["via"], waiting["unit"]) == ("fax", SILENT)
    assert "经传真收到" in call("triage", "list").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--via", "fax"), "--by"),
        (("--via", "fax", "--by", " "), "--by"),
        (("--by", "李科"), "fax、qq、wechat、paper、oa、hand"),
        (("--via", "pigeon", "--by", "李科"), "fax、qq、wechat、paper、oa、hand"),
        (("mailbox-kjj",), "请分两次接收"),
    ],
)
def test_a_second_way_says_which_and_who(call: Call, home: Path, words: tuple[str, ...], told: str) -> None:
    Office(home).drop(SILENT, {"说明.txt": "请查收".encode()}, "fax")
    is_refused(call("receive", *words, "--folder", home / "fax", "--cycle", CYCLE, *DAY), told)
    assert call("triage", "list", "--json").json["waiting"] == []


@pytest.mark.parametrize("words", [("--via", "fax", "--by", "李科"), ("--cycle", CYCLE)])
def test_what_is_said_of_a_folder_needs_one(call: Call, words: tuple[str, ...]) -> None:
    is_refused(call("receive", *words), "请同时写 --folder")
