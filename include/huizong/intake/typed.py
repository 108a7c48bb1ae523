"""Material typed into a mail itself: a piece of news (文字信息), or a list of press reports (媒体报道).

A clerk who was asked for news often writes it where others write 请查收. Who asks, wants more time, explains
something or speaks of attachments has written a letter, and no news.
"""

from __future__ import annotations

import re

from huizong.intake.netdisks import provider_of
from huizong.intake.relevance import bears_mark, is_contact_change, wants_more_time
from huizong.mime.parse import ParsedMail
from huizong.mime.robots import own_words
from huizong.readers.material.press import find_typed_press
from huizong.readers.model import FileReading

NEWS, PRESS = "邮件正文（文字信息）.txt", "邮件正文（媒体报道清单）.txt"

_LEAST, _LEAST_BESIDE = 50, 100  # characters of news that came alone, or beside files
_COURTESY = re.compile(
    r"(尊敬的|各位)?.{0,14}(您|你)们?好.{0,4}|(尊敬的|各位).{0,14}|此致|敬礼.?|.{0,4}(谢谢|感谢).{0,6}|.{0,40}请(您|予)?(查收|查阅|审阅|接收|采用).{0,4}"
    r"|(联系人|联系电话|电话|手机|邮箱|地址)[:：].*|.{0,50}(报送|上报|报上|发送|发给|报给|提供).{0,16}[:：。，]?"
)
_HAPPENED = re.compile(r"开展|举办|召开|启动|走进|举行|慰问|组织|参加|开幕|走访|宣讲|揭牌|开讲")
_WHEN = re.compile(
    r"月\s?\d{1,2}\s?(日|号)|[上下]午|近日|日前|今[日天]|昨[日天]|当[日天]|连日来|活动(周|日|期间)"
)
_ASKS = re.compile(
    r"请问|请教|想问|咨询(一下|您|你|贵)|能否|可否|是否(需要|可以|必须|要|计|算)|(怎么|如何|怎样)(填|报|办|写|统计)|打不开|[?？]\s*$"
)
_LETTER = re.compile(
    r"附件|附后|附上|见附|^(经核|经我|经查)|说明如下|情况说明|(稍后|随后|尽快|晚些|过后|待|之后|下周).{0,12}(报送|上报|补报|报给|发给|发送)"
)
_PERSON = re.compile(r"联系人|联络员|经办人|填报人|本人|我已")
_REPORT = re.compile(r"(总结|小结|报告|汇报)$", re.MULTILINE)
_OF_PRESS = re.compile(r"媒体|报道|链接|网址|刊发|见报|推文|公众号|新闻|截图")


def typed_material(mail: ParsedMail) -> tuple[str, FileReading] | None:
    """What of the parts asked for a mail's own words are: its name among the files, and its reading."""
    if bears_mark(mail):
        return None
    words = own_words(mail.text)
    text = _without_courtesies(words)
    shared = any(provider_of(link) for link in re.findall(r"https?://[\w\-./?=&%#+~:]+", words))
    if not shared and (press := find_typed_press(text)):
        linked = sum(bool(item.link) for item in press)
        if linked > 1 or _OF_PRESS.search(f"{mail.subject if not mail.in_reply_to else ''}\n{words}"):
            return PRESS, FileReading(kind="text", disposition="return", text=words, press=press)
    if is_news(text, beside=bool(mail.leaves)):
        return NEWS, FileReading(kind="text", disposition="return", text=words)
    return None


def is_news(text: str, *, beside: bool = False) -> bool:
    """Whether a text tells of something that took place.

    Args:
        text: without greetings and 请查收.
        beside: whether files came with it, so that it may only speak of them.
    """
    least = _LEAST_BESIDE if beside else _LEAST
    if len("".join(text.split())) < least or not (_HAPPENED.search(text) and _WHEN.search(text)):
        return False
    if _ASKS.search(text) or _LETTER.search(text) or _REPORT.search("\n".join(text.splitlines()[:2])):
        return False
    return not wants_more_time(text) and not (_PERSON.search(text) and is_contact_change(text))


def _without_courtesies(words: str) -> str:
    lines = (line.strip() for line in words.splitlines())
    return "\n".join(line for line in lines if line and not _COURTESY.fullmatch(line))
