"""The office's whole round trip by mail on Debian's own servers: Postfix, Dovecot, Sieve; and the same tests
over the embedded server and behind an IMAP proxy with the ways of 163.com."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from mailbed import Netease
from sqlalchemy import func, select

from huizong.connections import EnvironmentConnections, required
from huizong.ledger.tables import Delivery
from huizong.mime.parse import ParsedMail, parse_message
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import (
    ADDRESS,
    BOUNCING,
    OFFICE,
    ON_LEAVE,
    STRANGER,
    all_parts,
    answer,
    inbox,
    sweep,
    wait_for_mail,
)
from office import Office
from realmail import HOST, RealMail, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

A, B = "410721", "410724"
USERS = dict.fromkeys([OFFICE, STRANGER, *ADDRESS.values()], "secret")
WORLDS = ["embedded", "embedded behind 163", "dovecot", "dovecot behind 163"]


@pytest.fixture
def real() -> Iterator[RealMail]:
    users = {address: code for address, code in USERS.items() if address != ADDRESS[BOUNCING]}
    with RealMail(users, ghosts=[ADDRESS[BOUNCING]], on_leave=[ADDRESS[ON_LEAVE]]) as running:
        yield running


def connected(office: Office, imap_port: int, smtp_port: int) -> Office:
    login = f"{quote(OFFICE)}:secret@127.0.0.1"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = f"imap://{login}:{imap_port}/?ssl=false"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"] = f"smtp://{login}:{smtp_port}/?ssl=false&starttls=false"
    return office


@pytest.fixture
def by_post(office: Office, real: RealMail) -> Office:
    """The office on the real servers, its notices delivered."""
    connected(office, real.imap_port, real.smtp_port).issue(send=True)
    real.settle()
    return office


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One of the four mail worlds: `imap_port`, `smtp_port`, `deliver`, `settle`."""
    with ExitStack() as stack:
        if "dovecot" in request.param:
            server: Any = request.getfixturevalue("real")
            settle = server.settle
        else:
            server, settle = stack.enter_context(EmbeddedMailServer(USERS)), lambda: None
        port = server.imap_port
        if "163" in request.param:
            port = stack.enter_context(Netease(port)).port
        yield SimpleNamespace(
            imap_port=port, smtp_port=server.smtp_port, deliver=server.deliver, settle=settle
        )


def test_from_the_notice_to_the_receipt(world: Any, office: Office) -> None:
    connected(office, world.imap_port, world.smtp_port).issue(send=True)
    world.settle()
    (notice,) = inbox(world, ADDRESS[A])
    assert {leaf.name.rpartition(".")[2] for leaf in notice.leaves} == {"xlsx", "docx"}
    answer(world, ADDRESS[A], "材料见附件。", all_parts(office, A, 1), to=notice)
    world.deliver(OFFICE, form_mail(office, B), folder="垃圾邮件")
    assert sweep(office, "2022-06-10T10:00")["dispositions"] == {"return": 4}
    sweep(office, "2022-06-10T10:05")
    world.settle()
    _, receipt = inbox(world, ADDRESS[A])
    assert receipt.in_reply_to
    assert office.unit(A)["status"] == "complete"
    assert office.unit(B)["versions"] == 1


def form_mail(office: Office, unit: str) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADDRESS[unit], OFFICE, "统计表"
    files = all_parts(office, unit, 2)
    mail.add_attachment(
        files["统计表.xlsx"], maintype="application", subtype="octet-stream", filename="统计表.xlsx"
    )
    return mail.as_bytes()


def test_a_real_bounce_marks_letter_and_contact(by_post: Office, real: RealMail) -> None:
    got = sweep(by_post, "2022-06-10T10:00")
    assert got["message_dispositions"] == {"bounce": 1}
    (letter,) = by_post.letters(unit=BOUNCING)
    assert letter["state"] == "bounced"
    assert by_post.unit(BOUNCING)["status"] == "undeliverable"


def test_sieve_answers_a_person_and_never_us(by_post: Office, real: RealMail) -> None:
    """Notice, receipt and reminder reach a mailbox on leave; only a person's mail is answered."""
    away = ADDRESS[ON_LEAVE]
    answer(real, away, "材料见附件。", all_parts(by_post, ON_LEAVE, 3))
    sweep(by_post, "2022-06-10T10:00")
    by_post.chase("2022-06-21T09:00", send=True)
    answer(real, ADDRESS[A], "材料见附件。", all_parts(by_post, A, 1))
    sweep(by_post, "2022-06-21T09:10")
    real.settle()
    kinds = {letter["kind"] for letter in by_post.letters(state="sent")}
    assert kinds >= {"notice", "receipt", "reminder"}
    assert len(real.boxed(away)) >= 2
    assert vacations(real, OFFICE) == []

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = STRANGER, away, "请问"
    mail["Message-ID"] = "<1@qq.example>"
    real.deliver(away, mail.as_bytes())
    real.settle()
    assert len(vacations(real, STRANGER)) == 1  # it does answer


def vacations(real: RealMail, address: str) -> list[ParsedMail]:
    found = [parse_message(raw) for raw in real.boxed(address)]
    return [mail for mail in found if "vacation" in (mail.header("Auto-Submitted") or "")]


def test_a_rebuilt_mailbox_and_a_human_at_it_change_nothing(by_post: Office, real: RealMail) -> None:
    for n in range(5):
        answer(real, ADDRESS[A], f"情况说明第{n}次。")
    sweep(by_post, "2022-06-10T10:00")
    before = deliveries(by_post)
    with real.login(OFFICE) as person:
        person.select_folder("INBOX")
        person.create_folder("已处理")
        first, second, *_ = person.search("ALL")
        person.add_flags([first], [rb"\Seen", rb"\Flagged"])
        person.move([second], "已处理")
    answer(real, ADDRESS[B], "又一封。")
    sweep(by_post, "2022-06-10T11:00")
    assert deliveries(by_post) == before + 1
    validity = uid_validity(real)
    real.rebuild(OFFICE)
    answer(real, ADDRESS[B], "重建之后的一封。")
    sweep(by_post, "2022-06-10T12:00")
    assert uid_validity(real) != validity
    assert deliveries(by_post) == before + 2
    assert by_post.receive("2022-06-10T13:00", "mailbox-kjj")["messages"] == 0


def deliveries(office: Office) -> int:
    with office.ctx.ledger.read() as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0


def uid_validity(real: RealMail) -> int:
    with real.login(OFFICE) as client:
        return int(client.select_folder("INBOX", readonly=True)[b"UIDVALIDITY"])


def test_idle_wakes_and_the_mail_is_stored(
    by_post: Office, real: RealMail, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(by_post, "2022-06-10T10:00")
    server = required(EnvironmentConnections(by_post.environ), "mailbox-kjj", "imap")
    woken: list[str] = []
    waiter = threading.Thread(
        target=lambda: woken.append(asyncio.run(wait_for_mail(server, idle_seconds=30)))
    )
    waiter.start()
    wait_until(lambda: real.idling(OFFICE))
    began = time.monotonic()
    answer(real, ADDRESS[A], "材料见附件。", all_parts(by_post, A, 1))
    waiter.join(30)
    got = by_post.receive("2022-06-10T10:05", "mailbox-kjj")
    with capsys.disabled():
        print(f" Dovecot: stored and filed {time.monotonic() - began:.1f} s after the delivery began")
    assert woken == ["new"]
    assert got["dispositions"] == {"return": 3}


def test_with_tls_and_a_certificate_that_must_be_right(
    office: Office, real: RealMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = f"{quote(OFFICE)}:secret@{HOST}"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = f"imap://{login}:{real.imaps_port}/"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"] = f"smtp://{login}:{real.smtp_port}/?ssl=false"
    assert office.issue(send=False)["units"] == 44
    with pytest.raises(Exception, match="证书"):
        office.receive("2022-06-10T10:00", "mailbox-kjj")
    monkeypatch.setenv("SSL_CERT_FILE", str(real.certificate))
    assert office.issue(send=True)["letters"]["sent"] == 18  # the other mailbox is not connected yet
    answer(real, ADDRESS[A], "材料见附件。", all_parts(office, A, 1))
    sweep(office, "2022-06-10T10:05")
    assert office.unit(A)["status"] == "complete"
