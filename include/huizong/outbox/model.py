"""Letters: their states, and what sending one can come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

LetterState = Literal[
    "held",  # waits for approval
    "queued",
    "claimed",  # in somebody's hands, committed before SMTP
    "sent",
    "rejected_temporary",  # refused before the final dot; may be tried again
    "rejected_permanent",
    "unknown",  # the line broke after the final dot: never sent again by itself
    "bounced",
    "cancelled",  # its reason is gone
]

LetterKind = Literal[
    "notice", "receipt", "correction", "supplement", "nudge", "reminder", "formal_notice", "escalation",
    "amendment", "extension", "result", "digest", "upward", "alarm",
]  # fmt: skip

Verdict = Literal[
    "pause",  # the account sends too fast: it rests for a quarter of an hour at least
    "next_day",  # the day's quota is used up
    "soon",  # this letter is looked at: again in two minutes
    "hold",  # the words look like spam to the server: a person looks at the letter
    "stop",  # the login or the account is not in order: nobody sends until a person has looked
    "permanent",  # this letter to this address will not be taken
    "temporary",  # this letter later
    "broken",  # no answer: the line broke
]


@dataclass(frozen=True)
class Attachment:
    """A file to send. `name` may be Chinese; `data` is the bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Rendered:
    """A letter's words, ready to be made into MIME."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Outgoing:
    """All that goes into the MIME bytes of one letter."""

    sender_name: str
    sender_address: str  # equals the login of the channel's SMTP connection
    to_name: str
    to_address: str
    message_id: str  # with angle brackets
    rendered: Rendered
    auto_submitted: Literal["auto-generated", "auto-replied"]
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Outcome:
    """What one attempt came to.

    `stage` is where it ended: mail, rcpt, data or done. `verdict` is what a failure means for the letter and
    for the account; None where there is nothing to conclude.
    """

    state: Literal["sent", "rejected_temporary", "rejected_permanent", "unknown"]
    stage: str
    code: int | None
    reply: str
    verdict: Verdict | None = None
