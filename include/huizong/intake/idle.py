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
from typing import Literal, Self

from imapclient.imap_utf7 import encode as encode_utf7

from huizong.connections import MailServer
from huizong.errors import OperatorError, TransientError
from huizong.intake.imap import login_refused

_ANSWER_SECONDS = 30.0
_LITERAL = re.compile(rb"\{(\d+)\}\r?\n$")
_COUNT = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE)\r?\n", re.IGNORECASE)

Woken = Literal["new", "timeout", "no_idle"]


async def wait_for_mail(server: MailServer, folder: str = "INBOX", idle_seconds: float = 240) -> Woken:
    """Wait until mail arrives in the folder (`new`), or the time is over, or the server has no IDLE.

    What came before the folder was opened wakes nobody: read the mailbox by the clock as well. Servers end
    an IDLE after half an hour, and gateways after a few minutes; keep `idle_seconds` below. Raises
    TransientError for a line that broke or a peer that fell silent, OperatorError for a refused login.
    """
    where = f"{server.host}:{server.port}"
    try:
        async with _Line(server) as line:
            await line.login(server)
            await line.command(b'ID ("name" "huizong")', must=False)
            if not await line.has_idle():
                return "no_idle"
            exists = await line.examine(folder)
            return await line.idle(exists, idle_seconds)
    except TimeoutError as e:
        raise TransientError(f"邮件服务器 {where} 没有应答。") from e
    except (OSError, EOFError, ValueError) as e:
        raise TransientError(f"与邮件服务器 {where} 的连接中断：{e or type(e).__name__}") from e


class _Line:
    """One IMAP connection: tagged commands, lines with their literals."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._number = 0
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context()
        tls = context if self._server.ssl else None
        opening = asyncio.open_connection(self._server.host, self._server.port, ssl=tls)
        self._reader, self._writer = await asyncio.wait_for(opening, 15)
        try:
            await self.read()
            if self._server.starttls:
                await self.command(b"STARTTLS")
                await asyncio.wait_for(
                    self._writer.start_tls(context, server_hostname=self._server.host), _ANSWER_SECONDS
                )
        except BaseException:
            self._writer.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
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
        """Open the folder read-only; how many mails are in it."""
        answer = await self.command(b"EXAMINE " + _quoted(encode_utf7(folder)))
        counts = [
            int(found[1]) for found in map(_COUNT.match, answer) if found and found[2].upper() == b"EXISTS"
        ]
        return counts[-1] if counts else 0

    async def idle(self, exists: int, seconds: float) -> Woken:
        loop = asyncio.get_running_loop()
        tag = await self._write(b"IDLE")
        first = await self.read()
        if first.startswith(tag):  # advertised and refused
            return "no_idle"
        end = loop.time() + seconds
        woken: Woken = "timeout"
        while woken == "timeout" and (left := end - loop.time()) > 0:
            try:
                found = _COUNT.match(await self.read(left))
            except TimeoutError:
                break
            if found and found[2].upper() == b"EXPUNGE":
                exists -= 1
            elif found:
                woken = "new" if int(found[1]) > exists else woken
                exists = int(found[1])
        self._writer.write(b"DONE\r\n")
        await self._drain()
        while not (await self.read()).startswith(tag):  # proves that the peer still lives
            pass
        return woken

    async def command(self, words: bytes, must: bool = True) -> list[bytes]:
        """Send a command; all lines up to and with its answer. `must`: anything but OK is an error."""
        tag = await self._write(words)
        lines = [await self.read()]
        while not lines[-1].startswith(tag):
            lines.append(await self.read())
        if must and not _ok(lines[-1]):
            raise ConnectionError(lines[-1].decode("utf-8", "replace").strip())
        return lines

    async def read(self, seconds: float = _ANSWER_SECONDS) -> bytes:
        """The next line with the literals in it. Raises EOFError at the end of the line, TimeoutError."""
        async with asyncio.timeout(seconds):
            line = await self._reader.readline()
            while found := _LITERAL.search(line):
                line += await self._reader.readexactly(int(found[1])) + await self._reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError("服务器关闭了连接")
        return line

    async def _write(self, words: bytes) -> bytes:
        self._number += 1
        tag = b"w%d " % self._number
        self._writer.write(tag + words + b"\r\n")
        await self._drain()
        return tag

    async def _drain(self) -> None:
        await asyncio.wait_for(self._writer.drain(), _ANSWER_SECONDS)


def _ok(line: bytes) -> bool:
    return line.partition(b" ")[2][:2].upper() == b"OK"


def _quoted(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    if b"\r" in data or b"\n" in data or b"\x00" in data:
        raise OperatorError("邮箱的用户名或授权码中含有换行，请在连接设置中改正。")
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
