"""Fixtures of the tests by mail."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from huizong_demo.mailserver import EmbeddedMailServer
from huizong_demo.robots import Responder
from mailing import ADDRESS, BOUNCING, OFFICE, ON_LEAVE, STRANGER
from office import Office


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    users = dict.fromkeys([OFFICE, STRANGER, *ADDRESS.values()], "secret")
    away = {ADDRESS[ON_LEAVE]: Responder("我正在休假，稍后回复。")}
    with EmbeddedMailServer(users, bouncing=[ADDRESS[BOUNCING]], responders=away) as running:
        yield running


@pytest.fixture
def mailing(office: Office, server: EmbeddedMailServer) -> Office:
    """The office with its mailbox connected, and the notices sent."""
    login = f"{quote(OFFICE)}:secret@127.0.0.1"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = f"imap://{login}:{server.imap_port}/?ssl=false"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"] = (
        f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false"
    )
    office.issue(send=True)
    return office
