"""Whether two mails are the same one: a hash of what its writer wrote, whatever way it took."""

from __future__ import annotations

import hashlib
import re

# What the servers on the way and the mailbox add, each another one to the copies of one mail.
_TRACES = frozenset([
    b"received", b"return-path", b"delivered-to", b"envelope-to", b"received-spf", b"authentication-results",
    b"dkim-signature", b"domainkey-signature", b"status", b"lines", b"content-length",
])  # fmt: skip
_TRACE_FAMILIES = (b"x-", b"arc-", b"resent-")


def content_digest(raw: bytes) -> str:
    """SHA-256 (hex) of a mail's headers without the traces of its way, in a fixed order, and of its body,
    both with the line ends made alike."""
    alike = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    head, _, body = alike.lstrip(b"\n").partition(b"\n\n")
    unfolded = re.sub(rb"\n[ \t]+", b" ", head)
    told = hashlib.sha256()
    for line in sorted(line.rstrip() for line in unfolded.split(b"\n") if not _is_trace(line)):
        told.update(line + b"\n")
    told.update(b"\n" + body.rstrip(b"\n"))
    return told.hexdigest()


def _is_trace(line: bytes) -> bool:
    name = line.partition(b":")[0].strip().lower()
    return name in _TRACES or name.startswith(_TRACE_FAMILIES)
