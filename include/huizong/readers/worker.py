"""Reads files in long-lived child processes, so that none of them can take more than itself down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from huizong.errors import TransientError
from huizong.instruments.model import Instrument
from huizong.readers.child import READY
from huizong.readers.convert import Converter
from huizong.readers.entry import not_looked, read_without_child, set_aside
from huizong.readers.model import FileReading, ItemReading, Member, Unpacked
from huizong.readers.packing.haul import MAX_MEMBERS, MAX_TOTAL
from huizong.readers.sniff import sniff
from huizong.readers.words.word import MAX_TEXT

TIMED_OUT = "文件读取超时，内容异常或过大，请将统计表另存为新文件后重新发送。"
CRASHED = "文件内容异常，无法读取，请在 Excel 或 WPS 中打开、另存为 xlsx 后重新发送。"
NOT_UNPACKED = "压缩包内容异常，无法解压，请将其中的文件直接作为附件重新发送。"
RECALCULATED = "recalculated"
_OUTSIDE = "读取文件时系统出错（{}），请检查磁盘空间和内存，然后重新运行。"

_INSTRUMENTS = TypeAdapter(tuple[Instrument, ...])
_HEAD = 65_536
_LONGEST_ANSWER = 128 * 2**20
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
_NEEDS_A_FILE = frozenset({"rar"})
_UNPACKED = b'{"unpacked"'


class _Contents(BaseModel):
    """The first frame of what was taken out of an archive; the members' bytes follow."""

    unpacked: Unpacked
    names: tuple[str, ...] = Field(max_length=MAX_MEMBERS)


@dataclass(frozen=True)
class Limits:
    """What one file may cost. The child itself needs about 250 MB of address space."""

    memory_bytes: int = 1152 * 2**20
    seconds: float = 20.0
    max_bytes: int = 256 * 2**20  # larger files are told by their first bytes only


# Recognition reserves far more address space than it uses (about 1 GB).
LOOKING = Limits(memory_bytes=6 * 2**30, seconds=22.0)


@dataclass(frozen=True)
class Source:
    """A file to be read: as its sender named it, and its bytes."""

    name: str
    data: bytes
    cleared: bool = False  # a person has seen that it is not secret, whatever its marks say


class ReadWorker:
    """A context manager that reads files one after another; not for use by several threads at once.

    A child is started at the first file and again after one that killed it or took too long: that file is
    set aside with its reason, the next one is read as if nothing had happened.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._child: _Child | None = None
        self._sent: tuple[tuple[Instrument, ...], str] = ((), "[]")  # and as the child gets them

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a later `read` would start another."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        return self._child.process.pid if self._child else None

    def read(self, data: bytes, name: str, instruments: Sequence[Instrument]) -> FileReading:
        """Read one file: `read_all` of it alone."""
        return self.read_all([Source(name, data)], instruments)[0]

    def read_all(self, sources: Sequence[Source], instruments: Sequence[Instrument]) -> list[FileReading]:
        """Read files, in their order: those that need it are converted in one batch, pictures looked at.

        Never raises for what a file holds: see `FileReading.reason`.

        Raises:
            TransientError: the child does not start, or the disk is full: no fault of the file.
        """
        try:
            readings = [self._read(source, instruments) for source in sources]
            self._convert(sources, readings, instruments)
            self._look(sources, readings, instruments)
        except OSError as e:
            raise TransientError(_OUTSIDE.format(e.strerror or e)) from e
        return readings

    def unpack(self, data: bytes, name: str) -> Unpacked:
        """The members of an archive or a message, as far as it can be opened; see `Unpacked.reason`.

        Raises:
            TransientError: the child does not start.
        """
        kind = _kind(data)
        if len(data) > self._limits.max_bytes:
            return Unpacked(kind=kind, reason=NOT_UNPACKED)
        try:
            with _as_file(data if kind in _NEEDS_A_FILE else None) as path:
                frames, _ = self._ask({"op": "unpack", "name": name, "path": path}, data)
        except OSError as e:
            raise TransientError(_OUTSIDE.format(e.strerror or e)) from e
        return _unpacked(frames) or Unpacked(kind=kind, reason=NOT_UNPACKED)

    def draw(self, data: bytes) -> list[bytes]:
        """The pages of a scan or photograph as PNG, at most three; none where it cannot be opened.

        Raises:
            TransientError: the child does not start.
        """
        frames, _ = self._ask({"op": "draw", "name": ""}, data)
        drawn = _unpacked(frames)
        return [member.data for member in drawn.members] if drawn else []

    def _read(self, source: Source, instruments: Sequence[Instrument]) -> FileReading:
        data = source.data
        if len(data) > self._limits.max_bytes:
            return read_without_child(data[:_HEAD])
        frames, timed_out = self._ask(self._header("read", source, instruments), data)
        return _parse(frames) or set_aside(_kind(data), TIMED_OUT if timed_out else CRASHED)

    def _convert(
        self, sources: Sequence[Source], readings: list[FileReading], instruments: Sequence[Instrument]
    ) -> None:
        wanted = [n for n, r in enumerate(readings) if r.needs in ("convert", "recalculate")]
        if not wanted:
            return
        batch = [(readings[n].kind, sources[n].data) for n in wanted]
        for n, made in zip(wanted, Converter().convert(batch), strict=True):
            first = readings[n].model_copy(update={"needs": ""})
            second = self._read(Source("", made.data, sources[n].cleared), instruments) if made.data else None
            if readings[n].needs == "recalculate":
                readings[n] = _recalculated(first, second)
            elif second is None:
                readings[n] = set_aside(first.kind, made.reason, awaiting=made.awaiting)
            else:
                notes = tuple(dict.fromkeys((*first.notes, *second.notes)))
                kept = {"kind": first.kind, "notes": notes, "macros": first.macros or second.macros}
                readings[n] = second.model_copy(update={**kept, "needs": ""})

    def _look(
        self, sources: Sequence[Source], readings: list[FileReading], instruments: Sequence[Instrument]
    ) -> None:
        wanted = [n for n, r in enumerate(readings) if r.needs == "look"]
        if not wanted:
            return
        with ReadWorker(LOOKING) as looker:
            for n in wanted:
                header = looker._header("look", sources[n], instruments)
                frames, _ = looker._ask(header, sources[n].data)
                seen = _parse(frames) or not_looked(readings[n].kind)
                readings[n] = _both(readings[n], seen)

    def _header(self, op: str, source: Source, instruments: Sequence[Instrument]) -> dict[str, Any]:
        if self._sent[0] != tuple(instruments):
            self._sent = (tuple(instruments), _INSTRUMENTS.dump_json(tuple(instruments)).decode())
        return {"op": op, "name": source.name, "cleared": source.cleared, "instruments": self._sent[1]}

    def _ask(self, header: dict[str, Any], data: bytes) -> tuple[list[bytes] | None, bool]:
        if self._child is None or self._child.process.poll() is not None:
            self.close()
            self._child = _Child(self._limits)
            if self._child.ask() != ([READY], False):
                self.close()
                raise TransientError("读取文件的子进程无法启动，请检查内存限制与安装是否完整，然后重新运行。")
        answer, timed_out = self._child.ask(json.dumps(header).encode(), data)
        if answer is None or timed_out:
            self.close()
        return answer, timed_out


class _Child:
    """One child process and its two pipes."""

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.seconds
        words = [str(limits.memory_bytes), str(int(limits.seconds) + 1)]
        self.process = subprocess.Popen(  # noqa: S603 (our own module, numbers as arguments)
            [sys.executable, "-P", "-m", "huizong.readers.child", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=Path("/"),
            env={key: os.environ[key] for key in _PASSED_ON if key in os.environ},
        )
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: S101 (for mypy)
        self._requests = Connection(os.dup(self.process.stdin.fileno()), readable=False)
        self._answers = Connection(os.dup(self.process.stdout.fileno()), writable=False)
        self.process.stdin.close()
        self.process.stdout.close()

    def ask(self, *frames: bytes) -> tuple[list[bytes] | None, bool]:
        """The answer's frames, or None if the child died; and whether it was killed for taking too long."""
        timed_out = threading.Event()

        def kill() -> None:
            timed_out.set()
            self.process.kill()

        # A timer, not a polled pipe: it also ends a child that stops in the middle of an answer.
        timer = threading.Timer(self._seconds, kill)
        timer.start()
        answer: list[bytes] | None
        try:
            for frame in frames:
                self._requests.send_bytes(frame)
            answer = list(self._frames())
        except (EOFError, OSError, ValueError, RecursionError):  # one that was taken over may say anything
            answer = None
        finally:
            timer.cancel()
            timer.join()
        return answer, timed_out.is_set()

    def _frames(self) -> Iterator[bytes]:
        first = self._answers.recv_bytes(_LONGEST_ANSWER)
        yield first
        left = MAX_TOTAL
        for _ in _Contents.model_validate_json(first).names if first.startswith(_UNPACKED) else ():
            frame = self._answers.recv_bytes(left)
            left -= len(frame)
            yield frame

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self._requests.close()
        self._answers.close()
        self.process.wait()


def _parse(frames: list[bytes] | None) -> FileReading | None:
    try:
        return FileReading.model_validate_json(frames[0]) if frames else None
    except ValidationError:
        return None


def _unpacked(frames: list[bytes] | None) -> Unpacked | None:
    if not frames or not frames[0].startswith(_UNPACKED):
        return None
    contents = _Contents.model_validate_json(frames[0])
    members = [Member(name=n, data=d) for n, d in zip(contents.names, frames[1:], strict=True)]
    return contents.unpacked.model_copy(update={"members": tuple(members)})


def _both(read: FileReading, seen: FileReading) -> FileReading:
    """What was recognised, with what reading had found already: a report's text before its scanned pages."""
    notes = tuple(dict.fromkeys((*read.notes, *seen.notes)))
    if seen.disposition != "return":
        return seen.model_copy(update={"notes": notes})
    text = "\n".join(filter(None, (read.text, seen.text)))[:MAX_TEXT]
    kept = {"notes": notes, "text": text, "stamp": read.stamp or seen.stamp}
    return seen.model_copy(update={**kept, "pages": read.pages, "pixels": read.pixels})


def _recalculated(first: FileReading, second: FileReading | None) -> FileReading:
    """The first reading, with the results of its formulas from the second where that found the same forms."""
    if second is None or [f.instrument for f in first.forms] != [f.instrument for f in second.forms]:
        return first
    forms = []
    for form, again in zip(first.forms, second.forms, strict=True):
        items = {
            code: _result(item, again.items.get(code)) if item.state == "formula" else item
            for code, item in form.items.items()
        }
        forms.append(form.model_copy(update={"items": items}))
    return first.model_copy(update={"forms": tuple(forms)})


def _result(formula: ItemReading, result: ItemReading | None) -> ItemReading:
    if result is None or result.state not in ("number", "error"):
        return formula
    notes = (*result.notes, RECALCULATED)
    return formula.model_copy(
        update={"state": result.state, "number": result.number, "raw": result.raw, "notes": notes}
    )


@contextmanager
def _as_file(data: bytes | None) -> Iterator[str | None]:
    """The bytes under a path, for programs that read no pipe; None without any."""
    if data is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="huizong-") as folder:
        path = Path(folder) / "archive"
        path.write_bytes(data)
        yield str(path)


def _kind(data: bytes) -> str:
    try:
        return sniff(data)
    except Exception:
        return "unknown"
