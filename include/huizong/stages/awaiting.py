"""Files that wait for a program which is not installed (LibreOffice, unar) are driven again once it is."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Delivery, File
from huizong.readers import programs
from huizong.stages.context import Context
from huizong.stages.issued import log_event


def redrive(ctx: Context) -> int:
    """Hand what waited back to processing; how many files that were.

    What else came in the same delivery stays as it was filed, and so does what counts already.
    """
    with ctx.ledger.read() as session:
        awaited = _awaited(session)
    there = [program for program in awaited if programs.find(program)]
    if not there:
        return 0
    with ctx.ledger.write() as session:
        files = session.scalars(select(File).where(File.awaiting.in_(there), File.settled_at.is_(None))).all()
        for file in files:
            delivery = session.get_one(Delivery, file.delivery_id)
            delivery.processed_at = delivery.answered_at = delivery.settled_at = None
            log_event(session, ctx, "redriven", cycle=file.cycle, unit=file.unit, file=file.name)
            session.delete(file)
    return len(files)


def _awaited(session: Session) -> list[str]:
    found = session.scalars(
        select(File.awaiting).where(File.awaiting.is_not(None), File.settled_at.is_(None)).distinct()
    )
    return [program for program in found if program]
