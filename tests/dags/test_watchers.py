"""Watchers wake up for what comes in, and go on whatever happens."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from huizong_airflow import watchers
from huizong_airflow.watchers import FolderTrigger, ImapIdleTrigger
from huizong_demo.mailserver import EmbeddedMailServer

OFFICE, CLERK = "office@bureau.example", "jia@county.example"


async def _next(trigger: FolderTrigger | ImapIdleTrigger, seconds: float = 15) -> object:
    stream = trigger.run()
    try:
        return (await asyncio.wait_for(anext(stream), seconds)).payload
    finally:
        await stream.aclose()  # type: ignore[attr-defined]


def test_a_folder_wakes_when_a_file_has_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZONG_HOME", str(tmp_path))
    monkeypatch.setattr(watchers, "FOLDER_SECONDS", 0.05)
    drop = tmp_path / "uploads" / "990101"

    async def upload_while_watched() -> object:
        waiting = asyncio.create_task(_next(FolderTrigger("uploads")))
        await asyncio.sleep(0.2)
        assert not waiting.done()  # a missing folder and an empty one wake nobody
        drop.mkdir(parents=True)
        (drop / "~$表.xlsx").write_bytes(b"lock file")
        await asyncio.sleep(0.2)
        assert not waiting.done()
        (drop / "表.xlsx").write_bytes(b"content")
        return await waiting

    assert asyncio.run(upload_while_watched()) == {"place": "uploads"}


def test_a_mailbox_wakes_for_new_mail_and_survives_a_server_that_is_down(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import smtplib

    monkeypatch.setenv("HUIZONG_HOME", str(tmp_path))
    monkeypatch.setattr(watchers, "FIRST_PAUSE", 0.1)

    async def mail_while_watched() -> object:
        waiting = asyncio.create_task(_next(ImapIdleTrigger("mailbox-example"), 30))
        await asyncio.sleep(0.5)
        assert not waiting.done(), "a server that cannot be reached must not end a watcher"
        with EmbeddedMailServer({OFFICE: "code", CLERK: "code"}, imap_port=port) as server:
            await asyncio.sleep(2)
            assert not waiting.done()
            with smtplib.SMTP("127.0.0.1", server.smtp_port) as smtp:
                smtp.login(CLERK, "code")
                smtp.sendmail(CLERK, [OFFICE], b"Subject: x\r\n\r\nx\r\n")
            return await waiting

    with EmbeddedMailServer({OFFICE: "code"}) as first:
        port = first.imap_port
    uri = f"imap://office%40bureau.example:code@127.0.0.1:{port}/?ssl=false&starttls=false"
    monkeypatch.setenv("AIRFLOW_CONN_MAILBOX_EXAMPLE_IMAP", uri)
    assert asyncio.run(mail_while_watched()) == {"place": "mailbox-example"}
