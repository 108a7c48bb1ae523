"""What Outlook packs: winmail.dat (TNEF, MS-OXTNEF) and saved messages (.msg, MS-OXMSG).

Both carry the properties of MAPI (MS-OXPROPS). To be run in the limited child process, like all of `packing`.
The formats' own lengths are believed only as far as there are bytes; what is cut off gives what there is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

import olefile

from huizong.errors import RejectedError
from huizong.mime.charset import codec_for, decode_bytes
from huizong.readers.packing import haul as limits
from huizong.readers.packing.haul import Entry, Haul

BODY = "邮件正文.txt"
_MOST_ATTRIBUTES = 100_000

# MS-OXTNEF 2.1.3.2
_RENDDATA, _TITLE, _DATA, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_CODEPAGE, _TEXT, _MESSAGE_PROPERTIES = 0x9007, 0x800C, 0x9003
# MS-OXPROPS: the most telling name first
_NAMES = (0x3707, 0x3704, 0x3001)  # AttachLongFilename, AttachFilename, DisplayName
_CONTENT, _BODY = 0x3701, 0x1000
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x001E, 0x001F, 0x000D, 0x0102
_COUNTED = {_STRING8, _UNICODE, _OBJECT, _BINARY}
_WIDTHS = {0x0005: 8, 0x0006: 8, 0x0007: 8, 0x0014: 8, 0x0040: 8, 0x0048: 16}  # all others take 4
_MANY = 0x1000  # flag of a type: several values
_MESSAGE_INSIDE = "__substg1.0_3701000D"
_TNEF = b"\x78\x9f\x3e\x22"
_INTERFACE = 16  # bytes of an interface's identifier before an object's own


@dataclass
class _File:
    """One attachment while it is put together; raw names by property, 0 for TNEF's own short one."""

    names: dict[int, str] = field(default_factory=dict)
    data: bytes = b""

    def name(self, number: int) -> str:
        known = (self.names.get(key, "").strip("\0 ") for key in (*_NAMES, 0))
        ending = ".dat" if self.data.startswith(_TNEF) else ""
        return next((f"{name}{ending}" for name in known if name), f"未命名附件{number}{ending}")


def unpack_tnef(haul: Haul, data: bytes, _: str) -> None:
    """The attachments of a winmail.dat; an embedded message is one more, to be opened in its turn.

    Without any, its words. Raises RejectedError: neither is in it, as where Outlook only keeps its typefaces.
    """
    files: list[_File] = []
    words, codepage = "", "gb18030"
    for identifier, value in _attributes(data):
        if identifier == _RENDDATA:
            files.append(_File())
        elif identifier == _CODEPAGE:
            codepage = codec_for(f"cp{_number(value, 0)}") or codepage
        elif identifier == _TEXT:
            words = decode_bytes(value, codepage)
        elif identifier == _MESSAGE_PROPERTIES:
            found = {key: text for key, _, text in _properties(value, codepage)}
            words = words or str(found.get(_BODY, ""))
        elif identifier in (_TITLE, _DATA, _PROPERTIES):
            files = files or [_File()]  # some writers leave out what begins one
            _fill(files[-1], identifier, value, codepage)
    _hand_over(haul, files, words, limits.NO_FILES)


def _fill(file: _File, identifier: int, value: bytes, codepage: str) -> None:
    if identifier == _TITLE:
        file.names[0] = decode_bytes(value.rstrip(b"\0"), codepage)
    elif identifier == _DATA:
        file.data = value
    else:
        for key, kind, content in _properties(value, codepage):
            if isinstance(content, str):
                file.names.setdefault(key, content)
            elif key == _CONTENT:
                file.data = content[_INTERFACE:] if kind == _OBJECT else content


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Identifier and value of each attribute: level 1, identifier 2, type 2, length 4, value, checksum 2."""
    at = 6
    for _ in range(_MOST_ATTRIBUTES):
        if at + 9 > len(data):
            return
        identifier, _, length = struct.unpack_from("<HHI", data, at + 1)
        yield identifier, data[at + 9 : at + 9 + length]
        at += 9 + length + 2
    raise RejectedError(limits.TOO_MANY)


def _properties(data: bytes, codepage: str) -> Iterator[tuple[int, int, str | bytes]]:
    """Identifier, type and content of the texts, objects and binaries in a list of properties."""
    at = 4
    for _ in range(min(_number(data, 0), _MOST_ATTRIBUTES)):
        if at + 4 > len(data):
            return
        kind, key = struct.unpack_from("<HH", data, at)
        at += 4
        if key >= 0x8000:
            at = _after_name(data, at)
        many, kind = kind & _MANY, kind & ~_MANY
        count = 1
        if many or kind in _COUNTED:
            count = _number(data, at)
            at += 4
        if kind not in _COUNTED:
            at += count * _WIDTHS.get(kind, 4)
            continue
        for _ in range(min(count, _MOST_ATTRIBUTES)):
            length = _number(data, at)
            value = data[at + 4 : at + 4 + length]
            at = _padded(at + 4 + length)
            yield key, kind, _content(kind, value, codepage)
            if at >= len(data):
                return


def _after_name(data: bytes, at: int) -> int:
    """Behind the name of a named property: a GUID, then a number or a text."""
    named = _number(data, at + 16) == 1
    return _padded(at + 24 + _number(data, at + 20)) if named else at + 24


def _padded(at: int) -> int:
    return at + -at % 4


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _content(kind: int, value: bytes, codepage: str) -> str | bytes:
    if kind == _UNICODE:
        return value.decode("utf-16-le", "replace").rstrip("\0")
    return decode_bytes(value.rstrip(b"\0"), codepage) if kind == _STRING8 else value


def unpack_msg(haul: Haul, data: bytes, _: str) -> None:
    """The attachments of a saved message and of those inside it; without any, its words.

    Raises RejectedError: neither is in it.
    """
    words = ""
    files: dict[tuple[str, ...], _File] = {}
    messages: set[tuple[str, ...]] = set()  # attachments that are messages: what they hold stands below them
    with olefile.OleFileIO(BytesIO(data)) as ole:
        for path in map(tuple, ole.listdir(streams=True, storages=False)):
            key, kind = _of_stream(path[-1])
            inside = len(path) > 1 and path[-2].startswith("__attach_version1.0")
            messages.update(path[:n] for n, step in enumerate(path) if step == _MESSAGE_INSIDE)
            if inside and (key in _NAMES or (key, kind) == (_CONTENT, _BINARY)):
                content = _content(kind, ole.openstream(path).read(), "gb18030")
                file = files.setdefault(path[:-1], _File())
                if isinstance(content, str):
                    file.names[key] = content
                else:
                    file.data = content
            elif len(path) == 1 and key == _BODY:
                words = str(_content(kind, ole.openstream(path).read(), "gb18030"))
    _hand_over(
        haul,
        [file for key, file in sorted(files.items()) if key not in messages],
        words,
        limits.EMPTY_MESSAGE,
    )


def _of_stream(name: str) -> tuple[int, int]:
    """Identifier and type of a property from its stream's name `__substg1.0_3707001F`."""
    try:
        both = int(name.removeprefix("__substg1.0_"), 16)
    except ValueError:
        return 0, 0
    return both >> 16, both & 0xFFFF


def _hand_over(haul: Haul, files: list[_File], words: str, nothing: str) -> None:
    full = [file for file in files if file.data or file.names]
    entries = [Entry(file.name(number), len(file.data)) for number, file in enumerate(full, 1)]
    for n in haul.admit(entries):
        haul.add(entries[n].name, full[n].data)
    if entries:
        return
    if not words.strip("\0 \r\n"):
        raise RejectedError(nothing)
    haul.add(BODY, words.encode())
