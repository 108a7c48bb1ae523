"""Bounces: RFC 3464 reports, Coremail's form of them (NetEase), and those that are only words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Literal

from huizong.mime.names import decode_text
from huizong.mime.parse import Leaf, ParsedMail, parse_message, raw_header
from huizong.mime.robots import automatic_kind

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_ID_LINE = re.compile(rb"^(?:X-CM-Original-)?Message-ID:\s*(<[^<>\r\n]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Bounce:
    """One letter that did not arrive, or not yet. Unknown texts are "", an unknown code None."""

    kind: Literal["permanent", "temporary", "delayed"]  # delayed: the server goes on trying, no failure
    original_message_id: str  # with angle brackets
    recipient: str  # lower-case
    status: str  # enhanced code such as 5.1.1
    code: int | None  # SMTP code such as 550
    diagnostic: str


def parse_bounce(mail: ParsedMail | bytes) -> Bounce | None:
    """What a bounce says, or None if the mail is none (a report of success is none either)."""
    if isinstance(mail, bytes):
        mail = parse_message(mail)
    if automatic_kind(mail) != "bounce":
        return None
    report = next((leaf for leaf in mail.leaves if _is_report(leaf)), None)
    if report is not None:
        return _from_report(mail, report)
    return _from_words(mail)


def _is_report(leaf: Leaf) -> bool:
    return (
        leaf.content_type in {"message/delivery-status", "message/global-delivery-status"} and not leaf.inside
    )


def _from_report(mail: ParsedMail, report: Leaf) -> Bounce | None:
    fields = _recipient_fields(report.data)
    action = _field(fields, "Action").lower()
    if action in {"delivered", "relayed", "expanded"}:
        return None
    diagnostic = _field(fields, "Diagnostic-Code")
    status, code = _codes(_field(fields, "Status"), diagnostic)
    recipient = _ADDRESS.search(_field(fields, "Final-Recipient") or _field(fields, "Original-Recipient"))
    return Bounce(
        kind="delayed" if action == "delayed" else _kind(status, code),
        original_message_id=_original_id(mail),
        recipient=(recipient[0] if recipient else mail.header("X-Failed-Recipients") or "").lower(),
        status=status,
        code=code,
        diagnostic=diagnostic,
    )


def _recipient_fields(data: bytes) -> Message:
    """The block about a recipient that failed, else any about one (Coremail has a single block for all)."""
    blocks = [message_from_bytes(block) for block in re.split(rb"\r?\n\s*\r?\n", data) if block.strip()]
    about = [block for block in blocks if block["Final-Recipient"] or block["Original-Recipient"]]
    failed = [block for block in about if _field(block, "Action").lower() == "failed"]
    return (failed or about or blocks or [Message()])[0]


def _field(block: Message, name: str) -> str:
    return decode_text((raw_header(block, name) or b"")[:2000])


def _codes(status: str, diagnostic: str) -> tuple[str, int | None]:
    """Status and SMTP code. NetEase always says 5.0.0: the truth stands in the diagnostic text."""
    found = _STATUS.search(status)
    told = _STATUS.search(diagnostic)
    code = _CODE.search(diagnostic)
    if told and (found is None or found[0].endswith(".0.0")):
        found = told
    return found[0] if found else "", int(code[1]) if code else None


def _kind(status: str, code: int | None) -> Literal["permanent", "temporary"]:
    if code is not None and status in {"", "5.0.0"}:
        return "temporary" if code < 500 else "permanent"
    return "temporary" if status.startswith("4") else "permanent"


def _original_id(mail: ParsedMail) -> str:
    """By the attached original, then by Coremail's header, then by what the text quotes."""
    if mail.attached_ids and mail.attached_ids[0]:
        return mail.attached_ids[0]
    for leaf in mail.leaves:
        if leaf.content_type in {"text/rfc822-headers", "message/rfc822-headers"} and (
            found := _ID_LINE.search(leaf.data)
        ):
            return found[1].decode("latin-1")
    told = mail.header("X-CM-Original-Message-ID") or ""
    if told:
        return told if told.startswith("<") else f"<{told}>"
    found = _ID_LINE.search(mail.text.encode("utf-8"))
    return found[1].decode("latin-1") if found else mail.in_reply_to


def _from_words(mail: ParsedMail) -> Bounce:
    """A bounce without a report part: the first codes and the first foreign address of its text."""
    text = mail.text[:8000]
    status, code = _codes("", text)
    own = {mail.from_address, *mail.to}
    told = (mail.header("X-Failed-Recipients") or "").strip()
    addresses = [told] if told else [found for found in _ADDRESS.findall(text) if found.lower() not in own]
    delayed = re.search(r"\b(delayed|will retry|still trying)\b|延迟|继续尝试", text, re.IGNORECASE)
    return Bounce(
        kind="delayed" if delayed and (code is None or code < 500) else _kind(status, code),
        original_message_id=_original_id(mail),
        recipient=(addresses[0] if addresses else "").lower(),
        status=status,
        code=code,
        diagnostic=" ".join(text.split())[:500],
    )
