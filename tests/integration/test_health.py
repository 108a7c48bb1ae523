"""What has stopped is told once and once more when it is over, however often one looks."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from huizong.connections import MailServer
from huizong.ledger.tables import Letter
from huizong.ledger.upkeep import Sweep
from huizong.stages import vitals
from huizong.stages.accounts import login_refused
from huizong.stages.alarms import OPERATOR, open_troubles, raise_alarm
from huizong.stages.health import check_health
from huizong.stages.send import send
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE, STRANGER, inbox
from office import CYCLE, PROJECT, Office, at

TITLE = "渠道 mailbox-kjj 超过1小时未能收取来件"
OWN = {"sweep", "queue", "definition", "disk"}
SWEEP, QUEUE = "sweep:mailbox-kjj", "queue:mailbox-kjj"


def switch_on(office: Office) -> Path:
    """The cycle with `live: true` in the home; its folder."""
    folder = office.home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    definition = folder / "cycle.yaml"
    text = definition.read_text(encoding="utf-8")
    assert "live: false" in text
    definition.write_text(text.replace("live: false", "live: true"), encoding="utf-8")
    return folder


@pytest.fixture
def running(office: Office) -> Office:
    """A live cycle whose notices were sent, and an operator; nobody is asked over the network."""
    for name in ("MAILBOX_KJJ_IMAP", "MAILBOX_KJJ_SMTP", "OPERATOR_SMTP"):
        scheme = name.rpartition("_")[2].lower()
        office.environ[f"AIRFLOW_CONN_{name}"] = f"{scheme}://{quote(OFFICE)}:secret@127.0.0.1:9/?ssl=false"
    office.environ["HUIZONG_OPERATOR"] = STRANGER
    office.issue()
    with office.ctx.ledger.write() as session:
        for letter in session.query(Letter):
            letter.state, letter.finished_at = "sent", office.clock.now()
    switch_on(office)
    read(office)
    return office


def read(office: Office) -> None:
    """The mailbox was read to its end just now."""
    with office.ctx.ledger.write() as session:
        row = session.get(Sweep, "mailbox-kjj") or Sweep(channel="mailbox-kjj", failures=0, reason="")
        row.ok_at, row.failures = office.clock.now(), 0
        session.add(row)


def later(office: Office, **span: float) -> list[str]:
    """Let time pass and look; what of the check's own is open then."""
    office.clock.sleep(timedelta(**span).total_seconds())
    return [name for name in check_health(office.ctx) if name.partition(":")[0] in OWN]


def subjects(office: Office) -> list[str]:
    """Of the alarms in the outbox, oldest first."""
    letters = sorted(office.letters(kind="alarm"), key=lambda letter: int(letter["id"]))
    return [str(letter["subject"]) for letter in letters]


def test_a_mailbox_unread_for_an_hour_is_told_once_and_once_when_it_is_read(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    mailing.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = mailing.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"]
    mailing.environ["HUIZONG_OPERATOR"] = STRANGER
    del mailing.ctx
    switch_on(mailing)
    mailing.receive("2022-05-24T10:00", "mailbox-kjj")
    assert later(mailing, minutes=59) == []
    for _ in range(100):
        assert SWEEP in later(mailing, minutes=2)
    mailing.receive("2022-05-24T14:00", "mailbox-kjj")
    assert SWEEP not in later(mailing, minutes=1)
    assert SWEEP not in later(mailing, minutes=1)
    send(mailing.ctx, [OPERATOR], at("2022-05-24T14:00"))
    told = [mail for mail in inbox(server, STRANGER) if "mailbox-kjj" in mail.subject]
    assert [mail.subject for mail in told] == [
        f"【告警】{TITLE}",
        "【告警解除】渠道 mailbox-kjj 已恢复收取来件",
    ]
    assert "huizong doctor mailbox-kjj" in told[0].text
    assert "已重新收取" in told[1].text


def test_a_mailbox_that_was_never_read_counts_from_issue(running: Office) -> None:
    with running.ctx.ledger.write() as session:
        session.delete(session.get_one(Sweep, "mailbox-kjj"))
    assert later(running, minutes=59) == []
    assert later(running, minutes=2) == [SWEEP]


def test_nobody_waits_for_a_cycle_that_is_run_by_hand_or_is_over(running: Office) -> None:
    assert later(running, days=1) == [SWEEP]
    definition = running.home / "cycles" / CYCLE / "cycle.yaml"
    text = definition.read_text(encoding="utf-8")
    definition.write_text(text.replace("live: true", "live: false"), encoding="utf-8")
    assert SWEEP not in later(running, days=1)
    definition.write_text(text, encoding="utf-8")
    assert SWEEP in later(running, days=1)
    assert SWEEP not in later(running, days=365)


def test_a_trouble_that_returned_and_lasts_is_told_after_all(running: Office) -> None:
    later(running, minutes=90)
    read(running)
    later(running, minutes=5)
    with running.ctx.ledger.write() as session:
        session.get_one(Sweep, "mailbox-kjj").ok_at = running.clock.now() - timedelta(hours=2)
    later(running, minutes=5)
    assert subjects(running) == [f"【告警】{TITLE}", "【告警解除】渠道 mailbox-kjj 已恢复收取来件"]
    later(running, minutes=60)
    assert subjects(running)[2:] == [f"【告警】{TITLE}"]


def test_a_queue_that_does_not_shrink_says_why(running: Office) -> None:
    with running.ctx.ledger.write() as session:
        for letter in session.query(Letter).filter_by(kind="notice").limit(3):
            letter.state, letter.finished_at, letter.queued_at = "queued", None, running.clock.now()
        server = MailServer("127.0.0.1", 9, OFFICE, "secret", False, True)
        login_refused(running.ctx, session, "smtp", server, "535 授权码已失效。", at_once=True)
    assert QUEUE not in later(running, minutes=50)
    read(running)
    assert QUEUE in later(running, minutes=20)
    with running.ctx.ledger.read() as session:
        (trouble,) = [t for t in open_troubles(session) if t.name == QUEUE]
    assert "有 3 封信件待发" in trouble.lines[0]
    assert "535 授权码已失效" in trouble.lines[1]
    with running.ctx.ledger.write() as session:
        letter = session.query(Letter).filter_by(state="queued", kind="notice").first()
        assert letter is not None
        letter.state, letter.finished_at = "sent", running.clock.now()
    assert QUEUE not in later(running, minutes=1)


def test_a_letter_left_in_hand_is_told_though_no_clock_sends(running: Office) -> None:
    """A run by hand was killed in the middle of a letter of a cycle that is not live."""
    with running.ctx.ledger.write() as session:
        letter = session.query(Letter).order_by(Letter.id).limit(1).one()
        letter.state, letter.claimed_at, letter.cycle = "claimed", running.clock.now(), "by-hand-2020"
    assert later(running, minutes=14) == []
    running.clock.sleep(3600)
    read(running)
    assert later(running, minutes=1) == [QUEUE]
    with running.ctx.ledger.read() as session:
        (trouble,) = open_troubles(session)
    assert "1 封信件待发或发送中断" in trouble.lines[0]
    assert "huizong outbox send mailbox-kjj" in trouble.lines[2]


def test_letters_that_may_not_go_yet_are_no_trouble(running: Office) -> None:
    with running.ctx.ledger.write() as session:
        letter = session.query(Letter).filter_by(kind="notice").first()
        assert letter is not None
        letter.state, letter.not_before = "queued", running.clock.now() + timedelta(hours=20)
    for _ in range(3):
        read(running)
        assert later(running, hours=1) == []


def test_alarms_that_do_not_go_out_are_shown_and_not_written_of(running: Office) -> None:
    later(running, minutes=90)
    assert later(running, minutes=90) == [SWEEP, f"queue:{OPERATOR}"]
    assert subjects(running) == [f"【告警】{TITLE}"]


def test_a_definition_that_breaks_is_told_with_its_line_and_ends_when_it_is_mended(running: Office) -> None:
    definition = running.home / "cycles" / CYCLE / "cycle.yaml"
    sound = definition.read_text(encoding="utf-8")
    definition.write_text(sound.replace("live: true", "live: vielleicht"), encoding="utf-8")
    assert later(running, minutes=1) == [f"definition:{CYCLE}"]
    with running.ctx.ledger.read() as session:
        (trouble,) = open_troubles(session)
    assert "cycle.yaml" in trouble.lines[0]
    assert "行" in trouble.lines[0]
    definition.write_text(sound, encoding="utf-8")
    assert later(running, minutes=1) == []


def test_a_full_disk_is_told(running: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "LEAST_FREE", 1 << 60)
    assert later(running, minutes=1) == ["disk"]
    monkeypatch.undo()
    assert later(running, minutes=1) == []


def test_a_connection_added_later_gets_the_alarms_that_are_open(running: Office) -> None:
    operator = running.environ.pop("AIRFLOW_CONN_OPERATOR_SMTP")
    del running.ctx
    assert later(running, minutes=61) == [SWEEP]
    assert subjects(running) == []
    running.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = operator
    del running.ctx
    later(running, minutes=1)
    later(running, minutes=1)
    assert subjects(running) == [f"【告警】{TITLE}"]


def test_a_task_that_no_clock_runs_any_more_is_forgotten(running: Office) -> None:
    def raised(*names: str) -> list[str]:
        with running.ctx.ledger.write() as session:
            for name in names:
                raise_alarm(running.ctx, session, name, "流程失败", "原因：x")
        return check_health(running.ctx)

    chase, sweep, gone = (
        f"task:{CYCLE}.chase:chase",
        "task:receive.mailbox-kjj:receive",
        "task:old.chase:chase",
    )
    assert raised(chase, sweep, gone, "task:health:send") == [chase, sweep, "task:health:send"]
    running.clock.sleep(timedelta(days=365).total_seconds())
    assert [name for name in raised() if name.startswith("task:")] == ["task:health:send"]
