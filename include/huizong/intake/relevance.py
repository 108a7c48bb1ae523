"""What a message without a file is: a forgotten attachment, thanks, a question, or other business."""

from __future__ import annotations

import re
from collections.abc import Iterable

from huizong.mime.parse import ParsedMail
from huizong.mime.robots import is_acknowledgement, is_extension_request, is_question, own_words

_TELLING = ("统计表", "总结", "报送", "上报", "附件", "报表", "见附", "材料")
NO_ATTACHMENT = "来信未见附件"
NIL = "零报告"
_NIL = re.compile(
    r"(本(单位|局|县|区|市|期|年度?)?)?(经核实?)?(均?无|没有|未(组织)?开展|未举办)(相关|任何|此类)?(科普)?(活动|数据|内容)"
    r"|零报告|本期无数据"
)
_NOT_NIL = re.compile(r"[?？吗]|附件|暂|尚|但|以后|稍后|补报|请问")

# No return and no reply: what the operator sees of a message of words only, by disposition.
_WORDS_ONLY = {
    "acknowledgement": "仅回复收到",
    "extension_request": "申请延期，请操作员决定",
    "question": "来信咨询，请操作员答复",
    "other": "未附材料",
}


def words_only(mail: ParsedMail, *, nil_allowed: bool) -> tuple[str, str]:
    """Disposition and reason of a registered sender's message that brings no file.

    Args:
        nil_allowed: the collection takes a reply in one line as a nil return (零报告).
    """
    if nil_allowed and is_nil_return(mail):
        return "return", NIL
    if is_acknowledgement(mail.text):
        kind = "acknowledgement"
    elif is_extension_request(mail.text):
        kind = "extension_request"
    elif promises_attachment(mail):
        return "set_aside", NO_ATTACHMENT
    elif is_question(mail.text):
        kind = "question"
    else:
        kind = "other"
    return kind, _WORDS_ONLY[kind]


def is_nil_return(mail: ParsedMail) -> bool:
    """Whether the sender says in a line that there is nothing to report (无活动); a doubt is none."""
    words = own_words(mail.text)
    return len(words) <= 60 and bool(_NIL.search(words)) and not _NOT_NIL.search(words)


def promises_attachment(mail: ParsedMail) -> bool:
    """Whether the sender's own words speak of something sent along: its absence is worth an answer."""
    subject = "" if mail.in_reply_to else mail.subject  # a reply's subject is ours
    return any(word in own_words(mail.text) or word in subject for word in _TELLING)


def mentions(mail: ParsedMail, words: Iterable[str]) -> bool:
    """Whether a stranger's message has to do with an open cycle: by its words or its files' names."""
    where = [mail.subject, mail.text, *(leaf.name for leaf in mail.leaves)]
    return any(word and word in text for word in words for text in where)
