"""The ledger on SQLite and on PostgreSQL: migrations, writers, locks, keys, and one whole cycle on each."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgres import cluster
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from huizong.errors import OperatorError, TransientError, UsageError
from huizong.ledger.editions import EditionTotal
from huizong.ledger.engine import Ledger, LockBusyError
from huizong.ledger.migrations import HEAD
from huizong.ledger.tables import Base, Delivery, Event, File, Location, Version
from huizong.ledger.types import Exact, Utc
from huizong.stages.status import trace
from office import COLLECTION, CYCLE, Office, honest

NOW = datetime(2022, 6, 20, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Callable[[], str]]:
    with cluster() as fresh_database:
        yield fresh_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    url: str = request.getfixturevalue("postgres")()
    return url


@pytest.fixture
def empty(database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(database_url, tmp_path / "locks")
    yield ledger
    ledger.engine.dispose()


@pytest.fixture
def ledger(empty: Ledger) -> Ledger:
    empty.migrate()
    return empty


def child(ledger: Ledger, body: str) -> subprocess.Popen[str]:
    """Another process with the same ledger at hand."""
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom huizong.ledger.engine import Ledger\n"
        f"ledger = Ledger({ledger.url!r}, Path({str(ledger.locks)!r}))\n{body}"
    )
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


# --- migrations ------------------------------------------------------------------------------------------


def test_the_migrations_make_exactly_the_tables(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_head_is_the_newest_script(ledger: Ledger) -> None:
    config = Config()
    config.set_main_option("script_location", "huizong.ledger:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    with ledger.engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_heads() == (HEAD,)


def test_migrating_again_changes_nothing(ledger: Ledger) -> None:
    with ledger.write() as session:
        session.add(Event(key="a", recorded_at=NOW, kind="k", data={}))
    ledger.migrate()
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 1


@pytest.mark.parametrize("back_to", ["0003", "0002", "0001"])
def test_the_newest_steps_can_be_taken_back_with_mail_there(ledger: Ledger, back_to: str) -> None:
    delivery = Delivery(
        channel="c", kind="mail", received_at=NOW, stored_at=NOW, sender="a", subject="b", via="fax"
    )
    with ledger.write() as session:
        session.add(delivery)
        session.flush()
        session.add(Location(channel="c", place="p", mark="1", delivery_id=delivery.id, size=1))
        file = File(
            delivery_id=delivery.id, name="a", digest="b", size=1, kind="k", disposition="return", reason="",
            witnesses={},
        )  # fmt: skip
        session.add(file)
        session.flush()
        session.add(
            Version(
                cycle="c", collection="c", unit="u", part="p", number=1, file_id=file.id, form=0, status="s",
                delivery_id=delivery.id, received_at=NOW, from_registered=True,
            )
        )  # fmt: skip
    config = Config()
    config.set_main_option("script_location", "huizong.ledger:migrations")
    with ledger.engine.execution_options(huizong_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, back_to)
    ledger.migrate()
    with ledger.read() as session:
        assert session.scalars(select(Location.delivery_id)).all() == [delivery.id]
        assert session.scalars(select(Version.file_id).join(File)).all() == [file.id]


def test_processes_that_meet_an_empty_database_at_once_all_find_it_ready(empty: Ledger) -> None:
    children = [child(empty, "ledger.migrate()") for _ in range(4)]
    assert [c.wait(60) for c in children] == [0, 0, 0, 0]
    test_the_migrations_make_exactly_the_tables(empty)


# --- writers ---------------------------------------------------------------------------------------------


def test_writers_that_read_first_all_succeed(ledger: Ledger) -> None:
    """On SQLite a deferred transaction would fail here at once, whatever its time-out."""
    start = threading.Barrier(4)

    def work(worker: int) -> None:
        start.wait()
        for n in range(10):
            with ledger.write() as session:
                seen = session.scalar(select(func.count()).select_from(Event)) or 0
                session.add(Event(key=f"{worker}.{n}", recorded_at=NOW, kind="k", data={"seen": seen}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with ledger.read() as session:
        seen = [data["seen"] for data in session.scalars(select(Event.data).order_by(Event.id))]
    assert len(seen) == 40
    if ledger.engine.dialect.name == "sqlite":
        assert seen == list(range(40))  # one after another


def test_a_failed_write_leaves_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.write() as session:
            session.add(Event(key="a", recorded_at=NOW, kind="k", data={}))
            session.flush()
            raise RuntimeError("killed here")

    with pytest.raises(RuntimeError):
        fail()
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 0


# --- locks -----------------------------------------------------------------------------------------------


def test_a_lock_excludes_another_process_and_dies_with_it(ledger: Ledger) -> None:
    holder = child(ledger, "with ledger.lock('x'):\n    print('held', flush=True)\n    time.sleep(60)")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockBusyError, match="x"), ledger.lock("x"):
            pass
        with ledger.lock("y"):  # another name is another lock
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        with ledger.lock("x", wait=True):
            pass
    finally:
        holder.kill()
        holder.communicate()


def test_who_waits_gets_the_lock_when_the_holder_is_done(ledger: Ledger) -> None:
    order: list[str] = []
    held = threading.Event()

    def hold() -> None:
        with ledger.lock("x"):
            held.set()
            waiter.start()
            waiter.join(0.3)
            order.append("first")

    def wait() -> None:
        with ledger.lock("x", wait=True):
            order.append("second")

    waiter = threading.Thread(target=wait)
    hold()
    waiter.join(10)
    assert order == ["first", "second"]


def test_a_lock_is_free_after_an_error_inside(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.lock("x"):
        raise RuntimeError
    with ledger.lock("x"):
        pass


# --- keys ------------------------------------------------------------------------------------------------


def a_row(table: sa.Table, identity: int) -> dict[str, Any]:
    """The same content every time; only an `id` that stands for nothing else differs."""
    row: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            row[column.name] = 1
        elif column.primary_key and isinstance(column.type, sa.Integer):
            row[column.name] = identity
        elif isinstance(column.type, Exact):
            row[column.name] = Decimal("1.5")
        elif isinstance(column.type, Utc):
            row[column.name] = NOW
        elif isinstance(column.type, sa.JSON):
            row[column.name] = {}
        elif isinstance(column.type, sa.Boolean):
            row[column.name] = True
        else:
            row[column.name] = 1 if isinstance(column.type, sa.Integer) else "x"
    return row


# What may stand there twice; everything else is a fact that is recorded once.
MAY_REPEAT = {"delivery", "file", "finding", "decision", "keying", "attempt", "suppression"}


def test_every_fact_that_happens_once_has_a_key(ledger: Ledger) -> None:
    repeated = set()
    with ledger.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(insert(table).values(a_row(table, 1)))
    for table in Base.metadata.sorted_tables:
        try:
            with ledger.engine.begin() as connection:
                connection.execute(insert(table).values(a_row(table, 2)))
            repeated.add(table.name)
        except IntegrityError:
            pass
    assert repeated == MAY_REPEAT


def test_what_refers_to_nothing_is_refused(ledger: Ledger) -> None:
    row = a_row(Base.metadata.tables["value"], 1)
    with pytest.raises(IntegrityError), ledger.engine.begin() as connection:
        connection.execute(insert(Base.metadata.tables["value"]).values(row))


def test_figures_and_instants_come_back_as_they_were(ledger: Ledger) -> None:
    figure = Decimal("123456789012345678901234567890.0001")
    with ledger.engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(insert(table).values(a_row(table, 1)))
    with ledger.write() as session:
        session.get_one(EditionTotal, 1).total = figure
    with ledger.read() as session:
        assert session.get_one(EditionTotal, 1).total == figure
        moment = session.get_one(Event, 1).recorded_at
        assert moment == NOW
        assert moment.tzinfo is UTC


# --- troubles outside --------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_a_trouble_outside(tmp_path: Path) -> None:
    away = Ledger(f"postgresql://postgres@/x?host={tmp_path}", tmp_path / "locks")
    with pytest.raises(TransientError, match="数据库"):
        away.migrate()
    with pytest.raises(TransientError, match="数据库"), away.lock("x"):
        pass
    with pytest.raises(TransientError, match="数据库"), away.read() as session:
        session.scalar(select(1))


def test_a_url_that_is_none_says_what_to_write(tmp_path: Path) -> None:
    for wrong in ("ledger", "oracle2://x/y"):
        with pytest.raises(UsageError, match="HUIZONG_DATABASE_URL"):
            Ledger(wrong, tmp_path).migrate()


def test_a_damaged_file_needs_a_person(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_text("no database at all" * 100, encoding="utf-8")
    with pytest.raises(OperatorError, match="从备份恢复"):
        Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", tmp_path).migrate()


# --- one whole cycle ---------------------------------------------------------------------------------

A, B = "410721", "410724"


def whole_cycle(office: Office) -> dict[str, Any]:
    """Issue to trace, each stage twice; what a user would notice of it."""
    told: dict[str, Any] = {}
    for n in ("1", "2"):
        told[f"issue {n}"] = office.issue()["letters"]
    office.hand_in(A, honest(1) | {"funding.other": Decimal("0.1")})
    office.hand_in(B, honest(2) | {"public.online": "约5万"})
    for n, moment in (("1", "2022-06-10T10:00"), ("2", "2022-06-11T10:00")):
        told[f"receive {n}"] = office.receive_folder(moment)
        told[f"validate {n}"] = office.validate(moment)
    office.hand_in(B, honest(2) | {"funding.other": Decimal("0.2")}, "统计表（更正）.xlsx")
    told["correction"] = office.receive_folder("2022-06-12T10:00"), office.validate("2022-06-12T10:05")
    for n in ("1", "2"):
        told[f"chase {n}"] = office.chase("2022-06-21T09:00")
    for n in ("1", "2"):
        summary = office.assemble("2022-07-10T09:00", "final")
        told[f"assemble {n}"] = {k: v for k, v in summary.items() if k != "files"}
    told["trace"] = {s["unit"]: s["value"] for s in trace(office.ctx, CYCLE, "funding.other")["sources"]}
    told["letters"] = [
        (x["kind"], x["unit"], x["to"], x["subject"], x["message_id"]) for x in office.letters()
    ]
    told["units"] = [office.unit(code) for code in (A, B)]
    return told


@pytest.mark.slow
def test_a_whole_cycle_comes_to_the_same_on_both(tmp_path: Path, postgres: Callable[[], str]) -> None:
    on_sqlite = whole_cycle(Office(tmp_path / "sqlite"))
    on_postgres = whole_cycle(Office(tmp_path / "postgres", {"HUIZONG_DATABASE_URL": postgres()}))
    assert on_postgres == on_sqlite
    totals = on_postgres["assemble 1"]["totals"][COLLECTION]["activity-week-statistics@2022"]
    assert totals["funding.other"] == "0.3"
    assert on_postgres["trace"] == {A: "0.1", B: "0.2"}
    assert on_postgres["assemble 1"] == on_postgres["assemble 2"]
    assert on_postgres["assemble 1"]["coverage"][COLLECTION]["returned"] == 2
    assert on_postgres["receive 2"]["files"] == 0
    assert on_postgres["chase 1"]["rungs"] == {"overdue": 44}
    assert on_postgres["chase 2"]["rungs"] == {}
