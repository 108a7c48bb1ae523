"""Letters whose answer was lost: what proves that they left, and who decides when nothing does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import make_msgid
from urllib.parse import quote

import pytest
from mailbed import FaultySmtp, Netease
from outboxing import CHANNEL, CLERK, connect, copies, drain, post, row, troubles
from sqlalchemy import select

from huizong.ledger.tables import Event, Letter
from huizong.mime.parse import parse_message
from huizong.stages.outbox import resolve
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE
from office import CYCLE, PROJECT, Office

TROUBLE = f"letters:{CHANNEL}"


@pytest.fixture
def losing(mailing: Office) -> Iterator[tuple[Office, FaultySmtp]]:
    """An office whose SMTP server now takes letters and drops the line before its answer."""
    with FaultySmtp("accept_then_drop") as faulty:
        connect(mailing, faulty.port)
        yield mailing, faulty


def prove_by(office: Office, proof: str) -> None:
    folder = office.home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    path = folder / "cycle.yaml"
    written = path.read_text(encoding="utf-8")
    path.write_text(written.replace(f"{OFFICE}}}", f"{OFFICE}, proof: {proof}}}"), encoding="utf-8")


def lose(office: Office, faulty: FaultySmtp) -> tuple[Letter, bytes]:
    """A letter whose fate is unknown, and its bytes as the server took them."""
    (letter_id,) = post(office)
    drain(office)
    letter = row(office, letter_id)
    assert letter.state == "unknown"
    return letter, next(raw for raw in faulty.accepted if letter.message_id.encode() in raw)


def naming(letter: Letter, sender: str, **headers: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, OFFICE, "回复：提示"
    mail["Message-ID"] = make_msgid(domain="weibin.example")
    mail["In-Reply-To"] = letter.message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("收到")
    return mail.as_bytes()


def test_the_copy_in_our_own_mailbox_proves(
    losing: tuple[Office, FaultySmtp], server: EmbeddedMailServer
) -> None:
    office, faulty = losing
    prove_by(office, "blind_copy")
    letter, taken = lose(office, faulty)
    assert OFFICE in faulty.envelopes[-1]
    assert TROUBLE not in troubles(office)  # proof is still awaited
    server.deliver(OFFICE, taken)
    assert office.receive("2022-05-24T10:00", CHANNEL)["message_dispositions"]["own_copy"] == 1
    proven = row(office, letter.id)
    assert proven.state == "sent"
    assert "副本" in (proven.reply or "")
    drain(office)
    assert set(copies(faulty).values()) == {1}
    with office.ctx.ledger.read() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "letter_proven"))
    assert event.data["letter"] == letter.id


def test_the_folder_of_sent_mail_proves_on_netease(
    losing: tuple[Office, FaultySmtp], server: EmbeddedMailServer
) -> None:
    office, faulty = losing
    prove_by(office, "sent_folder")
    with Netease(server.imap_port) as proxy:
        office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = (
            f"imap://{quote(OFFICE)}:secret@127.0.0.1:{proxy.port}/?ssl=false"
        )
        first, taken = lose(office, faulty)
        server.deliver(OFFICE, taken, "已发送")
        second, _ = lose(office, faulty)  # its run finds the first, and this one nowhere
        assert row(office, first.id).state == "sent"
        assert "已发送" in (row(office, first.id).reply or "")
        drain(office)
        assert "SELECT" not in proxy.commands
    assert row(office, second.id).state == "unknown"
    assert TROUBLE not in troubles(office)
    office.clock.sleep(31 * 60)
    drain(office)
    assert TROUBLE in troubles(office)
    with Netease(server.imap_port) as proxy:
        office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = (
            f"imap://{quote(OFFICE)}:secret@127.0.0.1:{proxy.port}/?ssl=false"
        )
        drain(office)
        assert proxy.commands.count("LOGIN") == 1
        office.clock.sleep(2 * 24 * 3600)
        drain(office)
        assert proxy.commands.count("LOGIN") == 1  # what is not there after a day is not looked for
    assert set(copies(faulty).values()) == {1}  # nothing was ever sent again
    resolve(office.ctx, second.id, "sent", by="操作员", reason="对方电话确认收到")
    drain(office)
    assert TROUBLE not in troubles(office)


def test_whoever_names_the_letter_has_it(
    losing: tuple[Office, FaultySmtp], server: EmbeddedMailServer
) -> None:
    office, faulty = losing
    for headers in ({}, {"Auto_Submitted": "auto-replied"}, {"X_QQ_AUTO_REPLY": "true"}):
        letter, _ = lose(office, faulty)
        assert TROUBLE in troubles(office)  # without means of proof a person is told at once
        server.deliver(OFFICE, naming(letter, CLERK, **headers))
        office.receive("2022-05-24T10:00", CHANNEL)
        assert row(office, letter.id).state == "sent"
        assert TROUBLE not in troubles(office)


def test_a_killed_senders_letter_is_settled_the_same_way(
    losing: tuple[Office, FaultySmtp], server: EmbeddedMailServer
) -> None:
    office, faulty = losing
    letter, taken = lose(office, faulty)
    for copy_first in (True, False):
        with office.ctx.ledger.write() as session:
            session.get_one(Letter, letter.id).state = "claimed"  # as a process leaves it that is killed
        if copy_first:
            server.deliver(OFFICE, taken)
            office.receive("2022-05-24T10:00", CHANNEL)
            assert row(office, letter.id).state == "sent"
        else:
            drain(office)
            assert row(office, letter.id).state == "sent"
    assert copies(faulty)[letter.message_id] == 1


def test_a_mailbox_that_cannot_be_read_stops_no_letter(losing: tuple[Office, FaultySmtp]) -> None:
    office, faulty = losing
    prove_by(office, "sent_folder")
    letter, _ = lose(office, faulty)
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = f"imap://{quote(OFFICE)}:wrong@127.0.0.1:1/?ssl=false"
    faulty.mode = "ok"
    (other,) = post(office)
    drain(office)
    assert row(office, other).state == "sent"
    assert row(office, letter.id).state == "unknown"


def test_the_copy_is_of_this_letter_and_no_other(
    losing: tuple[Office, FaultySmtp], server: EmbeddedMailServer
) -> None:
    office, faulty = losing
    letter, taken = lose(office, faulty)
    other = letter.message_id.replace("<hz.", "<hz.0")[:-2] + "e>"
    server.deliver(OFFICE, taken.replace(letter.message_id.encode(), other.encode()))
    office.receive("2022-05-24T10:00", CHANNEL)
    assert parse_message(taken).message_id_raw == letter.message_id
    assert row(office, letter.id).state == "unknown"
