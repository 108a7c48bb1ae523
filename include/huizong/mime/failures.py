"""Whether a mail says that another one did not arrive, or not yet.

Certain are a report (RFC 3464) and the mail programs' own addresses. Mere words count where the subject is
one that mail programs write and the text bears it out; a person's complaint about a mail that came back, or
what he sends in again under that subject, is none.
"""

from __future__ import annotations

import re

from huizong.mime.parse import ParsedMail

MAILER = re.compile(
    r"(e\d+_)?(mailer-?daemon|postmaster|mail-?daemon|mdaemon|mailerdaemon|(smtp_)?mail_?service|ndr)\b",
    re.IGNORECASE,
)
_RETURNED = re.compile(r"(系统)?退信")  # NetEase's and its like: such a subject is never answered
_NOT_DELIVERED = re.compile(r".{0,12}(投递失败|投递延迟|未送达|无法送达|无法投递|退件)")
_SUBJECT = re.compile(
    r"\W*(undeliver(ed|able)|(returned|rejected|bounced?) (e-?)?mail|failure notice|non-?delivery"
    r"|(automatically )?rejected mail"
    r"|(permanent |e?mail |message |smtp )*delivery (status|failure|failed|error|problem|report|warning|delay"
    r"|notification|system)"
    r"|(your )?((e-?)?mail|message)( \S+){0,3} (error|failed|failure|not delivered|undeliver\w*"
    r"|(could not|cannot|can't) be delivered|delivery)"
    r"|(warning|error|notice|nondeliverable|user unknown|unknown user|mailbox (full|unavailable))\b)",
    re.IGNORECASE,
)
_SUBJECT_ENDS = re.compile(r"[(\[](delivery (failed|failure)|undeliver\w+)[)\]]\s*$", re.IGNORECASE)
_FAILED = re.compile(
    r"(could|can|was|were|has|have|is|are|be)(n't| ?not)( \w+){0,2} deliver(ed)?\b|(unable|failed) to deliver"
    r"|did not (reach|receive)|undeliver(ed|able)|deliver\w*( \w+){0,2} (failed|failure|errors?)"
    r"|returned to sender|failed recipients?|(no such|unknown|invalid) (user|recipient|address|mailbox)"
    r"|(user|recipient|mailbox|address|account)( \w+){0,3} (unknown|not found|unavailable|full|invalid)"
    r"|not a valid user|mail ?box( space)? (is )?(full|not enough)|(quota|size)( \w+)? exceeded|over quota"
    r"|(will|shall) (continue|keep|be retried|retry)|was( \w+)? rejected|has been (postponed|delayed)",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\d.])[45][0-5]\d[ -](?!年|月|日|元|人|份|家|个|项)\S|\b[45]\.\d{1,3}\.\d{1,3}\b")
_REPORTS = {"message/delivery-status", "message/global-delivery-status"}
_QUOTED = {"message/rfc822", "message/rfc822-headers", "text/rfc822-headers", "text/plain", "text/html"}


def is_failure_report(mail: ParsedMail) -> bool:
    """Whether it is a bounce, a notice of delay, or a report on delivery."""
    outer = [leaf for leaf in mail.leaves if not leaf.inside]
    kinds = {leaf.content_type for leaf in outer}
    if kinds & _REPORTS or _is_delivery_report(mail, kinds):
        return True
    if "(rejected)" in (mail.header("Auto-Submitted") or ""):  # Sieve's reject (RFC 5429)
        return True
    if any(not kind.startswith("image/") for kind in kinds - _QUOTED):
        return False  # it brings a file of its own; a clerk's address, too, may be postmaster@
    if is_mailer(mail):
        return True
    text = mail.text[:8000]
    if mail.return_path == "" and not mail.from_address:
        return bool(_FAILED.search(text) or _CODE.search(text))
    if _RETURNED.match(mail.subject):
        return not mail.in_reply_to
    if _NOT_DELIVERED.match(mail.subject):
        return mail.return_path == "" or bool(_CODE.search(text))
    if not (_SUBJECT.match(mail.subject) or _SUBJECT_ENDS.search(mail.subject)):
        return False
    return mail.return_path == "" or bool(_FAILED.search(text) or _CODE.search(text))


def is_mailer(mail: ParsedMail) -> bool:
    """Whether it comes from a mail program's own address."""
    return bool(MAILER.match(mail.from_address))


def _is_delivery_report(mail: ParsedMail, kinds: set[str]) -> bool:
    """A multipart/report that says of nothing else what it reports on."""
    other = mail.report_type not in {"", "delivery-status"} or "message/disposition-notification" in kinds
    return mail.content_type == "multipart/report" and not other
