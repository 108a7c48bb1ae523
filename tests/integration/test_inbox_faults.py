"""Disk full, database locked: what had come is kept whole, and the next run completes it."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import select

from huizong.connections import MailServer
from huizong.errors import TransientError
from huizong.intake.idle import Watch
from huizong.ledger import engine
from huizong.ledger.tables import Delivery
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE
from office import Office

WHEN = "2022-06-10T10:00"
HUIZONG = Path(sys.executable).with_name("huizong")
LIMIT = 4 << 20  # bytes a file: larger than the ledger, smaller than the large mail


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer({OFFICE: "secret"}) as running:
        yield running


@pytest.fixture
def connected(office: Office, server: EmbeddedMailServer) -> Office:
    login = f"{quote(OFFICE)}:secret@127.0.0.1:{server.imap_port}"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = f"imap://{login}/?ssl=false"
    office.issue()
    return office


def mail(number: int, size: int = 0) -> bytes:
    return b"Message-ID: <%d@x.example>\r\n\r\n%d\r\n" % (number, number) + b"x" * size


def stored(office: Office) -> Counter[bytes]:
    with office.ctx.ledger.read() as session:
        digests = session.scalars(select(Delivery.digest)).all()
    return Counter(office.ctx.store.get(digest) for digest in digests if digest)


def half_written(office: Office) -> list[Path]:
    return [path for path in (office.home / "store").rglob(".*") if path.is_file()]


def test_a_full_disk_leaves_nothing_half_stored(connected: Office, server: EmbeddedMailServer) -> None:
    mails = [mail(n, LIMIT * 2 if n == 2 else 0) for n in range(4)]
    for raw in mails:
        server.deliver(OFFICE, raw)

    def receive(limit: bool) -> subprocess.CompletedProcess[str]:
        def small_disk() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

        return subprocess.run(
            [str(HUIZONG), "receive", "mailbox-kjj", "--as-of", WHEN, "--json"],
            env={**os.environ, **connected.environ}, text=True, capture_output=True, check=False,
            preexec_fn=small_disk if limit else None,
        )  # fmt: skip

    refused = receive(limit=True)
    assert refused.returncode == 3, refused.stderr
    assert "文件库" in refused.stderr
    assert half_written(connected) == []
    assert all(count == 1 for count in stored(connected).values())
    assert receive(limit=False).returncode == 0
    assert stored(connected) == Counter(mails)


def test_a_locked_database_is_waited_out_by_the_next_run(
    office: Office, connected: Office, server: EmbeddedMailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.deliver(OFFICE, mail(1))
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    impatient = Office(connected.home, connected.environ)
    other = sqlite3.connect(connected.home / "ledger.sqlite3", isolation_level=None)
    _ = impatient.ctx
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError):
        impatient.receive(WHEN, "mailbox-kjj")
    other.execute("ROLLBACK")
    other.close()
    assert impatient.receive(WHEN, "mailbox-kjj")["messages"] == 1
    assert stored(connected) == Counter([mail(1)])


def test_from_the_clerks_mail_to_the_store_in_two_seconds(
    connected: Office, server: EmbeddedMailServer
) -> None:
    """IDLE wakes, receive stores: what T2 asks for, without Airflow's own way of starting a task."""

    async def story() -> float:
        login = MailServer("127.0.0.1", server.imap_port, OFFICE, "secret", ssl=False, starttls=False)
        async with Watch(login) as watch:
            waiting = asyncio.create_task(watch.wait(10))
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await asyncio.to_thread(server.deliver, OFFICE, mail(1))
            assert await waiting == "new"
            await asyncio.to_thread(connected.receive, WHEN, "mailbox-kjj")
            return time.monotonic() - began

    seconds = asyncio.run(story())
    with connected.ctx.ledger.read() as session:
        assert len(session.scalars(select(Delivery.id)).all()) == 1
    assert seconds < 5, "stored and processed; two seconds on a machine that does nothing else"
