"""From bytes to a `FileReading`: the one way in, run in the limited child process.

A further format is a further file beside this one and a line in `READERS`; its reader raises `RejectedError`
with the sentence that the clerk reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.model import FileReading
from huizong.readers.sniff import decode, sniff
from huizong.readers.spreadsheet import read_spreadsheet
from huizong.readers.word import MAX_TEXT, read_word

Reader = Callable[[str, bytes, Sequence[Instrument]], FileReading]

READERS: Mapping[str, Reader] = {
    "xlsx": read_spreadsheet,
    "xlsb": read_spreadsheet,
    "xls": read_spreadsheet,  # et too: the same format
    "ods": read_spreadsheet,
    "docx": read_word,
}

# Material that is kept and counted as such without being read.
MATERIAL = frozenset({"pdf", "image", "video", "slides"})

_TO_XLSX = "暂不支持该文件格式（{}），请另存为 xlsx 后重新发送。"
_TO_DOCX = "暂不支持该文件格式（{}），请另存为 docx 后重新发送。"
_UNPACK = "暂不支持压缩包（{}），请解压后将其中的文件直接作为附件重新发送。"

SET_ASIDE: Mapping[str, str] = {
    "encrypted": limits.PASSWORD,
    "damaged": limits.DAMAGED,
    "empty": "文件是空的，请重新添加附件后发送。",
    "doc": _TO_DOCX.format(".doc、.wps"),
    "rtf": _TO_DOCX.format(".rtf"),
    "odt": _TO_DOCX.format(".odt"),
    "csv": _TO_XLSX.format(".csv"),
    "html": _TO_XLSX.format("网页"),
    "xml": _TO_XLSX.format(".xml"),
    "ofd": "暂不支持该文件格式（.ofd），请发送 xlsx 或 docx 格式的文件。",
    "zip": _UNPACK.format(".zip"),
    "rar": _UNPACK.format(".rar"),
    "7z": _UNPACK.format(".7z"),
    "gzip": _UNPACK.format(".gz"),
}
UNKNOWN = "无法识别文件格式，请另存为 xlsx 或 docx 后重新发送。"


def read_bytes(data: bytes, name: str, instruments: Sequence[Instrument]) -> FileReading:
    """Tell what a file is and read it; every fault becomes a named disposition with its reason.

    Args:
        data: the whole file.
        name: as the sender named it; for messages only, the kind is told by content.
        instruments: the forms to look for.
    """
    kind = "unknown"
    try:
        kind = sniff(data)
        return _read(kind, data, instruments)
    except RejectedError as e:
        return set_aside(kind, str(e))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # calamine's PanicException is no Exception; MemoryError is a limit at work
        return set_aside(kind, limits.DAMAGED)


def set_aside(kind: str, reason: str) -> FileReading:
    """A file that cannot be read, and what the clerk should do about it."""
    return FileReading(kind=kind, disposition="set_aside", reason=reason)


def read_without_child(head: bytes) -> FileReading:
    """What can be said of a file too large to be handed to a parser, from its first bytes."""
    kind = sniff(head)
    if kind in MATERIAL:
        return FileReading(kind=kind, disposition="return")
    return set_aside(kind, limits.TOO_LARGE)


def _read(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    if reader := READERS.get(kind):
        return reader(kind, data, instruments)
    if kind in MATERIAL:
        return FileReading(kind=kind, disposition="return")
    if kind == "text":
        return FileReading(kind=kind, disposition="return", text=(decode(data) or "")[:MAX_TEXT])
    return set_aside(kind, SET_ASIDE.get(kind, UNKNOWN))
