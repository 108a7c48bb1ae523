"""Which of the parts asked for a file is, where it is not the form itself.

Told by what the file is, what stands in it, and the words in its name; a file that fits several parts, or
none, waits for a person rather than being guessed into one.
"""

from __future__ import annotations

from collections.abc import Sequence

from huizong.definition.model import Part, PartKind
from huizong.readers.model import FileReading

_WRITTEN = frozenset({"docx", "doc", "rtf", "odt", "pdf", "ofd"})
_PICTURES = frozenset({"image", "pdf", "ofd"})
_KINDS: dict[PartKind, frozenset[str]] = {
    "scan": _PICTURES,
    "document": _WRITTEN,
    "media": frozenset({"image", "video"}),
    "news": _WRITTEN | {"text", "html", "slides"},
    "press": _WRITTEN | {"text", "html", "image", "xlsx", "xls", "ods", "csv"},
}
_WORDS: dict[PartKind, tuple[str, ...]] = {
    "scan": ("盖章", "扫描", "签章", "统计表", "备案表"),
    "document": ("总结", "报告", "汇报"),
    "media": ("照片", "影像", "视频", "图片"),
    "news": ("信息", "简报", "新闻稿"),
    "press": ("媒体", "报道", "链接"),
}
# What clerks attach besides, and what is none of the parts asked for.
_OTHER_PAPERS = ("发票", "收据", "合同", "协议书", "报价", "回执", "通知", "邀请函")
UNREAD = "图片内容未能识别，请人工查看"
NO_FORM_SEEN = "未识别到统计表，请人工查看"
NO_SEAL = "未见印章"
_TEXT = 100  # characters: a text this long was written as a document, and is no copy of the form


def classify(name: str, reading: FileReading, parts: Sequence[Part]) -> Part | None:
    """The one part that this file is, or None. `name` may have an archive's name before it."""
    base = name.rpartition("/")[2]
    if any(word in base for word in _OTHER_PAPERS):
        return None
    fitting = [part for part in parts if reading.kind in _KINDS.get(part.kind, frozenset())]
    if reading.proposals or reading.forms:
        fitting = [
            part for part in fitting if part.kind == "scan"
        ]  # a picture of the form, whatever its name
        return fitting[0] if len(fitting) == 1 else None
    said = _said(base) or _said(name)
    told = [part for part in fitting if part.kind in said]
    if said and not told:
        return None  # pictures of the event are no stamped copy because it, too, is a picture
    chosen = told or fitting
    if len(chosen) > 1 and len("".join(reading.text.split())) >= _TEXT:
        chosen = [part for part in chosen if part.kind != "scan"]
    return chosen[0] if len(chosen) == 1 else None


def scan_notes(reading: FileReading) -> list[str]:
    """What a person should know of a file that was taken as a stamped copy."""
    shows = bool(reading.forms or reading.proposals)
    unread = [] if shows else [NO_FORM_SEEN if reading.text.strip() else UNREAD]
    # In a print every mark is seen; on a picture, where nobody looked, nothing is known.
    sealed = reading.stamp or (reading.stamp is None and not reading.forms)
    return unread if sealed else [*unread, NO_SEAL]


def _said(name: str) -> set[PartKind]:
    return {kind for kind, words in _WORDS.items() if any(word in name for word in words)}
