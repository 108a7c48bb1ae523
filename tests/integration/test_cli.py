"""The command line's contract: one JSON document, fixed keys, exit codes, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from huizong.cli.app import run
from huizong.clock import FixedClock
from office import CYCLE, PROJECT, Office, honest

HUIZONG = Path(sys.executable).with_name("huizong")
A, B = "410721", "410724"
RATES = ("0.0222", "0.0222")  # one of 45: eighteen science departments and 27 associations


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


def huizong(home: Path, *arguments: object, **environ: str) -> Answer:
    """The installed command, in a process of its own."""
    done = subprocess.run(
        [str(HUIZONG), *map(str, arguments), "--json"],
        env={**os.environ, "HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT), **environ},
        capture_output=True, text=True, timeout=120, cwd=home.parent,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


# --- a whole cycle, every command in its own process, every stage twice ------------------------------


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    home = tmp_path_factory.mktemp("cli") / "home"
    office = Office(home)
    told: dict[str, Answer] = {}

    def twice(name: str, *arguments: object) -> None:
        told[name], told[f"{name} again"] = huizong(home, *arguments), huizong(home, *arguments)

    told["check"] = huizong(home, "check", CYCLE)
    twice("issue", "issue", CYCLE, "--as-of", "2022-05-24T09:00", "--no-send")
    office.hand_in(A, honest(1))
    office.hand_in(B, honest(2) | {"public.online": "约5万"})
    office.drop("nobody-knows", {"说明.txt": "请查收".encode()})
    twice("receive", "receive", "--folder", home / "drop", "--cycle", CYCLE, "--as-of", "2022-06-10T10:00")
    twice("validate", "validate", CYCLE, "--as-of", "2022-06-10T10:05", "--no-send")
    twice("chase", "chase", CYCLE, "--as-of", "2022-06-21T09:00", "--no-send")
    twice("assemble", "assemble", CYCLE, "--as-of", "2022-06-22T09:00")
    told["status"] = huizong(home, "status", CYCLE, "--as-of", "2022-06-22T09:00")
    told["trace"] = huizong(home, "trace", CYCLE, "activities.held")
    told["outbox"] = huizong(home, "outbox", "list")
    told["triage"] = huizong(home, "triage", "list")
    (home / "bad.xlsx").write_bytes(b"PK\x03\x04 cut off")
    told["read"] = huizong(home, "read", CYCLE, home / "drop" / A / "统计表.xlsx", home / "bad.xlsx")
    return told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "keys"),
    [
        ("check", {"cycles"}),
        ("issue", {"cycle", "units", "letters", "templates_dir"}),
        ("receive", {"messages", "files", "dispositions"}),
        ("validate", {"cycle", "returns", "by_status", "findings"}),
        ("chase", {"cycle", "rungs", "held"}),
        ("assemble", {"cycle", "edition", "coverage", "totals", "files"}),
        ("status", {"cycle", "units", "reporting_rate", "reporting_rate_on_time"}),
        ("trace", {"total", "sources"}),
        ("outbox", {"letters"}),
        ("triage", {"waiting"}),
    ],
)
def test_a_command_answers_with_its_keys(answers: dict[str, Answer], command: str, keys: set[str]) -> None:
    assert answers[command].code == 0, answers[command].err
    assert keys <= set(answers[command].json)


@pytest.mark.slow
def test_rows_have_their_keys(answers: dict[str, Answer]) -> None:
    def row(command: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = answers[command].json[name][0]
        return found

    assert row("check", "cycles") == {"code": CYCLE, "ok": True, "problems": []}
    unit = row("status", "units")
    assert {"code", "name", "collection", "status", "punctual", "versions", "parts", "findings"} <= set(unit)
    letter = row("outbox", "letters")
    wanted = {"id", "kind", "unit", "to", "subject", "state", "message_id", "attempts", "reply"}
    assert wanted <= set(letter)
    assert letter["message_id"].startswith("<")
    assert letter["message_id"].endswith(">")
    source = row("trace", "sources")
    assert {"unit", "value", "version", "file", "sheet", "cell", "sha256"} <= set(source)
    waiting = row("triage", "waiting")
    assert {"id", "disposition", "reason", "from", "subject", "received_at"} <= set(waiting)
    file = row("read", "files")
    wanted = {
        "file",
        "disposition",
        "reason",
        "unit",
        "collection",
        "instrument",
        "values",
        "rows",
        "findings",
    }
    assert wanted <= set(file)


@pytest.mark.slow
def test_the_cycle_came_out_right(answers: dict[str, Answer]) -> None:
    assert answers["issue"].json["letters"] == {"queued": 44, "sent": 0, "failed": 0}
    folders = Path(answers["issue"].json["templates_dir"])
    assert answers["issue"].json["units"] == 44
    assert len([p for p in folders.iterdir() if p.is_dir()]) == 18  # the associations fill in no form
    assert answers["receive"].json["messages"] == 3
    assert answers["receive"].json["dispositions"] == {"return": 2, "triage": 1}
    assert answers["validate"].json["by_status"] == {"accepted": 1, "rejected": 1}
    assert set(answers["validate"].json["findings"]) == {"mandatory", "quasi_mandatory", "verify", "hint"}
    status = answers["status"].json
    assert (status["reporting_rate"], status["reporting_rate_on_time"]) == RATES
    coverage = answers["assemble"].json["coverage"]["science-departments"]
    assert (coverage["expected"], coverage["returned"], len(coverage["missing"])) == (18, 1, 17)
    assert all(Path(f).is_file() for f in answers["assemble"].json["files"])
    assert answers["trace"].json["total"] == str(honest(1)["activities.held"])


@pytest.mark.slow
def test_every_stage_twice_is_every_stage_once(answers: dict[str, Answer]) -> None:
    for stage in ("issue", "assemble"):
        assert answers[f"{stage} again"].json == answers[stage].json
    assert answers["receive again"].json["messages"] == 0
    assert answers["receive again"].json["dispositions"] == {}
    for key in ("returns", "by_status", "findings"):
        assert answers["validate again"].json[key] == answers["validate"].json[key]
    assert answers["chase"].json["rungs"] == {"overdue": 44}
    assert answers["chase again"].json["rungs"] == {}


@pytest.mark.slow
def test_reading_says_no_where_one_file_is_bad(answers: dict[str, Answer]) -> None:
    good, bad = answers["read"].json["files"]
    assert answers["read"].code == 1
    assert (good["disposition"], good["unit"], good["findings"]) == ("return", A, [])
    assert good["values"]["activities.held"] == str(honest(1)["activities.held"])
    assert bad["disposition"] == "set_aside"
    assert bad["reason"]


@pytest.mark.slow
def test_progress_goes_to_standard_error_and_leaves_nothing_of_a_traceback(
    answers: dict[str, Answer],
) -> None:
    assert "审核" in answers["validate"].err
    for answer in answers.values():
        assert len(answer.out.strip().splitlines()) == 1


# --- what goes wrong: exit codes and one line that says what to do -----------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def call(home: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    """The same command line in this process: an exception that is none of ours would surface here."""

    def call(*arguments: object, **environ: str) -> Answer:
        places = {"HUIZONG_HOME": str(home), "HUIZONG_PROJECT": str(PROJECT), **environ}
        code = run([*map(str, arguments)], places, FixedClock())
        return Answer(code, *capfd.readouterr())

    return call


def is_refused(answer: Answer, code: int, words: str) -> None:
    assert answer.code == code, answer.err
    assert answer.out == ""
    line = answer.err.strip().splitlines()[-1]
    assert line.startswith(("错误：", "Error：", "Error: "))
    assert words in line
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "huizong --help"),
        (("nosuch",), "nosuch"),
        (("issue",), "huizong issue --help"),
        (("issue", CYCLE, "--nosuch"), "--nosuch"),
        (("issue", "nosuch"), "没有名为“nosuch”的统计任务，现有：cast-2023"),
        (("issue", CYCLE, "--as-of", "gestern"), "写成 2022-06-10T10:00"),
        (("issue", CYCLE, "--as-of", "2022-02-30"), "写成 2022-06-10T10:00"),
        (("check", "nosuch"), "nosuch"),
        (("status", CYCLE), f"请先运行 huizong issue {CYCLE}"),
        (("validate", CYCLE), "尚未下发"),
        (("assemble", CYCLE), "尚未下发"),
        (("trace", CYCLE, "activities.held"), "请先运行 huizong assemble"),
        (("receive", "mailbox-none"), "没有渠道“mailbox-none”"),
        (("receive", "--folder", "x"), "--cycle"),
        (("receive", "--folder", "x", "--cycle", "nosuch"), "nosuch"),
        (("read", CYCLE, "/nowhere/x.xlsx"), "/nowhere/x.xlsx 不存在"),
        (("outbox", "resolve", "7", "sent", "--by", "甲", "--reason", "乙"), "huizong outbox list"),
        (("outbox", "resolve", "7", "lost", "--by", "甲", "--reason", "乙"), "sent"),
        (("outbox", "resolve", "seven", "sent", "--by", "甲", "--reason", "乙"), "ID"),
        (("triage", "close", "f7", "--by", "甲", "--reason", "乙"), "huizong triage list"),
        (("triage", "close", "f7", "--by", " ", "--reason", "乙"), "--by"),
        (("approve", CYCLE, "final", "--by", "甲", "--basis", "纸质签批"), CYCLE),
    ],
)
def test_wrong_use_exits_2_with_one_line(call: Any, arguments: tuple[str, ...], words: str) -> None:
    with_json = (*arguments, "--json") if arguments else ()
    is_refused(call(*with_json), 2, words)


def test_what_is_not_there_after_issue_is_named(call: Any, home: Path) -> None:
    Office(home).issue()
    is_refused(call("receive", "--folder", home / "none", "--cycle", CYCLE, "--json"), 2, "none 不存在")
    is_refused(call("assemble", CYCLE, "--edition", "last", "--json"), 2, "provisional、final、revised")
    is_refused(call("assemble", CYCLE, "--edition", "revised", "--json"), 2, "--edition final")
    waiting = ("--collection", "science-departments", "--by", "甲", "--reason", "乙", "--json")
    is_refused(call("triage", "assign", "f1", "--unit", "999999", *waiting), 2, "huizong triage list")
    is_refused(call("receive", "mailbox-kjj", "--json"), 2, "AIRFLOW_CONN_MAILBOX_KJJ_IMAP")
    is_refused(call("outbox", "send", "--json"), 2, "AIRFLOW_CONN_MAILBOX_KJJ_SMTP")


def test_a_mail_server_that_cannot_be_reached_exits_3_and_loses_nothing(call: Any, home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    login = f"kjj%40xinxiang.example:x@127.0.0.1:{port}/?ssl=false&starttls=false"
    away = {
        "AIRFLOW_CONN_MAILBOX_KJJ_SMTP": f"smtp://{login}",
        "AIRFLOW_CONN_MAILBOX_KJJ_IMAP": f"imap://{login}",
    }
    is_refused(call("issue", CYCLE, "--as-of", "2022-05-24T09:00", "--json", **away), 3, f"127.0.0.1:{port}")
    letters = call("outbox", "list", "--json").json["letters"]
    assert {letter["state"] for letter in letters} == {"queued"}
    assert len(letters) == 44
    is_refused(call("receive", "--as-of", "2022-06-10T10:00", "--json", **away), 3, f"127.0.0.1:{port}")
    url = f"postgresql://postgres@127.0.0.1:{port}/x"
    is_refused(call("status", CYCLE, "--json", HUIZONG_DATABASE_URL=url), 3, "数据库")


def test_a_broken_definition_is_the_answer_no_with_file_and_line(call: Any, home: Path) -> None:
    folder = home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    text = (folder / "cycle.yaml").read_text(encoding="utf-8")
    changed = text.replace("due: 2022-06-20", "due: 2022-06-19", 1)
    (folder / "cycle.yaml").write_text(changed, encoding="utf-8")
    answer = call("check", "--json")
    assert answer.code == 1
    (row,) = [row for row in answer.json["cycles"] if not row["ok"]]
    (problem,) = row["problems"]
    assert problem["file"] == str(folder / "cycle.yaml")
    assert text.splitlines()[problem["line"] - 1].strip().startswith("due: 2022-06-20")
    (folder / "cycle.yaml").write_text(text + "\ncolour: red\n", encoding="utf-8")
    is_refused(call("issue", CYCLE, "--json"), 2, "colour: 没有这个键")


def test_an_as_of_without_a_zone_is_the_cycles_time(call: Any, home: Path) -> None:
    folder = home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    path = folder / "cycle.yaml"
    text = path.read_text(encoding="utf-8").replace("Asia/Shanghai", "Asia/Urumqi")  # two hours behind
    path.write_text(text, encoding="utf-8")
    assert call("issue", CYCLE, "--as-of", "2022-05-24T09:00", "--no-send", "--json").code == 0
    office = Office(home)
    office.drop(A, {"说明.zip": b"PK\x03\x04 cut off"})
    receive = ("receive", "--folder", home / "drop", "--cycle", CYCLE, "--as-of")
    assert call(*receive, "2022-06-10T10:00", "--json").code == 0
    office.drop(B, {"说明.zip": b"PK\x03\x04 cut off, too"})
    assert call(*receive, "2022-06-10T10:00+08:00", "--json").code == 0
    moments = {row["received_at"] for row in call("triage", "list", "--json").json["waiting"]}
    assert {datetime.fromisoformat(m) for m in moments} == {
        datetime(2022, 6, 10, 4, tzinfo=UTC),
        datetime(2022, 6, 10, 2, tzinfo=UTC),
    }


def test_a_file_named_by_another_systems_letters_is_taken_and_shown(call: Any, home: Path) -> None:
    office = Office(home)
    office.issue()
    place = home / "drop" / A
    place.mkdir(parents=True)
    (Path(os.fsdecode(os.fsencode(place) + "/统计表.xlsx".encode("gb18030")))).write_bytes(
        b"PK\x03\x04 cut off"
    )
    told = call(
        "receive", "--folder", home / "drop", "--cycle", CYCLE, "--as-of", "2022-06-10T10:00", "--json"
    )
    assert told.code == 0, told.err
    assert told.json["dispositions"] == {"set_aside": 1}
    again = call(
        "receive", "--folder", home / "drop", "--cycle", CYCLE, "--as-of", "2022-06-10T11:00", "--json"
    )
    assert again.json["messages"] == 0
    from sqlalchemy import select

    from huizong.ledger.tables import File

    with office.ctx.ledger.read() as session:
        assert session.scalars(select(File.name)).one() == "统计表.xlsx"


def test_without_json_people_get_tables(call: Any, home: Path) -> None:
    Office(home).issue()
    answer = call("status", CYCLE, "--as-of", "2022-06-01T09:00")
    assert answer.code == 0
    assert "未报" in answer.out
    assert "not_started" not in answer.out


def test_help_is_no_error(call: Any) -> None:
    assert call("--help").code == 0
    assert "huizong" in call("issue", "--help").out
