"""What tells quickly whether the system is alive: the scheduler's heartbeat, and room on the disks.

Cheap to import: `huizong doctor --quiet` asks nothing else but the open troubles.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.orm import Session

from huizong.home import Home
from huizong.ledger.upkeep import Sweep

HEARTBEAT = "*health*"  # among the sweeps; no channel's code has a star
SILENT = timedelta(minutes=30)  # three runs of the DAG `health`
_GIB = 1 << 30
LEAST_FREE = _GIB  # bytes
_SHARE, _LARGE = 0.05, 20 * _GIB  # or a twentieth of the disk, which on a large one is plenty


def beat(session: Session, now: datetime) -> None:
    """Note that the scheduler is alive."""
    row = session.get(Sweep, HEARTBEAT) or Sweep(channel=HEARTBEAT, failures=0, reason="")
    row.ok_at = now
    session.add(row)


def last_beat(session: Session) -> datetime | None:
    row = session.get(Sweep, HEARTBEAT)
    return row.ok_at if row else None


def full_disks(home: Home) -> list[str]:
    """A line for each disk under the home and the store that is nearly full."""
    found: dict[int, str] = {}
    for place in filter(None, (home.path, _store_folder(home))):
        folder = next((p for p in (place, *place.parents) if p.exists()), None)
        if folder is None:
            continue
        usage = shutil.disk_usage(folder)
        least = max(LEAST_FREE, min(int(usage.total * _SHARE), _LARGE))
        if usage.free < least:
            found.setdefault(
                folder.stat().st_dev,
                f"{place} 所在磁盘只剩 {usage.free / _GIB:.1f} GiB（低于 {least / _GIB:.1f} GiB）。",
            )
    return list(found.values())


def _store_folder(home: Home) -> Path | None:
    parts = urlsplit(home.store_url)
    if "://" not in home.store_url:
        return Path(home.store_url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
