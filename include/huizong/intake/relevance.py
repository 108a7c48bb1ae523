"""What a message without a file is: a forgotten attachment, thanks, a question, or other business."""

from __future__ import annotations

import re
from collections.abc import Iterable

from huizong.mime.parse import ParsedMail
from huizong.mime.robots import is_acknowledgement, is_extension_request, is_question, own_words

_TELLING = ("统计表", "总结", "报送", "上报", "附件", "报表", "见附", "材料")
NO_ATTACHMENT = "来信未见附件"
NIL = "零报告"
EXPLANATION = "说明"
SHORTEST_EXPLANATION = 6  # characters, as every correction letter says
_NIL = re.compile(
    r"(本(单位|局|县|区|市|期|年度?)?)?(经核实?)?(均?无|没有|未(组织)?开展|未举办)(相关|任何|此类)?(科普)?(活动|数据|内容)"
    r"|零报告|本期无数据"
)
_NOT_NIL = re.compile(r"[?？吗]|附件|暂|尚|但|以后|稍后|补报|请问")

# What a letter of explanation never says: that something comes along, follows later, or was wrong.
_NO_EXPLANATION = re.compile(
    r"附件|见附|附上|随信|查收|补(发|报|充)|重(报|发)|重新(填|报|发|上传|提交|盖|修)|(现|已)(将|把|提交|发送|发出)"
    r"|更正|改正|修改|订正|修正|改为|(填|写|弄|搞|算|报|看|漏)(错|漏)|错(填|报)|有误|误(填|报|将|把|以)|错误|笔误|失误|应(该)?[为是]\s*[\d０-９]"
    r"|稍后|随后|稍候|尽快|马上|回头|正在(核|查|修|改|整|联|汇|统)|后再(报|答|回|作|做)"
    r"|(明|今|近|后|次)[天日].{0,4}(报|发|补|答|回)"
)
_DENIED = re.compile(
    r"(无需|无须|不需要?|不用|不必|不再|不作|不做|没有?|未|无|不存在|并非|不是|不)(再|作|做|进行|予以?|发现|出现|有|任何|数据|填报|统计|存在)*"
    r"(更正|改正|修改|订正|修正|改|填错|报错|写错|漏填|错填|误填|误报|有误|错误|错漏|笔误|失误|误)"
)
_AFFIRMS = re.compile(r"无误|属实|准确|真实|正确")
_COURTESY = re.compile(
    r"(尊敬的)?(各位)?(老师|领导|同志|科长|主任)|(您|你)们?好|谢谢|感谢|辛苦了?|来信|邮件|已?收到了?|收悉|好的|此致|敬礼|特此(说明|报告|回复)"
)

# No return and no reply: what the operator sees of a message of words only, by disposition.
_NIL_OVER_FIGURES = "已有报送数据，来信又称无可报，请操作员核实"
_UNCLEAR_ANSWER = "答复修改意见，但不能认定为数据无误的说明，请操作员处理"
_WORDS_ONLY = {
    "acknowledgement": "仅回复收到",
    "extension_request": "申请延期，请操作员决定",
    "question": "来信咨询，请操作员答复",
    "other": "未附材料",
}


def words_only(
    mail: ParsedMail, *, nil_allowed: bool, asked: bool = False, reported: bool = False
) -> tuple[str, str]:
    """Disposition and reason of a registered sender's message that brings no file.

    Args:
        nil_allowed: the collection takes a reply in one line as a nil return (零报告).
        asked: the message answers a letter of ours that asked to explain figures which we hold.
        reported: we hold figures of the unit.
    """
    if nil_allowed and is_nil_return(mail):
        # Figures and nothing to report: only a person can tell which of them the unit means.
        return ("question", _NIL_OVER_FIGURES) if asked or reported else ("return", NIL)
    if asked and is_explanation(mail.text):
        return "return", EXPLANATION
    if is_acknowledgement(mail.text):
        kind = "acknowledgement"
    elif is_extension_request(mail.text):
        kind = "extension_request"
    elif promises_attachment(mail):
        return "set_aside", NO_ATTACHMENT
    elif is_question(mail.text):
        kind = "question"
    elif asked and is_long_enough(own_words(mail.text)):
        return "question", _UNCLEAR_ANSWER
    else:
        kind = "other"
    return kind, _WORDS_ONLY[kind]


def is_explanation(text: str) -> bool:
    """Whether the sender's own words give a reason why figures are right; a doubt is none.

    Who admits a mistake or promises a new file has not explained anything: the figures would be taken.
    """
    words = own_words(text)
    thanks = is_acknowledgement(text) and not _AFFIRMS.search(words)
    if thanks or is_extension_request(text) or is_question(text):
        return False
    return is_long_enough(words) and not _NO_EXPLANATION.search(_DENIED.sub("", words))


def is_long_enough(words: str) -> bool:
    """At least 6 characters besides courtesies, punctuation and white space."""
    return len(re.sub(r"[\W_]+", "", _COURTESY.sub("", words))) >= SHORTEST_EXPLANATION


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
