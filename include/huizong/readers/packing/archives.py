"""Archives and saved messages: their members come out as bytes, in memory, within the limits of `haul`.

To be run in the limited child process. Only rar needs a file, since the program that unpacks it does.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from huizong.errors import RejectedError
from huizong.mime.parse import parse_message
from huizong.readers.model import Unpacked
from huizong.readers.packing import haul as limits
from huizong.readers.packing.haul import Entry, Haul, decode_name, read_at_most
from huizong.readers.packing.outlook import BODY, unpack_msg, unpack_tnef
from huizong.readers.sniff import sniff

_UTF8_NAME = 0x800  # APPNOTE 4.4.4, bit 11
_FOLDER = 0x10  # of the attributes of MS-DOS
_LOCAL_HEADER = 30
_STREAMS: Mapping[str, Callable[[BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    "gzip": lambda packed: gzip.GzipFile(fileobj=packed),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
_STREAM_ENDING = re.compile(r"\.(?:gz|bz2|xz|lzma)$", re.I)
_STREAM_TAR = re.compile(r"\.(?:tgz|tbz2?|txz)$", re.I)


def unpack(kind: str, data: bytes, name: str, path: Path | None = None) -> Unpacked:
    """The members of an archive or message, one level deep. Never raises for what the file holds.

    Args:
        kind: as `sniff` tells it, one of `ARCHIVES`.
        data: the whole file.
        name: as the sender named it; the one member of a gzip is named after it.
        path: a copy of `data` on disk, alone in its folder; asked for by rar only, whose unpacking program
            reads no pipe and would look for further volumes beside it. Without it a rar waits as it does
            where the program is missing.

    Returns:
        The members, with a reason where any was left behind. If `awaiting` is set, that program is missing.
    """
    haul = Haul(kind, data)
    try:
        if kind == "rar":
            from huizong.readers.packing.packed import unpack_rar

            return unpack_rar(haul, path)
        _UNPACKERS[kind](haul, data, name)
    except RejectedError as e:
        return Unpacked(kind=kind, reason=str(e))
    except MemoryError:
        return Unpacked(kind=kind, reason=limits.TOO_LARGE)
    except Exception:  # whatever a broken archive leads its parser to
        return Unpacked(kind=kind, reason=limits.DAMAGED)
    return haul.result()


def _unpack_zip(haul: Haul, data: bytes, _: str) -> None:
    if data.startswith(b"PK\x07\x08") and not data.startswith(b"PK\x07\x08PK\x03\x04"):
        raise RejectedError(limits.VOLUME)
    with ZipFile(BytesIO(data)) as archive:
        members = archive.infolist()
        entries = [_zip_entry(member) for member in members]
        taken = haul.admit(entries)
        _refuse_overlap([members[n] for n in taken])
        for n in taken:
            try:
                with archive.open(members[n]) as stream:
                    content = read_at_most(stream, limits.MAX_MEMBER)
            except RejectedError:
                raise
            except Exception:  # BadZipFile, zlib.error, NotImplementedError, …: this member's own fault
                haul.leave(entries[n].name, limits.MEMBER_DAMAGED)
            else:
                haul.add(entries[n].name, content)


def _zip_entry(member: ZipInfo) -> Entry:
    name = member.orig_filename
    if not member.flag_bits & _UTF8_NAME:
        name = decode_name(name.encode("cp437"))  # what zipfile made of the bytes
    mode = stat.S_IFMT(member.external_attr >> 16)
    folder = name.endswith(("/", "\\")) or bool(member.external_attr & _FOLDER and not member.file_size)
    return Entry(name, member.file_size, bool(member.flag_bits & 1), not folder and mode in {0, stat.S_IFREG})


def _refuse_overlap(members: Sequence[ZipInfo]) -> None:
    """Members that share bytes are a bomb that no ratio of one member shows (Fifield, WOOT 2019)."""
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise RejectedError(limits.BOMB)
        name = len(member.orig_filename.encode("utf-8" if member.flag_bits & _UTF8_NAME else "cp437"))
        end = member.header_offset + _LOCAL_HEADER + name + member.compress_size


def _unpack_stream(haul: Haul, data: bytes, name: str) -> None:
    """gzip, bz2, xz: one member, or a tar, whose members are meant."""
    with _STREAMS[haul.kind](BytesIO(data)) as stream:
        honest = max(limits.RATIO_MATTERS_FROM, limits.MAX_RATIO * len(data))
        if honest < limits.MAX_TOTAL:
            content = read_at_most(stream, honest, limits.BOMB)
        else:
            content = read_at_most(stream, limits.MAX_TOTAL)
    if sniff(content) == "tar":
        _unpack_tar(haul, content, name)
        return
    inner = _STREAM_ENDING.sub("", _STREAM_TAR.sub(".tar", name.replace("\\", "/").split("/")[-1]))
    for n in haul.admit([Entry(inner, len(content))]):
        haul.add([inner][n], content)


def _unpack_tar(haul: Haul, data: bytes, _: str) -> None:
    with tarfile.open(fileobj=BytesIO(data), mode="r:") as archive:
        members: list[tarfile.TarInfo] = []
        for member in archive:
            members.append(member)
            if len(members) > limits.MAX_ENTRIES:
                raise RejectedError(limits.TOO_MANY)
        entries = [
            Entry(decode_name(m.name.encode("utf-8", "surrogateescape")), m.size, plain=m.isreg())
            for m in members
        ]
        for n in haul.admit(entries):
            stream = archive.extractfile(members[n])
            content = read_at_most(stream, limits.MAX_MEMBER) if stream else b""
            if len(content) == members[n].size:
                haul.add(entries[n].name, content)
            else:
                haul.leave(entries[n].name, limits.MEMBER_DAMAGED)


def _unpack_eml(haul: Haul, data: bytes, _: str) -> None:
    """The files of a message and of those inside it; its words, if there is nothing else."""
    mail = parse_message(data)
    entries = [Entry(leaf.name, len(leaf.data)) for leaf in mail.leaves]
    for n in haul.admit(entries):
        haul.add(entries[n].name, mail.leaves[n].data)
    if entries:
        return
    if not mail.text:
        raise RejectedError(limits.EMPTY_MESSAGE)
    haul.add(BODY, mail.text.encode())


def _unpack_7z(haul: Haul, data: bytes, _: str) -> None:
    from huizong.readers.packing.packed import unpack_7z  # not at the top: slow to import, and seldom needed

    unpack_7z(haul, data)


_UNPACKERS: Mapping[str, Callable[[Haul, bytes, str], None]] = {
    "zip": _unpack_zip,
    "7z": _unpack_7z,
    "gzip": _unpack_stream,
    "bz2": _unpack_stream,
    "xz": _unpack_stream,
    "tar": _unpack_tar,
    "eml": _unpack_eml,
    "tnef": unpack_tnef,
    "msg": unpack_msg,
}
ARCHIVES = frozenset({*_UNPACKERS, "rar"})
