"""The domain's context as Airflow gives it: connections, environment, clock, log."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Literal

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from huizong.connections import MailServer, mail_server
from huizong.home import Home

if TYPE_CHECKING:
    from huizong.stages.context import Context

log = logging.getLogger("huizong")


class AirflowConnections:
    """Implements `huizong.connections.Connections` with Airflow's: secrets backend, environment, database."""

    def get(self, connection_id: str) -> MailServer | None:
        try:
            return as_mail_server(connection_id, Connection.get(connection_id))
        except AirflowNotFoundException:
            return None


async def imap_server(connection_id: str) -> MailServer | None:
    """The same inside the triggerer's event loop."""
    try:
        return as_mail_server(connection_id, await Connection.async_get(connection_id))
    except AirflowNotFoundException:
        return None


def as_mail_server(connection_id: str, connection: Connection) -> MailServer:
    purpose: Literal["imap", "smtp"] = "imap" if connection_id.endswith("_imap") else "smtp"
    return mail_server(
        purpose,
        connection.host,
        connection.port,
        connection.login,
        connection.password,
        connection.extra_dejson,
    )


def home() -> Home:
    return Home.from_environment(os.environ)


def open_context() -> Context:
    """What every stage function takes; brings the ledger's tables up to date first.

    Imported here and not above: a DAG file is parsed by every task process, and the ledger costs time.
    """
    from huizong.stages import context
    from huizong_machine.clock import SystemClock

    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # it tells of its own decorators
    return context.open_context(home(), SystemClock(), AirflowConnections(), say=log.info)
