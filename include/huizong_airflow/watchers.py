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
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from huizong.connections import connection_id
from huizong.errors import OperatorError
from huizong_airflow.context import home, imap_server, open_context

if TYPE_CHECKING:
    from huizong.connections import MailServer
    from huizong.intake.idle import Mark

# Servers may end an IDLE after 30 minutes (RFC 2177 says to renew within 29); NATs do after about 5.
IDLE_SECONDS = 240
FIRST_PAUSE, LONGEST_PAUSE = 15, 900
# A server without IDLE, or no connection yet: look again whether that has changed.
UNWATCHABLE_PAUSE = 900
FOLDER_SECONDS = 2
# Upload tools write in steps: a folder is settled when it looks the same twice.
Look = frozenset[tuple[str, int, int]]


class ImapIdleTrigger(BaseEventTrigger):
    """Waits in IMAP IDLE for new mail in a channel's mailbox, on one connection for as long as it lasts.

    Mail that came while nobody waited (between two connections, before the first) wakes at once.
    """

    def __init__(self, channel: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.channel = channel

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return ("huizong_airflow.watchers.ImapIdleTrigger", {"channel": self.channel})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from huizong.intake.idle import NOTHING_SEEN

        self._mark: Mark = NOTHING_SEEN
        self._pause = FIRST_PAUSE
        while True:
            try:
                async for _ in self._wakes():
                    yield _wake_up(self.channel)
                await asyncio.sleep(UNWATCHABLE_PAUSE)
            except Exception as e:  # whatever it is, a watcher must go on
                if isinstance(e, OperatorError):  # a refused login: hammering locks the account
                    self._pause = LONGEST_PAUSE
                self.log.warning("%s：暂时无法守候新邮件，%d 秒后再试：%s", self.channel, self._pause, e)
                await asyncio.sleep(self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, no secret
                self._pause = min(self._pause * 2, LONGEST_PAUSE)

    async def _wakes(self) -> AsyncIterator[None]:
        """One item for each wake-up; ends where there is nothing to watch."""
        from huizong.intake.idle import Watch

        server = await imap_server(connection_id(self.channel, "imap"))
        if server is None:
            self.log.warning("%s：没有连接 %s", self.channel, connection_id(self.channel, "imap"))
            return
        until = await asyncio.to_thread(_may_log_in, server)
        if until is not None:
            self.log.warning("%s：邮箱按服务器要求暂停登录至 %s", self.channel, until)
            return
        from huizong.intake.imap import RefusedError

        watching = Watch(server, mark=self._mark)
        try:
            async with watching:
                while (outcome := await watching.wait(IDLE_SECONDS)) != "no_idle":
                    self._mark, self._pause = watching.mark or self._mark, FIRST_PAUSE
                    if outcome == "new":
                        yield None
        except RefusedError as e:
            await asyncio.to_thread(_refused, server, str(e))
            raise


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


def _may_log_in(server: MailServer) -> datetime | None:
    """Until when the account is paused; raises StoppedError where nobody logs in any more."""
    from huizong.stages.accounts import check_account

    return check_account(open_context(), "imap", server)


def _refused(server: MailServer, reason: str) -> None:
    """Counted with the refusals that `receive` gets: three in a row, whoever knocked."""
    from huizong.stages.accounts import login_refused

    ctx = open_context()
    with ctx.ledger.write() as session:
        login_refused(ctx, session, "imap", server, reason)


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
