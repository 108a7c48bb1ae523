"""Waiting for mail with IMAP IDLE (RFC 2177): a wake-up, never a message.

Only the standard library's asyncio, so that hundreds can wait in one process. The clients at hand do not
notice a closed line (imapclient spins, aioimaplib sleeps on): here every line that is waited for has its
time-out, and the end of IDLE must be confirmed by the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Self

from imapclient.imap_utf7 import encode as encode_utf7

from huizong.connections import MailServer
from huizong.errors import OperatorError, TransientError
from huizong.intake.imap import login_refused

_ANSWER_SECONDS = 30.0
_CONNECT_SECONDS = 15.0
_LITERAL = re.compile(rb"\{(\d+)\}\r?\n$")
_COUNT = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE)\r?\n", re.IGNORECASE)
_VALIDITY = re.compile(rb"\[UIDVALIDITY (\d+)\]", re.IGNORECASE)
_UID = re.compile(rb"\* \d+ FETCH \(.*?UID (\d+)", re.IGNORECASE)

Woken = Literal["new", "timeout", "no_idle"]


@dataclass(frozen=True, order=True)
class Mark:
    """How far a folder was when it was last looked at: UIDVALIDITY and the highest UID."""

    validity: int = 0
    highest: int = 0


NOTHING_SEEN = Mark()


class Watch:
    """One connection that waits in IDLE, again and again. Use it in an `async with` statement.

    Between two waits the connection stays open and counts what the server tells of, and across connections
    `mark` is compared: mail that comes while nobody waits wakes the next wait at once. Every method raises
    TransientError for a line that broke or a peer that fell silent, OperatorError for a refused login.
    """

    def __init__(
        self,
        server: MailServer,
        folder: str = "INBOX",
        mark: Mark | None = None,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        """`mark`: where the last watch was; NOTHING_SEEN: any mail at all wakes; None: only what comes."""
        self.mark = mark
        self._server, self._folder = server, folder
        self._line = _Line(server, answer_seconds)
        self._can_idle = False
        self._validity = 0

    async def __aenter__(self) -> Self:
        async with _errors(self._server):
            await self._line.open()
            try:
                await self._line.login(self._server)
                await self._line.command(b'ID ("name" "huizong")', must=False)
                self._can_idle = await self._line.has_idle()
                if self._can_idle:
                    await self._examine()
            except BaseException:
                self._line.close()
                raise
        return self

    async def __aexit__(self, *error: object) -> None:
        self._line.close()

    async def wait(self, idle_seconds: float = 240) -> Woken:
        """Until mail arrives in the folder (`new`), or the time is over; `no_idle` at once, for good.

        Servers end an IDLE after half an hour, and gateways after a few minutes; keep `idle_seconds` below.
        """
        if not self._can_idle:
            return "no_idle"
        async with _errors(self._server):
            if not self._line.has_news and not await self._line.idle(idle_seconds):
                return "no_idle"
            if not self._line.has_news:
                return "timeout"
            self._line.told = self._line.exists
            self.mark = Mark(self._validity, await self._line.highest_uid())
            return "new"

    async def _examine(self) -> None:
        before = self.mark
        self._validity = await self._line.examine(self._folder)
        self._line.told = self._line.exists  # at once: more may come with the next answer
        self.mark = Mark(self._validity, await self._line.highest_uid())
        if before is not None and (before.validity != self._validity or before < self.mark):
            self._line.told = 0


@contextlib.asynccontextmanager
async def _errors(server: MailServer) -> AsyncIterator[None]:
    where = f"{server.host}:{server.port}"
    try:
        yield
    except TimeoutError as e:
        raise TransientError(f"邮件服务器 {where} 没有应答。") from e
    except (OSError, EOFError, ValueError) as e:
        raise TransientError(f"与邮件服务器 {where} 的连接中断：{e or type(e).__name__}") from e


class _Line:
    """One IMAP connection: tagged commands, lines with their literals."""

    def __init__(self, server: MailServer, answer_seconds: float) -> None:
        self.exists = 0  # mails in the open folder, as the server last told
        self.told = 0  # those of them that have woken somebody, or lay there before
        self._server = server
        self._seconds = answer_seconds
        self._number = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        context = ssl.create_default_context()
        tls = context if self._server.ssl else None
        opening = asyncio.open_connection(self._server.host, self._server.port, ssl=tls)
        self._reader, self._writer = await asyncio.wait_for(opening, _CONNECT_SECONDS)
        try:
            await self.read()
            if self._server.starttls:
                await self.command(b"STARTTLS")
                await asyncio.wait_for(
                    self._writer.start_tls(context, server_hostname=self._server.host), self._seconds
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(b"bye LOGOUT\r\n")
        self._writer.close()

    async def login(self, server: MailServer) -> None:
        words = b"LOGIN " + _quoted(server.login) + b" " + _quoted(server.password)
        answer = await self.command(words, must=False)
        if not _ok(answer[-1]):
            raise login_refused(server, answer[-1].partition(b" ")[2].decode("utf-8", "replace").strip())

    async def has_idle(self) -> bool:
        answer = await self.command(b"CAPABILITY")
        return b"IDLE" in b" ".join(answer).upper().split()

    async def examine(self, folder: str) -> int:
        """Open the folder read-only; its UIDVALIDITY. `exists` tells how many mails are in it."""
        answer = await self.command(b"EXAMINE " + _quoted(encode_utf7(folder)))
        return next((int(found[1]) for found in map(_VALIDITY.search, answer) if found), 0)

    async def highest_uid(self) -> int:
        if self.exists == 0:
            return 0
        answer = await self.command(b"FETCH * (UID)", must=False)
        return max((int(found[1]) for found in map(_UID.match, answer) if found), default=0)

    @property
    def has_news(self) -> bool:
        return self.exists > self.told

    async def idle(self, seconds: float) -> bool:
        """Stay in IDLE until there is news, or the time is over; False: it is refused."""
        loop = asyncio.get_running_loop()
        tag = await self._write(b"IDLE")
        if (await self.read()).startswith(tag):  # advertised and refused
            return False
        end = loop.time() + seconds
        while not self.has_news and (left := end - loop.time()) > 0:
            try:
                await self.read(left)
            except TimeoutError:
                break
        await self._write_bytes(b"DONE\r\n")
        while not (await self.read()).startswith(tag):  # proves that the peer still lives
            pass
        return True

    async def command(self, words: bytes, must: bool = True) -> list[bytes]:
        """Send a command; all lines up to and with its answer. `must`: anything but OK is an error."""
        tag = await self._write(words)
        lines = [await self.read()]
        while not lines[-1].startswith(tag):
            lines.append(await self.read())
        if must and not _ok(lines[-1]):
            raise ConnectionError(lines[-1].decode("utf-8", "replace").strip())
        return lines

    async def read(self, seconds: float | None = None) -> bytes:
        """The next line with the literals in it. Raises EOFError at the end of the line, TimeoutError."""
        async with asyncio.timeout(self._seconds if seconds is None else seconds):
            line = await self._reader.readline()
            while found := _LITERAL.search(line):
                line += await self._reader.readexactly(int(found[1])) + await self._reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("服务器关闭了连接")
        if found := _COUNT.match(line):
            is_count = found[2].upper() == b"EXISTS"
            self.exists = int(found[1]) if is_count else self.exists - 1
            self.told = min(self.told, self.exists)
        return line

    async def _write(self, words: bytes) -> bytes:
        self._number += 1
        tag = b"w%d " % self._number
        await self._write_bytes(tag + words + b"\r\n")
        return tag

    async def _write_bytes(self, data: bytes) -> None:
        self._writer.write(data)
        await asyncio.wait_for(self._writer.drain(), self._seconds)


def _ok(line: bytes) -> bool:
    return line.partition(b" ")[2][:2].upper() == b"OK"


def _quoted(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    if b"\r" in data or b"\n" in data or b"\x00" in data:
        raise OperatorError("邮箱的用户名或授权码中含有换行，请在连接设置中改正。")
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
