"""The same mail twice counts once and is answered once; the same number over other words is another mail."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from huizong.ledger.tables import Delivery, Event, File
from huizong.stages.twice import earlier_copy
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, OFFICE, all_parts
from office import Office, at

A = "410721"
WHEN = "2022-06-10T10:00"


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer({OFFICE: "secret"}) as running:
        yield running


@pytest.fixture
def mailed(office: Office, server: EmbeddedMailServer) -> Office:
    """Notices queued, the office's mailbox connected."""
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = imap(OFFICE, server)
    office.issue()
    return office


def imap(address: str, server: EmbeddedMailServer) -> str:
    return f"imap://{quote(address)}:secret@127.0.0.1:{server.imap_port}/?ssl=false"


def sweep(office: Office, *channels: str) -> None:
    office.receive(WHEN, *channels)
    office.validate(WHEN)


def answers(office: Office) -> int:
    return len([letter for letter in office.letters(unit=A) if letter["kind"] != "notice"])


def written(office: Office, text: str, number: str | None = "<m1@weixin.example>", seed: int = 1) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADDRESS[A], OFFICE, "活动周材料"
    if number:
        mail["Message-ID"] = number
    mail.set_content(text)
    for name, data in all_parts(office, A, seed).items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    mail.set_boundary("=b=")
    return mail.as_bytes()


def came_by(way: str, mail: bytes) -> bytes:
    return f"Received: from {way}.example\nX-Coremail: {way}\nDelivered-To: {OFFICE}\n".encode() + mail


def dispositions(office: Office) -> list[str | None]:
    with office.ctx.ledger.read() as session:
        return list(session.scalars(select(Delivery.disposition).order_by(Delivery.id)))


@pytest.mark.parametrize("apart", [False, True])
def test_delivered_twice_it_counts_once_and_is_answered_once(
    mailed: Office, server: EmbeddedMailServer, apart: bool
) -> None:
    mail = written(mailed, "见附件")
    server.deliver(OFFICE, came_by("one", mail))
    if apart:
        sweep(mailed)
    server.deliver(OFFICE, came_by("two", mail).replace(b"\n", b"\r\n"))
    server.deliver(OFFICE, came_by("one", mail), folder="垃圾邮件")  # byte for byte: not even a delivery
    sweep(mailed)
    assert dispositions(mailed) == ["return", "duplicate"]
    with mailed.ctx.ledger.read() as session:
        files = session.scalars(select(File.disposition).order_by(File.id)).all()
    assert list(files) == ["return"] * 3 + ["duplicate"] * 3
    assert answers(mailed) == 1
    assert mailed.unit(A)["versions"] == 1
    assert mailed.unit(A)["status"] == "complete"


def test_the_same_number_over_other_words_is_another_mail(mailed: Office, server: EmbeddedMailServer) -> None:
    for seed in (1, 2):
        server.deliver(OFFICE, written(mailed, f"第{seed}次", seed=seed))
    for seed in (3, 4):
        server.deliver(OFFICE, written(mailed, f"第{seed}次", number=None, seed=seed))
    sweep(mailed)
    assert dispositions(mailed) == ["return"] * 4
    assert mailed.unit(A)["versions"] == 4
    with mailed.ctx.ledger.read() as session:
        flagged = [d.reason for d in session.scalars(select(Delivery)) if "邮件编号相同" in (d.reason or "")]
        events = session.scalars(select(Event).where(Event.kind == "same_number")).all()
    assert len(flagged) == len(events) == 1


@pytest.mark.parametrize(
    ("channel", "disposition", "is_copy"),
    [
        ("mailbox-kjj", "return", True),
        ("mailbox-kjj", "other", True),
        ("mailbox-kjj", "set_aside", False),  # this one may be the one that can be read
        ("mailbox-kx", "return", True),  # the cycle's other mailbox has taken it
        ("mailbox-kx", "triage", False),  # or did not know what to do with it
        ("mailbox-elsewhere", "return", False),
    ],
)
def test_which_earlier_delivery_counts(office: Office, channel: str, disposition: str, is_copy: bool) -> None:
    def delivery(channel: str) -> Delivery:
        return Delivery(
            channel=channel, kind="mail", received_at=at(WHEN), stored_at=at(WHEN), sender="", subject="",
            message_id="<m@x.example>", content="c",
        )  # fmt: skip

    channels = {"mailbox-kjj": None, "mailbox-kx": None}
    cycle: Any = SimpleNamespace(loaded=SimpleNamespace(cycle=SimpleNamespace(channels=channels)))
    with office.ctx.ledger.write() as session:
        before, now = delivery(channel), delivery("mailbox-kjj")
        before.disposition, before.processed_at = disposition, at(WHEN)
        session.add_all([before, now])
        session.flush()
        one: Any = SimpleNamespace(silent=False, cycles=[cycle])
        found = earlier_copy(session, one, now)
        assert (found is before) == is_copy
