"""Reading a mailbox over IMAP, and nothing but reading: EXAMINE and BODY.PEEK[], never STORE or EXPUNGE.

NetEase (163, 126) refuses to open a folder to a client that has not named itself with ID (`Unsafe Login`),
has neither IDLE nor UIDNEXT, and files mail into 垃圾邮件 and its like by itself.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from huizong.connections import MailServer
from huizong.errors import OperatorError, TransientError

CLIENT_ID = {"name": "huizong", "version": "0.1", "vendor": "huizong"}
# Where returns can land without anybody's doing.
_SIDE_FOLDERS = frozenset(
    ["垃圾邮件", "广告邮件", "订阅邮件", "病毒文件夹", "病毒邮件", "junk", "spam", "junk e-mail", "bulk mail"]
)
_SEARCH_STEP = 20_000  # mails a SEARCH: imaplib gives up on a line of a million bytes
_BATCH_MAILS = 25
_BATCH_BYTES = 16 << 20
_BUSY_WORDS = ("unavailable", "limit", "too many", "try again", "busy", "inuse", "timeout", "timed out")


def login_refused(server: MailServer, words: str) -> OperatorError | TransientError:
    """What a refused LOGIN means: a busy server will take it later, anything else needs a person."""
    where = f"{server.host}:{server.port}"
    if any(word in words.lower() for word in _BUSY_WORDS):
        return TransientError(f"邮件服务器 {where} 暂不接受登录：{words}")
    return OperatorError(
        f"邮件服务器 {where} 拒绝登录 {server.login}（{words}）："
        "请核对授权码（不是网页登录密码），并确认邮箱已开启IMAP服务。"
    )


class Mailbox:
    """One logged-in connection. Use it in a `with` statement.

    Every method raises TransientError when the network or the server fails, and OperatorError when a person
    has to change something (login refused, certificate wrong).
    """

    def __init__(self, server: MailServer, connect_timeout: float = 15, read_timeout: float = 60) -> None:
        """Time-outs in seconds; `read_timeout` is for each answer of the server."""
        self._server = server
        self._where = f"{server.host}:{server.port}"
        self._timeout = SocketTimeout(connect_timeout, read_timeout)
        self._client: Any = None
        self._examined: tuple[str, int] | None = None  # folder, UIDVALIDITY

    def __enter__(self) -> Self:
        try:
            with self._errors():
                self._client = self._connect()
                self._login()
                self._introduce()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out as far as the server still listens."""
        if self._client is not None:
            self._client.__exit__(None, None, None)  # logout, else shutdown; swallows what goes wrong
            self._client = None

    def folders(self) -> list[str]:
        """INBOX, then the folders into which servers sort mail by themselves (junk, advertising, virus)."""
        with self._errors():
            listed = self._client.list_folders()
        found = ["INBOX"]
        for flags, _, name in listed:
            marks = {bytes(flag).lower() for flag in flags}
            name = str(name)
            if b"\\noselect" in marks or name.upper() == "INBOX":
                continue
            if b"\\junk" in marks or name.lower() in _SIDE_FOLDERS:
                found.append(name)
        return found

    def list_uids(self, folder: str) -> tuple[int, list[int]]:
        """UIDVALIDITY and all UIDs of the folder, ascending. It counts nothing but what stands there."""
        with self._errors():
            validity, exists = self._examine(folder)
            uids: set[int] = set()
            for start in range(1, exists + 1, _SEARCH_STEP):
                whole = start == 1 and exists <= _SEARCH_STEP
                uids.update(self._client.search("ALL" if whole else f"{start}:{start + _SEARCH_STEP - 1}"))
        return validity, sorted(uids)

    def fetch(self, folder: str, uids: Sequence[int]) -> Iterator[tuple[int, datetime, int, bytes]]:
        """(uid, INTERNALDATE in UTC, size in bytes, raw bytes) of each mail, in small batches.

        A mail that is no longer there is left out; asking for it again is the caller's business. Raises
        TransientError if the folder was rebuilt since `list_uids`.
        """
        with self._errors():
            known = self._examined
            validity, _ = self._examine(folder)
        if known is not None and known[0] == folder and known[1] != validity:
            raise TransientError(f"邮箱文件夹“{folder}”刚被服务器重建，稍后将重新读取。")
        for start in range(0, len(uids), 500):
            with self._errors():
                facts = self._client.fetch(list(uids[start : start + 500]), ["INTERNALDATE", "RFC822.SIZE"])
            for batch in _batches({uid: fact.get(b"RFC822.SIZE", 0) for uid, fact in facts.items()}):
                with self._errors():
                    bodies = self._client.fetch(batch, ["BODY.PEEK[]"])
                for uid in batch:
                    raw = bodies.get(uid, {}).get(b"BODY[]")
                    if raw is not None and b"INTERNALDATE" in facts[uid]:
                        date = facts[uid][b"INTERNALDATE"].astimezone(UTC)
                        yield uid, date, int(facts[uid].get(b"RFC822.SIZE", len(raw))), bytes(raw)

    def _connect(self) -> Any:
        context = ssl.create_default_context()
        client = IMAPClient(
            self._server.host,
            port=self._server.port,
            ssl=self._server.ssl,
            ssl_context=context if self._server.ssl else None,
            timeout=self._timeout,
        )
        client.normalise_times = False  # aware, as the server says them
        if self._server.starttls:
            client.starttls(context)
        return client

    def _login(self) -> None:
        try:
            self._client.login(self._server.login, self._server.password)
        except LoginError as e:
            if isinstance(e.__context__, IMAPClientAbortError):  # imapclient says so of a broken line, too
                raise TransientError(f"登录邮件服务器 {self._where} 时连接中断：{e}") from e
            raise login_refused(self._server, str(e)) from e

    def _introduce(self) -> None:
        """ID, before any folder is opened; a server that has no ID says so and loses nothing."""
        try:
            self._client.id_(CLIENT_ID)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            pass

    def _examine(self, folder: str) -> tuple[int, int]:
        """Open read-only; UIDVALIDITY and the number of mails."""
        answer = self._client.select_folder(folder, readonly=True)
        validity = int(answer[b"UIDVALIDITY"])
        self._examined = (folder, validity)
        return validity, int(answer[b"EXISTS"])

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as e:
            raise OperatorError(
                f"邮件服务器 {self._where} 的证书无法验证（{e.verify_message}），请核对服务器地址。"
            ) from e
        except (OSError, IMAPClientError, EOFError, KeyError, ValueError) as e:
            if "unsafe login" in str(e).lower():
                raise OperatorError(f"网易邮箱拒绝本程序读取（{e}），请在网页邮箱中确认已授权客户端。") from e
            raise TransientError(f"读取邮件服务器 {self._where} 时出错：{e or type(e).__name__}") from e


def _batches(sizes: dict[int, int]) -> Iterator[list[int]]:
    """UIDs in order, a few at a time: no more mails, and no more bytes, than fit well into memory."""
    batch: list[int] = []
    held = 0
    for uid in sorted(sizes):
        if batch and (len(batch) >= _BATCH_MAILS or held + sizes[uid] > _BATCH_BYTES):
            yield batch
            batch, held = [], 0
        batch.append(uid)
        held += sizes[uid]
    if batch:
        yield batch
