"""Who answers a voluntary collection without standing in the roster: known by name, with a code made of it.

Anybody may answer one, so there is no frame to look them up in: a registered unit keeps its own code, every
other organiser becomes a volunteer in the transaction that files what it sent.
"""

from __future__ import annotations

import hashlib
import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.frame.roster import Unit
from huizong.intake.recognise import Verdict, Witnesses, units_named
from huizong.ledger.tables import Volunteer
from huizong.readers.layout.labels import normalise
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, volunteer_unit

NO_NAME = "自愿报送材料未写明填报单位，请核对后认领"
_SEAL = re.compile(r"\s*[（(](加?盖章?|公章|章)[）)]\s*$")
_LONGEST = 100  # characters of a name


def code_of(name: str) -> str:
    """The code of a volunteer: the same for every way in which one name is written."""
    return f"V-{hashlib.sha256(normalise(name).encode()).hexdigest()[:10]}"


def plain_name(text: str) -> str:
    """An organiser's name as it was typed, without white space at the ends and （盖章）."""
    return " ".join(_SEAL.sub("", text).split())[:_LONGEST]


def enrol(session: Session, issued: IssuedCycle, name: str) -> Unit:
    """The volunteer of that name; a row is made of it where there is none yet."""
    name = plain_name(name)
    query = select(Volunteer).where(Volunteer.cycle == issued.code, Volunteer.code == code_of(name))
    row = session.scalars(query).first()
    if row is None:
        row = Volunteer(cycle=issued.code, code=code_of(name), name=name)
        session.add(row)
        session.flush()
    unit = volunteer_unit(row, len(issued.loaded.units))
    issued.add_volunteer(unit)
    return unit


def enrolled(ctx: Context, issued: IssuedCycle, unit: str) -> str:
    """The code of whom a person names by code or by name."""
    if unit in issued.names or not normalise(unit):
        return unit
    registered = units_named(unit, issued.units_by_name)
    if len(registered) == 1:
        return next(iter(registered))
    with ctx.ledger.write() as session:
        return enrol(session, issued, unit).code


def answering_for_itself(
    session: Session, issued: IssuedCycle, witnesses: Witnesses, verdict: Verdict, drop: str
) -> Verdict:
    """The verdict on a list of a voluntary collection: whoever it names, or whose drop it is, has sent it.

    Marks of ours, and what a registered unit says of itself, decide as everywhere.

    Args:
        drop: the name of the folder drop that it came in, if it did.
    """
    if witnesses.file or witnesses.file_problem or (witnesses.content and witnesses.sender):
        return verdict
    typed = plain_name(witnesses.text)
    own = [name for code in witnesses.sender for name in issued.unit(code).names]
    if own and verdict.disposition == "return" and (not typed or typed.startswith(tuple(own))):
        return verdict
    name = typed or plain_name(drop)
    if not normalise(name):
        return Verdict("triage", reason=NO_NAME)
    registered = units_named(name, issued.units_by_name)
    if len(registered) == 1:
        return Verdict("return", next(iter(registered)), from_registered=bool(witnesses.sender))
    return Verdict("return", enrol(session, issued, name).code, from_registered=bool(witnesses.sender))
