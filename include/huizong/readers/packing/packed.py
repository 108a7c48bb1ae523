"""7z by py7zr in memory; rar by rarfile (its directory) and the program unar (its bytes).

Members of a rar are asked for by number: unar takes a name as a pattern, and [1].xlsx finds nothing.
"""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import py7zr
import rarfile
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError
from py7zr.io import Py7zIO, WriterFactory

from huizong.errors import RejectedError
from huizong.readers.model import Unpacked
from huizong.readers.packing import haul as limits
from huizong.readers.packing.haul import Entry, Haul, decode_name

UNAR = "unar"
CPU_SECONDS = 15  # of one run of unar; the longest that an honest archive may take
NO_UNAR = "暂时无法打开 rar 压缩包，装好解压程序后将自动读取；也可改用 zip 格式压缩后重新发送。"


def unpack_7z(haul: Haul, data: bytes) -> None:
    """Take the members of a 7z in.

    Raises:
        RejectedError: a password, an unknown method, or too much; else what py7zr raises for a broken one.
    """
    factory = _Factory()
    try:
        with py7zr.SevenZipFile(BytesIO(data)) as archive:
            if archive.needs_password():
                raise RejectedError(limits.PASSWORD)
            files = archive.list()
            plain = [f.is_file and not f.is_symlink for f in files]
            entries = [Entry(f.filename, f.uncompressed, plain=p) for f, p in zip(files, plain, strict=True)]
            names = [entries[n].name for n in haul.admit(entries)]
            safe = {name for name in names if not _points_outside(name)}  # py7zr refuses the whole for one
            for name in names:
                if name not in safe:
                    haul.leave(name, limits.MEMBER_DAMAGED)
            _extract_7z(archive, factory, safe)
    except PasswordRequired as e:
        raise RejectedError(limits.PASSWORD) from e
    except UnsupportedCompressionMethodError as e:
        raise RejectedError(limits.UNSUPPORTED) from e
    done = [product for product in factory.products if product.done]
    for product in done:
        haul.add(product.name, bytes(product.content))
    for name in sorted(safe - {product.name for product in done}):
        haul.leave(name, limits.MEMBER_DAMAGED)


def _extract_7z(archive: py7zr.SevenZipFile, factory: _Factory, names: set[str]) -> None:
    try:
        if names:
            archive.extract(targets=names, factory=factory)
    except (RejectedError, PasswordRequired, UnsupportedCompressionMethodError, MemoryError):
        raise
    except Exception:  # noqa: S110 (a wrong checksum, a broken stream: what came out before it is whole)
        pass


def _points_outside(name: str) -> bool:
    steps = name.replace("\\", "/").split("/")
    return ".." in steps or steps[0][1:2] == ":" or not name.strip("./ ")


class _Product(Py7zIO):
    """One member in memory. py7zr calls `close` only on one that came out whole."""

    def __init__(self, name: str) -> None:
        self.name, self.content, self.done = name, bytearray(), False

    def write(self, s: bytes | bytearray) -> int:
        if len(self.content) + len(s) > limits.MAX_MEMBER:
            raise RejectedError(limits.TOO_LARGE)
        self.content += s
        return len(s)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        return

    def size(self) -> int:
        return len(self.content)

    def close(self) -> None:
        self.done = True


class _Factory(WriterFactory):
    def __init__(self) -> None:
        self.products: list[_Product] = []

    def create(self, filename: str) -> Py7zIO:
        self.products.append(_Product(filename))
        return self.products[-1]


@dataclass(frozen=True)
class _Wanted:
    """A member of a rar: its number, and what shows that it came out whole."""

    number: int
    size: int
    checksum: int | None

    def whole(self, content: bytes) -> bool:
        return len(content) == self.size and self.checksum in (None, zlib.crc32(content))


def unpack_rar(haul: Haul, path: Path | None) -> Unpacked:
    """Take the members of a rar in; `path` is the archive on disk.

    Raises:
        RejectedError: a password, one volume of several, or too much; else what rarfile raises.
    """
    try:
        archive = rarfile.RarFile(BytesIO(haul.source), part_only=True)
    except rarfile.NeedFirstVolume as e:
        raise RejectedError(limits.VOLUME) from e
    infos = archive.infolist()
    if archive.needs_password() and not infos:
        raise RejectedError(limits.PASSWORD)  # the directory itself is encrypted
    if any(info.flags & (rarfile.RAR_FILE_SPLIT_BEFORE | rarfile.RAR_FILE_SPLIT_AFTER) for info in infos):
        raise RejectedError(limits.VOLUME)
    entries = [_rar_entry(info) for info in infos]
    taken = haul.admit(entries)
    if taken and (path is None or shutil.which(UNAR) is None):
        return Unpacked(kind=haul.kind, reason=NO_UNAR, awaiting=UNAR)
    wanted = [_Wanted(n, infos[n].file_size, infos[n].CRC) for n in taken]
    for one, content in zip(wanted, _extract_rar(path, wanted) if path else (), strict=True):
        if one.whole(content):
            haul.add(entries[one.number].name, content)
        else:
            haul.leave(entries[one.number].name, limits.MEMBER_DAMAGED)
    return haul.result()


def _rar_entry(info: rarfile.RarInfo) -> Entry:
    raw = info.orig_filename
    # An old archive without Unicode names keeps the bytes of the sender's code page.
    stored = isinstance(raw, bytes) and not (info.flags & rarfile.RAR_FILE_UNICODE)
    name = decode_name(raw) if stored and raw else info.filename
    return Entry(name, info.file_size, info.needs_password(), info.is_file())


def _extract_rar(path: Path, wanted: Sequence[_Wanted]) -> list[bytes]:
    """One pass for all, since a solid archive begins anew each time; what lacks anything is tried alone."""
    contents, finished = _run_unar(path, wanted)
    for n, one in enumerate(wanted):
        if finished and len(wanted) > 1 and not one.whole(contents[n]):
            (contents[n],), finished = _run_unar(path, [one])
    return contents


def _run_unar(path: Path, wanted: Sequence[_Wanted]) -> tuple[list[bytes], bool]:
    """What unar says for each, and whether it came to an end by itself: a broken archive can make it spin."""
    if not wanted:
        return [], True
    options = ["-quiet", "-no-recursion", "-output-directory", "-", "-password", "", "-indexes"]
    with subprocess.Popen(  # noqa: S603 (a fixed program; its arguments are numbers and our own path)
        [UNAR, *options, str(path), *(str(one.number) for one in wanted)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None  # noqa: S101 (for mypy)
        # Holds even if this process is killed meanwhile.
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        contents = [process.stdout.read(one.size) for one in wanted]
        process.stdout.close()
    return contents, process.returncode != -signal.SIGXCPU
