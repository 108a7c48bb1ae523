"""Sending: yagmail's client, without its way of sending.

yagmail 0.16 repeats a letter up to three times when the line breaks, also after the server has taken it, and
logs in anew for each letter. So its connection and login are used, and the dialogue MAIL, RCPT, DATA is led
here, once, stage by stage: before the final dot a failure means *not sent*; after it, without an answer,
nobody knows, and only a person or proof may decide.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from types import TracebackType
from typing import Self

import yagmail
from yagmail.sender import smtplib

from huizong.connections import MailServer
from huizong.errors import HuizongError, OperatorError, TransientError, UsageError
from huizong.mime.addresses import check_address, clean_header
from huizong.outbox.model import Outcome, Verdict
from huizong.outbox.replies import classify

MAX_TIMEOUT = 60.0  # seconds
_CHUNK = 1 << 16  # the socket's timeout runs anew for each: a slow line may take its time
_BROKEN = (smtplib.SMTPException, OSError)
_LONGEST_REPLY = 500  # characters of a server's words that are kept
_METHODS = ("PLAIN", "LOGIN", "CRAM-MD5")


class LoginRefusedError(OperatorError):
    """The server refuses the account: another try would only bring it nearer to being locked."""


class BusyError(TransientError):
    """The server asks for patience before anything was sent; `verdict` says how much."""

    def __init__(self, message: str, verdict: Verdict) -> None:
        super().__init__(message)
        self.verdict = verdict


class _Client(yagmail.Client):  # type: ignore[misc]
    """yagmail's client with everything said that it would otherwise guess, ask for or leave unverified."""

    def __init__(self, server: MailServer, timeout: float) -> None:
        encrypted = server.ssl or server.starttls
        context = ssl.create_default_context() if encrypted else None
        options = {"context": context} if server.ssl else {}
        super().__init__(
            user=check_address(server.login),
            password=server.password,
            host=server.host,
            port=server.port,
            smtp_ssl=server.ssl,
            smtp_starttls={"context": context} if server.starttls else False,
            smtp_skip_login=True,
            timeout=timeout,
            **options,
        )

    def login(self) -> None:
        """Connect and log in by one method: the library would try a wrong code by each in turn."""
        super().login()
        # The final dot is a small packet of its own: it must not wait until the text is acknowledged.
        self.smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.smtp.ehlo_or_helo_if_needed()
        offered = self.smtp.esmtp_features.get("auth", "").split()
        method = next((m for m in _METHODS if m in offered), None)
        if method is None:
            raise smtplib.SMTPNotSupportedError
        self.smtp.esmtp_features["auth"] = method
        self.smtp.login(self.user, self.credentials)


class Sender:
    """One account for one batch: logs in at the first letter, keeps the connection, sends each letter once.

    Not for several threads. Use it in a `with` statement.
    """

    def __init__(self, server: MailServer, timeout: float = MAX_TIMEOUT) -> None:
        """`timeout` is in seconds, for each answer of the server. Raises UsageError for unusable settings."""
        if not 0 < timeout <= MAX_TIMEOUT:
            raise UsageError(f"发信超时应在 0 到 {MAX_TIMEOUT:.0f} 秒之间。")
        self._server = server
        self._client = _Client(server, timeout)
        self._live = False
        self.letters = 0  # tried over the connection that is open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take leave of the server. What goes wrong here changes nothing: the letters have their answers."""
        if self._live:
            with contextlib.suppress(*_BROKEN, AttributeError):
                self._client.smtp.sock.settimeout(5)
                self._client.close()
        self._drop()

    def connect(self) -> bool:
        """Connect and log in unless that is done already; whether there was a login comes back.

        Raises:
            LoginRefusedError: wrong code, or the account may not send.
            BusyError: the server asks for patience.
            TransientError: there is no connection.
            OperatorError: host, encryption or certificate are not as the connection says.
        """
        if self._live:
            return False
        self._log_in()
        self._live, self.letters = True, 0
        return True

    def check(self) -> None:
        """After a while of silence: if the server has gone, the next letter logs in anew."""
        if not self._live:
            return
        try:
            code, _ = self._client.smtp.noop()
        except _BROKEN:
            code = 0
        if code != 250:
            self._drop()

    def send(self, to_address: str, mime: bytes, copy_to: str | None = None) -> Outcome:
        """One attempt to send `mime` (CRLF lines) to one address, after `connect()`.

        Args:
            copy_to: our own address, which gets the same mail in the same transaction, as a proof. It comes
                after the addressee: where he is refused nothing is sent, where it is refused the letter is.

        Never raises for what the server says: the outcome's verdict tells. An unusable address is a refusal
        of this letter only. Raises what `connect` raises.
        """
        try:
            to_address = check_address(to_address)
        except UsageError as e:
            return Outcome("rejected_permanent", "rcpt", None, str(e), "permanent")
        self.connect()
        self.letters += 1
        stage = "mail"
        try:
            code, reply = self._mail(len(mime))
            if code == 250:
                stage = "rcpt"
                code, reply = self._client.smtp.rcpt(to_address)
            if code in {250, 251}:
                if copy_to is not None and copy_to.lower() != to_address.lower():
                    self._client.smtp.rcpt(copy_to)
                stage = "data"
                code, reply = self._client.smtp.docmd("DATA")
                if code == 354:
                    return self._transmit(mime)
        except _BROKEN as e:
            self._drop()
            return Outcome("rejected_temporary", stage, None, _text(e), "broken")
        self._reset()
        return _refused(stage, code, reply)

    def _mail(self, size: int) -> tuple[int, bytes]:
        options = [f"SIZE={size}"] if self._client.smtp.has_extn("size") else []
        answer: tuple[int, bytes] = self._client.smtp.mail(self._client.user, options)
        return answer

    def _transmit(self, mime: bytes) -> Outcome:
        """The letter and its final dot. Only when the dot is on its way can the letter have been taken."""
        smtp = self._client.smtp
        body = re.sub(rb"(?m)^\.", b"..", mime)
        if not body.endswith(b"\r\n"):
            body += b"\r\n"
        try:
            for start in range(0, len(body), _CHUNK):
                smtp.send(body[start : start + _CHUNK])
        except _BROKEN as e:
            self._drop()
            return Outcome("rejected_temporary", "data", None, _text(e), "broken")
        try:
            smtp.send(b".\r\n")
            code, reply = smtp.getreply()
        except _BROKEN as e:
            self._drop()
            return Outcome("unknown", "data", None, _text(e), "broken")
        if 200 <= code < 300:
            return Outcome("sent", "done", code, _text(reply))
        if 400 <= code < 600:
            if code == 421:
                self._drop()
            return _refused("data", code, reply)
        self._drop()
        return Outcome("unknown", "data", code, _text(reply))

    def _log_in(self) -> None:
        where = f"{self._server.host}:{self._server.port}"
        try:
            self._client.login()
            return
        except ssl.SSLCertVerificationError as e:
            error: HuizongError = OperatorError(
                f"邮件服务器 {where} 的证书无法验证（{e.verify_message}），请核对服务器地址。"
            )
        except UnicodeError:  # its own words would show what stands in the code
            error = OperatorError(f"邮箱 {self._server.login} 的授权码含有非英文字符，请在连接设置中改正。")
        except smtplib.SMTPNotSupportedError:
            error = OperatorError(
                f"邮件服务器 {where} 不支持所设的登录或加密方式，请核对端口和 ssl、starttls 选项。"
            )
        except smtplib.SMTPResponseException as e:
            error = self._turned_away(where, e)
        except _BROKEN as e:
            error = TransientError(f"连接不上邮件服务器 {where}：{_text(e)}")
        self._drop()
        raise error from None

    def _turned_away(self, where: str, e: smtplib.SMTPResponseException) -> HuizongError:
        """The server answered, and did not let us in."""
        said = f"{e.smtp_code} {_text(e)}"
        verdict = classify(e.smtp_code, said, "login")
        if verdict == "stop" and isinstance(e, smtplib.SMTPAuthenticationError):
            return LoginRefusedError(
                f"邮件服务器 {where} 拒绝登录 {self._server.login}（{said}）："
                "请核对授权码（不是网页登录密码），并确认邮箱已开启SMTP服务。"
            )
        if verdict in {"pause", "next_day"}:
            return BusyError(f"邮件服务器 {where} 请求稍后再发：{said}", verdict)
        return TransientError(f"邮件服务器 {where} 暂不接受连接：{said}")

    def _reset(self) -> None:
        try:
            code, _ = self._client.smtp.rset()
        except _BROKEN:
            code = 0
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        """Let go of a connection that is of no more use; the next letter logs in anew."""
        self._live = False
        if self._client.smtp is not None:
            with contextlib.suppress(*_BROKEN):
                self._client.smtp.close()
        self._client.is_closed = True


def _refused(stage: str, code: int, reply: bytes) -> Outcome:
    """A refusal of this letter for good only if the words, too, say so: a used-up quota is no one's fault."""
    said = _text(reply)
    verdict: Verdict = classify(code, said, stage) if 400 <= code < 600 else "temporary"
    final = verdict in {"permanent", "hold"}
    return Outcome("rejected_permanent" if final else "rejected_temporary", stage, code, said, verdict)


def _text(reply: bytes | Exception) -> str:
    if isinstance(reply, smtplib.SMTPResponseException):
        reply = reply.smtp_error if isinstance(reply.smtp_error, bytes) else str(reply.smtp_error).encode()
    if isinstance(reply, bytes):
        return clean_header(" ".join(reply.decode("utf-8", "replace").split()))[:_LONGEST_REPLY]
    return f"{type(reply).__name__}: {reply}" if str(reply) else type(reply).__name__
