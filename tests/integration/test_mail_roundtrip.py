"""Letters through real protocols: composed, sent, taken by a server, read back, byte for byte."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import imapclient
import pytest
from mailbed import FaultMode, FaultySmtp, Netease

from huizong.connections import MailServer
from huizong.errors import OperatorError, TransientError
from huizong.intake.imap import Mailbox
from huizong.mime.bounces import parse_bounce
from huizong.mime.parse import parse_message
from huizong.mime.robots import automatic_kind
from huizong.outbox.compose import compose
from huizong.outbox.model import Attachment, Outgoing, Rendered
from huizong.outbox.sender import Sender
from huizong_demo.mailserver import EmbeddedMailServer
from huizong_demo.robots import Responder
from mailing import wait_for_mail

OFFICE, CLERK, SHY, DUMB = (
    f"{name}.example".replace("_", "@")
    for name in ("kjj_xinxiang", "clerk_weibin", "shy_muye", "dumb_fengquan")
)
GONE = "gone@weibin.example"
USERS = {OFFICE: "office-code", CLERK: "clerk-code", SHY: "shy-code", DUMB: "dumb-code"}
WHEN = datetime(2022, 5, 24, 1, 0, tzinfo=UTC)
EXTENSIONS = (
    "xlsx",
    "xls",
    "et",
    "docx",
    "doc",
    "wps",
    "pdf",
    "zip",
    "rar",
    "mp4",
    "csv",
    "txt",
    "ofd",
    "png",
)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedMailServer]:
    responders = {SHY: Responder(), DUMB: Responder(dumb=True)}
    with EmbeddedMailServer(USERS, bouncing=[GONE], responders=responders) as running:
        yield running


def imap(server: EmbeddedMailServer, user: str = OFFICE, port: int | None = None) -> MailServer:
    return MailServer("127.0.0.1", port or server.imap_port, user, USERS[user], ssl=False, starttls=False)


def smtp(port: int, user: str = OFFICE, password: str | None = None) -> MailServer:
    return MailServer("127.0.0.1", port, user, password or USERS[user], ssl=False, starttls=False)


def letter(number: int | str, to: str = CLERK, attachments: tuple[Attachment, ...] = ()) -> bytes:
    outgoing = Outgoing(
        "新乡市科学技术局", OFFICE, "卫滨区科技局", to, f"<{number}@xinxiang.example>",
        Rendered(f"报送工作提示 {number}", "请报送。", "<p>请报送。</p>"), "auto-generated",
        attachments=attachments,
    )  # fmt: skip
    return compose(outgoing, WHEN)


def inbox(server: EmbeddedMailServer, user: str) -> dict[str, bytes]:
    """Raw mails by Message-ID."""
    with Mailbox(imap(server, user)) as box:
        _, uids = box.list_uids("INBOX")
        raws = [raw for *_, raw in box.fetch("INBOX", uids)]
    return {parse_message(raw).message_id_raw: raw for raw in raws}


def test_every_kind_of_file_arrives_with_its_name_and_bytes(server: EmbeddedMailServer) -> None:
    files = tuple(
        Attachment(f"统计表（卫滨区）{ext}.{ext}", bytes(range(256)) * 3 + b"\r\n.\r\n" + ext.encode())
        for ext in EXTENSIONS
    )
    mime = letter("files", attachments=files)
    with Sender(smtp(server.smtp_port), timeout=10) as sender:
        outcome = sender.send(CLERK, mime)
    assert (outcome.state, outcome.stage, outcome.code) == ("sent", "done", 250)
    assert "queued as" in outcome.reply
    raw = inbox(server, CLERK)["<files@xinxiang.example>"]
    assert raw.endswith(mime)
    read = parse_message(raw)
    assert [(leaf.name, leaf.data) for leaf in read.leaves] == [(file.name, file.data) for file in files]
    assert read.text == "请报送。"


def test_a_batch_uses_one_login_and_goes_on_after_a_refusal(server: EmbeddedMailServer) -> None:
    with FaultySmtp("ok") as plain:
        with Sender(smtp(plain.port), timeout=5) as sender:
            for number in range(5):
                assert sender.send(CLERK, letter(number)).state == "sent"
        assert (plain.logins, len(plain.accepted)) == (1, 5)
    with Sender(smtp(server.smtp_port), timeout=5) as sender:
        refused = sender.send("nobody@weibin.example", letter("refused", "nobody@weibin.example"))
        assert (refused.state, refused.stage, refused.code) == ("rejected_permanent", "rcpt", 550)
        assert sender.send("a@x.example,b@x.example", letter("list")).state == "rejected_permanent"
        assert sender.send(CLERK, letter("after")).state == "sent"
    taken = [mail.message_id for mail in server.accepted]
    assert "<refused@xinxiang.example>" not in taken
    assert taken.count("<after@xinxiang.example>") == 1


@pytest.mark.parametrize(
    ("mode", "state", "stage", "copies"),
    [
        ("accept_then_drop", "unknown", "data", 1),
        ("accept_then_hang", "unknown", "data", 1),
        ("drop_at_mail", "rejected_temporary", "mail", 0),
        ("421_at_mail", "rejected_temporary", "mail", 0),
        ("553_at_mail", "rejected_temporary", "mail", 0),
        ("550_at_rcpt", "rejected_permanent", "rcpt", 0),
        ("452_at_rcpt", "rejected_temporary", "rcpt", 0),
        ("drop_in_data", "rejected_temporary", "data", 0),
        ("554_after_data", "rejected_permanent", "data", 0),
        ("421_after_data", "rejected_temporary", "data", 0),
        ("quit_hang", "sent", "done", 1),
        ("quit_reset", "sent", "done", 1),
    ],
)
def test_one_attempt_and_the_truth_about_it(mode: FaultMode, state: str, stage: str, copies: int) -> None:
    big = (Attachment("大.mp4", bytes(20 << 20)),) if mode == "drop_in_data" else ()
    with FaultySmtp(mode) as faulty:
        with Sender(smtp(faulty.port), timeout=1) as sender:
            outcome = sender.send(CLERK, letter(1, attachments=big))
        assert (outcome.state, outcome.stage) == (state, stage)
        assert outcome.reply
        time.sleep(0.1)  # a second copy would be on its way now
        assert len(faulty.accepted) == copies


def test_a_refused_account_asks_for_a_person() -> None:
    with (
        FaultySmtp("535_at_login") as faulty,
        Sender(smtp(faulty.port), timeout=2) as sender,
        pytest.raises(OperatorError, match="kjj@xinxiang.example"),
    ):
        sender.send(CLERK, letter(1))


@pytest.mark.parametrize("mode", ["drop_at_login", "no_answer"])
def test_no_connection_is_transient(mode: FaultMode) -> None:
    with (
        FaultySmtp(mode) as faulty,
        Sender(smtp(faulty.port), timeout=1) as sender,
        pytest.raises(TransientError),
    ):
        sender.send(CLERK, letter(1))


def test_after_a_broken_line_the_next_letter_logs_in_again() -> None:
    with FaultySmtp("drop_at_mail") as faulty, Sender(smtp(faulty.port), timeout=2) as sender:
        assert sender.send(CLERK, letter(1)).state == "rejected_temporary"
        faulty.mode = "ok"
        assert sender.send(CLERK, letter(1)).state == "sent"
        assert (faulty.logins, len(faulty.accepted)) == (2, 1)


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1"
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", *request.split(), *files], capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def serve(ready: threading.Event, port: list[int], over: threading.Event) -> None:
        listening = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
        port.append(listening.sockets[0].getsockname()[1])
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.05)

    ready, over, port = threading.Event(), threading.Event(), list[int]()
    thread = threading.Thread(target=lambda: asyncio.run(serve(ready, port, over)), daemon=True)
    thread.start()
    assert ready.wait(5)
    strange = MailServer("127.0.0.1", port[0], OFFICE, "x", ssl=True, starttls=False)
    try:
        with Sender(strange, timeout=3) as sender, pytest.raises(OperatorError, match="证书"):
            sender.send(CLERK, letter(1))
        with pytest.raises(OperatorError, match="证书"), Mailbox(strange):
            pass
    finally:
        over.set()
        thread.join(5)


def test_reading_changes_nothing_and_takes_the_side_folders_along(server: EmbeddedMailServer) -> None:
    server.deliver(SHY, b"Subject: one\r\n\r\n1\r\n")
    server.deliver(SHY, b"Subject: two\r\n\r\n2\r\n", folder="垃圾邮件")
    server.deliver(SHY, b"Subject: three\r\n\r\n3\r\n", folder="项目资料")
    with Mailbox(imap(server, SHY)) as box:
        assert box.folders() == ["INBOX", "垃圾邮件"]
        read = {
            folder: [raw for *_, raw in box.fetch(folder, box.list_uids(folder)[1])]
            for folder in box.folders()
        }
        validity, uids = box.list_uids("INBOX")
        uid, arrived, size, raw = next(box.fetch("INBOX", uids))
        assert list(box.fetch("INBOX", [uids[-1] + 1000])) == []
    assert read["垃圾邮件"] == [b"Subject: two\r\n\r\n2\r\n"]
    assert (uid, size) == (uids[0], len(raw))
    assert validity > 0
    assert arrived.utcoffset() is not None
    assert abs((datetime.now(UTC) - arrived).total_seconds()) < 60
    with imapclient.IMAPClient("127.0.0.1", server.imap_port, ssl=False) as other:
        other.login(SHY, USERS[SHY])
        other.select_folder("INBOX", readonly=True)
        assert not other.search("SEEN")
        assert sorted(other.search("ALL")) == uids


def test_the_client_names_itself_before_it_opens_a_folder(server: EmbeddedMailServer) -> None:
    server.deliver(OFFICE, b"Message-ID: <via163@x.example>\r\n\r\nx\r\n")
    with Netease(server.imap_port) as netease:
        with Mailbox(imap(server, port=netease.port)) as box:
            assert "INBOX" in box.folders()
            validity, uids = box.list_uids("INBOX")
            assert any(b"<via163@x.example>" in raw for *_, raw in box.fetch("INBOX", uids))
        assert validity == 1
        order = netease.commands
        assert order.index("LOGIN") < order.index("ID") < order.index("EXAMINE")
        assert not {"SELECT", "STORE", "UID STORE", "EXPUNGE", "CLOSE"} & set(order)
        assert asyncio.run(wait_for_mail(imap(server, port=netease.port))) == "no_idle"


def test_wrong_code_and_no_server(server: EmbeddedMailServer) -> None:
    wrong = MailServer("127.0.0.1", server.imap_port, OFFICE, "wrong", ssl=False, starttls=False)
    with pytest.raises(OperatorError, match="授权码"), Mailbox(wrong):
        pass
    with pytest.raises(OperatorError, match="授权码"):
        asyncio.run(wait_for_mail(wrong))
    nowhere = MailServer("127.0.0.1", 1, OFFICE, "x", ssl=False, starttls=False)
    with pytest.raises(TransientError), Mailbox(nowhere):
        pass
    with pytest.raises(TransientError):
        asyncio.run(wait_for_mail(nowhere))
    with Sender(smtp(server.smtp_port, password="wrong"), timeout=2) as sender, pytest.raises(OperatorError):
        sender.send(CLERK, letter(1))


def test_new_mail_wakes_the_waiter_and_silence_does_not(server: EmbeddedMailServer) -> None:
    async def wait_and_send() -> tuple[str, float]:
        waiting = asyncio.create_task(wait_for_mail(imap(server), idle_seconds=20))
        await asyncio.sleep(1)
        assert not waiting.done()
        start = time.monotonic()
        await asyncio.to_thread(server.deliver, OFFICE, b"Subject: wake\r\n\r\n")
        return await waiting, time.monotonic() - start

    woken, seconds = asyncio.run(wait_and_send())
    assert woken == "new"
    assert seconds < 2
    assert asyncio.run(wait_for_mail(imap(server), idle_seconds=0.5)) == "timeout"


def test_a_closed_line_is_noticed(server: EmbeddedMailServer) -> None:
    async def wait_and_cut() -> None:
        with Netease(server.imap_port, strict=False) as relay:
            waiting = asyncio.create_task(wait_for_mail(imap(server, port=relay.port), idle_seconds=30))
            while "IDLE" not in relay.commands:
                await asyncio.sleep(0.05)
            relay.cut()
            with pytest.raises(TransientError):
                await asyncio.wait_for(waiting, 5)

    asyncio.run(wait_and_cut())


def test_a_bounce_comes_back_and_names_its_letter(server: EmbeddedMailServer) -> None:
    with Sender(smtp(server.smtp_port), timeout=5) as sender:
        assert sender.send(GONE, letter("lost", GONE, (Attachment("表.xlsx", b"x"),))).state == "sent"
    bounces = [bounce for raw in inbox(server, OFFICE).values() if (bounce := parse_bounce(raw))]
    assert [(b.original_message_id, b.recipient, b.kind) for b in bounces] == [
        ("<lost@xinxiang.example>", GONE, "permanent")
    ]


def test_automatic_answers(server: EmbeddedMailServer) -> None:
    before = set(inbox(server, OFFICE))
    with Sender(smtp(server.smtp_port), timeout=5) as sender:
        assert sender.send(SHY, letter("to-shy", SHY)).state == "sent"
        assert sender.send(DUMB, letter("to-dumb", DUMB)).state == "sent"
        assert sender.send(DUMB, letter("to-dumb-again", DUMB)).state == "sent"
    answers = [parse_message(raw) for key, raw in inbox(server, OFFICE).items() if key not in before]
    assert [(answer.from_address, automatic_kind(answer)) for answer in answers] == [(DUMB, None)]

    before = set(inbox(server, CLERK))
    with Sender(smtp(server.smtp_port, CLERK), timeout=5) as sender:
        plain = (
            b"From: clerk@weibin.example\r\nMessage-ID: <hand@weibin.example>\r\nSubject: hi\r\n\r\nhi\r\n"
        )
        assert sender.send(SHY, plain).state == "sent"
    answers = [parse_message(raw) for key, raw in inbox(server, CLERK).items() if key not in before]
    assert [(answer.from_address, automatic_kind(answer)) for answer in answers] == [(SHY, "auto_reply")]


def test_as_a_process(tmp_path: Path) -> None:
    config, log = tmp_path / "mail.json", tmp_path / "accepted.jsonl"
    config.write_text(json.dumps({"users": USERS, "responders": {DUMB: {"dumb": True}}, "log": str(log)}))
    command = [sys.executable, "-m", "huizong_demo.mailserver", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        with Sender(smtp(ports["smtp_port"]), timeout=5) as sender:
            assert sender.send(CLERK, letter("process")).state == "sent"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert [json.loads(line)["message_id"] for line in log.read_text().splitlines()] == [
        "<process@xinxiang.example>"
    ]
