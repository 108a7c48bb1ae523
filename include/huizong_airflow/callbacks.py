"""A task that failed for good is a trouble of its own, `task:<dag>:<task>`; its next success ends it.

Airflow runs these in the task's process, after the last retry and after the success. A trouble is one however
many runs fail: a channel's clock comes again every few minutes. Airflow's own notifiers are not used, because
`SmtpNotifier` sends up to six times.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from huizong.errors import TransientError
from huizong_airflow.context import open_context

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)
_LONGEST = 500  # characters of an error's sentence, in a letter


def tell_failure(context: Mapping[str, Any]) -> None:
    """`on_failure_callback` of every task."""
    try:
        _raise(context)
    except Exception:  # the task has failed already, and says why in its own log
        log.exception("告警未能记录")


def tell_success(context: Mapping[str, Any]) -> None:
    """`on_success_callback` of every task."""
    try:
        _end(context)
    except Exception:
        log.exception("告警未能解除")


def _raise(context: Mapping[str, Any]) -> None:
    from huizong.stages.alarms import raise_alarm

    error, task = context.get("exception"), context["task"]
    if _is_told_otherwise(error, task):
        return
    title, label = task.dag.dag_display_name, task.task_display_name or task.task_id
    ctx = open_context()
    with ctx.ledger.write() as session:
        raise_alarm(
            ctx, session, _name(task), f"流程“{title}”失败",
            f"任务“{label}”（{task.dag_id} / {task.task_id}）已不再重试。",
            f"原因：{_sentence(error)}",
            "请在 Airflow 页面打开该流程中变红的任务，日志最后一行写明原因和办法；"
            "改正后清除（Clear）该任务即可，重复运行不会重复发信。",
        )  # fmt: skip


def _end(context: Mapping[str, Any]) -> None:
    from huizong.stages.alarms import end_alarm, open_trouble

    name = _name(context["task"])
    ctx = open_context()
    with ctx.ledger.read() as session:
        if open_trouble(session, name) is None:
            return
    with ctx.ledger.write() as session:
        end_alarm(ctx, session, name, "该任务已再次运行成功。")


def _is_told_otherwise(error: object, task: Any) -> bool:
    """A stopped account has an alarm of its own; a server that is away for some minutes is no alarm where the
    clock comes again in minutes, and after an hour the health check says so."""
    from huizong.stages.accounts import StoppedError

    by_the_clock = bool({"渠道", "告警"} & set(task.dag.tags))
    return isinstance(error, StoppedError) or (by_the_clock and isinstance(error, TransientError))


def _name(task: Any) -> str:
    return f"task:{task.dag_id}:{task.task_id}"


def _sentence(error: object) -> str:
    if error is None:
        return "进程中断（机器重启、内存不足或超时）。"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
