"""Business time inside a DAG run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import Param, get_current_context

from huizong.errors import UsageError


def as_of_param(*, live: bool = True, hint: str = "") -> Param:
    """The run parameter of rehearsals: what day it is to be taken for.

    Where nothing is live it must be given: an archived cycle taken for today's would remind of what was due
    years ago.
    """
    title = "业务时间 as_of"
    if live:
        said = f"演练或补做时填写；留空即为本次运行的实际开始时间。{hint}"
        return Param(None, type=["null", "string"], format="date-time", title=title, description=said)
    said = f"必填：把哪一天、哪一时刻当作“现在”来办理。{hint}"
    return Param(type="string", format="date-time", title=title, description=said)


def as_of(zone: str) -> datetime:
    """What day it is for this run, aware, in UTC: the run's parameter, else the run's real start.

    Not `run_after`, which under catch-up lies in the past; not the task's own start, which a retry moves.

    Raises:
        UsageError: the parameter is not an instant.
    """
    context = get_current_context()
    given = context["params"].get("as_of")
    if given:
        return parse_as_of(str(given), zone)
    start: Any = context["dag_run"].start_date
    if start is None:  # a run that has a running task has started
        raise RuntimeError("the DAG run has no start date")
    return datetime.fromtimestamp(start.timestamp(), UTC)


def parse_as_of(text: str, zone: str) -> datetime:
    """An ISO instant; without an offset it is time of the zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise UsageError(f"as_of 应写成 2022-06-21T09:00:00+08:00 的形式，而不是“{text}”。") from e
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
