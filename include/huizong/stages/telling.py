"""What one reply says: a delivery as one of its readers is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.model import Part
from huizong.instruments.form_number import hyphenated
from huizong.intake.relevance import EXPLANATION, NIL, NO_ATTACHMENT
from huizong.ledger.tables import Contact, File, FindingRow, FormIssue, Value, Version
from huizong.outbox.contents import (
    KeyedFigure,
    KeyedForm,
    LetterFinding,
    LinkedFile,
    MissingPart,
    SetAsideFile,
    TakenFile,
    UnitFindings,
)
from huizong.outbox.context import ReplyContext, choose_reply_kind
from huizong.rules.material import DIFFERS, TOO_LONG
from huizong.rules.model import CELLS_JOINED, Severity
from huizong.stages.answers import Answer, ask_of
from huizong.stages.issued import IssuedCycle
from huizong.stages.linked import lacks_code, term_of
from huizong.stages.nil import named, nil_matters
from huizong.stages.standing import Standing
from huizong.stages.wording import letter_basics, missing_part, moment_text
from huizong.stages.words import VIA

SUM_UP = "系{unit}下属单位材料，未计入汇总，请由{unit}汇总后统一报送。"
_CELLS_NAMED = 5
# Which parts a file of a kind can be at all; of other kinds nobody knows before it is opened.
_SHEETS = ("xlsx", "xlsm", "xlsb", "xls", "ods", "csv", "xml-spreadsheet")
_FITS = {
    **dict.fromkeys(_SHEETS, ("form", "list", "press")),
    "image": ("scan", "media", "press"),
    "video": ("media", "press"),
}


@dataclass(frozen=True)
class Telling:
    """One letter's matter.

    Attributes:
        first: in whose name it is written, and whose letter it is.
        about: of whom it says what is owed.
        own: the units whose findings its reader is told; other units' files are merely named.
        brought: who handed it in, where it was not the reader.
    """

    answer: Answer
    address: str
    contact: Contact | None
    first: Standing
    about: Sequence[Standing]
    own: frozenset[str]
    brought: str = ""

    @property
    def versions(self) -> list[Version]:
        """Those that the reader has to answer for."""
        return [v for v in self.answer.versions if v.unit in self.own]

    @property
    def marked(self) -> list[int]:
        """Versions whose workbook goes back marked: xlsx with findings that ask for something."""
        kinds = {file.id: file.kind for file in self.answer.files}
        return [
            v.id
            for v in self.versions
            if kinds.get(v.file_id) in {"xlsx", "xlsm"} and self.answer.asks_something(v)
        ]


def context_of(session: Session, issued: IssuedCycle, told: Telling, as_of: datetime) -> ReplyContext:
    """The letter as facts."""
    answer, first, contact = told.answer, told.first, told.contact
    findings = tuple(
        f for v in told.versions if (f := _unit_findings(session, issued, v, answer.to_answer(v)))
    )
    own = contact is not None and contact.unit == first.unit.code
    taken, aside = tuple(_taken(issued, told)), tuple(_aside(issued, answer.files, own=own))
    matters = nil_matters(issued, answer.delivery)
    missing = () if matters else tuple(_missing(told))
    asking = [v for v in told.versions if answer.asks_something(v)]
    queries = [f for s in told.about for f in s.open_queries]
    settled = all(s.status in {"complete", "nil"} for s in told.about)
    basics = letter_basics(issued, first.collection, first.unit, contact, as_of, first.due)
    return ReplyContext(
        **basics,
        kind=choose_reply_kind(findings, aside, missing, taken=bool(taken)),
        received_text=moment_text(answer.delivery.received_at, issued),
        taken=taken,
        set_aside=aside,
        findings=findings,
        missing_parts=missing,
        complete=bool(told.about) and settled and not (answer.only_restricted or answer.to_redo or matters),
        nil=answer.delivery.reason == NIL,
        nil_of=named(first.collection) if answer.delivery.reason == NIL and basics["several"] else "",
        nil_matters=matters,
        no_attachment=answer.delivery.reason == NO_ATTACHMENT,
        explained=answer.delivery.reason == EXPLANATION or answer.explained,
        awaits_consent=any(f.explanation for f in queries),
        open_findings=sum(not f.explanation for f in queries),
        marked=bool(told.marked),
        restricted=answer.restricted,
        checking=tuple(file.name for file in answer.checking),
        brought=told.brought,
        via=VIA.get(answer.delivery.via or "", ""),
        keyed=tuple(_keyed(issued, told)),
        linked=tuple(_linked(answer.files)),
        on_paper=bool(asking) and all(v.id in answer.keyed for v in asking),
    )


def _taken(issued: IssuedCycle, told: Telling) -> Iterable[TakenFile]:
    names = {file.id: file.name for file in told.answer.files}
    for version in told.answer.versions:
        part = issued.collection(version.collection).part(version.part)
        if part is not None:
            yield TakenFile(
                unit_name=issued.unit(version.unit).full_name,
                part_title=part.name,
                file=names[version.file_id],
                kind=missing_part(part).kind,
                version=None if part.appends else version.number,  # items of a kind stand side by side
                note=_note(told.answer, version),
                elsewhere=version.unit not in told.own,
                on_paper=version.id in told.answer.keyed,
            )


def _note(answer: Answer, version: Version) -> str:
    if version.status == "rejected":
        return "退回修改" if answer.asks_something(version) else "说明待审定"
    return "据纸质件录入" if version.id in answer.keyed else ""


def _aside(issued: IssuedCycle, files: list[File], *, own: bool) -> Iterable[SetAsideFile]:
    """What was not taken, and what to do about it. `own`: the letter goes to the unit's own contact."""
    for file in files:
        if file.disposition == "set_aside":
            yield SetAsideFile(file=file.name, reason=file.reason)
        elif ask := ask_of(file):
            yield SetAsideFile(file=file.name, reason=ask)
        elif file.disposition == "subordinate":
            unit = "{单位}" if own else issued.unit(file.unit).full_name if file.unit else "上级单位"
            yield SetAsideFile(file=file.name, reason=SUM_UP.format(unit=unit))


def _linked(files: list[File]) -> Iterable[LinkedFile]:
    """What staff will download."""
    for file in files:
        if file.disposition == "link_pending":
            yield LinkedFile(file=file.name, term=term_of(file), code_missing=lacks_code(file))


def _missing(told: Telling) -> Iterable[MissingPart]:
    """What is owed, once each, and whether it may be in our hands all the same."""
    if told.answer.only_restricted:
        return
    named: set[str] = set()
    for standing in told.about:
        for part in standing.absent_parts if standing.status != "nil" else ():
            if part.name not in named:
                named.add(part.name)
                yield missing_part(part).model_copy(update={"perhaps": _perhaps(told.answer, part)})


def _perhaps(answer: Answer, part: Part) -> str:
    if any(_may_be(file, part) for file in answer.checking):
        return "checking"
    unread = [f for f in answer.files if f.disposition == "set_aside"] + answer.to_redo
    return "set_aside" if any(_may_be(file, part) for file in unread) else ""


def _may_be(file: File, part: Part) -> bool:
    if file.part:
        return file.part == part.code
    fits = _FITS.get(file.kind)
    return fits is None or part.kind in fits


def _keyed(issued: IssuedCycle, told: Telling) -> Iterable[KeyedForm]:
    names = {file.id: file.name for file in told.answer.files}
    for version in told.versions:
        instrument = issued.loaded.instruments.get(version.instrument or "")
        values = {value.item: value for value in told.answer.keyed.get(version.id, ())}
        if instrument is None or not values:
            continue
        figures = tuple(
            KeyedFigure(
                item_no=number, label=item.label, unit=item.unit or "", value=_figure(values[item.code])
            )
            for number, item in enumerate(instrument.items, start=1)
            if item.code in values
        )
        name = issued.unit(version.unit).full_name
        yield KeyedForm(unit_name=name, file=names[version.file_id], figures=figures)


def _figure(value: Value) -> str:
    return value.raw or "（空）"


def _unit_findings(
    session: Session, issued: IssuedCycle, version: Version, rows: Sequence[FindingRow]
) -> UnitFindings | None:
    if not rows:
        return None
    instrument = issued.loaded.instruments.get(version.instrument or "")
    is_list = instrument is not None and instrument.kind == "list"
    numbers = instrument.numbers if instrument and not is_list else {}
    part = issued.collection(version.collection).part(version.part)
    number = session.scalars(
        select(FormIssue.form_number).where(
            FormIssue.cycle == version.cycle,
            FormIssue.collection == version.collection,
            FormIssue.unit == version.unit,
            FormIssue.instrument == version.instrument,
        )
    ).first()
    return UnitFindings(
        unit_name=issued.unit(version.unit).full_name,
        form_title=part.name if part and (is_list or instrument is None) else "",
        form_no=hyphenated(number) if number else "",
        items=tuple(
            LetterFinding(
                severity=cast(Severity, row.severity),
                message=row.message,
                item_no=numbers.get(row.item or ""),
                label=instrument.by_code[row.item].label if instrument and row.item else "",
                remedy=row.remedy,
                stays_if=_stays_if(row.rule, figures=part is None or part.kind in ("form", "list", "scan")),
                place=_place(row.sheet, row.cell),
            )
            for row in rows
        ),
    )


def _stays_if(rule: str, *, figures: bool) -> str:
    """When a finding may be explained away, as its letter says at the end."""
    if rule == TOO_LONG:
        return "确需保留原视频"
    return "数据无误" if figures or rule == DIFFERS else "材料无误"


def _place(sheet: str, cell: str) -> str:
    """Where a clerk finds it: 统计表 C9, or in Word 表格第3行第2列; of several cells the first ones."""
    cells = cell.split(CELLS_JOINED)
    more = "等" if len(cells) > _CELLS_NAMED else ""
    if all(words := [re.fullmatch(r"T\d+R(\d+)C(\d+)", one) for one in cells]):
        lines = CELLS_JOINED.join(dict.fromkeys(word[1] for word in words[:_CELLS_NAMED] if word))
        return f"表格第{lines}{more}行第{words[0][2] if words[0] else ''}列"
    return " ".join(part for part in (sheet, CELLS_JOINED.join(cells[:_CELLS_NAMED]) + more) if part)
