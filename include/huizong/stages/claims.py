"""What a form's own marks say: its token, its form number, and the year in its title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.instruments.token import TokenError
from huizong.intake.recognise import Verdict
from huizong.ledger.tables import FormIssue
from huizong.readers.model import FormReading
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle


@dataclass(frozen=True)
class Claim:
    """Whose the form says it is. `problem`: a key of `FILE_PROBLEMS`."""

    issued: IssuedCycle | None = None
    collection: str | None = None
    unit: str | None = None
    problem: str = ""


def claim_of(ctx: Context, session: Session, cycles: Sequence[IssuedCycle], form: FormReading) -> Claim:
    """What token and form number say. The number stands in where there is no token."""
    if form.token:
        try:
            claims = ctx.token_keys.verify(form.token)
        except TokenError as e:
            return Claim(problem=e.kind)
        return _claim_in(cycles, claims.cycle, claims.collection, claims.unit)
    if form.form_number:
        issue = session.scalars(select(FormIssue).where(FormIssue.form_number == form.form_number)).first()
        if issue is not None:
            return _claim_in(cycles, issue.cycle, issue.collection, issue.unit)
    return Claim()


def _claim_in(cycles: Sequence[IssuedCycle], cycle: str, collection: str, unit: str) -> Claim:
    for issued in cycles:
        known = issued.code == cycle and issued.loaded.cycle.collection(collection)
        if known and unit in issued.loaded.by_code:
            return Claim(issued, collection, unit)
    return Claim(problem="other_cycle")


def not_an_old_form(issued: IssuedCycle, form: FormReading, claim: Claim, verdict: Verdict) -> Verdict:
    """The verdict; triage where nothing but the title tells which year's form it is, and it is another's."""
    instrument = issued.loaded.instruments.get(form.instrument)
    if verdict.disposition != "return" or claim.unit or instrument is None:
        return verdict
    if not instrument.is_of_another_year(form.title):
        return verdict
    return Verdict("triage", reason=f"表题为“{form.title}”，与本次表样年份不一致")
