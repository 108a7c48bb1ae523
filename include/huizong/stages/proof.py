"""Letters whose answer was lost: known to have left only by proof, else a person decides.

A letter's Message-ID is known to nobody before its text went out, and the text goes out only after the server
took the addressee. So whoever names it proves that the letter was taken: our own copy of it, the folder of
sent mail, a bounce, an answer, an automatic reply. Nothing is ever sent again for want of proof.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.connections import connection_id
from huizong.errors import HuizongError
from huizong.intake.imap import Mailbox
from huizong.intake.sentbox import found_in_sent
from huizong.ledger.tables import Delivery, Letter
from huizong.mime.parse import ParsedMail
from huizong.stages.accounts import check_account
from huizong.stages.channels import channel_today
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.stages.mailboxes import logging_in

WAIT = timedelta(minutes=30)  # machine time since the claim: a copy is there within minutes or not at all
LOOKED_FOR = timedelta(days=1)
_COPY = "本邮箱收到了这封信的副本"
_SENT = "这封信已在邮箱的“已发送”中"
_NAMED = "有来件提到这封信"


def settle_unknown(ctx: Context, channel: str) -> int:
    """Look for proof of a channel's `unknown` letters; how many were found to have been sent.

    Nothing is raised where the mailbox cannot be read: the letters stay, and are looked for again.
    """
    with ctx.ledger.read() as session:
        unknown = _unknown(session, channel)
        if not unknown:
            return 0
        wanted = {letter.message_id for letter in unknown}
        # What is not in 已发送 after a day is not coming there; each look costs a login.
        lately = ctx.clock.now() - LOOKED_FOR
        recent = {x.message_id for x in unknown if x.claimed_at is not None and x.claimed_at > lately}
        copies = select(Delivery.message_id).where(
            Delivery.message_id.in_(wanted), Delivery.disposition == "own_copy"
        )
        found = {str(known): _COPY for known in session.scalars(copies)}
    left = recent - found.keys()
    settings = channel_today(ctx, channel)
    if left and settings is not None and settings.proof == "sent_folder":
        found |= dict.fromkeys(_in_sent(ctx, channel, left), _SENT)
    if not found:
        return 0
    with ctx.ledger.write() as session:
        return sum(_prove(ctx, session, [known], why) for known, why in found.items())


def prove_named(ctx: Context, session: Session, mail: ParsedMail, *, own_copy: bool) -> None:
    """A mail that names a letter proves that it was taken; in the transaction that files the mail."""
    own = [mail.message_id_raw] if own_copy else []
    named = {*own, mail.in_reply_to, *mail.references, *mail.attached_ids} - {""}
    if named:
        _prove(ctx, session, named, _COPY if own_copy else _NAMED)


def unproven(ctx: Context, session: Session, channel: str) -> list[Letter]:
    """The `unknown` letters for which no proof is awaited any longer: a person has to see to them."""
    letters = _unknown(session, channel)
    if not letters:
        return []
    settings = channel_today(ctx, channel)
    wait = timedelta() if settings is None or settings.proof == "none" else WAIT
    now = ctx.clock.now()
    return [letter for letter in letters if letter.claimed_at is None or letter.claimed_at + wait <= now]


def _unknown(session: Session, channel: str) -> Sequence[Letter]:
    query = select(Letter).where(Letter.channel == channel, Letter.state == "unknown")
    return session.scalars(query.order_by(Letter.id)).all()


def _prove(ctx: Context, session: Session, message_ids: Collection[str], why: str) -> int:
    """Also a letter that is still claimed: its answer is on the way to the ledger, or its process died."""
    letters = session.scalars(
        select(Letter).where(Letter.message_id.in_(message_ids), Letter.state.in_(("unknown", "claimed")))
    ).all()
    for letter in letters:
        letter.state, letter.finished_at = "sent", ctx.clock.now()
        letter.reply = f"服务器的应答丢失；{why}，证实已发出。"
        log_event(
            session, ctx, "letter_proven", cycle=letter.cycle, collection=letter.collection,
            unit=letter.unit, letter=letter.id, proof=why,
        )  # fmt: skip
    return len(letters)


def _in_sent(ctx: Context, channel: str, wanted: Collection[str]) -> set[str]:
    server = ctx.connections.get(connection_id(channel, "imap"))
    if server is None:
        return set()
    try:
        if check_account(ctx, "imap", server) is not None:
            return set()
        with logging_in(ctx, server), Mailbox(server) as mailbox:
            return found_in_sent(mailbox, wanted)
    except HuizongError as e:
        ctx.say(f"未能核对渠道 {channel} 的已发送邮件：{e}")
        return set()
