"""Bounces: RFC 3464 reports, Coremail's form of them (NetEase), and those that are only words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Literal

from huizong.mime.failures import is_failure_report, is_mailer
from huizong.mime.names import decode_text
from huizong.mime.parse import Leaf, ParsedMail, parse_message, raw_header

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&*+/?^_`{|}~.-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_GIVEN = re.compile(r"RCPT TO:\s*<([^<>\s]+@[^<>\s]+)>", re.IGNORECASE)
_OWN_WORDS = re.compile(r"(postmaster|mailer-daemon|abuse|help|support)@", re.IGNORECASE)
_QUOTE = re.compile(r"^\s*(Received|Return-Path):\s", re.IGNORECASE | re.MULTILINE)
_FULL = re.compile(
    r"(mail ?box|inbox|quota|storage|account|disk)\W+(\w+\W+){0,4}(full|exceed\w*|over)"
    r"|(over|exceed\w*) (\w+ ){0,3}quota"
    r"|(not enough|insufficient|out of) (\w+ ){0,2}(storage|space)|邮箱.{0,6}满|(空间|容量).{0,4}(不足|已满)",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"spam|DT:SPM|\bRBL\b|black ?list|block(ed|list)|polic(y|ies)|reputation|virus|content|relay"
    r"|too (large|big)|size|垃圾邮件|病毒|过大",
    re.IGNORECASE,
)
_TRYING = re.compile(
    r"\b(delayed|will retry|still trying|postponed|warning message only|not yet been delivered"
    r"|will (continue|keep|be retried)|attempts will)\b|延迟|继续尝试|仍在尝试",
    re.IGNORECASE,
)
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
    from_mailer: bool = False  # a mail program's own address or path; a person's mail can be written alike

    @property
    def is_bad_address(self) -> bool:
        """Whether no letter will ever arrive there: not a full mailbox, nor a letter that was not liked."""
        if self.kind != "permanent" or re.match(r"5\.(7|6|3)\.|5\.2\.3", self.status):
            return False
        return bool(re.match(r"5\.1\.|5\.2\.1", self.status)) or not _REFUSED.search(self.diagnostic)


def parse_bounce(mail: ParsedMail | bytes) -> Bounce | None:
    """What a bounce says, or None if the mail is none (a report of success is none either)."""
    if isinstance(mail, bytes):
        mail = parse_message(mail)
    if not is_failure_report(mail):
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
    recipient = next(filter(None, map(_address, _recipients(fields, diagnostic))), "")
    return Bounce(
        kind="delayed" if action == "delayed" else _kind(status, code, diagnostic),
        original_message_id=_original_id(mail),
        recipient=recipient or (mail.header("X-Failed-Recipients") or "").lower(),
        status=status,
        code=code,
        diagnostic=diagnostic,
        from_mailer=_from_mailer(mail),
    )


def _from_mailer(mail: ParsedMail) -> bool:
    return is_mailer(mail) or mail.return_path == ""


def _recipients(fields: Message, diagnostic: str) -> tuple[str, ...]:
    """Where the address may stand, the one that we wrote to first (RFC 3464, 2.3.1)."""
    return _field(fields, "Original-Recipient"), _field(fields, "Final-Recipient"), diagnostic


def _address(text: str) -> str:
    found = _ADDRESS.search(text)
    return found[0].lower() if found else ""


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


def _kind(status: str, code: int | None, words: str) -> Literal["permanent", "temporary"]:
    """A full mailbox is no wrong address (5.2.2); nor is what the server calls passing (4.x)."""
    told = status[2:] not in {"", "0.0"}
    if status.endswith(".2.2") or (not told and _FULL.search(words)):
        return "temporary"
    if code is not None and not told:
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
    """A bounce without a report part: the codes of its own text and the address that it complains of."""
    text = mail.text[:8000]
    quoted = _QUOTE.search(text)
    said = text[: quoted.start()] if quoted else text
    status, code = _codes("", said)
    delayed = _TRYING.search(said) and (code is None or code < 500) and not status.startswith("5")
    return Bounce(
        kind="delayed" if delayed else _kind(status, code, said),
        original_message_id=_original_id(mail),
        recipient=_complained_of(mail, said),
        status=status,
        code=code,
        diagnostic=" ".join(said.split())[:500],
        from_mailer=_from_mailer(mail),
    )


def _complained_of(mail: ParsedMail, said: str) -> str:
    """What the header or the SMTP dialogue names, else the first address that is nobody's of the two ends."""
    told = (mail.header("X-Failed-Recipients") or "").strip()
    own = {mail.from_address, *mail.to}
    others = [a for a in _ADDRESS.findall(said) if a.lower() not in own and not _OWN_WORDS.match(a)]
    return next(iter([told] * bool(told) + _GIVEN.findall(said) + others), "").lower()
