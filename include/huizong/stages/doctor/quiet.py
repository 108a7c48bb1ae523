"""What an outside health check asks: no network but the database, nothing written, quick to start.

It also sees what the system cannot tell by itself: that its scheduler is dead.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from huizong.clock import Clock
from huizong.errors import HuizongError
from huizong.home import Home
from huizong.ledger.engine import Ledger
from huizong.ledger.upkeep import Trouble
from huizong.stages.alarms import open_troubles
from huizong.stages.doctor.model import Check, sentence
from huizong.stages.vitals import SILENT, full_disks, last_beat


def quiet_checks(home: Home, clock: Clock) -> list[Check]:
    """Database, disks, heartbeat, open troubles."""
    checks = [Check("disk", False, line) for line in full_disks(home)]
    try:
        checks += ledger_checks(home, clock)
    except (HuizongError, SQLAlchemyError, OSError) as e:
        checks.append(Check("database", False, f"数据库无法读取：{' '.join(str(e).split())}"))
    return checks


def ledger_checks(home: Home, clock: Clock) -> list[Check]:
    """What the ledger says: the heartbeat and the open troubles.

    Raises:
        HuizongError: it cannot be read.
    """
    if _is_absent(home):
        return [Check("database", False, f"没有数据库 {home.database_url}，请核对 HUIZONG_HOME。")]
    with Ledger(home.database_url, home.path / "locks").read() as session:
        beat, troubles = last_beat(session), open_troubles(session)
    now = clock.now()
    return [
        _heartbeat(home, beat, now),
        *(Check(f"trouble:{t.name}", False, _told(t)) for t in troubles),
    ]


def _told(trouble: Trouble) -> str:
    return f"{trouble.title}：{''.join(sentence(str(line)) for line in trouble.lines)}"


def _is_absent(home: Home) -> bool:
    """Opening SQLite would make the file."""
    try:
        url = make_url(home.database_url)
    except ArgumentError:
        return False
    return url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).is_file())


def _heartbeat(home: Home, beat: datetime | None, now: datetime) -> Check:
    if beat is not None and now - beat <= SILENT:
        return Check("heartbeat", True, "调度程序在运行。")
    if not _anything_live(home, now):
        return Check("heartbeat", True, "没有已启用（live: true）的统计任务，无需定时运行。")
    since = "从未运行" if beat is None else f"已停 {int((now - beat).total_seconds() // 60)} 分钟"
    return Check(
        "heartbeat", False, f"Airflow 流程 health {since}：请查看调度程序是否在运行，流程是否被暂停。"
    )


def _anything_live(home: Home, now: datetime) -> bool:
    """Loads definitions: only where the heartbeat is not there to say it."""
    from huizong.stages.health import is_running, load_cycles

    return any(is_running(loaded, now) for loaded in load_cycles(home)[0].values())
