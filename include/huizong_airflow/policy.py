"""What all tasks share: retries by kind of error, time limits, alarms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from huizong.errors import HuizongError, TransientError
from huizong.ledger.engine import LockBusyError
from huizong_airflow.callbacks import tell_failure, tell_success


def _by_kind(outside: timedelta) -> ExceptionRetryPolicy:
    """Retry what may pass by itself, after `outside`; what needs a person fails at once."""
    return ExceptionRetryPolicy(
        rules=[
            RetryRule(LockBusyError, retry_delay=timedelta(seconds=30), reason="另一进程正在处理"),
            RetryRule(TransientError, retry_delay=outside, reason="外部服务暂时不可用"),
            RetryRule(HuizongError, action=RetryAction.FAIL, reason="需要人工处理，重试无益"),
        ]
    )


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "huizong",
    "retries": 3,
    "retry_delay": timedelta(minutes=2),
    "retry_policy": _by_kind(outside=timedelta(minutes=5)),
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": tell_failure,
    "on_success_callback": tell_success,
}

# A channel's clock comes again in minutes, and a run that waits for its retry holds it up.
CHANNEL_ARGS: dict[str, Any] = DEFAULT_ARGS | {
    "retries": 1,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": _by_kind(outside=timedelta(seconds=30)),
}
