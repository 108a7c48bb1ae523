"""What newly filed mail tells of letters and addresses; costs next to nothing where there is no question."""

from __future__ import annotations

from sqlalchemy import select

from huizong.ledger.tables import Letter
from huizong.stages.alarms import open_troubles
from huizong.stages.context import Context
from huizong.stages.proof import settle_unknown
from huizong.stages.unreachable import tell_unreachable
from huizong.stages.unsent import tell_letters


def settle(ctx: Context) -> None:
    """After receiving: letters of unknown fate that are proven now, units that can be reached again."""
    with ctx.ledger.read() as session:
        query = select(Letter.channel).where(Letter.state.in_(("unknown", "bounced"))).distinct()
        told = [t.name.partition(":")[2] for t in open_troubles(session) if t.name.startswith("letters:")]
        channels = {*session.scalars(query), *told}
    for channel in sorted(channels):
        settle_unknown(ctx, channel)
        with ctx.ledger.write() as session:
            tell_letters(ctx, session, channel)
    tell_unreachable(ctx)
