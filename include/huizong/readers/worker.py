"""Reads files in a long-lived child process, so that none of them can take more than itself down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import TypeAdapter, ValidationError

from huizong.errors import TransientError
from huizong.instruments.model import Instrument
from huizong.readers.child import READY
from huizong.readers.entry import read_without_child, set_aside
from huizong.readers.model import FileReading
from huizong.readers.sniff import sniff

TIMED_OUT = "文件读取超时，内容异常或过大，请将统计表另存为新文件后重新发送。"
CRASHED = "文件内容异常，无法读取，请在 Excel 或 WPS 中打开、另存为 xlsx 后重新发送。"

_INSTRUMENTS = TypeAdapter(tuple[Instrument, ...])
_HEAD = 65_536
_LONGEST_ANSWER = 64 * 2**20
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


@dataclass(frozen=True)
class Limits:
    """What one file may cost. The child itself needs about 250 MB of address space."""

    memory_bytes: int = 1536 * 2**20
    seconds: float = 30.0
    max_bytes: int = 256 * 2**20  # larger files are told by their first bytes only


class ReadWorker:
    """A context manager that reads files one after another; not for use by several threads at once.

    The child is started at the first file and again after one that killed it or took too long: that file is
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
        """Read one file. Never raises for what the file holds: see `FileReading.reason`.

        Raises:
            TransientError: the child does not start, which is no fault of the file.
        """
        if len(data) > self._limits.max_bytes:
            return read_without_child(data[:_HEAD])
        if self._sent[0] != tuple(instruments):
            self._sent = (tuple(instruments), _INSTRUMENTS.dump_json(tuple(instruments)).decode())
        header = json.dumps({"name": name, "instruments": self._sent[1]}).encode()
        if self._child is None or self._child.process.poll() is not None:
            self.close()
            self._child = _Child(self._limits)
            if self._child.ask() != (READY, False):
                self.close()
                raise TransientError("读取文件的子进程无法启动，请检查内存限制与安装是否完整，然后重新运行。")
        answer, timed_out = self._child.ask(header, data)
        if answer is None or timed_out:
            self.close()
        reading = _parse(answer)
        return reading or set_aside(_kind(data), TIMED_OUT if timed_out else CRASHED)


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

    def ask(self, *frames: bytes) -> tuple[bytes | None, bool]:
        """The answer, or None if the child died; and whether it was killed for taking too long."""
        timed_out = threading.Event()

        def kill() -> None:
            timed_out.set()
            self.process.kill()

        # A timer, not a polled pipe: it also ends a child that stops in the middle of an answer.
        timer = threading.Timer(self._seconds, kill)
        timer.start()
        try:
            for frame in frames:
                self._requests.send_bytes(frame)
            answer = self._answers.recv_bytes(_LONGEST_ANSWER)
        except (EOFError, OSError):
            answer = None
        finally:
            timer.cancel()
            timer.join()
        return answer, timed_out.is_set()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self._requests.close()
        self._answers.close()
        self.process.wait()


def _parse(answer: bytes | None) -> FileReading | None:
    try:
        return FileReading.model_validate_json(answer) if answer is not None else None
    except ValidationError:  # a child that was taken over may answer anything
        return None


def _kind(data: bytes) -> str:
    try:
        return sniff(data[:_HEAD]) if len(data) > _HEAD else sniff(data)
    except Exception:
        return "unknown"
