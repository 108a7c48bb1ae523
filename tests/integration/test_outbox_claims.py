"""One claim of a letter, whatever becomes of the lock; and an answer that comes late still counts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mailbed import FaultySmtp
from outboxing import CHANNEL, NOW, account, connect, copies, drain, post, row
from postgres import cluster

from huizong.errors import TransientError
from huizong.ledger.tables import Letter
from huizong.stages.accounts import check_account
from huizong.stages.outbox import resolve
from huizong.stages.send import send
from huizong.stages.sending import Batch
from office import Office, at


@pytest.fixture
def on_postgres(tmp_path: Path) -> Iterator[tuple[Office, str]]:
    with cluster() as fresh:
        url = fresh()
        yield Office(tmp_path / "home", {"HUIZONG_DATABASE_URL": url}), url


def _cut_off(url: str) -> None:
    """End every connection to the database but this one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )


def test_postgres_gives_a_letter_to_one_process(
    on_postgres: tuple[Office, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, url = on_postgres
    with FaultySmtp("ok") as faulty:
        server = connect(office, faulty.port)
        # Two processes make the account's row in the same moment.
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: check_account(office.ctx, "smtp", server), range(4))) == [None] * 4

        (letter,) = post(office)
        both = threading.Barrier(2)
        held_back = Batch._is_held_back

        def meet(self: Batch, *args: Any) -> bool:
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(1)  # broken where one of them has to wait for the other's claim
            return held_back(self, *args)

        monkeypatch.setattr(Batch, "_is_held_back", meet)
        batches = [Batch(office.ctx, CHANNEL, server, at(NOW)) for _ in range(2)]  # neither has the lock
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda batch: batch.run(), batches))
        assert (len(faulty.accepted), row(office, letter).attempts) == (1, 1)
        monkeypatch.undo()

        # The lock is lost in the middle of a batch: what is in hand is ended, nothing more is begun.
        ids = post(office, 3)
        faulty.accepted = cutting = _Cutting(url)
        with pytest.raises(TransientError, match="锁"):
            send(office.ctx, [CHANNEL], at(NOW))
        assert [row(office, i).state for i in ids] == ["sent", "queued", "queued"]
        cutting.armed = False
        assert drain(office)["sent"] == 2
        assert set(copies(faulty).values()) == {1}
        assert account(office, server).stopped_at is None


class _Cutting(list[bytes]):
    """What a server accepted; with the first letter everybody loses the database."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.armed = url, True

    def append(self, raw: bytes) -> None:
        if self.armed:
            _cut_off(self.url)
        super().append(raw)


@pytest.mark.parametrize(("meanwhile", "state"), [("given up", "sent"), ("resend", "sent"), ("sent", "sent")])
def test_a_late_answer_settles_a_claim_that_was_given_up(
    office: Office, meanwhile: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        finish = Batch._finish

        def late(self: Batch, *args: Any) -> str:
            with office.ctx.ledger.write() as session:  # whoever took the lock meanwhile
                session.get_one(Letter, letter).state = "unknown"
            if meanwhile != "given up":
                resolve(office.ctx, letter, meanwhile, by="王芳", reason="已查")
            return finish(self, *args)

        monkeypatch.setattr(Batch, "_finish", late)
        assert drain(office)["sent"] == 1
        assert row(office, letter).state == state
        drain(office)
        assert len(faulty.accepted) == 1
