"""Fixtures of the tests by mail."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from huizong_demo.mailserver import EmbeddedMailServer
from huizong_demo.robots import Responder
from mailing import ADDRESS, BOUNCING, OFFICE, OFFICE_KX, ON_LEAVE, STRANGER
from office import Office


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    users = dict.fromkeys([OFFICE, OFFICE_KX, STRANGER, *ADDRESS.values()], "secret")
    away = {ADDRESS[ON_LEAVE]: Responder("我正在休假，稍后回复。")}
    with EmbeddedMailServer(users, bouncing=[ADDRESS[BOUNCING]], responders=away) as running:
        yield running


@pytest.fixture
def mailing(office: Office, server: EmbeddedMailServer) -> Office:
    """The office with its mailbox connected, and the notices sent."""
    for name, address in (("MAILBOX_KJJ", OFFICE), ("MAILBOX_KX", OFFICE_KX)):
        login = f"{quote(address)}:secret@127.0.0.1"
        office.environ[f"AIRFLOW_CONN_{name}_IMAP"] = f"imap://{login}:{server.imap_port}/?ssl=false"
        office.environ[f"AIRFLOW_CONN_{name}_SMTP"] = (
            f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false"
        )
    office.issue(send=True)
    return office
