"""Raw first (invariant 1): what a channel holds is stored, hashed and recorded before anything looks inside.

The work list of a mailbox is the UIDs on the server less the UIDs that are stored; flags play no part,
and nothing on the server is changed. A file of a folder is known by its path and its SHA-256.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.clock import Clock
from huizong.ledger.engine import Ledger
from huizong.ledger.tables import Delivery, Location
from huizong.store import Store, sha256

logger = logging.getLogger(__name__)

BATCH = 100  # deliveries that may be committed together
_LEFTOVERS = {"thumbs.db", "desktop.ini", ".ds_store"}


class Mail(Protocol):
    """The part of `imap.Mailbox` that receiving needs."""

    def folders(self) -> list[str]: ...

    def list_uids(self, folder: str) -> tuple[int, list[int]]: ...

    def fetch(self, folder: str, uids: list[int]) -> Iterator[tuple[int, datetime, int, bytes]]: ...


@dataclass(frozen=True)
class _Kept:
    """A message whose bytes are in the store."""

    uid: int
    internal: datetime
    size: int
    digest: str


@dataclass(frozen=True)
class Arrivals:
    """Stores what is new. Every method may be killed anywhere and called again."""

    ledger: Ledger
    store: Store
    clock: Clock

    def from_mailbox(self, channel: str, mailbox: Mail, as_of: datetime) -> list[int]:
        """Ids of the deliveries that were new, over all folders where returns may land."""
        new: list[int] = []
        for folder in mailbox.folders():
            validity, uids = mailbox.list_uids(folder)
            place = f"{folder};{validity}"
            wanted = sorted(set(uids) - self._known(channel, place))
            batch: list[_Kept] = []
            try:
                for uid, internal, _, raw in mailbox.fetch(folder, wanted) if wanted else ():
                    batch.append(_Kept(uid, internal, len(raw), self.store.put(raw)))
                    if len(batch) == BATCH:
                        new += self._record_messages(channel, place, batch, as_of)
                        batch = []
            finally:  # a line that breaks takes away nothing that had come
                new += self._record_messages(channel, place, batch, as_of)
        return new

    def from_folder(self, channel: str, root: Path, cycle: str | None, as_of: datetime) -> list[int]:
        """Ids of the drops that hold new files: one a subfolder, and one a file in `root` itself."""
        known = self._known_pairs(channel)
        new: list[int] = []
        for sender, paths in _drops(root):
            fresh: list[tuple[str, str, int]] = []
            for path in paths:
                try:
                    data = path.read_bytes()
                except OSError as e:  # still being written, or not for us to read: the others are
                    logger.warning("%s cannot be read now, the next sweep tries again: %s", path, e)
                    continue
                if (_readable(str(path)), sha256(data)) not in known:
                    fresh.append((_readable(str(path)), self.store.put(data), len(data)))
            if fresh:
                with self.ledger.write() as session:
                    new.append(self._record_drop(session, channel, sender, cycle, fresh, as_of))
        return new

    def _known(self, channel: str, place: str) -> set[int]:
        query = select(Location.mark).where(Location.channel == channel, Location.place == place)
        with self.ledger.read() as session:
            return {int(mark) for mark in session.scalars(query)}

    def _known_pairs(self, channel: str) -> set[tuple[str, str]]:
        query = select(Location.place, Location.mark).where(Location.channel == channel)
        with self.ledger.read() as session:
            return {(place, mark) for place, mark in session.execute(query)}

    def _record_messages(self, channel: str, place: str, batch: list[_Kept], as_of: datetime) -> list[int]:
        new: list[int] = []
        if not batch:
            return new
        with self.ledger.write() as session:
            for kept in batch:
                seen = session.scalars(
                    select(Delivery.id).where(Delivery.channel == channel, Delivery.digest == kept.digest)
                ).first()
                if seen is None:
                    received_at = min(kept.internal, as_of)
                    seen = self._record(session, channel, "mail", kept.digest, "", None, received_at)
                    new.append(seen)
                session.add(
                    Location(
                        channel=channel, place=place, mark=str(kept.uid), delivery_id=seen, size=kept.size
                    )
                )
        return new

    def _record_drop(
        self,
        session: Session,
        channel: str,
        sender: str,
        cycle: str | None,
        files: Iterable[tuple[str, str, int]],
        as_of: datetime,
    ) -> int:
        drop = self._record(session, channel, "folder", None, sender, cycle, as_of)
        for place, digest, size in files:
            session.add(Location(channel=channel, place=place, mark=digest, delivery_id=drop, size=size))
        return drop

    def _record(
        self,
        session: Session,
        channel: str,
        kind: str,
        digest: str | None,
        sender: str,
        cycle: str | None,
        received_at: datetime,
    ) -> int:
        delivery = Delivery(
            channel=channel,
            kind=kind,
            digest=digest,
            received_at=received_at,
            stored_at=self.clock.now(),
            sender=sender,
            subject="",
            cycle=cycle,
        )
        session.add(delivery)
        session.flush()
        return delivery.id


def _drops(root: Path) -> Iterator[tuple[str, list[Path]]]:
    """(sender's name, files) of each drop, in a fixed order; links are not followed."""
    for entry in sorted(root.iterdir()):
        if entry.is_symlink() or _is_leftover(entry):
            continue
        if entry.is_file():
            yield "", [entry]
        elif entry.is_dir():
            yield _readable(entry.name), sorted(_files_below(entry))


def _files_below(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_symlink() or _is_leftover(entry):
            continue
        if entry.is_dir():
            yield from _files_below(entry)
        elif entry.is_file():
            yield entry


def _readable(name: str) -> str:
    """A name that a Chinese Windows wrote in GBK, as text; the ledger holds nothing else."""
    return "/".join(_decoded(part) for part in os.fsencode(name).split(b"/"))


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("gb18030", "backslashreplace")


def _is_leftover(path: Path) -> bool:
    """What office programs and file managers leave lying about."""
    name = path.name.lower()
    return name.startswith((".", "~$")) or name in _LEFTOVERS
