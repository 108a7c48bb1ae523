"""What letters are made of: parts asked for and missing, files taken, findings as a clerk reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from huizong.definition.model import PartKind
from huizong.rules.model import SEVERITIES, SEVERITY_FOR_CLERK, Severity

_MOST_LINES = 30  # of one form's or list's findings in a letter; the marked workbook has them all


class LetterModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskedPart(LetterModel):
    """One thing the notice asks for (材料)."""

    title: str
    kind: PartKind = "document"
    required: bool = True
    hint: str = ""  # e.g. 视频不超过3分钟


class MissingPart(LetterModel):
    """One thing still owed. `kind` decides the wording for a form without its scan and the reverse.

    `perhaps`: it may be in our hands, among the files that are looked at or those that were set aside.
    """

    title: str
    kind: PartKind = "document"
    perhaps: Literal["", "checking", "set_aside"] = ""


class TakenFile(LetterModel):
    """One file that was taken as a return."""

    unit_name: str
    part_title: str
    file: str
    kind: PartKind = "document"
    version: int | None = None
    note: str = ""
    elsewhere: bool = False  # it is none of the reader's own: registered as another unit's
    on_paper: bool = False  # its figures were keyed from a scan or a photograph


class SetAsideFile(LetterModel):
    """One file that could not be taken; `reason` is a sentence that says what to do."""

    file: str
    reason: str


class LinkedFile(LetterModel):
    """One file that came as a link and that staff download; `term`: 至2022年7月10日21:59, 永久 or nothing."""

    file: str
    term: str = ""
    code_missing: bool = False


class LetterFinding(LetterModel):
    """One finding as the clerk reads it. `item_no` is the number on the form (第6项), counted from 1."""

    severity: Severity
    message: str
    item_no: int | None = None
    label: str = ""
    remedy: str = ""
    place: str = ""  # e.g. 统计表 C9
    stays_if: str = "数据无误"  # when the unit may explain instead of sending another

    @property
    def severity_text(self) -> str:
        return SEVERITY_FOR_CLERK[self.severity]


class UnitFindings(LetterModel):
    """Findings of one unit's form, strongest first whatever order they came in."""

    unit_name: str
    form_title: str = ""  # which of its forms, where it may have several
    form_no: str = ""
    items: tuple[LetterFinding, ...]

    @field_validator("items")
    @classmethod
    def _strongest_first(cls, items: tuple[LetterFinding, ...]) -> tuple[LetterFinding, ...]:
        return tuple(sorted(items, key=lambda f: (SEVERITIES.index(f.severity), f.item_no or 0)))

    @property
    def lines(self) -> tuple[FindingLine, ...]:
        """The first ones of them all (`more` says how many there are besides)."""
        return self._all_lines[:_MOST_LINES]

    @property
    def more(self) -> int:
        """How many lines are left out of the letter."""
        return max(0, len(self._all_lines) - _MOST_LINES)

    @property
    def _all_lines(self) -> tuple[FindingLine, ...]:
        """One a finding, but hints that say the same share one."""
        shared: dict[tuple[object, ...], list[LetterFinding]] = {}
        for n, finding in enumerate(self.items):
            hint = finding.severity == "hint" and finding.item_no is not None
            shared.setdefault((_said(finding), finding.remedy) if hint else (n,), []).append(finding)
        return tuple(_line(same) for same in shared.values())


class FindingLine(LetterModel):
    """A row of the table of findings."""

    severity_text: str
    subject: str  # 第6项 县级财政经费投入情况
    message: str
    place: str = ""


class KeyedFigure(LetterModel):
    item_no: int
    label: str
    unit: str = ""
    value: str


class KeyedForm(LetterModel):
    """What staff keyed from a unit's scan or photograph, for the unit to compare."""

    unit_name: str
    file: str
    figures: tuple[KeyedFigure, ...]


def titles_joined(parts: Sequence[MissingPart | AskedPart]) -> str:
    """统计表、盖章扫描件及总结报告."""
    titles = [part.title for part in parts]
    return titles[0] if len(titles) == 1 else "、".join(titles[:-1]) + "及" + titles[-1] if titles else ""


def _said(finding: LetterFinding) -> str:
    """A finding's message without the number of its item."""
    return finding.message.removeprefix(f"第{finding.item_no}项")


def _line(findings: Sequence[LetterFinding]) -> FindingLine:
    first = findings[0]
    number = f"第{first.item_no}项" if first.item_no else ""
    if len(findings) == 1:
        subject, message, place = f"{number} {first.label}".strip(), first.message, first.place
    else:
        subject = f"第{'、'.join(str(f.item_no) for f in findings)}项" if number else first.label
        message = first.message.replace(number, subject, 1) if number else first.message
        place = ""
    return FindingLine(
        severity_text=first.severity_text, subject=subject, message=message + first.remedy, place=place
    )
