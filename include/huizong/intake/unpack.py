"""Files inside files: archives and messages are opened, and what they hold are files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from huizong.readers.entry import set_aside
from huizong.readers.model import FileReading, Unpacked
from huizong.readers.packing.archives import ARCHIVES
from huizong.readers.sniff import sniff

MAX_DEPTH = 2
MAX_FILES = 1_000  # over all archives of one delivery
MAX_BYTES = 200 * 2**20

TOO_MUCH = "压缩包内文件过多或过大，请将统计表等材料直接作为附件重新发送。"
NOTHING_INSIDE = "压缩包内没有文件，请重新压缩或直接将文件作为附件重新发送。"


class Unpacker(Protocol):
    """The part of `readers.worker.ReadWorker` that unpacking needs."""

    def unpack(self, data: bytes, name: str) -> Unpacked: ...


@dataclass(frozen=True)
class Piece:
    """A file as it is to be read. It has a `reading` where it is an archive that was not (wholly) opened."""

    name: str  # `outer.zip/inner.xlsx` for a member
    data: bytes = field(repr=False)
    reading: FileReading | None = None


@dataclass
class Budget:
    """What may still come out of the archives of one delivery: all of it is held in memory at once."""

    files: int = MAX_FILES
    size: int = MAX_BYTES

    def take(self, unpacked: Unpacked) -> bool:
        self.files -= len(unpacked.members)
        self.size -= sum(len(member.data) for member in unpacked.members)
        return self.files >= 0 and self.size >= 0


def pieces(worker: Unpacker, name: str, data: bytes, budget: Budget | None = None) -> list[Piece]:
    """The file itself, or, of an archive, its members down to the second level.

    An archive stands in the list itself only where it, or some of it, could not be opened. A third level is
    left to `readers.entry`, which sets it aside.
    """
    return list(_pieces(worker, name, data, MAX_DEPTH, budget or Budget()))


def _pieces(worker: Unpacker, name: str, data: bytes, depth: int, budget: Budget) -> Iterator[Piece]:
    if not depth or sniff(data) not in ARCHIVES:
        yield Piece(name, data)
        return
    unpacked = worker.unpack(data, name)
    if not budget.take(unpacked):
        yield Piece(name, data, set_aside(unpacked.kind, TOO_MUCH))
        return
    reason = unpacked.reason or ("" if unpacked.members else NOTHING_INSIDE)
    if reason:
        yield Piece(name, data, set_aside(unpacked.kind, reason, awaiting=unpacked.awaiting))
    for member in unpacked.members:
        yield from _pieces(worker, f"{name}/{member.name}", member.data, depth - 1, budget)
