"""What wakes what: arrivals wake a cycle's checking, queued letters wake their channel's sender.

An event is only a wake-up, never a message: Airflow 3.3.2 drops events that arrive in a burst, so each
consumer looks for itself at what is there, and also runs by the clock.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow.sdk import Asset, AssetAlias, AssetWatcher, get_current_context
from airflow.triggers.base import BaseEventTrigger

# A task that names an asset as outlet announces it at every success; through an alias only what was added.
ARRIVALS = AssetAlias("huizong.arrivals")
LETTERS = AssetAlias("huizong.letters")


def arrivals(cycle: str) -> Asset:
    """Something was stored that belongs to the cycle."""
    return Asset(name=f"{cycle}.arrivals", uri=f"huizong://cycles/{cycle}/arrivals", group="huizong")


def letters(channel: str) -> Asset:
    """Letters were queued that go out through the channel."""
    return Asset(name=f"{channel}.letters", uri=f"huizong://channels/{channel}/letters", group="huizong")


def incoming(channel: str, trigger: BaseEventTrigger) -> Asset:
    """Something came in; seen by a watcher in the triggerer."""
    return Asset(
        name=f"{channel}.incoming",
        uri=f"huizong://channels/{channel}/incoming",
        group="huizong",
        watchers=[AssetWatcher(name=f"{channel}.watcher", trigger=trigger)],
    )


def announce(alias: AssetAlias, assets: Iterable[Asset]) -> None:
    """Add events to the running task's outlet; they are sent when the task succeeds."""
    events = get_current_context()["outlet_events"][alias]
    for asset in assets:
        events.add(asset)
