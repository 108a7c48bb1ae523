"""Whose each form of a delivery is: what its three witnesses say, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from huizong.intake.recognise import Named, Verdict, Witnesses, identify, read_name
from huizong.readers.model import FileReading, FormReading
from huizong.stages.claims import Claim, claim_of, not_an_old_form
from huizong.stages.envelope import Envelope, part_of
from huizong.stages.issued import IssuedCycle
from huizong.stages.rivals import not_over_another
from huizong.stages.volunteers import answering_for_itself

# Kinds that show a form and are not made to be edited.
PRINTS = frozenset({"pdf", "ofd", "image"})


@dataclass(frozen=True)
class Judged:
    """One form of a file: what its marks say, who may be meant, and what follows."""

    form: FormReading
    claim: Claim
    witnesses: Witnesses
    verdict: Verdict
    issued: IssuedCycle | None

    @property
    def waits(self) -> bool:
        return self.verdict.disposition == "triage"


def claims_of(envelope: Envelope, readings: Mapping[str, FileReading]) -> dict[str, list[Claim]]:
    """What token and form number of every form say: file (by digest) → one a form, then one a proposal."""
    return {
        digest: [
            claim_of(envelope.ctx, envelope.session, envelope.cycles, form)
            for form in (*reading.forms, *reading.proposals)
        ]
        for digest, reading in readings.items()
    }


def judge_all(
    envelope: Envelope, readings: Mapping[str, FileReading], claims: Mapping[str, Sequence[Claim]]
) -> dict[str, list[Judged]]:
    """File (by digest) → what each of its forms, or of the forms seen on its picture, came to."""
    named = {claim.unit for found in claims.values() for claim in found}
    too = bool(envelope.senders & named)
    judged: dict[str, list[Judged]] = {}
    for digest, reading in readings.items():
        exact, seen = claims[digest][: len(reading.forms)], claims[digest][len(reading.forms) :]
        judged[digest] = [_judge(envelope, *pair, too) for pair in zip(reading.forms, exact, strict=True)]
        if not reading.forms:
            pairs = zip(reading.proposals, seen, strict=True)
            judged[digest] = [_judge_picture(envelope, *pair, too) for pair in pairs]
    return judged


def _judge(envelope: Envelope, form: FormReading, claim: Claim, sender_reports_too: bool) -> Judged:
    issued = claim.issued or envelope.home_cycle
    if issued is None:
        return _unknown_cycle(form, claim)
    witnesses = _witnesses(envelope, issued, form, claim)
    verdict = identify(witnesses, issued.names, sender_reports_too=sender_reports_too)
    if _is_anybodys(issued, claim, form):
        drop = envelope.delivery.sender if envelope.by_folder else ""
        verdict = answering_for_itself(envelope.session, issued, witnesses, verdict, drop)
    verdict = not_an_old_form(issued, form, claim, verdict)
    verdict = not_over_another(envelope, issued, claim, form, verdict)
    return Judged(form, claim, witnesses, verdict, issued)


def _is_anybodys(issued: IssuedCycle, claim: Claim, form: FormReading) -> bool:
    """Whether only voluntary collections ask for this form: then nobody has to stand in the roster."""
    asking = [c for c in issued.collections if part_of(c, form.instrument)]
    return not claim.unit and bool(asking) and all(c.voluntary for c in asking)


def _judge_picture(envelope: Envelope, form: FormReading, claim: Claim, sender_reports_too: bool) -> Judged:
    """What was recognised on a picture is weak: its header says something only where it is a unit's name."""
    issued = claim.issued or envelope.home_cycle
    if issued is None:
        return _unknown_cycle(form, claim)
    witnesses = _witnesses(envelope, issued, form, claim)
    if witnesses.beneath and not claim.unit:
        name = issued.unit(witnesses.beneath).name
        reason = f"图片上的表头为“{witnesses.text}”，疑似{name}下属单位材料，请核对。"
        return Judged(form, claim, witnesses, Verdict("triage", reason=reason), issued)
    witnesses = replace(witnesses, beneath=None)
    verdict = identify(witnesses, issued.names, sender_reports_too=sender_reports_too)
    return Judged(form, claim, witnesses, verdict, issued)


def _unknown_cycle(form: FormReading, claim: Claim) -> Judged:
    return Judged(form, claim, Witnesses(), Verdict("triage", reason="不能确定属于哪项统计任务"), None)


def _witnesses(envelope: Envelope, issued: IssuedCycle, form: FormReading, claim: Claim) -> Witnesses:
    named = read_name(form.unit_text, issued.units_by_name, lambda code: issued.loaded.by_code[code].parent)
    if claim.unit and claim.unit in named.units:
        named = Named()  # pre-filled: the file's own witness, not a second one
    return Witnesses(
        claim.unit,
        claim.problem,
        envelope.senders_in(issued),
        named.units,
        named.beneath,
        form.unit_text,
        envelope.delivery.sender,
    )
