"""Mail server connections, named as Airflow names them.

A channel `mailbox-kjj` uses `mailbox_kjj_imap` and `mailbox_kjj_smtp`. Inside Airflow they are Airflow's
connections; outside, the same ones are read from `AIRFLOW_CONN_<ID>`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from huizong.errors import UsageError


@dataclass(frozen=True)
class MailServer:
    """One server to log in to. Without options TLS with verification is the rule."""

    host: str
    port: int
    login: str
    password: str = field(repr=False)
    ssl: bool
    starttls: bool


class Connections(Protocol):
    """Where mail connections come from."""

    def get(self, connection_id: str) -> MailServer | None:
        """The connection, or None if there is none of that name."""


def required(connections: Connections, channel: str, purpose: Literal["imap", "smtp"]) -> MailServer:
    """A channel's connection.

    Raises:
        UsageError: there is none; the sentence says where to add it.
    """
    name = connection_id(channel, purpose)
    server = connections.get(name)
    if server is None:
        raise UsageError(
            f"渠道 {channel} 没有连接 {name}。请在 Airflow 的“连接”中添加，"
            f"或设置环境变量 AIRFLOW_CONN_{name.upper()}。"
        )
    return server


def connection_id(channel: str, purpose: Literal["imap", "smtp"]) -> str:
    return f"{channel.replace('-', '_')}_{purpose}"


_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _flag(options: Mapping[str, Any], name: str, default: bool) -> bool:
    value = options.get(name)
    if value is None:
        return default
    text = str(value).strip().lower()
    if text not in _FLAGS:  # a slip of the pen must not switch encryption off
        raise UsageError(f"邮件连接的 {name}={value} 看不懂，写成 true 或 false。")
    return _FLAGS[text]


def mail_server(
    purpose: Literal["imap", "smtp"],
    host: str | None,
    port: int | None,
    login: str | None,
    password: str | None,
    options: Mapping[str, Any],
) -> MailServer:
    """Fill in what a connection leaves open: TLS from the first byte, and the ports that go with it."""
    ssl = _flag(options, "ssl", _flag(options, "use_ssl", True))
    # `imap://…?ssl=false` alone is a plain connection; with SMTP it means the submission port and STARTTLS.
    starttls = _flag(options, "starttls", not ssl and purpose == "smtp")
    if port is None:
        port = {"imap": 993 if ssl else 143, "smtp": 465 if ssl else 587}[purpose]
    if not host or not login:
        raise UsageError("邮件连接缺少服务器地址或用户名，请写成 imap://用户名:授权码@服务器:端口/ 的形式。")
    return MailServer(host, port, login, password or "", ssl, starttls and not ssl)


@dataclass(frozen=True)
class EnvironmentConnections:
    """`AIRFLOW_CONN_<ID>` as a URI or as Airflow's JSON."""

    environ: Mapping[str, str]

    def get(self, connection_id: str) -> MailServer | None:
        name = f"AIRFLOW_CONN_{connection_id.upper()}"
        text = self.environ.get(name)
        if not text:
            return None
        purpose: Literal["imap", "smtp"] = "imap" if connection_id.endswith("_imap") else "smtp"
        try:
            if text.lstrip().startswith("{"):
                return _from_json(purpose, json.loads(text))
            parts = urlsplit(text)
            return mail_server(
                purpose,
                parts.hostname,
                parts.port,
                unquote(parts.username or ""),
                unquote(parts.password or ""),
                _options(parts.query),
            )
        except ValueError as e:
            raise UsageError(f"环境变量 {name} 不是合法的连接：{e}") from e


def _options(query: str) -> dict[str, Any]:
    """A URI's options; Airflow itself writes them as one JSON where they are not all text."""
    options: dict[str, Any] = dict(parse_qsl(query))
    return json.loads(options["__extra__"]) if "__extra__" in options else options


def _from_json(purpose: Literal["imap", "smtp"], data: Mapping[str, Any]) -> MailServer:
    extra = data.get("extra") or {}
    options = json.loads(extra) if isinstance(extra, str) else extra
    port = data.get("port")
    return mail_server(
        purpose,
        data.get("host"),
        int(port) if port else None,
        data.get("login"),
        data.get("password"),
        options,
    )
