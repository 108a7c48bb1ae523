"""The child process: what it costs when it dies, hangs or takes too much, and what it is given."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from form_files import FORM, VALUES, numbers, set_aside, xlsx

from huizong.errors import TransientError
from huizong.readers import limits
from huizong.readers.worker import CRASHED, NOT_UNPACKED, TIMED_OUT, Limits, ReadWorker


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadWorker]:
    with ReadWorker() as one:
        yield one


def test_a_killed_child_costs_only_its_file(worker: ReadWorker) -> None:
    worker.read(xlsx(), "a.xlsx", [FORM])
    child = worker.pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(child)] if psutil.pid_exists(child) else [], timeout=5)
    assert numbers(worker.read(xlsx(), "b.xlsx", [FORM])) == VALUES
    assert worker.pid != child


def test_a_child_killed_in_the_middle_sets_that_file_aside() -> None:
    with ReadWorker() as one:
        one.read(b"%PDF", "a", [FORM])
        child = one.pid
        assert child is not None
        os.kill(child, signal.SIGSTOP)  # so that it is certainly in the middle
        threading.Timer(0.3, os.kill, (child, signal.SIGKILL)).start()
        reading = one.read(xlsx(), "b.xlsx", [FORM])
        assert set_aside(reading, CRASHED)
        assert reading.kind == "xlsx"
        assert numbers(one.read(xlsx(), "c.xlsx", [FORM])) == VALUES


def test_a_file_that_takes_too_long() -> None:
    with ReadWorker(Limits(seconds=1.5)) as one:
        one.read(b"%PDF", "a", [FORM])
        child = one.pid
        assert child is not None
        os.kill(child, signal.SIGSTOP)
        assert set_aside(one.read(xlsx(), "b.xlsx", [FORM]), TIMED_OUT)
        assert not psutil.pid_exists(child)
        assert numbers(one.read(xlsx(), "c.xlsx", [FORM])) == VALUES


def test_memory_is_limited() -> None:
    with ReadWorker(Limits(memory_bytes=320 * 2**20)) as one:
        assert numbers(one.read(xlsx(), "a.xlsx", [FORM])) == VALUES
        assert one.read(b"%PDF" + b"\0" * (240 * 2**20), "b.pdf", [FORM]).disposition == "set_aside"
        assert numbers(one.read(xlsx(), "c.xlsx", [FORM])) == VALUES


def test_a_file_too_large_to_hand_over_is_told_by_its_head() -> None:
    with ReadWorker(Limits(max_bytes=1_000)) as one:
        assert one.read(b"%PDF" + b"\0" * 2_000, "a.pdf", [FORM]).disposition == "return"
        assert set_aside(one.read(xlsx(), "a.xlsx", [FORM]), limits.TOO_LARGE)
        assert one.pid is None


def test_a_child_that_cannot_start_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "huizong").mkdir()
    (tmp_path / "huizong/__init__.py").write_text("raise SystemExit(1)  # a broken installation")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ReadWorker() as one:
        with pytest.raises(TransientError, match="无法启动"):
            one.read(xlsx(), "a.xlsx", [FORM])
        monkeypatch.delenv("PYTHONPATH")
        assert numbers(one.read(xlsx(), "a.xlsx", [FORM])) == VALUES


def test_the_child_has_no_keys_and_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZONG_TOKEN_KEYS", "secret")
    with ReadWorker() as one:
        one.read(b"%PDF", "a", [FORM])
        child = psutil.Process(one.pid)
        assert "HUIZONG_TOKEN_KEYS" not in child.environ()
    assert not child.is_running()


def test_the_child_starts_quickly_and_without_pandas() -> None:
    heavy = ("pandas", "openpyxl", "docx", "sqlalchemy")
    code = f"import sys, huizong.readers.child; print([m for m in {heavy} if m in sys.modules])"
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < 0.6


@pytest.mark.parametrize(
    "answer",
    [
        b"null",
        b'{"unpacked":1}',
        b'{"unpacked":{"kind":"zip"},"names":5}',
        b'{"unpacked":{"kind":"zip"},"names":["a"]}',  # and then no bytes
        b"[" * 50_000,
    ],
)
def test_a_child_that_was_taken_over_costs_only_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    program = tmp_path / "child.py"
    program.write_text(
        "from multiprocessing.connection import Connection\n"
        "asked, told = Connection(0, writable=False), Connection(1, readable=False)\n"
        "told.send_bytes(b'ready')\n"
        "asked.recv_bytes(), asked.recv_bytes()\n"
        f"told.send_bytes({answer!r})\n"
    )
    taken_over = tmp_path / "python"
    taken_over.write_text(f"#!/bin/sh\nexec {sys.executable} {program}\n")
    taken_over.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(taken_over))
    with ReadWorker() as worker:
        assert worker.read(b"a,b\n1,2\n", "a.csv", [FORM]).reason == CRASHED
    with ReadWorker() as worker:
        assert worker.unpack(b"PK\x03\x04", "a.zip").reason == NOT_UNPACKED
