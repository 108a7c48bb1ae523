"""What a letter says, as facts: frozen and JSON, so that the ledger can keep it until the first claim.

A letter is queued as one of these contexts and becomes words when it is claimed (`letters.LetterBook`).
Dates arrive as the clerk reads them (`6月20日（星期一）前（含当日）`): calendar and zone are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from huizong.outbox.contents import (
    AskedPart,
    KeyedForm,
    LetterModel,
    LinkedFile,
    MissingPart,
    SetAsideFile,
    TakenFile,
    UnitFindings,
    titles_joined,
)
from huizong.outbox.to_operator import AlarmContext, DigestContext

AddressAs = Literal["你单位", "贵单位"]


class _Common(LetterModel):
    """What every letter knows."""

    cycle_title: str
    document_number: str = ""
    issued_by: tuple[str, ...]
    office_name: str  # signs the letter
    office_contact: str = ""  # 张三 0373-…, where the definition names one
    several: bool = False  # the unit is asked for other matters of the cycle too
    mailbox: str
    unit_name: str
    address_as: AddressAs
    relation: str = "subordinate"
    contact_name: str = ""  # whom the letter is for, where one is registered
    due_text: str = ""  # 6月20日（星期一）前（含当日）
    past_due: bool = False  # the letter then asks for 尽快 instead of naming a day that is gone
    reference_period: str = ""
    dated: str = ""  # 2022年6月13日, under the signature
    how: str = "直接回复本邮件"  # how to send more; or 发送至 another mailbox

    @property
    def when(self) -> str:
        """The adverb of every request: 于6月20日（星期一）前（含当日） or 尽快."""
        return "尽快" if self.past_due or not self.due_text else f"于{self.due_text}"

    @property
    def by_when(self) -> str:
        return f"请{self.when}"


class NoticeContext(_Common):
    """报送工作提示（附通知）."""

    kind: Literal["notice"] = "notice"
    parts: tuple[AskedPart, ...]
    event_text: str = ""  # 2022年5月11日至6月10日
    form_numbers: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    nil_text: str = ""  # how to say that there is nothing to report

    @property
    def asks_scan(self) -> bool:
        return any(part.kind == "scan" for part in self.parts)

    @property
    def asks_list(self) -> bool:
        return any(part.kind == "list" for part in self.parts)


class ReplyContext(_Common):
    """The one answer to one delivery: 收件回执, 修改意见 or 补报材料提示 (`choose_reply_kind`)."""

    kind: Literal["receipt", "correction", "supplement"]
    received_text: str  # 2022年6月13日09:12
    taken: tuple[TakenFile, ...] = ()
    set_aside: tuple[SetAsideFile, ...] = ()
    findings: tuple[UnitFindings, ...] = ()
    missing_parts: tuple[MissingPart, ...] = ()
    complete: bool = False
    no_attachment: bool = False
    nil: bool = False  # a nil return was taken
    nil_of: str = ""  # of which matter, where the unit is asked for several
    nil_matters: tuple[str, ...] = ()  # which matters it may be of: the clerk is asked
    marked: bool = False  # the clerk's own workbook goes back with the findings marked in it
    restricted: bool = False  # a file bears a mark of secrecy: said without its name
    explained: bool = False  # reasons were given, in a letter or in the workbook
    awaits_consent: bool = False  # some of them hold only once the office has consented
    open_findings: int = 0  # what the unit has still to answer, in all
    checking: tuple[str, ...] = ()  # files that a person looks at; nothing is asked of the unit for them
    brought: str = ""  # 由红旗区科学技术局报送, 转交: who handed it in, where it was not the reader
    keyed: tuple[KeyedForm, ...] = ()
    linked: tuple[LinkedFile, ...] = ()
    on_paper: bool = False  # all that has to be corrected was keyed from paper
    via: str = ""  # 经传真: how it reached the office, where a person brought it in
    misdirected: str = ""  # what of it belonged to another office's mailbox, as a sentence

    @property
    def nothing_taken(self) -> bool:
        """Files came, and none of them could be taken."""
        return bool(self.set_aside) and not self.taken

    @property
    def elsewhere(self) -> tuple[TakenFile, ...]:
        return tuple(file for file in self.taken if file.elsewhere)

    @property
    def surely_missing(self) -> tuple[MissingPart, ...]:
        """What is owed and is not among the files in our hands either."""
        return tuple(part for part in self.missing_parts if not part.perhaps)

    @property
    def missing_sentences(self) -> tuple[str, ...]:
        """What is still owed in the words of the field, one sentence each; what may be among the files that
        were set aside is asked for once."""
        again = [part for part in self.missing_parts if part.perhaps == "set_aside"]
        others = [_missing_sentence(part, self) for part in self.missing_parts if part not in again]
        if again:
            said = f"{titles_joined(again)}尚未收妥：在未能采用的文件中的，按上述办法重新发送即可；"
            others.append(f"{said}其余{self.by_when}补报。")
        return _dated_once(others, self)

    @property
    def dated_above(self) -> bool:
        """Whether the sentences on what is missing name the day already."""
        return not self.no_attachment and any(self.by_when in said for said in self.missing_sentences)

    @property
    def to_correct(self) -> bool:
        """Whether anything has to be answered, hints aside."""
        return any(f.severity != "hint" for unit in self.findings for f in unit.items)

    @property
    def to_explain(self) -> tuple[str, ...]:
        """When a reason settles something, so that the letter asks for one: 确需保留原视频的."""
        asked = ("quasi_mandatory", "verify")
        found = (f.stays_if + "的" for unit in self.findings for f in unit.items if f.severity in asked)
        return tuple(dict.fromkeys(found))


class ReminderContext(_Common):
    """报送提示 (nudge) and 催报提醒 (due_day, overdue), worded by what is missing."""

    kind: Literal["nudge", "reminder"]
    rung: Literal["nudge", "due_day", "overdue"]
    missing_parts: tuple[MissingPart, ...] = ()
    open_findings: int = 0
    received_any: bool = False
    days_late_text: str = ""  # 1个工作日
    nil_text: str = ""

    @model_validator(mode="after")
    def _kind_fits_rung(self) -> Self:
        if (self.kind == "nudge") != (self.rung == "nudge"):
            raise ValueError(f"rung {self.rung} is not a {self.kind}")
        return self


class FormalNoticeContext(_Common):
    """催报函: the office's letter after the reminders; sent only after its own approval."""

    kind: Literal["formal_notice"] = "formal_notice"
    missing_parts: tuple[MissingPart, ...] = ()
    open_findings: int = 0
    received_any: bool = False
    reminded_on: tuple[str, ...] = ()  # 6月13日, 6月21日
    new_due_text: str = ""  # by when at the latest, where the office names a day
    nil_text: str = ""


class ResultFigure(LetterModel):
    """One line of a result letter; figures are canonical decimal text."""

    item_no: int
    label: str
    unit: str = ""
    total: str
    own: str = ""


class ResultContext(_Common):
    """汇总结果反馈: the totals and the unit's own figures, no ranks."""

    kind: Literal["result"] = "result"
    edition_title: str  # 定稿
    coverage_text: str  # whole sentences
    figures: tuple[ResultFigure, ...] = ()
    attachments: tuple[str, ...] = ()
    nil: bool = False  # the unit said that it has nothing to report
    stands: tuple[str, ...] = ()  # the unit's own progress where there is no form: 已报齐

    @property
    def has_own(self) -> bool:
        """Whether figures of the unit are in the totals."""
        return any(figure.own for figure in self.figures)


class AmendmentContext(_Common):
    """补充通知: what changed after issue."""

    kind: Literal["amendment"] = "amendment"
    changes: tuple[str, ...]
    attachments: tuple[str, ...] = ()


class ExtensionContext(_Common):
    """延期答复. `due_text` is the day that holds from now on."""

    kind: Literal["extension"] = "extension"
    granted: bool
    reason: str = ""


CycleLetter = (  # what a cycle writes to its units
    NoticeContext
    | ReplyContext
    | ReminderContext
    | FormalNoticeContext
    | ResultContext
    | AmendmentContext
    | ExtensionContext
)
LetterContext = Annotated[CycleLetter | AlarmContext | DigestContext, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[LetterContext] = TypeAdapter(LetterContext)


def load_context(text: str | bytes) -> LetterContext:
    """The context that `model_dump_json` wrote into the ledger.

    Raises:
        pydantic.ValidationError: the text is not a letter's context.
    """
    return _ADAPTER.validate_json(text)


def choose_reply_kind(
    findings: Sequence[UnitFindings],
    set_aside: Sequence[SetAsideFile],
    missing_parts: Sequence[MissingPart],
    *,
    taken: bool,
) -> Literal["receipt", "correction", "supplement"]:
    """Which of the three answers a delivery gets: the strongest thing it has to say names it. There is
    nothing to correct where nothing was `taken`, and nothing is owed that may be in our hands unread."""
    if any(f.severity != "hint" for unit in findings for f in unit.items) or (set_aside and taken):
        return "correction"
    owed = set_aside or any(part.perhaps != "checking" for part in missing_parts)
    return "supplement" if owed else "receipt"


def _dated_once(sentences: Sequence[str], reply: ReplyContext) -> tuple[str, ...]:
    """The day stands in the first sentence that asks for something; where all is sent again, at the end."""
    told, dated = [], reply.nothing_taken
    for sentence in sentences:
        told.append(sentence.replace(reply.by_when, "请一并") if dated else sentence)
        dated = dated or reply.by_when in sentence
    return tuple(told)


def _missing_sentence(part: MissingPart, reply: ReplyContext) -> str:
    hint = "如正在核对的文件即为该材料，无需重发。" if part.perhaps == "checking" else ""
    return _owed(part, reply) + hint


def _owed(part: MissingPart, reply: ReplyContext) -> str:
    arrived = {file.kind for file in reply.taken if not file.elsewhere and not file.on_paper}
    if part.kind == "scan" and "form" in arrived:
        return f"电子表已收到，尚缺加盖公章的扫描件，{reply.by_when}补报，内容须与电子表一致。"
    if part.kind == "form" and "scan" in arrived:
        return (
            "盖章扫描件已收到，请同时报送可编辑的电子表（Excel或WPS表格），以便核对汇总；"
            "确实只能报送纸质表的，请回信说明。"
        )
    return f"尚缺{part.title}，{reply.by_when}补报。"
