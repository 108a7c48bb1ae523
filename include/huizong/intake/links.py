"""Shares of net disks and oversized attachments (超大附件), found in what a person wrote.

Only words are looked at: nothing here, and nothing of the system, ever opens such an address. The shapes are
those of the mail programs' own panels (reference: 163, QQ, 189, 139) and of the sentences that net disks put
on the clipboard; their hours are Beijing's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from lxml import etree, html

from huizong.intake.netdisks import CODE_KEYS, provider_of, same_place
from huizong.mime.htmltext import html_to_text
from huizong.mime.parse import ParsedMail
from huizong.mime.robots import own_words

_ZONE = ZoneInfo("Asia/Shanghai")
_LONGEST = 20_000  # characters of a text that are looked at
_FAR = 200  # characters: what stands farther from an address is not about it
_MOST = 50  # shares of one text


@dataclass(frozen=True)
class Share:
    """One thing that lies elsewhere, as far as the words around its address tell.

    Attributes:
        size: as written, `80.96M`.
        code: 提取码, 访问码.
        expires_at: when the address ceases to work; None where nobody said.
        lasting: whether it was said to hold for ever (永久有效).
        words: what stands around the address, in which a person said what it is.
    """

    url: str
    provider: str
    name: str = ""
    size: str = ""
    code: str = ""
    expires_at: datetime | None = None
    lasting: bool = False
    words: str = ""

    @property
    def bytes(self) -> int | None:
        """The size in bytes, where it was written."""
        found = _SIZE.search(self.size)
        return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper())) if found else None

    def or_(self, other: Share) -> Share:
        """The same share, told of twice: what the first did not say, the second may."""
        return replace(
            self,
            name=self.name or other.name,
            size=self.size or other.size,
            code=self.code or other.code,
            expires_at=self.expires_at or other.expires_at,
            lasting=self.lasting or other.lasting,
            words=f"{self.words} {other.words}".strip(),
        )


_ADDRESS = re.compile(
    r"(?<![\w./@:-])(?:https?://)?(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,6}/[\w\-.~:/?#\[\]@!$&*+,;=%]+",
    re.IGNORECASE | re.ASCII,
)
# Below the quoted history QQ sets a panel of its own for what the writer attached.
_PANEL = re.compile(r"从.{0,12}邮箱发来的(超大|云)附件")
_FORWARD = re.compile(r"\s*(转发|fwd?)\s*[:：]", re.IGNORECASE)

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT])", re.IGNORECASE)
_SAID_SIZE = re.compile(
    r"(?:[(（]|大小\s*[:：]?)\s*(\d+(?:\.\d+)?\s*[KMGT]i?B?)(?=\s*(?:[,，;；)）\s]|$))|(\d+(?:\.\d+)?\s*[KMG]B)\b",
    re.IGNORECASE,
)
_EXTENSIONS = (
    "xlsx?|xlsm|csv|et|docx?|wps|pdf|ofd|txt|pptx?|dps|zip|rar|7z|mp4|mov|avi|wmv|mkv|flv|mpe?g|m4v|mts"
    "|jpe?g|png|bmp|heic|tiff?|psd|mp3|wav"
)
_FILE_NAME = re.compile(
    rf"[^\s<>:：\"“”/\\|?*()（）「」《》,，;；]+\.(?:{_EXTENSIONS})(?![\w.])", re.IGNORECASE
)
_IN_PANEL = re.compile(r"([^()（）:：\n]{1,200}?)\s*[(（]\s*\d+(?:\.\d+)?\s*[BKMGT]i?B?\s*[,，]")
_SAID_NAME = re.compile(
    r"分享的?文件\s*[:：]\s*(.{1,100}?)(?=\s*链接|\s*$)|分享了?\s*[「《“](.{1,100}?)[」》”]|《(.{1,100}?)》",
    re.MULTILINE,
)
_SAYS_NOTHING = re.compile(r"[\W_]|链接|地址|网址|下载")
_CODE = re.compile(
    r"(?:提取(?:密)?码|访问(?:密)?码|密码|分享码)\s*(?:为|是)?\s*[:：=]?\s*([A-Za-z0-9]{4,8})(?![A-Za-z0-9])"
)
_DATE = (
    r"(?:(\d{4})\s*[年/.-]\s*)?(\d{1,2})\s*[月/.-]\s*(\d{1,2})\s*日?"
    r"(?:\s*(\d{1,2})\s*[:：时点]\s*(\d{1,2})?)?"
)
_UNTIL = re.compile(
    rf"有效期?(?:限|截止|截至)?\s*(?:至|到|为|[:：])\s*{_DATE}|{_DATE}\s*分?\s*(?:之?前有效|到期|过期|失效)"
)
_NUMBER = r"(\d{1,3}|三十|十五|十|七|三|一)"
_NUMERALS = {"一": 1, "三": 3, "七": 7, "十": 10, "十五": 15, "三十": 30}
_DAYS = re.compile(
    rf"{_NUMBER}\s*[天日]之?(?:内?有效|后(?:到期|过期|失效))|有效期?(?:限|为|是|[:：\s])*{_NUMBER}\s*天"
)
_FOR_EVER = re.compile(r"(永久|长期)有效|有效期?(限|为|是|[:：\s])*(永久|长期)|无限期|不限期")


def shares_of_mail(mail: ParsedMail, received_at: datetime) -> list[Share]:
    """What its writer shares; of what is quoted below, only where the mail passes it on."""
    texts = [mail.text, *map(_page_words, mail.html)]
    if not _FORWARD.match(mail.subject):
        texts = [piece for text in texts for piece in _own_pieces(text)]
    return _merged(texts, received_at)


def shares_in(text: str, received_at: datetime) -> list[Share]:
    """The shares in a text, in its order, each once.

    Args:
        received_at: from when `7天内有效` counts.
    """
    return _merged([text], received_at)


def _own_pieces(text: str) -> Iterator[str]:
    yield own_words(text)
    if panel := _PANEL.search(text):
        yield own_words(text[panel.start() :])


def _page_words(source: str) -> str:
    """The words of a page in which each address stands before the words that lead there."""
    if not _ADDRESS.search(source):
        return ""
    try:
        tree = html.document_fromstring(
            source.replace("\x00", "").encode("utf-8", "replace"), parser=_parser()
        )
        for link in tree.iter("a"):
            if provider_of(url := (link.get("href") or "").strip()):
                link.text = f" {url} {link.text or ''}"
    except (etree.LxmlError, ValueError, AssertionError):  # no page, or an address with control characters
        return ""
    return html_to_text(etree.tostring(tree, encoding="unicode", method="html"))[0]


def _parser() -> html.HTMLParser:
    return html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)


def _merged(texts: Iterable[str], received_at: datetime) -> list[Share]:
    found: dict[str, Share] = {}
    for text in texts:
        for share in _shares(text[:_LONGEST], received_at):
            key = same_place(share.url)
            found[key] = found[key].or_(share) if key in found else share
    return list(found.values())[:_MOST]


def _shares(text: str, received_at: datetime) -> Iterator[Share]:
    places = []
    for match in _ADDRESS.finditer(text):
        url = match[0].rstrip(".,;:!?[]")
        url = url if "://" in url else f"https://{url}"
        if provider := provider_of(url):
            places.append((match.start(), match.end(), url, provider))
    ends = [0, *(end for _, end, _, _ in places)]
    starts = [*(start for start, _, _, _ in places[1:]), len(text)]
    for (start, end, url, provider), before, after in zip(places, ends, starts, strict=False):
        around = _Around.of(text, before, start, end, after)
        until, lasting = around.expiry(received_at)
        yield Share(
            url=url,
            provider=provider,
            name=around.name(),
            size=around.size(),
            code=_code_in(url) or around.code(),
            expires_at=until,
            lasting=lasting,
            words=around.words,
        )


@dataclass(frozen=True)
class _Around:
    """What stands around an address, and around no other."""

    ahead: str  # on its own line
    behind: str
    above: str
    below: str
    first: bool  # no other address stands before it

    @classmethod
    def of(cls, text: str, before: int, start: int, end: int, after: int) -> _Around:
        """`before` is where the last address ends, `after` where the next begins."""
        begins = max(before, text.rfind("\n", 0, start) + 1)
        ends = text.find("\n", end)
        ends = len(text) if ends < 0 else ends
        behind = text[end : min(after, ends)][:_FAR]
        if after < len(text):
            after = text.rfind("\n", 0, after)  # the next one's line is its own
        return cls(
            ahead=text[max(begins, start - _FAR) : start],
            behind=behind,
            above=text[max(before, begins - _FAR) : begins],
            below=text[ends:after][:_FAR],
            first=before == 0,
        )

    @property
    def line(self) -> str:
        return f"{self.ahead} {self.behind}"

    @property
    def words(self) -> str:
        return " ".join(f"{self.above} {self.line} {self.below}".split())

    def name(self) -> str:
        """A name is said on the line, or above it in a panel or a net disk's sentence.

        A bare file name above is the share's only where the line itself says nothing: else it is one of the
        attachments that a letter lists.
        """
        bare = not _SAYS_NOTHING.sub("", self.ahead)
        for words, kinds in (
            (self.line, (_IN_PANEL, _FILE_NAME, _SAID_NAME)),
            (self.above, (_IN_PANEL, _SAID_NAME, _FILE_NAME) if bare else (_IN_PANEL, _SAID_NAME)),
        ):
            found = next((every for kind in kinds if (every := [*kind.finditer(words)])), None)
            if found:
                match = found[-1 if words is self.above else 0]
                return next((g for g in match.groups() if g), match[0]).strip(" ·-—\u3000")[:200]
        return ""

    def size(self) -> str:
        found = (_SAID_SIZE.search(words) for words in self._in_order)
        return next((m[1] or m[2] for m in found if m), "")

    def code(self) -> str:
        for words in (self.behind, self.below, self.line, self.above if self.first else ""):
            if found := _CODE.search(words):
                return found[1]
        return ""

    def expiry(self, received_at: datetime) -> tuple[datetime | None, bool]:
        """When it runs out, and whether it was said never to."""
        for words in self._in_order:
            if found := _UNTIL.search(words):
                said = found.groups()
                return _instant(said[:5] if said[1] else said[5:], received_at), False
            if found := _DAYS.search(words):
                number = found[1] or found[2]
                return received_at + timedelta(days=_NUMERALS.get(number) or int(number)), False
            if _FOR_EVER.search(words):
                return None, True
        return None, False

    @property
    def _in_order(self) -> tuple[str, str, str]:
        """Where size and term are looked for: a panel says them above, a net disk's sentence below."""
        if _IN_PANEL.search(self.above):
            return self.line, self.above, self.below
        return self.line, self.below, self.above


def _code_in(url: str) -> str:
    query = parse_qs(urlsplit(url).query)
    return next((query[key][0][:20] for key in CODE_KEYS if query.get(key)), "")


def _instant(groups: Sequence[str | None], received_at: datetime) -> datetime | None:
    """Year, month, day, hour, minute as written; a day without an hour ends at 24:00, a day without a year is
    the next one of that name."""
    year, month, day, hour, minute = (int(g) if g else None for g in groups)
    received = received_at.astimezone(_ZONE)
    try:
        until = datetime(year or received.year, month or 0, day or 0, tzinfo=_ZONE)
        if year is None and until < received - timedelta(days=1):
            until = until.replace(year=received.year + 1)
        return until + (timedelta(days=1) if hour is None else timedelta(hours=hour, minutes=minute or 0))
    except (ValueError, OverflowError):
        return None
