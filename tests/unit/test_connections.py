"""Mail server connections from the environment, as Airflow writes them."""

from __future__ import annotations

import json

import pytest

from huizong.connections import EnvironmentConnections, MailServer, connection_id
from huizong.errors import UsageError


def server(text: str, name: str = "mailbox_kjj_imap") -> MailServer:
    found = EnvironmentConnections({f"AIRFLOW_CONN_{name.upper()}": text}).get(name)
    assert found is not None
    return found


def test_a_channels_connections_are_named_after_it() -> None:
    assert connection_id("mailbox-kjj", "imap") == "mailbox_kjj_imap"
    assert EnvironmentConnections({}).get("mailbox_kjj_imap") is None
    assert EnvironmentConnections({"AIRFLOW_CONN_MAILBOX_KJJ_IMAP": ""}).get("mailbox_kjj_imap") is None


def test_a_uri_is_percent_decoded() -> None:
    found = server("imap://kjj%40xinxiang.example:p%2Fw%3A%25%23@127.0.0.1:1143/?ssl=false")
    assert found == MailServer("127.0.0.1", 1143, "kjj@xinxiang.example", "p/w:%#", ssl=False, starttls=False)


@pytest.mark.parametrize(("name", "port"), [("m_imap", 993), ("m_smtp", 465)])
def test_tls_from_the_first_byte_is_the_rule(name: str, port: int) -> None:
    found = server("mail://u:p@mail.example/", name)
    assert (found.ssl, found.starttls, found.port) == (True, False, port)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("m_imap", "?ssl=false", (False, False, 143)),
        ("m_imap", "?ssl=false&starttls=true", (False, True, 143)),
        ("m_smtp", "?ssl=false", (False, True, 587)),
        ("m_smtp", "?ssl=False&starttls=FALSE", (False, False, 587)),
        ("m_smtp", "?ssl=true&starttls=true", (True, False, 465)),
        ("m_imap", "?use_ssl=false", (False, False, 143)),  # as Airflow's IMAP hook names it
        ("m_imap", "?__extra__=%7B%22ssl%22%3A+false%7D", (False, False, 143)),  # as Airflow exports it
    ],
)
def test_options_say_otherwise(name: str, options: str, expected: tuple[bool, bool, int]) -> None:
    found = server(f"mail://u:p@mail.example/{options}", name)
    assert (found.ssl, found.starttls, found.port) == expected


@pytest.mark.parametrize("extra", [{"ssl": False}, '{"ssl": false}'])
def test_airflows_json(extra: object) -> None:
    text = json.dumps(
        {
            "conn_type": "imap",
            "host": "h.example",
            "login": "u",
            "password": "p",
            "port": 1143,
            "extra": extra,
        }
    )
    assert server(text) == MailServer("h.example", 1143, "u", "p", ssl=False, starttls=False)


def test_json_without_the_rest_has_the_defaults() -> None:
    found = server('{"host": "h.example", "login": "u"}')
    assert found == MailServer("h.example", 993, "u", "", ssl=True, starttls=False)


@pytest.mark.parametrize(
    "wrong",
    [
        "imap://u:p@h.example:port/",
        "imap://h.example/",
        "imap://u:p@/",
        "{not json",
        "imap://u:p@h.example/?ssl=flase",  # a slip of the pen must not switch encryption off
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_without_the_password(wrong: str) -> None:
    with pytest.raises(UsageError) as error:
        server(wrong.replace(":p@", ":geheim@"))
    assert "geheim" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_password_does_not_show() -> None:
    assert "geheim" not in repr(server("imap://u:geheim@h.example/"))
