"""From bytes to a `FileReading`: the one way in, run in the limited child process.

A further format is a further file beside this one and a line in `READERS`; its reader raises `RejectedError`
with the sentence that the clerk reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits, secrecy
from huizong.readers.material.photo import pictures_in, pixels_of
from huizong.readers.material.press import find_press
from huizong.readers.material.video import read_video
from huizong.readers.model import FileReading, Unpacked
from huizong.readers.packing import archives, haul
from huizong.readers.paper.draw import draw
from huizong.readers.paper.ofd import read_ofd
from huizong.readers.paper.pdf import read_pdf
from huizong.readers.sheets.delimited import read_delimited
from huizong.readers.sheets.markup import read_html, read_mht
from huizong.readers.sheets.sheetml import read_xml_spreadsheet
from huizong.readers.sheets.spreadsheet import read_spreadsheet
from huizong.readers.sniff import sniff
from huizong.readers.words.office import check_old_document
from huizong.readers.words.word import read_word

Reader = Callable[[str, bytes, Sequence[Instrument]], FileReading]

READERS: Mapping[str, Reader] = {
    "xlsx": read_spreadsheet,
    "xlsb": read_spreadsheet,
    "xls": read_spreadsheet,  # et too: the same format
    "ods": read_spreadsheet,
    "docx": read_word,
    "doc": check_old_document,  # wps too: the same format
    "rtf": check_old_document,
    "odt": check_old_document,
    "works": check_old_document,
    "xml-word": check_old_document,
    "xls-old": check_old_document,
    "csv": read_delimited,
    "text": read_delimited,
    "html": read_html,
    "mht": read_mht,
    "xml-spreadsheet": read_xml_spreadsheet,
    "pdf": read_pdf,
    "ofd": read_ofd,
    "video": read_video,
}

# Material that is kept and counted as such without being read.
MATERIAL = frozenset({"slides"})

_TO_ZIP = "暂不支持该压缩格式，请改用 zip 格式压缩后重新发送。"
_TO_XLSX = "暂不支持该文件格式（{}），请另存为 xlsx 后重新发送。"

SET_ASIDE: Mapping[str, str] = {
    "encrypted": limits.PASSWORD,
    "damaged": limits.DAMAGED,
    "empty": "文件是空的，请重新添加附件后发送。",
    "xml": _TO_XLSX.format(".xml"),
    "uof": _TO_XLSX.format("标文通"),
    "shortcut": "收到的是快捷方式，不是文件本身，请添加原文件后重新发送。",
    "program": "收到的是程序文件，不予打开，请将其中的材料直接作为附件重新发送。",
    "lzh": _TO_ZIP,
    "arj": _TO_ZIP,
    "cab": _TO_ZIP,
    "compress": _TO_ZIP,
    "zstd": _TO_ZIP,
}
UNKNOWN = "无法识别文件格式，请另存为 xlsx 或 docx 后重新发送。"
TOO_DEEP = "压缩包层数过多，请解压后将其中的文件直接作为附件重新发送。"
NOT_LOOKED = "图片内容未能识别，请人工查看"

# What a name promises, where it promises anything that clerks send as forms and reports.
_PROMISED: Mapping[str, frozenset[str]] = {
    ".xlsx": frozenset({"xlsx"}),
    ".xlsm": frozenset({"xlsx"}),
    ".xls": frozenset({"xls"}),
    ".et": frozenset({"xls"}),
    ".docx": frozenset({"docx"}),
    ".doc": frozenset({"doc"}),
    ".wps": frozenset({"doc", "works"}),
    ".pdf": frozenset({"pdf"}),
    ".ofd": frozenset({"ofd"}),
    ".zip": frozenset({"zip"}),
    ".rar": frozenset({"rar"}),
    ".7z": frozenset({"7z"}),
    ".csv": frozenset({"csv", "text"}),
    ".jpg": frozenset({"image"}),
    ".jpeg": frozenset({"image"}),
    ".png": frozenset({"image"}),
}


def read_bytes(data: bytes, name: str, instruments: Sequence[Instrument]) -> FileReading:
    """Tell what a file is and read it; every fault becomes a named disposition with its reason.

    Args:
        data: the whole file.
        name: as the sender named it; for what the operator is told only, the kind is told by content.
        instruments: the forms to look for.
    """
    kind = sniff(data)
    reading = _guarded(kind, name, lambda: _read(kind, data, instruments))
    return _with_name(reading or set_aside(kind, limits.DAMAGED), name)


def look_at(data: bytes, name: str, instruments: Sequence[Instrument]) -> FileReading:
    """Recognise what is on a picture; a picture that nothing is made of is still material."""
    from huizong.readers.paper.look import look

    kind = sniff(data)
    return _guarded(kind, name, lambda: look(kind, data, name, instruments)) or not_looked(kind)


def _guarded(kind: str, name: str, read: Callable[[], FileReading]) -> FileReading | None:
    """What reading comes to, or None if a parser broke over the file."""
    try:
        secrecy.refuse_marked([name])
        reading = read()
        secrecy.refuse_marked(reading.text.splitlines())
        return reading
    except secrecy.RestrictedError as e:
        return FileReading(kind=kind, disposition="restricted", reason=str(e))
    except RejectedError as e:
        return set_aside(kind, str(e))
    except (KeyboardInterrupt, SystemExit):
        raise
    except (MemoryError, RecursionError):  # a limit at work
        return set_aside(kind, limits.TOO_LARGE)
    except BaseException:  # calamine's PanicException is no Exception
        return None


def unpack_bytes(data: bytes, name: str, path: Path | None) -> Unpacked:
    """The members of an archive or a message. `path`: the same bytes as a file, where a program needs one."""
    kind = sniff(data)
    return _taken_out(kind, lambda: archives.unpack(kind, data, name, path))


def draw_bytes(data: bytes) -> Unpacked:
    """The pages of a scan or photograph as PNG."""
    kind = sniff(data)
    return _taken_out(kind, lambda: draw(kind, data))


def _taken_out(kind: str, take: Callable[[], Unpacked]) -> Unpacked:
    try:
        return take()
    except RejectedError as e:
        return Unpacked(kind=kind, reason=str(e))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return Unpacked(kind=kind, reason=haul.DAMAGED)


def set_aside(kind: str, reason: str, *, awaiting: str = "") -> FileReading:
    """A file that cannot be read, and what the clerk should do about it."""
    return FileReading(kind=kind, disposition="set_aside", reason=reason, awaiting=awaiting)


def not_looked(kind: str) -> FileReading:
    """A picture of which nothing could be made: kept as material, for a person to look at."""
    return FileReading(kind=kind, disposition="return", notes=(NOT_LOOKED,))


def read_without_child(head: bytes) -> FileReading:
    """What can be said of a file too large to be handed to a parser, from its first bytes."""
    kind = sniff(head)
    if kind in MATERIAL or kind in ("image", "pdf", "video"):
        return FileReading(kind=kind, disposition="return")
    return set_aside(kind, limits.TOO_LARGE)


def _read(kind: str, data: bytes, instruments: Sequence[Instrument]) -> FileReading:
    if reader := READERS.get(kind):
        reading = _with_press(_with_stamp(reader(kind, data, instruments), data))
        return reading.model_copy(update={"pictures": pictures_in(data)}) if kind == "docx" else reading
    if kind in archives.ARCHIVES:
        return FileReading(kind=kind, disposition="set_aside", reason=TOO_DEEP, needs="unpack")
    if kind == "image":
        return FileReading(kind=kind, disposition="return", needs="look", pixels=pixels_of(data))
    if kind in MATERIAL:
        return FileReading(kind=kind, disposition="return", pictures=pictures_in(data))
    return set_aside(kind, SET_ASIDE.get(kind, UNKNOWN))


def _with_stamp(reading: FileReading, data: bytes) -> FileReading:
    """A form printed to PDF may bear its seal as a picture, which no text tells."""
    if reading.kind != "pdf" or not reading.forms or reading.stamp is not None:
        return reading
    from huizong.readers.paper.stamp import stamp_on_pdf

    return reading.model_copy(update={"stamp": stamp_on_pdf(data)})


def _with_press(reading: FileReading) -> FileReading:
    if reading.forms or not (press := find_press(reading.text)):
        return reading
    return reading.model_copy(update={"press": press})


def _with_name(reading: FileReading, name: str) -> FileReading:
    if said := [note for form in reading.forms for note in form.notes]:
        reading = reading.model_copy(update={"notes": (*reading.notes, *said)})
    suffix = PurePosixPath(name.lower()).suffix
    if reading.kind in _PROMISED.get(suffix, {reading.kind}) | {"encrypted", "damaged", "empty", "unknown"}:
        return reading
    note = f"扩展名（{suffix}）与实际格式（{reading.kind}）不符"
    return reading.model_copy(update={"notes": (*reading.notes, note)})
