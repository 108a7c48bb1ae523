"""No quarrel with robots: who is answered, who is not, and a day and a night with machines that answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from io import BytesIO
from pathlib import Path
from shutil import copytree
from urllib.parse import quote

import docx
import pytest
from sqlalchemy import func, select

from huizong.ledger.tables import Delivery, File, Letter
from huizong.ledger.upkeep import Suppression, Trouble
from huizong.mime.parse import parse_message
from huizong.stages.caps import REPLIES, REPLIES_A_DAY
from huizong.stages.send import send
from huizong.stages.suppression import CHATTER
from huizong.stages.unanswered import UNTOLD
from huizong.store import sha256
from huizong_demo.mailserver import EmbeddedMailServer
from huizong_demo.robots import Responder
from mailing import ADDRESS, OFFICE, STRANGER, inbox, sweep
from office import CYCLE, PROJECT, Office, at, fill, honest

A, B, C = "410702", "410703", "410704"
FORM = "统计表.xlsx"


def send_in(
    server: EmbeddedMailServer,
    sender: str,
    *headers: tuple[str, str],
    text: str = "见附件",
    files: dict[str, bytes] | None = None,
) -> None:
    """A mail into the office's mailbox, with headers of its own."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, OFFICE, "科技活动周材料"
    mail["Message-ID"] = make_msgid(domain="xinxiang.example")
    for name, value in headers:
        mail[name] = value
    mail.set_content(text)
    for name, data in (files or {}).items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    server.deliver(OFFICE, mail.as_bytes())


def form(office: Office, unit: str, seed: int = 1) -> dict[str, bytes]:
    return {FORM: fill(office.template(unit), honest(seed))}


def replies(office: Office) -> list[str]:
    """To whom replies were queued."""
    return [letter["to"] for letter in office.letters() if letter["kind"] in REPLIES]


def chatterers(office: Office) -> list[str]:
    """Of which addresses the operator was told, as often as told."""
    with office.ctx.ledger.read() as session:
        names = session.scalars(select(Trouble.name).where(Trouble.name.startswith("chatter:")))
        return [name.removeprefix("chatter:") for name in names]


# --- who is answered ---------------------------------------------------------------------------------


# A unit's mail with its form: the header on it, and whether it is answered.
MARKED = {
    "410702": (("X-Auto-Response-Suppress", "All"), True),
    "410703": (("Precedence", "bulk"), True),
    "410704": (("List-Id", "<counties.xinxiang.example>"), True),
    "410711": (("X-QQ-AUTO-FWD", OFFICE), True),
    "410721": (("Auto-Submitted", "auto-forwarded"), False),
    "410724": (("X-Autoreply", "yes"), False),
    "410725": (("Return-Path", "<>"), False),
    "410727": (("Reply-To", STRANGER), True),  # the sender is answered, wherever replies are asked to
}


def test_marks_of_machines_on_returns(mailing: Office, server: EmbeddedMailServer) -> None:
    """The files count whatever the marks; a machine is not answered, and the operator sees it."""
    for seed, (unit, (header, _)) in enumerate(MARKED.items()):
        send_in(server, ADDRESS[unit], header, files=form(mailing, unit, seed))
    suppress = ("X-Auto-Response-Suppress", "All")
    send_in(server, ADDRESS["410782"], suppress, text="请问第7项如何填报？")
    send_in(server, ADDRESS["410783"], suppress, text="我正在休假，邮件回来处理。")
    got = sweep(mailing, "2022-06-10T10:00")
    told = {unit: mailing.unit(unit) for unit in MARKED}
    assert {unit["parts"]["statistics"] for unit in told.values()} == {"accepted"}
    assert set(replies(mailing)) == {ADDRESS[unit] for unit, (_, answered) in MARKED.items() if answered}
    for unit, (_, answered) in MARKED.items():
        assert told[unit]["notes"] == ([] if answered else [f"{FORM}：{UNTOLD}"])
    assert inbox(server, STRANGER) == []
    words = got["message_dispositions"]
    assert (words["question"], words["auto_reply"]) == (1, 1)  # type: ignore[index]


def test_strangers_are_answered_only_for_a_valid_token_of_an_open_collection(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    send_in(server, STRANGER, text="请问科技活动周如何报名？")
    send_in(server, STRANGER, files={"照片.txt": "科技活动周花絮".encode()})
    send_in(server, OFFICE, files=form(mailing, C))  # a colleague passes on what came by other ways
    sweep(mailing, "2022-06-10T10:00")
    assert replies(mailing) == [ADDRESS[C]]
    send_in(server, STRANGER, files=form(mailing, A))
    sweep(mailing, "2022-06-10T11:00")
    assert sorted(replies(mailing)) == sorted([STRANGER, ADDRESS[A], ADDRESS[C]])
    send_in(server, STRANGER, files=form(mailing, B))
    sweep(mailing, "2022-10-10T10:00")  # long closed
    assert len(replies(mailing)) == 3


def test_who_talks_without_end_is_not_answered_for_a_day(mailing: Office, server: EmbeddedMailServer) -> None:
    def talk(hour: int) -> None:
        for number in range(CHATTER):
            send_in(server, ADDRESS[A], text=f"收到，谢谢！（{hour}-{number}）")
        sweep(mailing, f"2022-06-10T{hour}:00")

    talk(10)
    talk(11)
    with mailing.ctx.ledger.read() as session:
        assert session.scalars(select(Suppression.address)).all() == [ADDRESS[A]]
    assert chatterers(mailing) == [ADDRESS[A]]
    send_in(server, ADDRESS[A], files=form(mailing, A))
    sweep(mailing, "2022-06-10T12:00")
    assert mailing.unit(A)["parts"]["statistics"] == "accepted"  # received and counted all the same
    (reply,) = [letter for letter in mailing.letters() if letter["kind"] in REPLIES]
    assert (reply["state"], "停止自动答复" in reply["reply"]) == ("cancelled", True)
    mailing.chase("2022-06-21T09:00", send=True)
    assert [letter["state"] for letter in mailing.letters(unit=A, kind="reminder")] == ["sent"]
    mailing.clock.sleep(25 * 3600)
    send_in(server, ADDRESS[A], files=form(mailing, A, seed=2))
    sweep(mailing, "2022-06-22T12:00")
    assert [m.subject for m in inbox(server, ADDRESS[A])][-1].startswith("【")


def test_old_mail_that_comes_all_at_once_is_no_chatter(mailing: Office, server: EmbeddedMailServer) -> None:
    """A mailbox that could not be read for days: one message a day is nobody's endless talk."""
    for day in range(1, CHATTER + 3):
        send_in(server, ADDRESS[A], text=f"收到，谢谢！（{day}）")
        mailing.receive(f"2022-06-{day:02}T10:00", "mailbox-kjj")
    with mailing.ctx.ledger.read() as session:
        assert session.scalars(select(Suppression.address)).all() == []


# --- a day and a night -------------------------------------------------------------------------------

TWIN = "kjj@twin.example"  # another copy of this system
FRESH, ECHO, ASKING, PROMISING, AWAY, SECOND = "410702", "410703", "410704", "410711", "410721", "410724"
START = at("2022-06-10T08:00")
STEP, STEPS = timedelta(minutes=30), 48


@dataclass
class Fresh:
    """Answers with a report of other words each time: to us, a new return."""

    sent: set[str] = field(default_factory=set)

    def __call__(self, content: bytes) -> dict[str, bytes]:
        document = docx.Document()
        for _ in range(5):
            document.add_paragraph(
                f"本单位组织开展了第{len(self.sent)}次科普讲座、开放日等活动，群众踊跃参加。"
            )
        out = BytesIO()
        document.save(out)
        self.sent.add(sha256(out.getvalue()))
        return {"总结报告.docx": out.getvalue()}


@dataclass
class Echo:
    """Sends back whatever workbook it gets: our form, and then our own marks on it. Three times: each costs
    a run of the rules, and the cap is met by the others."""

    sent: set[str] = field(default_factory=set)
    left: int = 3

    def __call__(self, content: bytes) -> dict[str, bytes]:
        self.left -= 1
        leaves = parse_message(content).leaves if self.left >= 0 else ()
        books = {leaf.name: leaf.data for leaf in leaves if leaf.name.endswith(".xlsx")}
        self.sent |= {sha256(data) for data in books.values()}
        return books


def installation(home: Path, server: EmbeddedMailServer, own: str, changes: dict[str, str]) -> Office:
    """One whose cycle differs from the project's by these replacements."""
    folder = home / "cycles" / CYCLE
    copytree(PROJECT / "include/cycles" / CYCLE, folder)
    for name in ("cycle.yaml", "roster.csv"):
        text = (folder / name).read_text("utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / name).write_text(text, "utf-8")
    login = f"{quote(own)}:secret@127.0.0.1"
    environ = {
        "HUIZONG_ISSUER": own.partition("@")[2].partition(".")[0],
        "AIRFLOW_CONN_MAILBOX_KJJ_IMAP": f"imap://{login}:{server.imap_port}/?ssl=false",
        "AIRFLOW_CONN_MAILBOX_KJJ_SMTP": f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false",
    }
    office = Office(home, environ)
    office.clock.instant = START
    return office


@pytest.mark.slow
def test_a_day_and_a_night_with_machines(tmp_path: Path) -> None:
    """Machines that answer each of our letters at once, for 24 hours, read every half hour."""
    fresh, echo = Fresh(), Echo()
    robots = {
        ADDRESS[FRESH]: Responder("报送如下。", dumb=True, once=False, attach=fresh),
        ADDRESS[ECHO]: Responder("您的邮件已收到，原件附后。", dumb=True, once=False, attach=echo),
        ADDRESS[ASKING]: Responder("已收到。请问您有什么需要？", dumb=True, once=False),
        ADDRESS[PROMISING]: Responder("来信收到，材料见附件。", dumb=True, once=False),
        ADDRESS[AWAY]: Responder("我正在休假，稍后回复。", once=False),
    }
    users = dict.fromkeys([OFFICE, TWIN, *ADDRESS.values()], "secret")
    with EmbeddedMailServer(users, responders=robots) as server:
        ours = installation(tmp_path / "ours", server, OFFICE, {ADDRESS[SECOND]: TWIN})
        twin = installation(tmp_path / "twin", server, TWIN, {OFFICE: TWIN, ADDRESS[SECOND]: OFFICE})
        for office in (twin, ours):
            office.issue("2022-06-10T08:00")
        for office in (twin, ours):
            send(office.ctx, ["mailbox-kjj"], START)
        for step in range(STEPS):
            now = START + step * STEP
            for office in (ours, twin) if step % 12 == 0 else (ours,):
                office.clock.instant = now
                sweep(office, now.strftime("%Y-%m-%dT%H:%M"))
        came = len(inbox(server, OFFICE))
    to = Counter(mail.to for mail in server.accepted if mail.sender == OFFICE)
    for unit in (FRESH, PROMISING):
        assert 5 <= to[ADDRESS[unit]] <= 1 + REPLIES_A_DAY  # these did talk with us, up to the cap
    assert {to[ADDRESS[ASKING]], to[ADDRESS[AWAY]], to[TWIN]} == {1}  # the notice
    assert [mail.to for mail in server.accepted if mail.sender == TWIN].count(OFFICE) == 1
    with ours.ctx.ledger.read() as session:
        left = session.scalars(select(Letter.claimed_at).where(Letter.claimed_at > START)).all()
        second = sum(claimed >= START + timedelta(hours=12) for claimed in left if claimed)
        assert second <= len(left) - second + 2
        assert session.scalar(select(func.count()).where(Letter.state == "queued")) <= 3  # nothing piles up
        filed = session.scalars(select(Delivery.disposition)).all()
        assert len(filed) == came
        assert None not in filed
        assert fresh.sent | echo.sent <= set(session.scalars(select(File.digest)))
    told = chatterers(ours)
    assert len(told) == len(set(told))
    assert ADDRESS[FRESH] in told
    assert set(told) <= {ADDRESS[unit] for unit in (FRESH, ECHO, PROMISING)}
    assert chatterers(twin) == []
