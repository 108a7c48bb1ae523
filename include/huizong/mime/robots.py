"""Mail that no person wrote, and short mail that asks for nothing or for something particular.

The signs are those of RFC 3834 and of the programs Chinese offices meet (QQ's automatic replies bear no
Auto-Submitted, NetEase's bounces neither).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from huizong.mime.parse import ParsedMail

AutomaticKind = Literal["auto_reply", "bounce", "read_receipt", "list", "own_copy"]

_BOUNCE_SENDER = re.compile(r"(mailer-daemon|postmaster|mail-daemon)@", re.IGNORECASE)
_SILENT_SENDER = re.compile(r"(no-?reply|do-?not-?reply|noreply[\w.-]*)@", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"系统退信|退信|undeliver(ed|able)|delivery (status notification|failure|has failed)|returned mail"
    r"|failure notice|mail delivery (failed|system)|投递失败|未送达",
    re.IGNORECASE,
)
_REPLY_SUBJECT = re.compile(
    r"(自动回复|自动答复|automatic reply|auto(matic)?[- ]?(reply|response)?\s*[:：]|auto[- ]?(reply|response)"
    r"|out of (the )?office)",
    re.IGNORECASE,
)
_RECEIPT_SUBJECT = re.compile(r"(已读\s*[:：]|已读回执|read\s*[:：]|(return|read) receipt)", re.IGNORECASE)
_AUTO_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-QQ-AUTO-REPLY")
_LIST_HEADERS = ("List-Id", "List-Post", "List-Unsubscribe", "List-Help")


def automatic_kind(mail: ParsedMail, own_addresses: Collection[str] = ()) -> AutomaticKind | None:
    """What kind of machine sent this, or None for a person. No letter answers a mail with a kind.

    That is all it says: the mail is kept, and the files in it may still be a return (an automatic forward).
    """
    if mail.from_address and mail.from_address in {address.lower() for address in own_addresses}:
        return "own_copy"
    return _report_kind(mail) or _list_kind(mail) or ("auto_reply" if _is_auto_reply(mail) else None)


def _report_kind(mail: ParsedMail) -> AutomaticKind | None:
    parts = {leaf.content_type for leaf in mail.leaves if not leaf.inside}
    if mail.report_type == "disposition-notification" or "message/disposition-notification" in parts:
        return "read_receipt"
    if "message/delivery-status" in parts or mail.content_type == "multipart/report":
        return "bounce"
    if _BOUNCE_SENDER.match(mail.from_address):
        return "bounce"
    if mail.return_path == "" and _BOUNCE_SUBJECT.search(mail.subject):
        return "bounce"
    if mail.subject.startswith(("系统退信", "退信")) and not mail.in_reply_to:
        return "bounce"
    if _RECEIPT_SUBJECT.match(mail.subject) and not mail.leaves:
        return "read_receipt"
    return None


def _list_kind(mail: ParsedMail) -> AutomaticKind | None:
    precedence = (mail.header("Precedence") or "").strip().lower()
    if precedence == "auto_reply":
        return "auto_reply"
    automatic = mail.header("Auto-Submitted") is not None  # vacation programs say bulk as well
    if any(mail.header(name) is not None for name in _LIST_HEADERS):
        return "list"
    return "list" if precedence in {"bulk", "list", "junk"} and not automatic else None


def _is_auto_reply(mail: ParsedMail) -> bool:
    submitted = (mail.header("Auto-Submitted") or "no").split(";")[0].split("(")[0].strip().lower()
    if submitted != "no" or any(mail.header(name) is not None for name in _AUTO_HEADERS):
        return True
    suppress = (mail.header("X-Auto-Response-Suppress") or "").lower()
    if any(word in suppress for word in ("all", "autoreply", "oof")):
        return True
    envelope = (mail.return_path or "") + " " + mail.sender
    if mail.return_path == "" or "+auto_" in envelope or _SILENT_SENDER.match(mail.from_address):
        return True
    precedence = (mail.header("Precedence") or "").strip().lower()
    return precedence in {"bulk", "list", "junk"} or bool(_REPLY_SUBJECT.match(mail.subject))


_HISTORY = re.compile(
    r"^[ \t\u3000]*(>|发件人\s*[:：]"
    r"|-{2,}\s*(原始邮件|回复的原邮件|转发邮件信息|original message|forwarded message)"
    r"|from:\s|在\s*\d{4}.{0,60}写道|.{0,60}于\s*\d{4}.{0,40}写道|on .{5,80} wrote:)",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNATURE = re.compile(
    r"^(--\s*|发自我的.*|sent from my .*|来自.{0,12}邮箱.*|从 ?windows.*发送)$", re.I | re.M
)
_THANKS = re.compile(
    r"(邮件|来信|通知|文件|信息|提醒|材料)?(均|都|也)?(已经?|业已)?(收到|收悉|知悉|知晓|阅悉|阅|阅知|明白|了解)"
    r"|谢谢|感谢|多谢|好的?|辛苦(您|你)?|ok(ay)?|thanks?( you)?|received",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"(您|你)好|(您|你)们?|各位|贵单位|(老师|领导|同志|主任|科长)|(我|本)(们|单位|局|办|委|县|区|市)?|了|啦|的|哈|啊|呢|请放心"
    r"|(会|将|一定)|(尽快|按时|及时|按要求|按期|抓紧|马上|认真)|(报送|上报|填报|办理|落实|准备|组织|处理|反馈|提交|完成)"
)
_NOT_JUST_THANKS = re.compile(r"[?？吗]|不|没|未|无法|但是?|请问|如何|怎|能否|可否|延期|推迟|附件|变更|更换")
_QUESTION = re.compile(
    r"[?？]|请问|咨询|请教|怎么|怎样|如何|吗[\s，。！]|吗$|能否|可否|是否可以|什么|哪(里|个|些)|打不开"
)
_EXTENSION = re.compile(
    r"延期|延后|延迟(几|至|到|报|上报)|推迟|宽限|缓(报|交)|晚(一?两|几|些|\d+)天?(报|交|上报|提交|报送)"
)


def own_words(text: str) -> str:
    """What the sender typed: without the quoted history below it and without a signature."""
    text = text[:20_000]
    for mark in (_HISTORY, _SIGNATURE):
        if found := mark.search(text):
            text = text[: found.start()]
    return text.strip()


def is_acknowledgement(text: str) -> bool:
    """Is this only 收到，谢谢 and the like? For a mail without attachments; a question or a doubt is none."""
    words = own_words(text)
    if not words or len(words) > 60 or _NOT_JUST_THANKS.search(words) or not _THANKS.search(words):
        return False
    rest = re.sub(r"[\W_]+", "", _FILLER.sub("", _THANKS.sub("", words)))
    return len(rest) <= 6  # room for a name


def is_question(text: str) -> bool:
    """Does the sender ask something?"""
    return bool(_QUESTION.search(own_words(text)))


def is_extension_request(text: str) -> bool:
    """Does the sender ask for more time?"""
    return bool(_EXTENSION.search(own_words(text)))
