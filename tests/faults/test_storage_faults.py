"""A full disk, a locked database, a database that goes away: what had come is kept, the rest comes later."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from mailbed import FaultySmtp
from postgres import _as_server_user, _binaries, cluster

from faults.bed import Bed, count_letters, count_mails, made, mail, message_ids
from faults.killing import LOTS
from faults.table import Count
from faults.test_imap_faults import filled
from huizong.ledger import engine
from huizong_demo.mailserver import EmbeddedMailServer

pytestmark = pytest.mark.slow

RAWS = [mail(n, text="说明。" * 2000) for n in range(40)]
TRIES = 4
LOCKED = (
    1.0  # seconds; whoever meets the lock waits a fifth of that: a minute and its thirty seconds, in small
)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedMailServer]:
    running = filled(RAWS)
    yield running
    running.stop()


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """A disk of its own for the folder `place`."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True
    )
    assert done.returncode == 0, f"a disk to be filled needs root and the right to mount: {done.stderr}"
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_disk_full(
    server: EmbeddedMailServer, three: Path, tmp_path: Path, counted: Callable[[str], Count]
) -> None:
    count = counted("disk full while storing")
    for number in range(TRIES):
        with small_disk(tmp_path / f"disk{number}", "32m") as disk:
            bed = Bed.copied(three, disk / "home").connect(imap=server.imap_port)
            ballast = fill_up(disk, leaving=LOTS.randint(20_000, 500_000))
            count.tries += not bed.take_in()
            ballast.unlink()
            bed.until_taken_in()
            count_mails(count, RAWS, bed.stored())
            bed.close()
    assert count.tries >= 2
    assert (count.lost, count.doubled) == (0, 0)


def fill_up(disk: Path, leaving: int) -> Path:
    """A file that takes all of a disk but so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - leaving)
    return ballast


def test_database_locked_while_receiving(
    server: EmbeddedMailServer,
    three: Path,
    beds: Callable[[Path], Bed],
    counted: Callable[[str], Count],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", LOCKED / 5)
    count = counted("database locked while receiving")
    for _ in range(TRIES):
        bed = beds(three).connect(imap=server.imap_port)
        with closing(Lock(bed)) as lock:
            threading.Timer(LOTS.uniform(0, 0.5), lock.take).start()
            count.tries += not bed.take_in()
        bed.until_taken_in()
        count_mails(count, RAWS, bed.stored())
        bed.close()
    assert count.tries >= 2
    assert (count.lost, count.doubled) == (0, 0)


class Lock:
    """Another program that holds the ledger for a while."""

    def __init__(self, bed: Bed) -> None:
        self._path = urlsplit(bed.ctx.ledger.url).path.replace("//", "/")
        self._done = threading.Event()
        self.taken = 0

    def take(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            self.taken += 1
            time.sleep(LOCKED)
            connection.execute("ROLLBACK")
        self._done.set()

    def close(self) -> None:
        assert self._done.wait(20)


class Struck(list[bytes]):
    """The mails that a server took; something happens at each, before the server says so."""

    def __init__(self, strike: Callable[[], object]) -> None:
        super().__init__()
        self._strike = strike

    def append(self, raw: bytes) -> None:
        super().append(raw)
        self._strike()


def test_database_locked_while_sending(
    three: Path,
    beds: Callable[[Path], Bed],
    counted: Callable[[str], Count],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", LOCKED / 5)
    count = counted("database locked when a letter was taken")
    for _ in range(TRIES):
        with FaultySmtp("ok") as smtp:
            bed = beds(three).connect(smtp=smtp.port)
            lock = Lock(bed)

            def strike(lock: Lock = lock) -> None:
                held = lock.taken
                threading.Thread(target=lock.take, daemon=True).start()
                while lock.taken == held:
                    time.sleep(0.01)

            smtp.accepted = Struck(strike)
            bed.send()
            smtp.accepted = list(smtp.accepted)
            lock.close()
            count.tries += lock.taken
            bed.until_sent()
            count_letters(count, bed.rows(), message_ids(smtp.accepted))
            bed.close()
    assert (count.lost, count.doubled) == (0, 0)


@pytest.fixture(scope="module")
def databases() -> Iterator[Callable[[], str]]:
    with cluster() as fresh:
        yield fresh


def restart(url: str) -> None:
    """The database server dies and comes back, a second later."""
    place = Path(parse_qs(urlsplit(url).query)["host"][0])
    program = _binaries() / "pg_ctl"
    _as_server_user(program, "-D", place / "data", "-l", place / "log", "-m", "immediate", "-w", "restart")


def on_postgres(url: str, home: Path, **ports: int) -> Bed:
    environ = {"HUIZONG_DATABASE_URL": url}
    made(home, 3, environ)
    return Bed(home, environ).connect(**ports)


def test_database_restarted_while_receiving(
    server: EmbeddedMailServer,
    databases: Callable[[], str],
    tmp_path: Path,
    counted: Callable[[str], Count],
) -> None:
    count = counted("PostgreSQL restarted while receiving")
    for number in range(TRIES):
        url = databases()
        bed = on_postgres(url, tmp_path / f"home{number}", imap=server.imap_port)
        strike = threading.Timer(LOTS.uniform(0, 0.6), restart, [url])
        strike.start()
        count.tries += not bed.take_in()
        strike.join()
        bed.until_taken_in()
        count_mails(count, RAWS, bed.stored())
        bed.close()
    assert count.tries >= 2
    assert (count.lost, count.doubled) == (0, 0)


def test_database_restarted_while_sending(
    databases: Callable[[], str], tmp_path: Path, counted: Callable[[str], Count]
) -> None:
    count = counted("PostgreSQL restarted when a letter was taken")
    for number in range(TRIES):
        url = databases()
        with FaultySmtp("ok") as smtp:
            bed = on_postgres(url, tmp_path / f"home{number}", smtp=smtp.port)
            smtp.accepted = Struck(lambda url=url: restart(url))
            bed.send()
            count.tries += len(smtp.accepted)
            smtp.accepted = list(smtp.accepted)
            bed.until_sent()
            count_letters(count, bed.rows(), message_ids(smtp.accepted))
            bed.close()
    assert (count.lost, count.doubled) == (0, 0)
