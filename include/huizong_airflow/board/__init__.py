"""The board (统计任务看板): what stands where, read-only, inside Airflow's UI and behind its login."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PREFIX = "/huizong"


async def board(scope: Scope, receive: Receive, send: Send) -> None:
    """The application, loaded at the first request: every Airflow process imports the plugins, and only
    the server, which has most of what it needs already, should pay for this one.
    """
    from huizong_airflow.board.app import app

    await app(scope, receive, send)
