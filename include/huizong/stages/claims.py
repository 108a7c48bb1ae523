"""What a form's own marks say: its token, its form number, and the year in its title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.instruments.model import year_in
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
        if issued.code == cycle:
            known = issued.loaded.cycle.collection(collection)
            if known and issued.asks(known, unit):
                return Claim(issued, collection, unit)
            return Claim(problem="not_expected")
    return Claim(problem="other_cycle")


def not_an_old_form(issued: IssuedCycle, form: FormReading, claim: Claim, verdict: Verdict) -> Verdict:
    """The verdict; triage where nothing but the title tells whose form it is, and it is another year's or
    another task's. Whoever sent such a form is asked for this one."""
    instrument = issued.loaded.instruments.get(form.instrument)
    other_year = instrument is not None and instrument.is_of_another_year(form.title)
    if claim.problem == "other_cycle":
        return replace(verdict, ask=_use_ours(form if other_year else None))
    other = instrument is not None and instrument.is_of_another_form(form.title)
    if verdict.disposition != "return" or claim.unit or not other:
        return verdict
    reason = f"表题为“{form.title}”，与本次表样{'年份' if other_year else ''}不一致"
    return Verdict("triage", reason=reason, ask=_use_ours(form if other_year else None))


def _use_ours(form: FormReading | None) -> str:
    """What to write to the sender of a form of another year, or of no year that we know."""
    what = f"{year_in(form.title)}年" if form else "其他统计任务（或上年度）的"
    return f"所报为{what}表样，请使用本次通知所附表样填报。"
