"""The mails that mail servers write by themselves: bounces and automatic answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, compat32
from email.utils import format_datetime


@dataclass(frozen=True)
class Responder:
    """A mailbox's automatic answer. A dumb one bears no header that says so, and answers machines, too.

    Args:
        once: answer each sender once, as RFC 3834 advises; else every mail.
        attach: the mail that came in → files (name to content) of the answer, as some programs send the
            original back.
    """

    text: str = "您好，您的邮件我已收到，会尽快处理。"
    dumb: bool = False
    once: bool = True
    attach: Callable[[bytes], dict[str, bytes]] | None = None


def answer(
    responder: Responder, own_address: str, sender: str, content: bytes, now: datetime
) -> bytes | None:
    """The automatic answer to a mail, or None where RFC 3834 forbids one (unless the responder is dumb)."""
    original = message_from_bytes(content[:65536])
    if not responder.dumb and _is_automatic(original):
        return None
    reply = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    reply["From"], reply["To"] = own_address, sender
    reply["Date"] = format_datetime(now)
    reply["Message-ID"] = f"<auto.{int(now.timestamp() * 1e6)}@{own_address.partition('@')[2]}>"
    if responder.dumb:
        reply["Subject"] = "已收到您的邮件"
    else:
        reply["Subject"] = "自动回复：已收到您的邮件"
        reply["Auto-Submitted"] = "auto-replied"
        reply["Precedence"] = "bulk"
        reply["In-Reply-To"] = str(original.get("Message-ID", "")).strip()
    reply.set_content(responder.text, cte="base64")
    for name, data in (responder.attach(content) if responder.attach else {}).items():
        reply.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    path = own_address if responder.dumb else ""
    return f"Return-Path: <{path}>\r\n".encode() + reply.as_bytes()


def _is_automatic(original: Message) -> bool:
    return str(original.get("Auto-Submitted", "no")).strip().lower() != "no" or "Precedence" in original


def bounce(sender: str, recipient: str, content: bytes, now: datetime) -> bytes:
    """A delivery status notification (RFC 3464) with the whole original."""
    domain = recipient.partition("@")[2]
    report = MIMEMultipart("report")
    report.set_param("report-type", "delivery-status")
    report["From"] = f"Postmaster@{domain}"
    report["To"] = sender
    report["Subject"] = "=?gb2312?B?z7XNs83L0MU=?="  # 系统退信, as Coremail writes it
    report["Date"] = format_datetime(now)
    report["Message-ID"] = f"<bounce.{int(now.timestamp() * 1e6)}@{domain}>"
    report.attach(
        MIMEText(
            f"抱歉，您的邮件被退回来了……\r\n收件人：{recipient}\r\n原因：用户不存在\r\n", "plain", "utf-8"
        )
    )
    status = Message()
    status["Content-Type"] = "message/delivery-status"
    status.set_payload(
        [
            _fields({"Reporting-MTA": f"dns; mail.{domain}"}),
            _fields(
                {
                    "Final-Recipient": f"rfc822; {recipient}",
                    "Action": "failed",
                    "Status": "5.0.0",  # NetEase writes this whatever the cause
                    "Diagnostic-Code": "smtp; 550 5.1.1 User unknown",
                }
            ),
        ]
    )
    report.attach(status)
    report.attach(MIMEMessage(message_from_bytes(content)))
    return b"Return-Path: <>\r\n" + report.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _fields(values: dict[str, str]) -> Message:
    block = Message()
    for name, value in values.items():
        block[name] = value
    return block
