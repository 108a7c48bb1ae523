"""Reading a mailbox to its end, whatever one of its mails or folders does.

The work list is the UIDs on the server less the UIDs that are stored; flags, UIDNEXT and the order of arrival
play no part, and nothing on the server is changed. A mail that the server lists and does not hand out holds
up none of the others: it is noted, and asked for again with growing pauses.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

from huizong.errors import TransientError
from huizong.intake.arrivals import BATCH, HELD, Arrivals, Message
from huizong.intake.imap import RebuiltError
from huizong.intake.unfetched import Unfetchable
from huizong.mime.limits import read_head
from huizong.mime.parse import raw_header
from huizong.store import LostError, sha256

logger = logging.getLogger(__name__)

_ALONE = 25  # mails that are asked for one by one after a batch that failed
_NOT_GIVEN = "服务器列出了这封邮件，但没有给出内容"
_SAMPLE = 5  # newest known mails that are compared with what the server says of their UIDs


class Mail(Protocol):
    """The part of `imap.Mailbox` that a sweep needs."""

    def folders(self, also: Sequence[str] = ()) -> list[str]: ...

    def list_uids(self, folder: str) -> tuple[int, list[int]]: ...

    def fetch(self, folder: str, uids: Sequence[int]) -> Iterator[tuple[int, datetime, int, bytes]]: ...

    def headers(self, folder: str, uids: Sequence[int]) -> dict[int, bytes]: ...

    def describe(self, folder: str, uid: int) -> str: ...

    def renew(self) -> None: ...


@dataclass
class Swept:
    """What one sweep found. `new`: ids of the new deliveries; `absent`: wanted folders that do not exist;
    `unread`: folders that could not be opened, with the reason."""

    new: list[int] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MailSweep:
    """One sweep over a channel's mailbox. It may be killed anywhere and made again."""

    arrivals: Arrivals
    channel: str
    mailbox: Mail
    as_of: datetime

    def run(self, also: Sequence[str] = ()) -> Swept:
        """Store what is new in all folders where returns may land, and in those of `also`.

        Raises:
            TransientError: the server, the database or the disk failed; what had come is stored.
            OperatorError: the server does not let us in any more.
        """
        folders = self.mailbox.folders(also)
        swept = Swept(absent=[name for name in also if name.upper() != "INBOX" and name not in folders])
        places = []
        for folder in folders:
            try:
                validity, uids = self.mailbox.list_uids(folder)
            except TransientError as e:
                self.mailbox.renew()
                swept.unread[folder] = str(e)
                continue
            places.append(f"{folder};{validity}")
            swept.new += self._folder(folder, places[-1], uids)
        self._unfetchable.forget_other_places(places, swept.unread)
        return swept

    @cached_property
    def _unfetchable(self) -> Unfetchable:
        return Unfetchable(self.arrivals.ledger, self.arrivals.clock, self.channel)

    def _folder(self, folder: str, place: str, uids: Sequence[int]) -> list[int]:
        known = self.arrivals.known(self.channel, place)
        if self._means_others(folder, place, sorted(known & set(uids))):
            logger.warning("%s: the UIDs of %s mean other mails than before", self.channel, place)
            self.arrivals.set_apart(self.channel, place)
            known = set()
        noted = self._unfetchable.noted(place)
        self._unfetchable.forget(place, (noted - set(uids)) | (noted & known))
        wanted = sorted(set(uids) - known - self._unfetchable.resting(place))
        return self._take(folder, place, wanted) if wanted else []

    def _means_others(self, folder: str, place: str, known: Sequence[int]) -> bool:
        """Whether the folder was rebuilt under the same UIDVALIDITY (163 always says 1): a UID whose mail is
        stored is another mail's now."""
        stored = self.arrivals.digests(self.channel, place, {*known[-_SAMPLE:], *known[:1]})
        try:
            headers = self.mailbox.headers(folder, sorted(stored)) if stored else {}
            odd = [uid for uid, header in headers.items() if not self._begins(stored.get(uid), header)]
            # One mail that a server writes anew at each fetch is no other folder: most have to differ.
            mails = self.mailbox.fetch(folder, odd) if 2 * len(odd) > len(headers) else ()
            return any(sha256(raw) != stored[uid] for uid, _, _, raw in mails)
        except RebuiltError:
            raise
        except TransientError as e:  # that a mail cannot be read is no sign of it
            logger.warning("%s: %s could not be compared: %s", self.channel, place, e)
            self.mailbox.renew()
            return False

    def _begins(self, digest: str | None, header: bytes) -> bool:
        if digest is None:  # an answer to no question
            return True
        try:
            stored = self.arrivals.store.get(digest)
        except LostError:
            return True
        return stored.startswith(header.rstrip()) or _same_number(stored, header)

    def _take(self, folder: str, place: str, wanted: Sequence[int]) -> list[int]:
        """In bulk, and after a failure mail by mail for a while: the one that cannot be had is among them."""
        new: list[int] = []
        missed: set[int] = set()
        left = list(wanted)
        while left:
            got, _ = self._fetch(folder, place, left, new)
            left = [uid for uid in left if uid not in got]
            for uid in left[:_ALONE]:
                got, why = self._fetch(folder, place, [uid], new)
                if not got:
                    words = filter(None, (why, self.mailbox.describe(folder, uid)))
                    self._unfetchable.note(place, uid, "；".join(words))
                    missed.add(uid)
                    self.mailbox.renew()  # where even that was not answered
            left = left[_ALONE:]
        if missed:  # one that was moved meanwhile is no trouble
            self._unfetchable.forget(place, missed - set(self.mailbox.list_uids(folder)[1]))
        self._unfetchable.forget(place, set(wanted) - missed)
        return new

    def _fetch(self, folder: str, place: str, uids: Sequence[int], new: list[int]) -> tuple[set[int], str]:
        """Store what the server hands out of these, and add the new deliveries to `new`; which UIDs came, and
        why others did not. What fails here and not at the server is raised."""
        got: set[int] = set()
        failure: list[str] = []
        for batch in _batched(self._handed_out(folder, uids, failure)):
            new += self.arrivals.keep_messages(self.channel, place, batch, self.as_of)
            got |= {message.uid for message in batch}
        if failure:
            self.mailbox.renew()
        return got, failure[0] if failure else _NOT_GIVEN

    def _handed_out(self, folder: str, uids: Sequence[int], failure: list[str]) -> Iterator[Message]:
        """Ends where the server fails: a line that breaks takes away nothing that had come."""
        try:
            for uid, internal, _, raw in self.mailbox.fetch(folder, uids):
                yield Message(uid, internal, raw)
        except RebuiltError:
            raise
        except TransientError as e:
            failure.append(str(e))


def _batched(messages: Iterator[Message]) -> Iterator[list[Message]]:
    """No more together than is well held in memory and written in one go."""
    batch: list[Message] = []
    held = 0
    for message in messages:
        batch.append(message)
        held += len(message.raw)
        if len(batch) == BATCH or held > HELD:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _same_number(stored: bytes, header: bytes) -> bool:
    """Whether both bear the same Message-ID: then it is the same mail, whatever else was written into it."""
    numbers = [raw_header(read_head(part), "Message-ID") for part in (stored, header)]
    return numbers[0] is not None and numbers[0].strip() == (numbers[1] or b"").strip()
