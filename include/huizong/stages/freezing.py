"""Freezing a letter: the MIME bytes that it has for good, made at the first claim (invariant 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from huizong.connections import MailServer
from huizong.errors import UsageError
from huizong.ledger.tables import Letter
from huizong.outbox.compose import compose
from huizong.outbox.context import load_context
from huizong.outbox.model import Attachment, Outgoing
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle
from huizong.stages.marking import marked_workbooks

LARGEST = 71_680_000  # bytes of a whole mail as sent, what NetEase states (APPENDLIMIT)
_REPLIES = {"receipt", "correction", "supplement"}


def freeze(ctx: Context, letter: Letter, cycles: Mapping[str, IssuedCycle], server: MailServer) -> str:
    """Make a letter's bytes and keep them in the store, whose name for them comes back.

    Raises:
        UsageError: an address or a name that no mail can carry, or a mail that no mailbox takes.
    """
    outgoing = Outgoing(
        sender_name=_sender_name(letter, cycles),
        sender_address=server.login,
        to_name=letter.addressee,
        to_address=letter.address,
        message_id=letter.message_id,
        rendered=ctx.letter_book.render(load_context(json.dumps(letter.context["letter"]))),
        auto_submitted="auto-replied" if letter.kind in _REPLIES else "auto-generated",
        in_reply_to=letter.in_reply_to,
        references=(letter.in_reply_to,) if letter.in_reply_to else (),
        attachments=tuple(_attachments(ctx, letter, cycles)),
    )
    mime = compose(outgoing, ctx.clock.now())
    if len(mime) > LARGEST:
        size, most = len(mime) >> 20, LARGEST >> 20
        raise UsageError(f"信件连同附件共 {size} MB，超过邮箱所能发送的 {most} MB，请减小附件。")
    return ctx.store.put(mime)


def _sender_name(letter: Letter, cycles: Mapping[str, IssuedCycle]) -> str:
    """The office whose letter it is; what the operator is written is about no collection."""
    if letter.collection is None:
        return "汇总系统"
    return cycles[letter.cycle or ""].collection(letter.collection or "").office.name


def _attachments(ctx: Context, letter: Letter, cycles: Mapping[str, IssuedCycle]) -> list[Attachment]:
    files = [Attachment(name, ctx.store.get(digest)) for name, digest in letter.attachments]
    ids = [int(v) for v in str(letter.context.get("marked", "")).split(",") if v]
    return files + marked_workbooks(ctx, ids, cycles)
