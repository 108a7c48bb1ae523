"""What a person decides about a letter whose fate is unknown."""

from __future__ import annotations

from typing import Any

from huizong.errors import UsageError
from huizong.ledger.tables import Letter
from huizong.stages.context import Context
from huizong.stages.issued import log_event
from huizong.stages.signed import require_words
from huizong.stages.words import LETTER_STATE

# A letter that was refused for good may be tried again when a person says so, with the same Message-ID.
_RESOLVABLE = {"sent": ("unknown",), "resend": ("unknown", "rejected_temporary", "rejected_permanent")}


def resolve(ctx: Context, letter_id: int, verdict: str, *, by: str, reason: str) -> dict[str, Any]:
    """Settle a letter: `sent` (it was found in 已发送, say) or `resend` (the same bytes once more).

    Raises:
        UsageError: no such letter, or its state asks for no decision.
    """
    if verdict not in _RESOLVABLE:
        raise UsageError("写明 sent（已核实送出）或 resend（重发同一封）。")
    require_words(by, reason)
    with ctx.ledger.write() as session:
        letter = session.get(Letter, letter_id)
        if letter is None:
            raise UsageError(f"没有编号为 {letter_id} 的信件，先看 huizong outbox list。")
        if letter.state not in _RESOLVABLE[verdict]:
            raise UsageError(f"信件 {letter_id} 的状态是“{LETTER_STATE[letter.state]}”，不需要这样处理。")
        letter.state = "sent" if verdict == "sent" else "queued"
        letter.reply = f"{by}：{reason}"
        log_event(
            session, ctx, "letter_resolved", cycle=letter.cycle, unit=letter.unit, by=by, words=reason,
            letter=letter.id, verdict=verdict,
        )  # fmt: skip
        return {"id": letter.id, "state": letter.state, "message_id": letter.message_id}
