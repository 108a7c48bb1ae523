"""Opening the ledger: SQLite (default) or PostgreSQL by one URL, transactions, locks, migrations."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from huizong.errors import OperatorError, TransientError, UsageError

BUSY_SECONDS = 30
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class LockBusyError(TransientError):
    """Somebody else is at it; run again later."""


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except ArgumentError as e:
        raise UsageError(
            "HUIZONG_DATABASE_URL 看不懂，写成 sqlite:////路径/ledger.sqlite3 或 postgresql://用户:密码@服务器/库名。"
        ) from e
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, json_serializer=_json)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed, pool_pre_ping=True, json_serializer=_json)


def _json(value: Any) -> str:
    """What PostgreSQL takes for text, too: it stores an escaped NUL or half a pair, and cannot read it."""
    return json.dumps(_textual(value))


def _textual(value: Any) -> Any:
    if isinstance(value, str):
        return _NO_TEXT.sub("\ufffd", value) if _NO_TEXT.search(value) else value
    if isinstance(value, dict):
        return {_textual(key): _textual(held) for key, held in value.items()}
    return [_textual(held) for held in value] if isinstance(value, list | tuple) else value


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and then writes fails at once when another has written
    # meanwhile, whatever the time-out: writers take the lock at the start.
    writes = connection.get_execution_options().get("huizong_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@dataclass(frozen=True)
class Ledger:
    """`read()` and `write()` give sessions; no transaction may span the network, a parser or a child."""

    url: str
    locks: Path

    @cached_property
    def engine(self) -> Engine:
        return _engine(self.url)

    @cached_property
    def _writer(self) -> Engine:
        return self.engine.execution_options(huizong_writes=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads."""
        with _outside(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when the block ends well, and rolls back when it does not."""
        with _outside(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def lock(self, name: str, *, wait: bool = False) -> Iterator[Callable[[], None]]:
        """Hold a lock that dies with its process: `flock` beside SQLite, an advisory lock in PostgreSQL.

        What it gives, when called, raises TransientError if the lock is held no more: PostgreSQL's is lost
        with its connection.

        Raises:
            LockBusyError: another process holds it and `wait` is false.
        """
        if self.engine.dialect.name == "postgresql":
            with self._advisory_lock(name, wait=wait) as still_held:
                yield still_held
            return
        self.locks.mkdir(parents=True, exist_ok=True)
        with (self.locks / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock").open("w") as f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                raise LockBusyError(f"另一个进程正在处理 {name}，请稍后再试。") from e
            yield lambda: None

    @contextmanager
    def _advisory_lock(self, name: str, *, wait: bool) -> Iterator[Callable[[], None]]:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with _outside(), self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            if wait:
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            elif not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
                raise LockBusyError(f"另一个进程正在处理 {name}，请稍后再试。")
            try:
                yield lambda: _stop_if_lost(connection, name)
            finally:
                try:
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
                except SQLAlchemyError:  # the connection is broken, and the lock gone with it
                    connection.invalidate()

    def migrate(self) -> None:
        """Bring the tables up to the newest revision; cheap when they are there already."""
        from huizong.ledger.migrations import HEAD

        with _outside():
            if self._revision() == HEAD:
                return
            with self.lock("migrate", wait=True):
                if self._revision() != HEAD:
                    _upgrade(self.engine)

    def _revision(self) -> str | None:
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _stop_if_lost(connection: Connection, name: str) -> None:
    try:
        connection.execute(text("SELECT 1"))
    except SQLAlchemyError as e:  # also from then on: the connection stays as it broke
        raise TransientError(f"数据库连接中断，{name} 的锁已失去，请重新运行。") from e


def _upgrade(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "huizong.ledger:migrations")
    # The writer's transaction: on SQLite a schema change, too, takes the lock at the start.
    with engine.execution_options(huizong_writes=True).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _outside() -> Iterator[None]:
    """A database that is away or busy is a trouble outside: the same call may simply be made again."""
    try:
        yield
    except OperationalError as e:
        if not _is_away(e):
            raise  # what was asked of it is at fault, and would be again
        raise TransientError(f"数据库暂时无法使用：{e.orig}") from e
    except DBAPIError as e:
        if e.connection_invalidated:
            raise TransientError(f"数据库连接中断：{e.orig}") from e
        if type(e) is DatabaseError:  # SQLite's word for a file that is damaged or none of its own
            raise OperatorError(f"数据库文件已损坏，请从备份恢复：{e.orig}") from e
        raise


# Classes of PostgreSQL's states: connection, conflict, resources, state of an object, intervention, system.
_AWAY = ("08", "40", "53", "55", "57", "58")


def _is_away(error: OperationalError) -> bool:
    """Whether the database cannot work now, and not: cannot do what it was asked (too many variables)."""
    if error.connection_invalidated:
        return True
    if (name := getattr(error.orig, "sqlite_errorname", None)) is not None:
        return name != "SQLITE_ERROR" and not name.startswith("SQLITE_TOOBIG")
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in _AWAY
