"""Reading a mailbox over IMAP, and nothing but reading: EXAMINE and BODY.PEEK[], never STORE or EXPUNGE.

NetEase (163, 126) refuses to open a folder to a client that has not named itself with ID (`Unsafe Login`),
has neither IDLE nor UIDNEXT, and files mail into 垃圾邮件 and its like by itself.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError
from imapclient.imap_utf7 import decode as decode_utf7

from huizong.connections import MailServer
from huizong.errors import OperatorError, TransientError

CLIENT_ID = {"name": "huizong", "version": "0.1", "vendor": "huizong"}
# Where returns can land without anybody's doing.
_SIDE_FOLDERS = frozenset(
    ["垃圾邮件", "广告邮件", "订阅邮件", "病毒文件夹", "病毒邮件", "junk", "spam", "junk e-mail", "bulk mail"]
)
_SENT_FOLDERS = frozenset(["已发送", "已发送邮件", "sent", "sent messages", "sent items", "sent mail"])
_SEARCH_STEP = 20_000  # mails a SEARCH: imaplib gives up on a line of a million bytes
_BATCH_MAILS = 25
_BATCH_BYTES = 16 << 20
_RENEWALS = 5  # fresh connections a sweep: more logins in a row look like an attack
_LONGEST_REPLY = 500  # characters of a server's words that are kept
UNDATED = datetime.max.replace(tzinfo=UTC)  # INTERNALDATE of a mail whose date the server does not say
_BUSY_WORDS = ("unavailable", "limit", "too many", "try again", "busy", "inuse", "timeout", "timed out")
# QQ names every cause in one sentence, `password is incorrect, … or system is busy`: then it is the password.
_WRONG_WORDS = ("password", "credential", "authenticationfailed", "authorization", "密码", "授权码")


class RefusedError(OperatorError):
    """The server does not let this login in; going on knocking gets the account locked."""


class BusyError(TransientError):
    """The server asks to come back later; the login itself is right."""


class RebuiltError(TransientError):
    """The folder's UIDs mean other mails than they did a moment ago."""


def login_refused(server: MailServer, words: str) -> RefusedError | BusyError:
    """What a refused LOGIN means: a busy server will take it later, anything else needs a person."""
    where = f"{server.host}:{server.port}"
    said = words.lower()
    if any(word in said for word in _BUSY_WORDS) and not any(word in said for word in _WRONG_WORDS):
        return BusyError(f"邮件服务器 {where} 暂不接受登录：{words}")
    return RefusedError(
        f"邮件服务器 {where} 拒绝登录 {server.login}（{words}）："
        "请核对授权码（不是网页登录密码），并确认邮箱已开启IMAP服务。"
    )


class Mailbox:
    """One logged-in connection. Use it in a `with` statement.

    Every method raises TransientError when the network or the server fails, and OperatorError when a person
    has to change something (login refused, certificate wrong).
    """

    def __init__(self, server: MailServer, connect_timeout: float = 15, read_timeout: float = 60) -> None:
        """Time-outs in seconds; `read_timeout` is for each answer of the server, and it ends at twice that:
        once for the answer that did not come, once for the fresh connection."""
        self._server = server
        self._where = f"{server.host}:{server.port}"
        self._timeout = SocketTimeout(connect_timeout, read_timeout)
        self._client: Any = None
        self._examined: tuple[str, int] | None = None  # folder, UIDVALIDITY
        self._broken = False
        self._renewed = 0

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
        if self._client is not None and self._broken:
            with contextlib.suppress(OSError, IMAPClientError):
                self._client.shutdown()  # a peer that fell silent would not answer LOGOUT either
        elif self._client is not None:
            self._client.__exit__(None, None, None)  # logout, else shutdown; swallows what goes wrong
        self._client = None

    def renew(self) -> None:
        """After an error: a fresh connection, where the old one is no longer of use.

        Raises:
            TransientError: the server does not take it, or has broken too many already.
        """
        if not self._broken:
            return
        self._renewed += 1
        if self._renewed > _RENEWALS:
            raise TransientError(f"与邮件服务器 {self._where} 的连接反复中断，稍后将继续读取。")
        self.close()
        self._broken = False
        self.__enter__()

    def folders(self, also: Sequence[str] = ()) -> list[str]:
        """INBOX, the folders into which servers sort mail by themselves (junk, advertising, subscriptions,
        virus), and those of `also` that exist."""
        found = ["INBOX"]
        for marks, name in self._listed():
            if name.upper() != "INBOX" and (
                b"\\junk" in marks or name.lower() in _SIDE_FOLDERS or name in also
            ):
                found.append(name)
        return found

    def _listed(self) -> list[tuple[set[bytes], str]]:
        """The folders that hold mail: their marks in lower case, and their names."""
        with self._errors():
            self._client.folder_encode = False  # one name that cannot be decoded must not hide the others
            try:
                listed = self._client.list_folders()
            finally:
                self._client.folder_encode = True
        named = [({bytes(flag).lower() for flag in flags}, _folder_name(raw)) for flags, _, raw in listed]
        return [(marks, name) for marks, name in named if name is not None and b"\\noselect" not in marks]

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

        A mail that the server does not hand out is left out; asking for it again is the caller's business.
        The size is the server's word, which may be wrong; the date is UNDATED where it says none.

        Raises:
            RebuiltError: the folder was rebuilt since `list_uids`.
        """
        self._reopen(folder)
        for start in range(0, len(uids), 500):
            with self._errors():
                facts = self._client.fetch(list(uids[start : start + 500]), ["INTERNALDATE", "RFC822.SIZE"])
            for batch in _batches({uid: fact.get(b"RFC822.SIZE", 0) for uid, fact in facts.items()}):
                with self._errors():
                    bodies = self._client.fetch(batch, ["BODY.PEEK[]"])
                for uid in batch:
                    raw = bodies.get(uid, {}).get(b"BODY[]")
                    if raw is not None:
                        date = facts[uid].get(b"INTERNALDATE")
                        size = int(facts[uid].get(b"RFC822.SIZE", len(raw)))
                        yield uid, _utc(date), size, bytes(raw)

    def describe(self, folder: str, uid: int) -> str:
        """Date and size of a mail for a person, as far as the server says them."""
        try:
            self._reopen(folder)
            with self._errors():
                fact = self._client.fetch([uid], ["INTERNALDATE", "RFC822.SIZE"]).get(uid, {})
        except TransientError:
            return ""
        date, size = fact.get(b"INTERNALDATE"), fact.get(b"RFC822.SIZE")
        words = [f"收到时间 {date:%Y-%m-%d %H:%M}" if date else "", f"{size} 字节" if size else ""]
        return "，".join(filter(None, words))

    def headers(self, folder: str, uids: Sequence[int]) -> dict[int, bytes]:
        """The header blocks of these mails, by UID."""
        self._reopen(folder)
        with self._errors():
            answer = self._client.fetch(list(uids), ["BODY.PEEK[HEADER]"])
        return {uid: bytes(fact.get(b"BODY[HEADER]") or b"") for uid, fact in answer.items()}

    def _reopen(self, folder: str) -> None:
        with self._errors():
            known = self._examined
            validity, _ = self._examine(folder)
        if known is not None and known[0] == folder and known[1] != validity:
            raise RebuiltError(f"邮箱文件夹“{folder}”刚被服务器重建，稍后将重新读取。")

    def sent_folder(self) -> str | None:
        """The folder of sent mail: by its mark (SPECIAL-USE), else by its name; None if there is none."""
        listed = self._listed()
        marked = [name for marks, name in listed if b"\\sent" in marks]
        named = [name for _, name in listed if name.lower() in _SENT_FOLDERS]
        return next(iter(marked + named), None)

    def message_id_headers(self, folder: str, uids: Sequence[int]) -> list[bytes]:
        """The Message-ID header of each mail as it stands there, empty where there is none."""
        heads: list[bytes] = []
        with self._errors():
            self._examine(folder)
            for start in range(0, len(uids), 100):
                wanted = list(uids[start : start + 100])
                answer = self._client.fetch(wanted, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"])
                for fact in answer.values():
                    heads += [bytes(v) for k, v in fact.items() if k.startswith(b"BODY[HEADER") and v]
        return heads

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
                raise TransientError(f"登录邮件服务器 {self._where} 时连接中断：{_words(e)}") from e
            raise login_refused(self._server, _words(e)) from e

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
        validity = int(answer.get(b"UIDVALIDITY") or 0)
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
            # An answer of NO leaves the line in order; after anything else nobody knows what comes next.
            self._broken |= isinstance(e, IMAPClientAbortError) or not isinstance(e, IMAPClientError)
            if "unsafe login" in str(e).lower():
                raise RefusedError(
                    f"网易邮箱拒绝本程序读取（{_words(e)}），请在网页邮箱中确认已授权客户端。"
                ) from e
            raise TransientError(f"读取邮件服务器 {self._where} 时出错：{_words(e)}") from e


def _words(error: Exception) -> str:
    """What the server said; the libraries spell an answer's bytes as Python does."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
    text = re.sub(r"\bb(['\"])(.*?)\1", r"\2", text)
    return " ".join(text.split())[:_LONGEST_REPLY] or type(error).__name__


def _utc(date: datetime | None) -> datetime:
    try:
        return UNDATED if date is None else date.astimezone(UTC)
    except OverflowError:  # the year 1 in China
        return UNDATED


def _folder_name(raw: bytes | str) -> str | None:
    """A folder's name out of modified UTF-7; None where a program wrote it wrongly."""
    try:
        return str(decode_utf7(raw))
    except ValueError:
        return None


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
