"""Which of the parts asked for a file is, where it is not the form itself.

Told by what the file is, what stands in it, and the words in its name or its first lines; a file that fits
several parts, or none, waits for a person rather than being guessed into one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from huizong.definition.model import Part, PartKind
from huizong.readers.model import FileReading

_WRITTEN = frozenset({"docx", "doc", "rtf", "odt", "works", "xml-word", "pdf", "ofd"})
_TEXTS = frozenset({"text", "html", "mht"})
_TABLES = frozenset({"xlsx", "xlsb", "xls", "ods", "csv", "xml-spreadsheet"})
_PICTURES = frozenset({"image", "pdf", "ofd"})
_KINDS: dict[PartKind, frozenset[str]] = {
    "scan": _PICTURES,
    "document": _WRITTEN,
    "media": frozenset({"image", "video"}),
    "news": _WRITTEN | _TEXTS | {"slides"},
    "press": _WRITTEN | _TEXTS | _TABLES | {"slides", "image", "video"},
}
# 说明.txt is no report, 总结.txt is one; photographs are often pasted into a document that says so.
_NAMED_ONLY: dict[PartKind, frozenset[str]] = {"document": _TEXTS, "media": _WRITTEN | {"slides"}}
_WORDS: dict[PartKind, tuple[str, ...]] = {
    "scan": ("盖章", "扫描", "签章", "统计表", "备案表"),
    "document": ("总结", "报告", "汇报", "小结"),
    "media": ("照片", "影像", "视频", "图片", "合影"),
    "news": ("信息", "简报", "新闻稿", "动态"),
    "press": ("媒体", "报道", "链接", "截图", "剪报", "见报"),
}
# Words that only begin like these: a talk that was held, a hall, a college, a county's newsroom.
_NO_SIGN = re.compile(r"(总结|报告|汇报)(会|厅|团|员|演出)|信息(化|技术|工程|中心|学院|产业|职业)|融媒体")
# What the first lines of a text say of it where its name says nothing; the first that fits.
_TITLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("form", re.compile(r"(?:统计表|备案表|登记表|申报表)$", re.M)),  # one that nobody recognised
    ("document", re.compile(r"(?:总结|报告|汇报)(?![会厅团员演])|小结|情况$", re.M)),
    ("press", re.compile(r"媒体|报道|链接")),
    ("news", re.compile(r"开展|举办|召开|启动|走进|举行|慰问|组织|参加")),
)
_TITLE_LINES, _TITLE = 3, 40  # so many lines, so many characters in each
# What clerks attach besides, and what is none of the parts asked for.
_OTHER_PAPERS = ("发票", "收据", "合同", "协议书", "报价", "回执", "通知", "邀请函", "零报告")
UNREAD = "图片内容未能识别，请人工查看"
NO_FORM_SEEN = "未识别到统计表，请人工查看"
NO_SEAL = "未见印章"
UNMEASURED = "视频时长未能测出，请人工查看"
_TEXT = 100  # characters: a text this long was written as a document, and is no copy of the form


def classify(name: str, reading: FileReading, parts: Sequence[Part]) -> Part | None:
    """The one part that this file is, or None. `name` may have an archive's name before it."""
    base = name.rpartition("/")[2]
    if any(word in base for word in _OTHER_PAPERS):
        return None
    if reading.proposals or reading.forms:  # a picture of the form, whatever its name
        return _only([p for p in parts if p.kind == "scan" and reading.kind in _PICTURES])
    if reading.kind in _TABLES and not reading.press:
        return None  # a workbook without a form is no report
    said = _said(base) or _said(name)
    fitting = [p for p in parts if reading.kind in _kinds(p, said)]
    told = [p for p in fitting if p.kind in said]
    if said and not told:
        return None  # pictures of the event are no stamped copy because it, too, is a picture
    chosen = told or fitting
    if len(chosen) > 1 and len("".join(reading.text.split())) >= _TEXT:
        chosen = [p for p in chosen if p.kind != "scan"]
    return _only(chosen if told else _by_content(reading, chosen)) or _only(_press_of(chosen, said))


def _kinds(part: Part, said: set[PartKind]) -> frozenset[str]:
    named = _NAMED_ONLY.get(part.kind, frozenset()) if part.kind in said else frozenset()
    return _KINDS.get(part.kind, frozenset()) | named


def _only(parts: Sequence[Part]) -> Part | None:
    return parts[0] if len(parts) == 1 else None


def _by_content(reading: FileReading, parts: Sequence[Part]) -> list[Part]:
    """Those that what stands in the file speaks for, where its name says nothing."""
    if reading.kind in ("image", "video"):
        return [p for p in parts if p.kind != "press"] or list(parts)  # what nobody called a screenshot
    is_list = reading.kind in _TABLES
    says = "press" if is_list else _title_says(reading.text) or ("press" if len(reading.press) > 1 else "")
    if says == "form" and not any(p.kind == "scan" for p in parts):
        return []
    spoken = [p for p in parts if p.kind == says]
    if not spoken and [p.kind for p in parts] == ["press"]:
        return []  # 说明.txt
    return spoken if len(parts) > 1 and spoken else list(parts)


def _title_says(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()][:_TITLE_LINES]
    head = "\n".join(line for line in lines if len(line) <= _TITLE)
    return next((kind for kind, words in _TITLES if words.search(head)), "")


def _press_of(parts: Sequence[Part], said: set[PartKind]) -> list[Part]:
    """媒体报道视频.mp4, 报道图片.jpg: the other word says only what kind of file it is."""
    return [p for p in parts if p.kind == "press"] if said == {"press", "media"} else []


def notes_on(part: Part, reading: FileReading) -> list[str]:
    """What a person should know of a file that was taken as this part."""
    if part.kind == "scan":
        return scan_notes(reading)
    if reading.kind == "video":
        return [f"视频时长{duration_text(reading.seconds)}" if reading.seconds is not None else UNMEASURED]
    if part.kind == "press" and reading.press:
        linked = sum(bool(item.link) for item in reading.press)
        return [f"媒体报道清单{len(reading.press)}条，其中{linked}条有链接"]
    return []


def duration_text(seconds: Decimal) -> str:
    """4分12秒; 45秒; 1小时2分5秒."""
    hours, rest = divmod(int(seconds), 3_600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "小时"), (minutes, "分"), (left, "秒")]
    return "".join(f"{n}{unit}" for n, unit in parts if n) or "0秒"


def scan_notes(reading: FileReading) -> list[str]:
    """What a person should know of a file that was taken as a stamped copy."""
    shows = bool(reading.forms or reading.proposals)
    unread = [] if shows else [NO_FORM_SEEN if reading.text.strip() else UNREAD]
    # In a print every mark is seen; on a picture, where nobody looked, nothing is known.
    sealed = reading.stamp or (reading.stamp is None and not reading.forms)
    return unread if sealed else [*unread, NO_SEAL]


def _said(name: str) -> set[PartKind]:
    told = _NO_SIGN.sub("", name)
    return {kind for kind, words in _WORDS.items() if any(word in told for word in words)}
