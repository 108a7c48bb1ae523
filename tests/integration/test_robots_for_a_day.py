"""No quarrel with robots: a day and a night with machines that answer each of our letters."""

from __future__ import annotations

import smtplib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from shutil import copytree
from urllib.parse import quote

import docx
import pytest
from sqlalchemy import select

from huizong.ledger.tables import Delivery, File, Letter
from huizong.mime.parse import parse_message
from huizong.stages.caps import (
    BY_ITSELF,
    DAY,
    HOUR,
    LETTERS_A_DAY,
    REPLIES,
    REPLIES_A_DAY,
    REPLIES_AN_HOUR,
)
from huizong.stages.send import send
from huizong.store import sha256
from huizong_demo.mailserver import EmbeddedMailServer
from huizong_demo.robots import Responder
from mailing import ADDRESS, OFFICE, STRANGER, inbox, sweep
from office import CYCLE, PROJECT, Office, at

TWIN = "kjj@twin.example"  # another copy of this system, in another place
FRESH, ECHO, PROMISING, ASKING, AWAY, SECOND = "410702", "410703", "410711", "410704", "410721", "410724"
START, NUDGE = at("2022-06-13T08:00"), at("2022-06-13T11:00")  # the day of the first reminder
MOMENTS = [
    *(START + timedelta(minutes=minutes) for minutes in range(0, 60, 10)),
    *(START + timedelta(hours=hours) for hours in range(1, 25)),
]


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
    """Sends back the workbook it gets: our form, then our own marks on it. Twice, for each costs a run of the
    rules; the others go on to the cap."""

    sent: set[str] = field(default_factory=set)

    def __call__(self, content: bytes) -> dict[str, bytes]:
        leaves = parse_message(content).leaves if len(self.sent) < 2 else ()
        books = {leaf.name: leaf.data for leaf in leaves if leaf.name.endswith(".xlsx")}
        self.sent |= {sha256(data) for data in books.values()}
        return books


def installation(home: Path, server: EmbeddedMailServer, own: str, changes: dict[str, str]) -> Office:
    """An office that has issued a cycle, which differs from the project's by these replacements."""
    folder = home / "cycles" / CYCLE
    copytree(PROJECT / "include/cycles" / CYCLE, folder)
    for name in ("cycle.yaml", "roster.csv"):
        text = (folder / name).read_text("utf-8")
        for old, new in changes.items():
            text = text.replace(old, new)
        (folder / name).write_text(text, "utf-8")
    login = f"{quote(own)}:secret@127.0.0.1"
    smtp = f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false"
    environ = {
        "HUIZONG_ISSUER": own.partition("@")[2].partition(".")[0],
        "HUIZONG_OPERATOR": STRANGER,
        "AIRFLOW_CONN_MAILBOX_KJJ_IMAP": f"imap://{login}:{server.imap_port}/?ssl=false",
        "AIRFLOW_CONN_MAILBOX_KJJ_SMTP": smtp,
        "AIRFLOW_CONN_OPERATOR_SMTP": smtp,
    }
    office = Office(home, environ)
    office.clock.instant = START
    office.issue("2022-06-10T08:00")
    return office


def write_by_hand(server: EmbeddedMailServer) -> None:
    """A colleague writes to somebody on leave, from the office's own account."""
    with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
        smtp.login(OFFICE, "secret")
        smtp.sendmail(OFFICE, ADDRESS[AWAY], "Subject: by hand\r\n\r\nHello\r\n")


def live(offices: Sequence[Office], server: EmbeddedMailServer) -> None:
    """24 hours: every ten minutes at first, so that the cap of an hour is met, then every hour."""
    for office in offices:
        send(office.ctx, ["mailbox-kjj"], START)
    for now in MOMENTS:
        write_by_hand(server)
        for office in offices:
            office.clock.instant = now
            moment = f"{now:%Y-%m-%dT%H:%M}"
            if now == NUDGE:
                office.chase(moment, send=True)
            else:
                sweep(office, moment)
    for office in offices:
        office.receive(f"{MOMENTS[-1]:%Y-%m-%dT%H:%M}", "mailbox-kjj")  # the answers to the last letters


def most_within(moments: Sequence[datetime], span: timedelta) -> int:
    return max((sum(first <= one < first + span for one in moments) for first in moments), default=0)


def left_by_itself(office: Office, *kinds: str) -> dict[str, list[datetime]]:
    """Address → when its letters of these kinds left, by machine time."""
    query = select(Letter.address, Letter.claimed_at).where(Letter.kind.in_(kinds), Letter.state == "sent")
    found: dict[str, list[datetime]] = {}
    with office.ctx.ledger.read() as session:
        for address, claimed in session.execute(query):
            found.setdefault(address, []).append(claimed)
    return found


@pytest.mark.slow
def test_a_day_and_a_night_with_machines(tmp_path: Path) -> None:
    """Machines that answer each of our letters at once, for 24 hours: each is bounded, nothing is lost."""
    fresh, echo = Fresh(), Echo()
    robots = {
        ADDRESS[FRESH]: Responder("报送如下。", dumb=True, once=False, attach=fresh),
        ADDRESS[ECHO]: Responder("您的邮件已收到，原件附后。", dumb=True, once=False, attach=echo),
        ADDRESS[PROMISING]: Responder("来信收到，材料见附件。", dumb=True, once=False),
        ADDRESS[ASKING]: Responder("已收到。请问您有什么需要？", dumb=True, once=False),
        ADDRESS[AWAY]: Responder("我正在休假，稍后回复。", once=False),
    }
    there = [address.replace("@xinxiang.", "@twin.") for address in ADDRESS.values()]
    users = dict.fromkeys([OFFICE, TWIN, STRANGER, *ADDRESS.values(), *there], "secret")
    with EmbeddedMailServer(users, responders=robots) as server:
        ours = installation(tmp_path / "ours", server, OFFICE, {ADDRESS[SECOND]: TWIN})
        own_name = ADDRESS[SECOND].replace("@xinxiang.", "@twin.")
        twin = installation(tmp_path / "twin", server, TWIN, {"@xinxiang.": "@twin.", own_name: OFFICE})
        live([ours, twin], server)
        came, alarms = inbox(server, OFFICE), [mail.subject for mail in inbox(server, STRANGER)]
    replies_to, chatting = left_by_itself(ours, *REPLIES), {ADDRESS[FRESH], ADDRESS[PROMISING]}
    assert set(replies_to) == {*chatting, ADDRESS[ECHO]}
    for address in chatting:  # these went on to the cap, and no further
        assert most_within(replies_to[address], HOUR) == REPLIES_AN_HOUR
        assert most_within(replies_to[address], DAY) == REPLIES_A_DAY
    assert len(replies_to[ADDRESS[ECHO]]) == 2  # each of its workbooks was answered, its thanks were not
    letters = left_by_itself(ours, *BY_ITSELF)
    assert max(map(len, letters.values())) <= LETTERS_A_DAY
    everything = sorted(moment for moments in letters.values() for moment in moments)
    later = sum(moment >= START + timedelta(hours=12) for moment in everything)
    assert later <= len(everything) - later + 2
    # The server saw no more than the ledger says. Who asked, or sent what a person has to look at, gets no
    # reminder while that waits.
    to = Counter(mail.to for mail in server.accepted if mail.sender == OFFICE and mail.message_id)
    assert to == Counter(letter["to"] for letter in ours.letters(state="sent"))
    assert (to[ADDRESS[ASKING]], to[TWIN], to[ADDRESS[AWAY]]) == (1, 1, 2)
    assert left_by_itself(twin, *REPLIES) == {}
    with ours.ctx.ledger.read() as session:
        queued = session.scalars(
            select(Letter.id).where(Letter.state == "queued", Letter.channel == "mailbox-kjj")
        ).all()
        assert len(queued) <= len(chatting)  # of what waits only the last is answered
        filed = Counter(session.scalars(select(Delivery.disposition)))
        assert fresh.sent | echo.sent <= set(session.scalars(select(File.digest)))
    assert (filed.total(), filed[None]) == (len(came), 0)
    assert filed["auto_reply"] == len(MOMENTS)  # who is on leave wrote that often, and heard nothing
    assert sorted(alarms) == sorted(f"【告警】{address} 疑似自动回复程序" for address in chatting)
