"""A PostgreSQL of its own for the tests, from the system's packages, gone when they are over."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if not found:
        pytest.fail("PostgreSQL's server programs are missing: apt-get install postgresql")
    return found[-1].parent


def _as_server_user(*command: str | Path) -> None:
    """The server refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *map(str, command)], check=True, capture_output=True, timeout=60, cwd="/")


@contextmanager
def cluster() -> Iterator[Callable[[], str]]:
    """A cluster on a Unix socket; each call gives the URL of a fresh database in it."""
    programs = _binaries()
    place = Path(tempfile.mkdtemp(prefix="hz-pg-"))  # short: a socket's path has 107 characters
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(place, owner.pw_uid, owner.pw_gid)
    data, options = place / "data", f"-k {place} -c listen_addresses='' -c fsync=off"
    _as_server_user(
        programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"
    )
    _as_server_user(programs / "pg_ctl", "-D", data, "-o", options, "-l", place / "log", "-w", "start")
    numbers = count(1)

    def fresh() -> str:
        name = f"ledger{next(numbers)}"
        with psycopg.connect(f"host={place} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return f"postgresql://postgres@/{name}?host={place}"

    try:
        yield fresh
    finally:
        _as_server_user(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)
