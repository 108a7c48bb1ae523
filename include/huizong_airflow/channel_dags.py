"""`receive.<channel>` and `send.<channel>`: one pair a mailbox, however many cycles use it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, DeltaTriggerTimetable, task

from huizong.connections import connection_id
from huizong.definition.load import LoadedCycle
from huizong.errors import UsageError
from huizong_airflow.assets import ARRIVALS, announce, arrivals, incoming, letters
from huizong_airflow.clock import as_of, as_of_param
from huizong_airflow.context import open_context
from huizong_airflow.cycle_tasks import opened
from huizong_airflow.manuals import manual
from huizong_airflow.policy import CHANNEL_ARGS
from huizong_airflow.watchers import FolderTrigger, ImapIdleTrigger

ZONE = "Asia/Shanghai"  # where no cycle is named
EVERY = os.environ.get("HUIZONG_RECEIVE_EVERY") or "*/5 * * * *"
START = pendulum.datetime(2020, 1, 1, tz=ZONE)  # fixed: a moving date would make a new DAG version each parse


@dataclass(frozen=True)
class ChannelUse:
    """A channel with what the cycles that use it say of it."""

    code: str
    folder: str | None
    live: bool
    cycles: tuple[str, ...]
    titles: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """Which cycles it serves, in words."""
        lines = [f"- 《{title}》（{code}）" for code, title in zip(self.cycles, self.titles, strict=True)]
        return "\n".join(["使用本渠道的统计任务：", "", *lines])


def channels_of(cycles: Iterable[LoadedCycle]) -> list[ChannelUse]:
    """Every channel of the cycles, once; live when a live cycle uses it."""
    found: dict[str, ChannelUse] = {}
    for cycle in (loaded.cycle for loaded in cycles):
        for code, channel in cycle.channels.items():
            known = found.get(code)
            if known is None:
                found[code] = ChannelUse(code, channel.folder, cycle.live, (cycle.code,), (cycle.title,))
                continue
            # A live cycle's word on where the folder is goes over an archived one's.
            folder = channel.folder if cycle.live else known.folder
            found[code] = ChannelUse(
                code, folder, cycle.live or known.live,
                (*known.cycles, cycle.code), (*known.titles, cycle.title),
            )  # fmt: skip
    return [found[code] for code in sorted(found)]


def clock(every: str) -> CronTriggerTimetable | DeltaTriggerTimetable:
    """`HUIZONG_RECEIVE_EVERY`: a cron expression, or seconds written as `15s`.

    Raises:
        UsageError: it is neither.
    """
    if match := re.fullmatch(r"(\d+)s", every):
        return DeltaTriggerTimetable(timedelta(seconds=int(match[1])))
    if len(every.split()) != 5:
        raise UsageError(f"HUIZONG_RECEIVE_EVERY 应为 cron 表达式或如 15s 的秒数，而不是“{every}”。")
    return CronTriggerTimetable(every, timezone=ZONE)


def receive(channel: str, cycles: list[str]) -> dict[str, Any]:
    """Take in what is there, and announce the cycles for which something was stored."""
    from huizong.stages.receive import receive

    result = receive(opened(*cycles), [channel], as_of(ZONE))
    announce(ARRIVALS, [arrivals(cycle) for cycle in result["cycles"]])
    return {name: result[name] for name in ("messages", "files", "dispositions", "cycles")}


def send(channel: str) -> dict[str, Any]:
    """Send what is queued and allowed."""
    from huizong.stages.send import send

    result = send(open_context(), [channel], as_of(ZONE))
    return {name: result[name] for name in ("sent", "failed", "cancelled", "left")}


def channel_dags(channel: ChannelUse) -> list[DAG]:
    """`receive.<channel>`, and for a mailbox `send.<channel>`."""
    watcher = FolderTrigger(channel.folder) if channel.folder is not None else ImapIdleTrigger(channel.code)
    with _dag("receive", "收件", channel, incoming(channel.code, watcher)) as receiving:
        task(task_display_name="收取来件", outlets=[ARRIVALS])(receive)(channel.code, list(channel.cycles))
    if channel.folder is not None:
        return [receiving]
    with _dag("send", "发信", channel, letters(channel.code)) as sending:
        task(task_display_name="发出信件")(send)(channel.code)
    return [receiving, sending]


def _dag(verb: str, label: str, channel: ChannelUse, wakes: Any) -> DAG:
    return DAG(
        f"{verb}.{channel.code}",
        dag_display_name=f"{label}·{channel.code}",
        description=f"渠道 {channel.code}：{label}",
        doc_md=manual(
            verb,
            live=channel.live,
            about=channel.about,
            channel=channel.code,
            every=f"“{EVERY}”",
            connection=connection_id(channel.code, "imap").removesuffix("_imap"),
        ),
        tags=["渠道", channel.code, label],
        schedule=AssetOrTimeSchedule(timetable=clock(EVERY), assets=wakes) if channel.live else None,
        start_date=START,
        catchup=False,
        max_active_runs=1,
        params={"as_of": as_of_param(live=channel.live)},
        default_args=CHANNEL_ARGS,
        is_paused_upon_creation=False,
    )
