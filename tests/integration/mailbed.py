"""Mail servers that behave badly or peculiarly, for the tests."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Literal, Self

FaultMode = Literal[
    "ok", "drop_at_mail", "421_at_mail", "550_at_mail", "552_at_mail", "553_at_mail", "550_at_rcpt",
    "452_at_rcpt", "drop_at_rcpt", "drop_in_data", "accept_then_drop", "accept_then_hang", "552_after_data",
    "550_after_data", "554_after_data", "421_after_data", "quit_hang", "quit_reset", "421_at_greeting",
    "535_at_login", "drop_at_login", "no_answer",
]  # fmt: skip

_SAYS: dict[str, tuple[str, str]] = {
    "421_at_greeting": ("greeting", "421 HL:ICC too many connections"),
    "535_at_login": ("login", "535 Error: authentication failed"),
    "421_at_mail": ("mail", "421 HL:REP busy"),
    "550_at_mail": ("mail", "550 Mailbox unavailable"),
    "552_at_mail": ("mail", "552 Requested mail action aborted: exceeded mailsize limit"),
    "553_at_mail": ("mail", "553 Mail from must equal authorized user"),
    "550_at_rcpt": ("rcpt", "550 Invalid User"),
    "452_at_rcpt": ("rcpt", "452 later"),
    "552_after_data": ("dot", "552 Illegal Attachment"),
    "550_after_data": ("dot", "550 DT:SPM"),
    "554_after_data": ("dot", "554 DT:SPM"),
    "421_after_data": ("dot", "421 closing"),
}


class FaultySmtp:
    """A raw SMTP server with one fault, which may be changed while it runs.

    says: further answers by stage (greeting, login, mail, rcpt, data, dot) or, for RCPT, by address.
    `accepted` are the mails it took and `envelopes` their addressees; `logins` counts AUTH commands.
    """

    def __init__(self, mode: FaultMode, says: Mapping[str, str] | None = None) -> None:
        self.mode = mode
        self.says = dict(says or {})
        self.accepted: list[bytes] = []
        self.envelopes: list[tuple[str, ...]] = []
        self.logins = 0
        self.commands: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._over = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _reply(self, stage: str, usual: str) -> str:
        where, words = _SAYS.get(self.mode, ("", ""))
        return self.says.get(stage) or (words if where == stage else usual)

    def _talk(self, connection: socket.socket) -> None:
        taken: list[str] = []  # addressees of the transaction that is open
        with connection, connection.makefile("rwb") as line:
            try:
                if self.mode == "no_answer":
                    self._over.wait(30)
                    return
                if not self._say(line, self._reply("greeting", "220 bad.example ESMTP")):
                    return
                while words := line.readline():
                    if not self._answer(line, words.decode().strip(), taken):
                        return
            except OSError:
                return

    @staticmethod
    def _say(line: IO[bytes], text: str) -> bool:
        """Answer; a 421 closes the connection."""
        line.write(text.encode() + b"\r\n")
        line.flush()
        return not text.startswith("421")

    def _answer(self, line: IO[bytes], words: str, taken: list[str]) -> bool:
        """Answer one command; False closes the connection."""
        verb = words.split(" ")[0].upper()
        self.commands.append(verb + words[len(verb) :] if verb in {"MAIL", "RCPT"} else verb)
        stage = {"AUTH": "login"}.get(verb, verb.lower())
        self.logins += stage == "login"
        if self.mode == f"drop_at_{stage}":
            return False
        if verb == "EHLO":
            return self._say(line, "250-bad.example\r\n250 AUTH PLAIN LOGIN")
        if verb == "AUTH":
            return self._say(line, self._reply(stage, "235 ok"))
        if verb == "DATA":
            return self._data(line, taken)
        if verb == "QUIT":
            return self._quit(line)
        if verb in {"MAIL", "RSET"}:
            taken.clear()
        usual = "250 ok"
        if verb == "RCPT":
            address = words.partition("<")[2].partition(">")[0].lower()
            usual = self.says.get(address, usual)
        answer = self._reply(stage, usual)
        if verb == "RCPT" and answer.startswith("250"):
            taken.append(address)
        return self._say(line, answer)

    def _data(self, line: IO[bytes], taken: list[str]) -> bool:
        answer = self._reply("data", "354 go on") if taken else "503 no addressee"
        if not answer.startswith("354"):
            return self._say(line, answer)
        self._say(line, answer)
        if self.mode == "drop_in_data":
            line.readline()
            return False
        content = b""
        while (words := line.readline()) != b".\r\n":
            if not words:
                return False
            content += words
        answer = self._reply("dot", "250 Mail OK queued as bad1")
        if not answer.startswith("250"):
            return self._say(line, answer)
        self.accepted.append(content)
        self.envelopes.append(tuple(taken))
        taken.clear()
        if self.mode == "accept_then_hang":
            self._over.wait(30)
        if self.mode.startswith("accept_then"):
            return False
        return self._say(line, answer)

    def _quit(self, line: IO[bytes]) -> bool:
        if self.mode == "quit_hang":
            self._over.wait(30)
        elif self.mode != "quit_reset":
            self._say(line, "221 bye")
        return False


class Netease:
    """An IMAP proxy with the ways of 163.com: no folder before ID, no IDLE. Keeps the commands.

    Its faults are switched on by its attributes, at any time. A mail is named by bytes that stand in it:
    `cut_in` breaks the line in the middle of such a mail, `withhold` leaves its answer out. `silent_at`: a
    command from which on a line is not answered any more. `refusal`: what LOGIN is answered with.
    `unsafe`: ID is not believed. `false_sizes`: RFC822.SIZE is wrong. `upstream`: may become another
    server's port.
    """

    CAPABILITY = (
        b"* CAPABILITY IMAP4rev1 XLIST SPECIAL-USE ID LITERAL+ STARTTLS UIDPLUS X-CM-EXT-1 SASL-IR\r\n"
    )

    def __init__(self, upstream: int, strict: bool = True) -> None:
        self.commands: list[str] = []
        self.port = 0
        self._open: list[asyncio.StreamWriter] = []
        self.upstream, self._strict = upstream, strict
        self.cut_in: bytes | None = None
        self.withhold: bytes | None = None
        self.refusal: bytes | None = None
        self.silent_at: str | None = None
        self.unsafe = self.false_sizes = False
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)

    def cut(self) -> None:
        """Close every line to a client, as a provider does that has had enough."""
        for writer in self._open:
            self._loop.call_soon_threadsafe(writer.close)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream, limit=1 << 20)
        self._open.append(writer)
        down = asyncio.create_task(self._down(up_reader, writer))
        named, silent = not self._strict, False
        while line := await reader.readline():
            words = line.split()
            verb = words[min(1, len(words) - 1)].upper().decode() if words else ""
            verb = f"UID {words[2].upper().decode()}" if verb == "UID" else verb
            self.commands.append(verb)
            named = (named or verb == "ID") and not self.unsafe
            silent = silent or verb == self.silent_at
            if silent:
                continue
            if verb == "LOGIN" and self.refusal is not None:
                writer.write(words[0] + b" NO " + self.refusal + b"\r\n")
            elif verb in {"SELECT", "EXAMINE"} and not named:
                writer.write(words[0] + b" NO " + verb.encode() + b" Unsafe Login. Please contact kefu\r\n")
            elif self._strict and verb in {"IDLE", "MOVE", "ENABLE"}:
                writer.write(words[0] + b" BAD Parse command error\r\n")
            else:
                up_writer.write(line)
        up_writer.close()
        down.cancel()

    async def _down(self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while response := await self._response(up_reader):
            if self.withhold is not None and self.withhold in response:
                continue
            if self.cut_in is not None and self.cut_in in response:
                writer.write(response[: len(response) // 2])
                break
            writer.write(self._change(response) if self._strict else response)
            await writer.drain()
        writer.close()

    @staticmethod
    async def _response(up_reader: asyncio.StreamReader) -> bytes:
        """A line with the literals in it."""
        response = line = await up_reader.readline()
        while literal := re.search(rb"\{(\d+)\}\r\n$", line):
            response += await up_reader.readexactly(int(literal[1]))
            line = await up_reader.readline()
            response += line
        return response

    def _change(self, response: bytes) -> bytes:
        line, end, rest = response.partition(b"\n")
        if line.startswith(b"* CAPABILITY "):
            return self.CAPABILITY
        line = re.sub(rb"\[CAPABILITY [^\]]*\] ?", b"", line)
        line = re.sub(rb"\[UIDVALIDITY \d+\].*", b"[UIDVALIDITY 1] UIDs valid\r", line)
        if self.false_sizes:
            line = re.sub(rb"RFC822.SIZE (\d+)", rb"RFC822.SIZE 9\1", line)
        return b"" if b"[UIDNEXT " in line else line + end + rest
