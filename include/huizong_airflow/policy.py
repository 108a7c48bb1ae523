"""What all tasks share: retries by kind of error, time limits, tags."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from huizong.errors import HuizongError, OperatorError, RejectedError, TransientError, UsageError
from huizong.ledger.engine import LockBusyError

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(LockBusyError, retry_delay=timedelta(seconds=30), reason="另一进程正在处理同一渠道"),
        RetryRule(TransientError, retry_delay=timedelta(minutes=5), reason="外部服务暂时不可用"),
        RetryRule(
            [UsageError, OperatorError, RejectedError],
            action=RetryAction.FAIL,
            reason="需要人工处理，重试无益",
        ),
        RetryRule(HuizongError, action=RetryAction.FAIL),
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "huizong",
    "retries": 3,
    "retry_delay": timedelta(minutes=2),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(hours=1),
}
