"""Mail servers that behave badly or peculiarly, for the tests."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from types import TracebackType
from typing import Literal, Self

FaultMode = Literal[
    "ok", "drop_at_mail", "421_at_mail", "553_at_mail", "550_at_rcpt", "452_at_rcpt", "drop_in_data",
    "accept_then_drop", "accept_then_hang", "554_after_data", "421_after_data", "quit_hang", "quit_reset",
    "535_at_login", "drop_at_login", "no_answer",
]  # fmt: skip


class FaultySmtp:
    """A raw SMTP server with one fault. `accepted` are the mails it took, `logins` counts AUTH commands."""

    def __init__(self, mode: FaultMode) -> None:
        self.mode = mode
        self.accepted: list[bytes] = []
        self.logins = 0
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

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as line:
            try:
                if self.mode == "no_answer":
                    self._over.wait(30)
                    return
                self._say(line, "220 bad.example ESMTP")
                while words := line.readline():
                    if not self._answer(line, words.decode().strip()):
                        return
            except OSError:
                return

    @staticmethod
    def _say(line: object, text: str) -> None:
        line.write(text.encode() + b"\r\n")  # type: ignore[attr-defined]
        line.flush()  # type: ignore[attr-defined]

    def _answer(self, line: object, words: str) -> bool:
        """Answer one command; False closes the connection."""
        verb = words.split(" ")[0].upper()
        if verb == "EHLO":
            self._say(line, "250-bad.example\r\n250 AUTH PLAIN LOGIN")
        elif verb == "AUTH":
            self.logins += 1
            if self.mode == "drop_at_login":
                return False
            self._say(line, "535 Error: authentication failed" if self.mode == "535_at_login" else "235 ok")
        elif verb == "DATA":
            return self._data(line)
        elif verb == "QUIT":
            return self._quit(line)
        else:
            fault = {
                "421_at_mail": "421 HL:REP busy", "553_at_mail": "553 Mail from must equal authorized user",
                "550_at_rcpt": "550 Invalid User", "452_at_rcpt": "452 later",
            }.get(self.mode, "")  # fmt: skip
            if self.mode == "drop_at_mail" and verb == "MAIL":
                return False
            self._say(line, fault if self.mode.endswith(verb.lower()) else "250 ok")
        return True

    def _data(self, line: object) -> bool:
        self._say(line, "354 go on")
        if self.mode == "drop_in_data":
            line.readline()  # type: ignore[attr-defined]
            return False
        content = b""
        while (words := line.readline()) != b".\r\n":  # type: ignore[attr-defined]
            if not words:
                return False
            content += words
        if self.mode.endswith("after_data"):
            self._say(line, "554 DT:SPM" if self.mode.startswith("554") else "421 closing")
            return not self.mode.startswith("421")
        self.accepted.append(content)
        if self.mode == "accept_then_hang":
            self._over.wait(30)
        if self.mode.startswith("accept_then"):
            return False
        self._say(line, "250 Mail OK queued as bad1")
        return True

    def _quit(self, line: object) -> bool:
        if self.mode == "quit_hang":
            self._over.wait(30)
        elif self.mode != "quit_reset":
            self._say(line, "221 bye")
        return False


class Netease:
    """An IMAP proxy with the ways of 163.com: no folder before ID, no IDLE. Keeps the commands."""

    CAPABILITY = (
        b"* CAPABILITY IMAP4rev1 XLIST SPECIAL-USE ID LITERAL+ STARTTLS UIDPLUS X-CM-EXT-1 SASL-IR\r\n"
    )

    def __init__(self, upstream: int, strict: bool = True) -> None:
        self.commands: list[str] = []
        self.port = 0
        self._open: list[asyncio.StreamWriter] = []
        self._upstream, self._strict = upstream, strict
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
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream, limit=1 << 20)
        self._open.append(writer)
        down = asyncio.create_task(self._down(up_reader, writer))
        named = not self._strict
        while line := await reader.readline():
            words = line.split()
            verb = words[1].upper().decode() if len(words) > 1 else ""
            verb = f"UID {words[2].upper().decode()}" if verb == "UID" else verb
            self.commands.append(verb)
            named = named or verb == "ID"
            if verb in {"SELECT", "EXAMINE"} and not named:
                writer.write(words[0] + b" NO " + verb.encode() + b" Unsafe Login. Please contact kefu\r\n")
            elif self._strict and verb in {"IDLE", "MOVE", "ENABLE"}:
                writer.write(words[0] + b" BAD Parse command error\r\n")
            else:
                up_writer.write(line)
        up_writer.close()
        down.cancel()

    async def _down(self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await up_reader.readline():
            if self._strict:
                line = self._change(line)
            writer.write(line)
            while literal := re.search(rb"\{(\d+)\}\r\n$", line):
                writer.write(await up_reader.readexactly(int(literal[1])))
                line = await up_reader.readline()
                writer.write(line)
            await writer.drain()
        writer.close()

    def _change(self, line: bytes) -> bytes:
        if line.startswith(b"* CAPABILITY "):
            return self.CAPABILITY
        line = re.sub(rb"\[CAPABILITY [^\]]*\] ?", b"", line)
        line = re.sub(rb"\[UIDVALIDITY \d+\].*", b"[UIDVALIDITY 1] UIDs valid\r", line)
        return b"" if b"[UIDNEXT " in line else line
