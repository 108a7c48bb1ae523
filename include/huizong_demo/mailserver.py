"""A whole mail world in one process, for the demo and the tests: IMAP (pymap) behind SMTP (aiosmtpd).

It behaves as an office's mailbox at a large provider does: a login is asked for, the sender must equal it, an
unknown address is refused, some addresses are taken and bounce later (RFC 3464), some answer by themselves.
Everything is in memory and on 127.0.0.1. `python -m huizong_demo.mailserver --config FILE` runs it alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, Identity, Login
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import BuiltinHash

from huizong_demo import robots

logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own deprecations

_HOST = "127.0.0.1"
_SIZE_LIMIT = 60 << 20


@dataclass(frozen=True)
class Accepted:
    """One mail that the server took with a 250."""

    sender: str
    to: str
    message_id: str
    time: datetime


class EmbeddedMailServer:
    """Mailboxes `users` (address to password). Use it in a `with` statement, or `start()` and `stop()`.

    bouncing: addresses that are taken and come back as a bounce. responders: mailboxes that answer by
    themselves. Any other address is refused with 550. `accepted` lists what was taken (the file `log` gets
    it as lines of JSON), `rejected` what was not. The ports are chosen by the machine unless given.
    """

    def __init__(
        self,
        users: Mapping[str, str],
        bouncing: Collection[str] = (),
        responders: Mapping[str, robots.Responder] | None = None,
        imap_port: int = 0,
        smtp_port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.users = {address.lower(): password for address, password in users.items()}
        self.bouncing = {address.lower() for address in bouncing}
        self.responders = {address.lower(): answer for address, answer in (responders or {}).items()}
        self.imap_port, self.smtp_port = imap_port, smtp_port
        self.accepted: list[Accepted] = []
        self.rejected: list[tuple[str, str]] = []
        self._log = log
        self._answered: set[tuple[str, str]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mail server", daemon=True)
        self._ready = threading.Event()
        self._over: asyncio.Event
        self._login: Login
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> tuple[int, int]:
        """Start in a thread of its own; the IMAP and the SMTP port once both listen."""
        self._thread.start()
        self._ready.wait(30)
        if self._failure is not None:
            raise self._failure
        return self.imap_port, self.smtp_port

    def stop(self) -> None:
        """Stop; the mailboxes are gone."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(10)

    def deliver(self, address: str, raw: bytes, folder: str = "INBOX") -> None:
        """Put a mail into a mailbox as it is, from outside the server's thread (a mail from far away)."""
        asyncio.run_coroutine_threadsafe(self._append(address.lower(), raw, folder), self._loop).result(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as e:
            self._failure = e
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        config = Config(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=_HOST, port=0, tls_enabled=False, reject_dnsbl=False,
            demo_data=False, demo_user="", demo_password="",
            # Nothing here is worth 500,000 rounds (0.13 s of CPU) at each login.
            hash_context=BuiltinHash(rounds=1000),
        )  # fmt: skip
        config.apply_context()
        self._login = Login(config)
        for address, password in self.users.items():
            hashed = await Passwords(config).hash_password(password)
            await self._identity(address).set(UserMetadata(config, address, password=hashed))
        imap = ProxyProtocolReader(ProxyProtocolVersion.get(None)).get_callback(
            IMAPServer(self._login, config)
        )
        async with AsyncExitStack() as stack:
            imap_server = await asyncio.start_server(imap, _HOST, self.imap_port)
            smtp_server = await self._loop.create_server(self._smtp, _HOST, self.smtp_port)
            for server in (imap_server, smtp_server):
                stack.callback(server.close)
            self.imap_port = imap_server.sockets[0].getsockname()[1]
            self.smtp_port = smtp_server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._over.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=2) if others else None

    def _identity(self, address: str) -> Identity:
        return Identity(address, self._login, None, frozenset())

    async def _append(self, address: str, raw: bytes, folder: str = "INBOX") -> None:
        async with self._identity(address).new_session() as session:
            if folder != "INBOX" and folder not in [
                name for name, *_ in (await session.list_mailboxes("", "*"))[0]
            ]:
                await session.create_mailbox(folder)
            await session.append_messages(folder, [AppendMessage(raw, datetime.now(UTC))])

    def _smtp(self) -> SMTP:
        return SMTP(
            self, data_size_limit=_SIZE_LIMIT, hostname="mail.example", ident="demo mail server",
            auth_require_tls=False, authenticator=self._authenticate, loop=self._loop,
        )  # fmt: skip

    # aiosmtpd finds these by their names. Its types are not worth repeating.

    def _authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        known = isinstance(data, LoginPassword) and self.users.get(data.login.decode().lower())
        right = bool(known) and known == data.password.decode()
        return AuthResult(success=right, handled=False, auth_data=data)

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if (address or "").lower() != session.auth_data.login.decode().lower():
            return "553 Mail from must equal authorized user"
        envelope.mail_from = address.lower()
        envelope.mail_options.extend(options)
        return "250 Mail OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.lower() not in self.users and address.lower() not in self.bouncing:
            self.rejected.append((envelope.mail_from, address.lower()))
            return "550 User not found: " + address
        envelope.rcpt_tos.append(address.lower())
        return "250 Mail OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        now = datetime.now(UTC)
        message_id = message_from_bytes(envelope.content[:65536]).get("Message-ID", "")
        for to in envelope.rcpt_tos:
            self._note(Accepted(envelope.mail_from, to, str(message_id).strip(), now))
            await self._deliver(envelope.mail_from, to, envelope.content, now)
        return f"250 Mail OK queued as demo{len(self.accepted)}"

    def _note(self, mail: Accepted) -> None:
        self.accepted.append(mail)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**asdict(mail), "time": mail.time.isoformat()}) + "\n")

    async def _deliver(self, sender: str, to: str, content: bytes, now: datetime) -> None:
        if to in self.bouncing:
            await self._append(sender, robots.bounce(sender, to, content, now))
            return
        received = f"Return-Path: <{sender}>\r\nDelivered-To: {to}\r\n".encode()
        await self._append(to, received + content)
        responder = self.responders.get(to)
        if responder is None or (responder.once and (to, sender) in self._answered):
            return
        answer = robots.answer(responder, to, sender, content, now)
        if answer is not None:
            self._answered.add((to, sender))
            await self._append(sender, answer)


def _main() -> int:
    """Run until SIGTERM or SIGINT; prints one line of JSON with the ports when both listen."""
    parser = argparse.ArgumentParser(description="Embedded mail server")
    parser.add_argument(
        "--config", type=Path, required=True, help="JSON: users, bouncing, responders, ports, log"
    )
    config: dict[str, Any] = json.loads(parser.parse_args().config.read_text("utf-8"))
    responders = {
        address: robots.Responder(**fields) for address, fields in config.pop("responders", {}).items()
    }
    log = config.pop("log", None)
    endings = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, endings)  # before the server's thread inherits the mask
    with EmbeddedMailServer(**config, responders=responders, log=Path(log) if log else None) as server:
        print(json.dumps({"imap_port": server.imap_port, "smtp_port": server.smtp_port}), flush=True)
        signal.sigwait(endings)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
