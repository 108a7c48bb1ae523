"""A letter's MIME bytes.

Built with the standard library's older classes: they write a header as it is given, so that a file can bear
its name twice, by RFC 2231 in Content-Disposition and by RFC 2047 in Content-Type. Old QQ and 163 clients
read only the second (and QQ calls the file `tcmime….bin` without it); the newer classes cannot write it.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta, timezone
from email import encoders
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from pathlib import PurePosixPath
from urllib.parse import quote

from huizong.errors import UsageError
from huizong.mime.addresses import check_address, clean_header
from huizong.outbox.model import Attachment, Outgoing

_CHINA = timezone(timedelta(hours=8))
# Lines are folded here, where they must be: left to itself it puts a fold before a long first word, and a
# header that begins with an empty line is lost on some servers.
_POLICY = compat32.clone(linesep="\r\n", max_line_length=None)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
# Our own table: what the machine knows (/etc/mime.types) differs from image to image.
_TYPES = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "et": "application/vnd.ms-excel",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "ofd": "application/ofd",
    "pdf": "application/pdf",
    "png": "image/png",
    "rar": "application/vnd.rar",
    "txt": "text/plain",
    "wps": "application/msword",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}


def compose(outgoing: Outgoing, date: datetime) -> bytes:
    """The bytes of one letter, 7-bit clean with CRLF; the same letter and date give the same bytes.

    `date` is aware and is written in Beijing time. Raises UsageError for an address or a Message-ID that may
    not go out.
    """
    if date.tzinfo is None:
        raise UsageError("信件的日期缺少时区。")
    message = _body(outgoing)
    for name, value in _headers(outgoing, date):
        message[name] = value
    return message.as_bytes(policy=_POLICY)


def _headers(outgoing: Outgoing, date: datetime) -> list[tuple[str, str]]:
    sender = check_address(outgoing.sender_address)
    if not _is_message_id(outgoing.message_id):
        raise UsageError(f"信件编号“{clean_header(outgoing.message_id)}”不是合法的 Message-ID。")
    subject = Header(clean_header(outgoing.rendered.subject), "utf-8", header_name="Subject")
    headers = [
        ("From", _mailbox(outgoing.sender_name, sender)),
        ("To", _mailbox(outgoing.to_name, check_address(outgoing.to_address))),
        ("Reply-To", sender),
        ("Subject", subject.encode(linesep=_POLICY.linesep)),
        ("Date", format_datetime(date.astimezone(_CHINA))),
        ("Message-ID", outgoing.message_id),
        ("Auto-Submitted", outgoing.auto_submitted),
        ("X-Auto-Response-Suppress", "All"),
    ]
    # Both come out of the clerk's mail: what is no proper identifier is left out.
    if outgoing.in_reply_to and _is_message_id(outgoing.in_reply_to):
        headers.append(("In-Reply-To", outgoing.in_reply_to))
    if references := [known for known in outgoing.references if _is_message_id(known)]:
        headers.append(("References", "\r\n ".join(references[:1] + references[1:][-19:])))
    return headers


def _is_message_id(text: str) -> bool:
    return len(text) <= 500 and _MESSAGE_ID.fullmatch(text) is not None


def _mailbox(name: str, address: str) -> str:
    name = clean_header(name)
    if name.isascii():
        return formataddr((name, address))
    return f"{Header(name, 'utf-8', maxlinelen=60).encode(linesep=_POLICY.linesep)} <{address}>"


def _body(outgoing: Outgoing) -> Message:
    words = MIMEMultipart("alternative", boundary=_boundary(outgoing, "words"), policy=_POLICY)
    words.attach(_text(outgoing.rendered.text, "plain"))
    words.attach(_text(outgoing.rendered.html, "html"))
    if not outgoing.attachments:
        return words
    mixed = MIMEMultipart("mixed", boundary=_boundary(outgoing, "files"), policy=_POLICY)
    del words["MIME-Version"]
    mixed.attach(words)
    for attachment in outgoing.attachments:
        mixed.attach(_file(attachment))
    return mixed


def _text(text: str, subtype: str) -> Message:
    lines = "\r\n".join(text.replace("\x00", "").splitlines()) + "\r\n"
    part = MIMEText(lines, subtype, "utf-8", policy=_POLICY)
    del part["MIME-Version"]
    return part


def _file(attachment: Attachment) -> Message:
    name = clean_header(attachment.name.replace("\\", "/").rsplit("/", 1)[-1]).replace('"', "'")
    kind = _TYPES.get(PurePosixPath(name.lower()).suffix.lstrip("."), "application/octet-stream")
    part = MIMEBase(*kind.split("/"), policy=_POLICY)
    del part["MIME-Version"], part["Content-Type"]
    old = Header(name, "us-ascii" if name.isascii() else "utf-8", maxlinelen=70).encode(
        linesep=_POLICY.linesep
    )
    part["Content-Type"] = f'{kind};\r\n name="{old}"'
    part["Content-Disposition"] = f"attachment;\r\n filename*=utf-8''{quote(name, safe='')}"
    part.set_payload(attachment.data)
    encoders.encode_base64(part)
    return part


def _boundary(outgoing: Outgoing, part: str) -> str:
    """Fixed by the Message-ID, so that the same letter is the same bytes; `=_` stands in no base64 text."""
    digest = hashlib.sha256(f"{outgoing.message_id}/{part}".encode()).hexdigest()
    return f"=_{part}_{digest[:24]}"
