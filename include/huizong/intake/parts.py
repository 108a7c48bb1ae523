"""Which of the parts asked for a file is, where it is not the form itself.

Told by what the file is and by the words in its name; a file that fits several parts, or none, waits for
a person rather than being guessed into one.
"""

from __future__ import annotations

from collections.abc import Sequence

from huizong.definition.model import Part, PartKind
from huizong.readers.model import FileReading

_KINDS: dict[PartKind, frozenset[str]] = {
    "scan": frozenset({"pdf", "image", "ofd"}),
    "document": frozenset({"docx", "doc", "wps", "rtf", "odt", "pdf", "ofd"}),
    "media": frozenset({"image", "video"}),
    "news": frozenset({"docx", "doc", "wps", "rtf", "odt", "pdf", "text"}),
    "press": frozenset({"docx", "doc", "wps", "rtf", "odt", "pdf", "image", "xlsx", "xls"}),
}
_WORDS: dict[PartKind, tuple[str, ...]] = {
    "scan": ("盖章", "扫描", "签章", "统计表", "备案表"),
    "document": ("总结", "报告", "汇报"),
    "media": ("照片", "影像", "视频", "图片"),
    "news": ("信息", "简报", "新闻稿"),
    "press": ("媒体", "报道", "链接"),
}


def classify(name: str, reading: FileReading, parts: Sequence[Part]) -> Part | None:
    """The one part that this file is, or None."""
    fitting = [part for part in parts if reading.kind in _KINDS.get(part.kind, frozenset())]
    said = {kind for kind, words in _WORDS.items() if any(word in name for word in words)}
    told = [part for part in fitting if part.kind in said]
    if said and not told:
        return None  # pictures of the event are no stamped copy because it, too, is a picture
    chosen = told or fitting
    return chosen[0] if len(chosen) == 1 else None
