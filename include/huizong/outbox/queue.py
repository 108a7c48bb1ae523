"""Putting letters into the outbox: once per key, with the Message-ID that they will always have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.ledger.tables import Letter
from huizong.mime.addresses import check_address
from huizong.outbox.context import LetterContext


@dataclass(frozen=True)
class Draft:
    """A letter to queue. `key` is one of invariant 3's; `attachments` are (name, store's name)."""

    key: str
    channel: str
    cycle: str | None
    collection: str | None
    unit: str | None
    address: str
    addressee: str
    sender_address: str  # the channel's mailbox: its domain goes into the Message-ID
    subject: str
    context: LetterContext
    attachments: Sequence[tuple[str, str]] = ()
    in_reply_to: str | None = None
    expires_at: datetime | None = None
    state: str = "queued"
    extra: dict[str, str] = field(default_factory=dict)  # what the re-check before sending needs


def message_id(key: str, salt: str, sender_address: str) -> str:
    """A Message-ID that belongs to the row for good; the salt keeps installations apart."""
    local = hashlib.sha256(f"{salt}\n{key}".encode()).hexdigest()[:32]
    domain = sender_address.rpartition("@")[2] or "huizong.invalid"
    return f"<hz.{local}@{domain}>"


def is_message_id(text: str) -> bool:
    """Whether it has the form of `message_id`: ours, or another installation's."""
    return re.fullmatch(r"<hz\.[0-9a-f]{32}@[^<>@\s]+>", text) is not None


def queue_letter(session: Session, draft: Draft, *, salt: str, now: datetime) -> Letter | None:
    """Add the row in the caller's transaction; None if that letter exists already.

    An address that could not be sent to becomes a visible row, `rejected_permanent`, never a mail to
    somebody else.
    """
    if session.scalars(select(Letter.id).where(Letter.key == draft.key)).first() is not None:
        return None
    state, reply = draft.state, None
    try:
        check_address(draft.address)
    except UsageError as e:
        state, reply = "rejected_permanent", str(e)
    letter = Letter(
        key=draft.key,
        kind=draft.context.kind,
        channel=draft.channel,
        cycle=draft.cycle,
        collection=draft.collection,
        unit=draft.unit,
        address=draft.address,
        addressee=draft.addressee,
        subject=draft.subject,
        message_id=message_id(draft.key, salt, draft.sender_address),
        in_reply_to=draft.in_reply_to,
        state=state,
        context={"letter": draft.context.model_dump(mode="json"), **draft.extra},
        attachments=[list(pair) for pair in draft.attachments],
        expires_at=draft.expires_at,
        queued_at=now,
        attempts=0,
        reply=reply,
    )
    session.add(letter)
    return letter
