"""What a person decides about a letter that did not simply go out."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from huizong.errors import UsageError
from huizong.ledger.tables import Letter
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.stages.signed import require_words
from huizong.stages.unsent import tell_letters
from huizong.stages.words import LETTER_STATE

# A letter that was refused for good may be tried again when a person says so, with the same Message-ID.
_REFUSED = ("unknown", "rejected_temporary", "rejected_permanent", "bounced")
_RESOLVABLE = {"sent": ("unknown",), "resend": _REFUSED}
_DROPPABLE = ("queued", *_REFUSED)


def resolve(ctx: Context, letter_id: int, verdict: str, *, by: str, reason: str) -> dict[str, Any]:
    """Settle a letter: `sent` (it was found in 已发送, say) or `resend` (the same bytes once more).

    Raises:
        UsageError: no such letter, or its state asks for no decision.
    """
    if verdict not in _RESOLVABLE:
        raise UsageError("写明 sent（已核实送出）或 resend（重发同一封）。")
    require_words(by, reason)
    with ctx.ledger.write() as session:
        letter = _letter(session, letter_id, _RESOLVABLE[verdict])
        letter.state = "sent" if verdict == "sent" else "queued"
        return _decided(ctx, session, letter, "letter_resolved", by, reason, verdict=verdict)


def drop(ctx: Context, letter_id: int, *, by: str, reason: str) -> dict[str, Any]:
    """Give a letter up: it is not sent any more.

    Raises:
        UsageError: no such letter, or it has gone out.
    """
    require_words(by, reason)
    with ctx.ledger.write() as session:
        letter = _letter(session, letter_id, _DROPPABLE)
        letter.state, letter.finished_at = "cancelled", ctx.clock.now()
        return _decided(ctx, session, letter, "letter_dropped", by, reason)


def _letter(session: Session, letter_id: int, states: tuple[str, ...]) -> Letter:
    letter = session.get(Letter, letter_id)
    if letter is None:
        raise UsageError(f"没有编号为 {letter_id} 的信件，先看 huizong outbox list。")
    if letter.state not in states:
        raise UsageError(f"信件 {letter_id} 的状态是“{LETTER_STATE[letter.state]}”，不需要这样处理。")
    return letter


def _decided(
    ctx: Context, session: Session, letter: Letter, kind: str, by: str, reason: str, **data: str
) -> dict[str, Any]:
    letter.reply, letter.not_before = f"{by}：{reason}", None
    log_event(
        session,
        ctx,
        kind,
        cycle=letter.cycle,
        unit=letter.unit,
        by=by,
        words=reason,
        letter=letter.id,
        **data,
    )
    session.flush()
    tell_letters(ctx, session, letter.channel)
    return {"id": letter.id, "state": letter.state, "message_id": letter.message_id}
