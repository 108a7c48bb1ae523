"""Raw first (invariant 1): what a channel holds is stored, hashed and recorded before anything looks inside.

A mail is known by its folder, UIDVALIDITY and UID, and by its SHA-256; a file of a folder by its path and its
SHA-256. `mailsweep` reads a mailbox into here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from huizong.clock import Clock
from huizong.ledger.engine import Ledger
from huizong.ledger.tables import Delivery, Location
from huizong.store import Store, sha256

logger = logging.getLogger(__name__)

BATCH = 100  # deliveries that may be committed together
HELD = 32 * 2**20  # bytes that may wait in memory until they are written together
Brought = Callable[[Session, Delivery], None]  # says of a drop how it reached the office
_LEFTOVERS = {"thumbs.db", "desktop.ini", ".ds_store"}


@dataclass(frozen=True)
class Message:
    """A message as the server handed it out."""

    uid: int
    internal: datetime
    raw: bytes


@dataclass(frozen=True)
class _Kept:
    """A file of a folder whose bytes are in the store."""

    place: str
    digest: str
    size: int


@dataclass(frozen=True)
class Arrivals:
    """Stores what is new. Every method may be killed anywhere and called again."""

    ledger: Ledger
    store: Store
    clock: Clock

    def from_folder(
        self,
        channel: str,
        root: Path,
        cycle: str | None,
        as_of: datetime,
        brought: Brought | None = None,
    ) -> list[int]:
        """Ids of the drops that hold new files: one a subfolder, and one a file in `root` itself.

        `brought` is called with each of them in the transaction that records it.
        """
        known = self._known_pairs(channel)
        new: list[int] = []
        drops = _drops(root)
        while batch := list(islice(drops, BATCH)):
            kept = self._keep_files([path for _, paths in batch for path in paths], known)
            fresh = [(sender, [kept[p] for p in paths if p in kept]) for sender, paths in batch]
            new += self._record_drops(channel, cycle, [drop for drop in fresh if drop[1]], as_of, brought)
        return new

    def _keep_files(self, paths: Sequence[Path], known: set[tuple[str, str]]) -> dict[Path, _Kept]:
        """Put the files that are new into the store; those alone come back."""
        kept: dict[Path, _Kept] = {}
        held: dict[Path, bytes] = {}
        size = 0
        for path in paths:
            try:
                data = path.read_bytes()
            except OSError as e:  # still being written, or not for us to read: the others are
                logger.warning("%s cannot be read now, the next sweep tries again: %s", path, e)
                continue
            if (_readable(str(path)), sha256(data)) in known:
                continue
            held[path] = data
            size += len(data)
            if size > HELD:
                kept |= self._put(held)
                held, size = {}, 0
        return kept | self._put(held)

    def _put(self, held: dict[Path, bytes]) -> dict[Path, _Kept]:
        digests = self.store.put_all(list(held.values()))
        return {
            path: _Kept(_readable(str(path)), digest, len(data))
            for (path, data), digest in zip(held.items(), digests, strict=True)
        }

    def known(self, channel: str, place: str) -> set[int]:
        """UIDs of a mailbox folder that are stored."""
        query = select(Location.mark).where(Location.channel == channel, Location.place == place)
        with self.ledger.read() as session:
            return {int(mark) for mark in session.scalars(query)}

    def digests(self, channel: str, place: str, uids: Iterable[int]) -> dict[int, str]:
        """The stored mails' SHA-256 by UID."""
        query = (
            select(Location.mark, Delivery.digest)
            .join(Delivery, Delivery.id == Location.delivery_id)
            .where(
                Location.channel == channel,
                Location.place == place,
                Location.mark.in_([str(uid) for uid in uids]),
            )
        )
        with self.ledger.read() as session:
            return {int(row.mark): row.digest for row in session.execute(query) if row.digest}

    def set_apart(self, channel: str, place: str) -> None:
        """The UIDs of this place mean other mails now: what was seen there stays on record under a name of
        its own, and nothing of the place is known any more."""
        here = Location.channel == channel, Location.place == place
        with self.ledger.write() as session:
            last = session.scalar(select(func.max(Location.id)).where(*here))
            session.execute(update(Location).where(*here).values(place=f"{place};{last}"))

    def _known_pairs(self, channel: str) -> set[tuple[str, str]]:
        query = select(Location.place, Location.mark).where(Location.channel == channel)
        with self.ledger.read() as session:
            return {(place, mark) for place, mark in session.execute(query)}

    def keep_messages(self, channel: str, place: str, batch: Sequence[Message], as_of: datetime) -> list[int]:
        """Store, then record; a message that was seen elsewhere in the channel is no new delivery. The ids of
        the new ones come back."""
        if not batch:
            return []
        digests = self.store.put_all([message.raw for message in batch])
        with self.ledger.write() as session:
            query = select(Delivery).where(Delivery.channel == channel, Delivery.digest.in_(digests))
            seen = {delivery.digest: delivery for delivery in session.scalars(query)}
            before = len(seen)
            for message, digest in zip(batch, digests, strict=True):
                if digest not in seen:
                    received_at = min(message.internal, as_of)
                    seen[digest] = self._delivery(channel, "mail", digest, "", None, received_at)
            new = list(seen.values())[before:]
            session.add_all(new)
            session.flush()
            places = [
                {"place": place, "mark": str(m.uid), "delivery_id": seen[digest].id, "size": len(m.raw)}
                for m, digest in zip(batch, digests, strict=True)
            ]
            _record_places(session, channel, places)
        return [delivery.id for delivery in new]

    def _record_drops(
        self,
        channel: str,
        cycle: str | None,
        drops: Sequence[tuple[str, list[_Kept]]],
        as_of: datetime,
        brought: Brought | None,
    ) -> list[int]:
        if not drops:
            return []
        with self.ledger.write() as session:
            new = [self._delivery(channel, "folder", None, sender, cycle, as_of) for sender, _ in drops]
            session.add_all(new)
            session.flush()
            if brought is not None:
                for delivery in new:
                    brought(session, delivery)
            places = [
                {"place": f.place, "mark": f.digest, "delivery_id": delivery.id, "size": f.size}
                for delivery, (_, files) in zip(new, drops, strict=True)
                for f in files
            ]
            _record_places(session, channel, places)
        return [delivery.id for delivery in new]

    def _delivery(
        self,
        channel: str,
        kind: str,
        digest: str | None,
        sender: str,
        cycle: str | None,
        received_at: datetime,
    ) -> Delivery:
        return Delivery(
            channel=channel,
            kind=kind,
            digest=digest,
            received_at=received_at,
            stored_at=self.clock.now(),
            sender=sender,
            subject="",
            cycle=cycle,
        )


def _record_places(session: Session, channel: str, places: Sequence[dict[str, Any]]) -> None:
    session.execute(insert(Location), [{"channel": channel, **place} for place in places])


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
