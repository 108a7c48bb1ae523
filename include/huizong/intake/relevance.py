"""What a message without a file is: a forgotten attachment, thanks, a question, or other business."""

from __future__ import annotations

import re
from collections.abc import Iterable

from huizong.mime.parse import ParsedMail
from huizong.mime.robots import is_acknowledgement, is_extension_request, is_question, own_words
from huizong.readers.secrecy import REASON as RESTRICTED
from huizong.readers.secrecy import at_head, is_restricted

_TELLING = ("统计表", "总结", "报送", "上报", "附件", "报表", "见附", "材料")
# Something was meant to come along: said so, and not asked about.
_SENT = re.compile(
    r"(见|在|如|为|以)附件|见附|附上|附后|随(信|函|邮件)|请?(查收|查阅|审阅|接收)|(现|已|特)(将|把|报|上报|报送|呈报|提交)"
    r"|(报|送|传|发|寄)(给|至|到)?(您|你|贵)|补发|重新发送"
)
_TROUBLE = re.compile(r"打不开|无法打开|下载不|没有(附件|收到)|(在)?哪里|乱码|[没未]看?到附件|密码")
NO_ATTACHMENT = "来信未见附件"
NIL = "零报告"
EXPLANATION = "说明"
SHORTEST_EXPLANATION = 6  # characters, as every correction letter says
_NIL = re.compile(
    r"(本(单位|局|县|区|市|期|年度?)?)?(经核实?)?(均?无|没有|未(组织)?开展|未举办)(相关|任何|此类)?(科普|备案|需?可?填?报)?的?(活动|数据|内容|项目)"
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

_PERSON = (
    "(联系人|联络员|经办人|填报人|填表人|负责人|联系方式|联系电话|手机号?码?|电话"
    "|邮箱|电子邮箱|邮箱地址|收件地址)"
)
_CONTACT = re.compile(
    rf"{_PERSON}[^，。；？?\n]{{0,12}}(变更|更换|更新|调整|改|换)(为|成|到|至|了|如下|[:：])"
    rf"|{_PERSON}的?(信息)?(有|已|发生)?(变更|更换|更新|变动|变化)"
    rf"|(变更|更换|更改|调整|更新|改)(了|一下)?((?!数据|人数|表)[^，。；？?\n]){{0,8}}{_PERSON}"
    rf"|新的?{_PERSON}[^，。；？?\n]{{0,4}}(是|为|[:：])"
    r"|调离|离职|退休|离任|轮岗|不再(负责|承担|从事)|(我|本人|同志|已经?|现已)[^，。；？?\n]{0,6}(调走|调到|调至)"
    r"|(今后|以后|后续)[^，。；？?\n]{0,12}(由|找|请?联系|发(到|至|给))"
    r"|(工作|业务|联络)[^，。；？?\n]{0,6}(移交|交接|转交)(给|至|到)"
)
# 活动推迟到9月举办: the event was put off, and not the report.
_EVENT_PUT_OFF = re.compile(
    r"(活动|开幕式|启动仪式|讲座|展览|比赛|论坛)[^，,。；;？?！!\n]{0,16}?(延期|推迟|延后|缓期)"
    r"[^，,。；;？?！!\n]{0,12}(举办|开展|举行|进行|召开|实施)"
)

# No return and no reply: what the operator sees of a message of words only, by disposition.
_NIL_OVER_FIGURES = "已有报送数据，来信又称无可报，请操作员核实"
_UNCLEAR_ANSWER = "答复修改意见，但不能认定为数据无误的说明，请操作员处理"
CONTACT_CHANGE = "联系人变更，请操作员核实后更新名录"
_WORDS_ONLY = {
    "acknowledgement": "仅回复收到",
    "contact_change": CONTACT_CHANGE,
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
    if bears_mark(mail):
        return "restricted", RESTRICTED
    if nil_allowed and is_nil_return(mail):
        # Figures and nothing to report: only a person can tell which of them the unit means.
        return ("question", _NIL_OVER_FIGURES) if asked or reported else ("return", NIL)
    if asked and is_explanation(mail.text):
        return "return", EXPLANATION
    kind = _kind_of_words(mail)
    if kind == "set_aside":
        return kind, NO_ATTACHMENT
    if kind == "other" and asked and is_long_enough(own_words(mail.text)):
        return "question", _UNCLEAR_ANSWER
    return kind, _WORDS_ONLY[kind]


def bears_mark(mail: ParsedMail) -> bool:
    """Whether the subject or the head of what was written bears a mark of secrecy."""
    return is_restricted([mail.subject]) or at_head([own_words(mail.text)])


def _kind_of_words(mail: ParsedMail) -> str:
    """The first that fits: what a person must decide comes before what a letter can answer."""
    if is_acknowledgement(mail.text):
        return "acknowledgement"
    if wants_more_time(mail.text):
        return "extension_request"
    if is_contact_change(mail.text):
        return "contact_change"
    words = own_words(mail.text)
    trouble = bool(_TROUBLE.search(words))
    if _SENT.search(words) and not trouble and promises_attachment(mail):
        return "set_aside"
    if trouble or is_question(mail.text):
        return "question"
    return "set_aside" if promises_attachment(mail) else "other"


def wants_more_time(text: str) -> bool:
    """Whether the sender asks for more time to report; that an event was put off is a reason, no request."""
    return is_extension_request(_EVENT_PUT_OFF.sub("", own_words(text)))


def is_contact_change(text: str) -> bool:
    """Whether the sender says that somebody else, or another address, is responsible from now on."""
    return bool(_CONTACT.search(own_words(text)))


def is_explanation(text: str) -> bool:
    """Whether the sender's own words give a reason why figures are right; a doubt is none.

    Who admits a mistake or promises a new file has not explained anything: the figures would be taken.
    """
    words = own_words(text)
    thanks = is_acknowledgement(text) and not _AFFIRMS.search(words)
    if thanks or wants_more_time(text) or is_question(text):
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
