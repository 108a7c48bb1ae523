"""Waiting for mail: woken in time, by everything that comes, and by nothing that does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from mailbed import Netease

from huizong.connections import MailServer
from huizong.errors import OperatorError, TransientError
from huizong.intake.idle import NOTHING_SEEN, Watch
from huizong_demo.mailserver import EmbeddedMailServer

BOX = "kjj@xinxiang.example"


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer({BOX: "secret"}) as running:
        yield running


def at_port(port: int, code: str = "secret") -> MailServer:
    return MailServer("127.0.0.1", port, BOX, code, ssl=False, starttls=False)


async def deliver(server: EmbeddedMailServer) -> None:
    await asyncio.to_thread(server.deliver, BOX, b"Subject: x\r\n\r\nx\r\n")


def test_mail_between_two_waits_and_between_two_connections_wakes(server: EmbeddedMailServer) -> None:
    async def story() -> list[str]:
        woken: list[str] = []
        async with Watch(at_port(server.imap_port), mark=NOTHING_SEEN) as watch:
            woken.append(await watch.wait(0.2))  # an empty mailbox
            await deliver(server)  # nobody waits
            woken.append(await watch.wait(5))
            woken.append(await watch.wait(0.2))
            left = watch.mark
        await deliver(server)  # not even connected
        async with Watch(at_port(server.imap_port), mark=left) as watch:
            woken.append(await watch.wait(5))
            woken.append(await watch.wait(0.2))
            left = watch.mark
        async with Watch(at_port(server.imap_port), mark=left) as watch:
            woken.append(await watch.wait(0.2))
        async with Watch(at_port(server.imap_port), mark=NOTHING_SEEN) as watch:
            woken.append(await watch.wait(5))
        return woken

    assert asyncio.run(story()) == ["timeout", "new", "timeout", "new", "timeout", "timeout", "new"]


def test_every_mail_of_many_wakes_on_one_login_and_waiting_costs_nothing(
    server: EmbeddedMailServer,
) -> None:
    async def story(port: int) -> tuple[list[float], float]:
        delays: list[float] = []
        async with Watch(at_port(port)) as watch:
            for _ in range(5):
                waiting = asyncio.create_task(watch.wait(10))
                await asyncio.sleep(0.05)
                began = time.monotonic()
                await deliver(server)
                assert await waiting == "new"
                delays.append(time.monotonic() - began)
            before, began = time.process_time(), time.monotonic()
            assert await watch.wait(2) == "timeout"
            return delays, (time.process_time() - before) / (time.monotonic() - began)

    with Netease(server.imap_port, strict=False) as relay:
        delays, cpu = asyncio.run(story(relay.port))
        assert relay.commands.count("LOGIN") == 1
        assert relay.commands.index("ID") < relay.commands.index("EXAMINE")
    assert max(delays) < 2
    assert cpu < 0.05, "server, relay and watcher together"


def test_a_peer_that_falls_silent_is_noticed(server: EmbeddedMailServer) -> None:
    async def story(relay: Netease) -> float:
        async with Watch(at_port(relay.port), answer_seconds=0.5) as watch:
            relay.silent_at = "DONE"  # IDLE is confirmed, then nothing more
            began = time.monotonic()
            with pytest.raises(TransientError, match="没有应答"):
                await watch.wait(0.5)
            return time.monotonic() - began

    with Netease(server.imap_port, strict=False) as relay:
        assert asyncio.run(story(relay)) < 3  # idle_seconds + answer_seconds, and what the machine takes


def test_a_refused_login_asks_for_a_person(server: EmbeddedMailServer) -> None:
    async def story() -> None:
        async with Watch(at_port(server.imap_port, "wrong")):
            pass

    with pytest.raises(OperatorError, match="授权码"):
        asyncio.run(story())
