"""Archives for the tests. No free program makes a rar: that is written block by block, members stored."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Sequence

import py7zr

RAR4_SPLIT_AFTER, RAR4_PASSWORD = 0x02, 0x04
_UNIX, _DOS = 3, 0


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def zipped_raw(members: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A zip whose names are these bytes, without the mark of UTF-8: what Windows and macOS write."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n, (name, data) in enumerate(members):
            archive.writestr(f"{n}".rjust(len(name), "_"), data)
    packed = out.getvalue()
    for n, (name, _) in enumerate(members):
        packed = packed.replace(f"{n}".rjust(len(name), "_").encode(), name)
    return packed


def seven_zipped(members: dict[str, bytes], password: str | None = None) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return out.getvalue()


def tarred(members: Sequence[tuple[tarfile.TarInfo, bytes]], encoding: str = "utf-8") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding=encoding) as archive:
        for info, data in members:
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def rar4(members: Sequence[tuple[bytes, bytes]], flags: int = 0, host: int = _DOS, mode: int = 0x20) -> bytes:
    """RAR 1.5 to 4. `flags` of every member; `mode`: 0o120777 on Unix is a symbolic link."""
    out = b"Rar!\x1a\x07\x00" + _block4(0x73, 0, b"\0" * 6)
    for name, data in members:
        sizes = struct.pack("<II", len(data), len(data))
        rest = struct.pack("<BIIBBHI", host, zlib.crc32(data), 0x58A1_0000, 20, 0x30, len(name), mode)
        out += _block4(0x74, 0x8000 | flags, sizes + rest + name) + data
    return out + _block4(0x7B, 0x4000, b"")


def _block4(kind: int, flags: int, body: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def rar5(members: Sequence[tuple[str, bytes]], folders: Sequence[str] = ()) -> bytes:
    """RAR 5: folders first, then files."""
    out = b"Rar!\x1a\x07\x01\x00" + _block5(1, 0, b"\0")
    for folder in folders:
        out += _block5(2, 2, b"\x01" + _vint(0) + b"\x10" + b"\0\0" + _named(folder))
    for name, data in members:
        sizes = _vint(len(data)) + b"\x20" + struct.pack("<I", zlib.crc32(data))
        out += _block5(2, 2, b"\x04" + sizes + b"\0\0" + _named(name), len(data)) + data
    return out + _block5(5, 0, b"\0")


def _named(name: str) -> bytes:
    raw = name.encode()
    return _vint(len(raw)) + raw


def _block5(kind: int, flags: int, body: bytes, size: int = 0) -> bytes:
    head = _vint(kind) + _vint(flags) + (_vint(size) if flags & 2 else b"") + body
    head = _vint(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head


def _vint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])
