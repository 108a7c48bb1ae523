"""`health`: looks every ten minutes for what has stopped, and sends the alarms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import DAG, CronTriggerTimetable, task

from huizong_airflow.clock import as_of
from huizong_airflow.context import open_context
from huizong_airflow.manuals import manual
from huizong_airflow.policy import DEFAULT_ARGS

ZONE = "Asia/Shanghai"


def check() -> list[str]:
    """Raise and end troubles, let go of strangers' old mail, and note that the scheduler is alive."""
    from huizong.stages.health import check_health
    from huizong.stages.retention import forget_strangers
    from huizong.stages.vitals import beat

    ctx = open_context()
    found = check_health(ctx)
    forget_strangers(ctx)
    with ctx.ledger.write() as session:
        beat(session, ctx.clock.now())
    for name in found:
        ctx.say(f"告警未解除：{name}")
    return found


def send() -> dict[str, Any]:
    """Send the alarms that are queued; nothing else goes out from here."""
    from huizong.stages.alarms import OPERATOR
    from huizong.stages.send import send

    result = send(open_context(), [OPERATOR], as_of(ZONE))
    return {name: result[name] for name in ("sent", "failed", "left")}


def health_dag() -> DAG:
    with DAG(
        "health",
        dag_display_name="健康检查·告警",
        description="每 10 分钟检查收信、发信、定义、磁盘，发出告警",
        doc_md=manual("health", live=True),
        tags=["健康检查", "告警", "health"],
        schedule=CronTriggerTimetable("*/10 * * * *", timezone=ZONE),
        start_date=pendulum.datetime(2020, 1, 1, tz=ZONE),
        catchup=False,
        max_active_runs=1,
        # The clock comes again soon; a run that waits for its retry would hold it up.
        default_args=DEFAULT_ARGS | {"retries": 0, "execution_timeout": timedelta(minutes=10)},
        is_paused_upon_creation=False,
    ) as dag:
        task(task_display_name="检查")(check)() >> task(task_display_name="发出告警")(send)()
    return dag
