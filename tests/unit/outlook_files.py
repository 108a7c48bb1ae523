"""winmail.dat and .msg as Outlook writes them, no more of the formats than attachments need."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

LONG_NAME, SHORT_NAME, SHOWN_NAME, CONTENT, BODY = 0x3707, 0x3704, 0x3001, 0x3701, 0x1000
STRING8, UNICODE, OBJECT, BINARY, LONG = 0x1E, 0x1F, 0x0D, 0x102, 0x03
MESSAGE_INTERFACE = bytes.fromhex("0703020000000000c000000000000046")

Property = tuple[int, int, bytes]  # identifier, type, value


def unicode_name(text: str, identifier: int = LONG_NAME) -> Property:
    return identifier, UNICODE, (text + "\0").encode("utf-16-le")


def ansi_name(text: str, identifier: int = LONG_NAME) -> Property:
    return identifier, STRING8, text.encode("gbk") + b"\0"


def tnef(*attachments: bytes, codepage: int = 936, words: str = "") -> bytes:
    """A winmail.dat of these attachments (see `attached`)."""
    out = b"\x78\x9f\x3e\x22\x01\x00" + _attribute(1, 0x00069007, struct.pack("<II", codepage, 0))
    out += _attribute(1, 0x00069003, properties([(BODY, STRING8, words.encode("gbk"))])) if words else b""
    return out + b"".join(attachments)


def attached(data: bytes | None, title: bytes = b"", *extra: Property) -> bytes:
    """One attachment: where it begins, its short name, its bytes, its properties."""
    out = _attribute(2, 0x00069002, bytes(14))
    out += _attribute(2, 0x00018010, title + b"\0") if title else b""
    out += _attribute(2, 0x0006800F, data) if data is not None else b""
    return out + (_attribute(2, 0x00069005, properties(extra)) if extra else b"")


def properties(entries: Sequence[Property]) -> bytes:
    """A list of properties, between a number, a named one and one of several values, to be stepped over."""
    named = (
        struct.pack("<HH", LONG, 0x8001) + bytes(16) + struct.pack("<II", 1, 8) + b"a\0b\0c\0\0\0" + bytes(4)
    )
    several = struct.pack("<HHI", 0x1000 | LONG, 0x0FF1, 3) + bytes(12)
    time = struct.pack("<HH", 0x40, 0x3007) + bytes(8)
    out = struct.pack("<I", len(entries) + 3) + named + several + time
    for identifier, kind, value in entries:
        out += struct.pack("<HHII", kind, identifier, 1, len(value)) + value + bytes(-len(value) % 4)
    return out


def _attribute(level: int, identifier: int, value: bytes) -> bytes:
    checksum = struct.pack("<H", sum(value) & 0xFFFF)
    return struct.pack("<BII", level, identifier, len(value)) + value + checksum


def msg(tree: Mapping[str, bytes | Mapping[str, object]]) -> bytes:
    """A .msg of these streams and storages ([MS-CFB]); streams are filled up to 4,096 bytes."""
    entries: list[bytearray] = []
    chains: list[bytes] = []
    _add(entries, chains, "Root Entry", {"__properties_version1.0": b"", **tree}, 5)
    starts, at = [], 0
    for chain in chains:
        starts.append(at)
        at += len(chain) // 512
    for entry in entries:
        if entry[66] == 2:
            entry[116:120] = struct.pack("<I", starts[struct.unpack("<I", entry[116:120])[0]])
    directory = b"".join(entries)
    directory += bytes(-len(directory) % 512)
    fat: list[int] = []
    for chain in [*chains, directory]:
        fat += [len(fat) + n + 1 for n in range(len(chain) // 512 - 1)] + [0xFFFFFFFE]
    tables = -(-(len(fat) + 8) // 128)
    first = len(fat)
    fat += [0xFFFFFFFD] * tables
    fat += [0xFFFFFFFF] * (tables * 128 - len(fat))
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIIII", 62, 3, 0xFFFE, 9, 6, 0, tables, at, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, first
    )
    header += b"".join(struct.pack("<I", first + n) for n in range(1, tables))
    header = header.ljust(512, b"\xff")
    return header + b"".join(chains) + directory + struct.pack(f"<{len(fat)}I", *fat)


def _add(entries: list[bytearray], chains: list[bytes], name: str, held: object, kind: int = 1) -> int:
    """An entry of the directory, and below it all that it holds, as a chain to the right."""
    here, raw = len(entries), name.encode("utf-16-le")
    entry = bytearray(128)
    entries.append(entry)
    child = 0xFFFFFFFF
    start = size = 0
    if isinstance(held, bytes):
        kind, start, size = 2, len(chains), max(4096, len(held))
        chains.append(held.ljust(size, b"\0") + bytes(-size % 512))
    elif isinstance(held, Mapping):
        below = [_add(entries, chains, key, value) for key, value in held.items()]
        child = below[0] if below else child
        for left, right in zip(below, below[1:], strict=False):
            entries[left][72:76] = struct.pack("<I", right)
    entry[:64] = raw.ljust(64, b"\0")
    entry[64:68] = struct.pack("<HBB", len(raw) + 2, kind, 1)
    entry[68:72] = entry[72:76] = b"\xff" * 4
    entry[76:80] = struct.pack("<I", child)
    entry[116:124] = struct.pack("<II", start if kind != 5 else 0xFFFFFFFE, size)
    return here
