"""Watchers that run in the triggerer: they say that something came in, and nothing more.

The clock of `receive.<channel>` is what arrival rests on; a watcher only makes it quicker. So a watcher
never fails and never returns (Airflow would start it again every three seconds, unseen): what goes wrong is
logged, waited out and tried again, and while it cannot watch it is quiet.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from huizong.connections import connection_id
from huizong.errors import OperatorError
from huizong_airflow.context import home, imap_server

# Servers may end an IDLE after 30 minutes (RFC 2177 says to renew within 29); NATs do after about 5.
IDLE_SECONDS = 240
FIRST_PAUSE, LONGEST_PAUSE = 15, 900
# A server without IDLE, or no connection yet: look again whether that has changed.
UNWATCHABLE_PAUSE = 900
FOLDER_SECONDS = 2
# Upload tools write in steps: a folder is settled when it looks the same twice.
Look = frozenset[tuple[str, int, int]]


class ImapIdleTrigger(BaseEventTrigger):
    """Waits in IMAP IDLE for new mail in a channel's mailbox."""

    def __init__(self, channel: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.channel = channel

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("huizong_airflow.watchers.ImapIdleTrigger", {"channel": self.channel})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        pause = FIRST_PAUSE
        while True:
            try:
                outcome = await self._wait()
                pause = FIRST_PAUSE
            except Exception as e:  # whatever it is, a watcher must go on
                if isinstance(e, OperatorError):  # a refused login: hammering locks the account
                    pause = LONGEST_PAUSE
                self.log.warning("%s：暂时无法守候新邮件，%d 秒后再试：%s", self.channel, pause, e)
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, no secret
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if outcome == "new":
                yield _wake_up(self.channel)
            elif outcome == "no_idle":
                await asyncio.sleep(UNWATCHABLE_PAUSE)

    async def _wait(self) -> str:
        from huizong.intake.idle import wait_for_mail

        server = await imap_server(connection_id(self.channel, "imap"))
        if server is None:
            self.log.warning("%s：没有连接 %s", self.channel, connection_id(self.channel, "imap"))
            return "no_idle"
        return await wait_for_mail(server, idle_seconds=IDLE_SECONDS)


class FolderTrigger(BaseEventTrigger):
    """Looks at a channel's folder every two seconds; a changed and then unchanged look is a wake-up."""

    def __init__(self, folder: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("huizong_airflow.watchers.FolderTrigger", {"folder": self.folder})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        path = home().path / self.folder
        announced, last = None, None
        while True:
            try:
                look = await asyncio.to_thread(_look, path)
            except OSError as e:
                self.log.warning("%s：暂时无法查看：%s", path, e)
                await asyncio.sleep(FIRST_PAUSE)
                continue
            if look and look == last and look != announced:
                announced = look
                yield _wake_up(self.folder)
            last = look
            await asyncio.sleep(FOLDER_SECONDS)


def _wake_up(place: str) -> TriggerEvent:
    return TriggerEvent({"place": place})  # type: ignore[no-untyped-call]


def _look(folder: Path) -> Look:
    """Every file's path, size and time of change; hidden and temporary ones left out."""
    found = set()
    for root, _, names in os.walk(folder):
        for name in names:
            if not name.startswith((".", "~$")):
                stat = Path(root, name).stat()
                found.add((str(Path(root, name)), stat.st_size, stat.st_mtime_ns))
    return frozenset(found)
