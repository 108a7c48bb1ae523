"""A cycle (统计任务) as its definition file states it. DESIGN 6 has the sketch; `load.py` reads the file."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from huizong.definition.when import OfficeHours, When

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
PartCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
PartKind = Literal["form", "list", "scan", "document", "media", "news", "press"]
Rung = Literal["nudge", "due_day", "overdue", "formal_notice", "superior_informed"]

PART_TITLES: dict[PartKind, str] = {
    "form": "统计表",
    "list": "备案表",
    "scan": "加盖公章的扫描件",
    "document": "总结报告",
    "media": "影像资料",
    "news": "文字信息",
    "press": "媒体报道资料",
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Model):
    """How many letters a mailbox sends; providers publish no numbers, so none is the default."""

    minute: int | None = Field(default=None, ge=1)
    quarter_hour: int | None = Field(default=None, ge=1)
    day: int | None = Field(default=None, ge=1)
    connection: int | None = Field(default=None, ge=1)


Proof = Literal["sent_folder", "blind_copy", "none"]


class Channel(_Model):
    """A way in: a mailbox (its connections are named after it) or a folder.

    How a mailbox is handled is no part of what is frozen at issue: it may change at any time.
    """

    address: str | None = None
    folder: str | None = None
    proof: Proof = "none"  # by what a letter whose answer was lost is known to have left
    limits: Limits = Limits()
    folders: tuple[str, ...] = ()  # mail folders to read besides INBOX and the junk folders

    @model_validator(mode="after")
    def _one_of_two(self) -> Channel:
        if (self.address is None) == (self.folder is None):
            raise ValueError("写 address（邮箱）或 folder（文件夹）之一")
        return self


class Office(_Model):
    """Who collects: signs letters, answers questions, approves."""

    name: str
    contact: str = ""
    approve: tuple[str, ...] = ()

    @property
    def signers(self) -> str:
        """The office and who of it signs off: 科普科（须经科长、分管局领导签批）."""
        return self.name + (f"（须经{'、'.join(self.approve)}签批）" if self.approve else "")


class Audience(_Model):
    """Which units of the roster answer: those with one of the tags, and those named."""

    tags: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


class Part(_Model):
    """One thing asked for (材料). Forms and scans replace; news items and media add up."""

    code: PartCode
    kind: PartKind
    title: str = ""
    hint: str = ""  # what the notice says of it: 视频不超过3分钟
    instrument: str | None = None
    of: PartCode | None = None
    required: bool = True
    keeps: Literal["replace", "append"] | None = None
    max_minutes: int | None = Field(default=None, ge=1)  # of a video, where the notice says so
    min_characters: int | None = Field(default=None, ge=1)  # of a document: below that it is too short

    @property
    def name(self) -> str:
        return self.title or PART_TITLES[self.kind]

    @property
    def appends(self) -> bool:
        return (
            self.keeps or ("append" if self.kind in {"media", "news", "press"} else "replace")
        ) == "append"

    @model_validator(mode="after")
    def _what_its_kind_needs(self) -> Part:
        if (self.kind in {"form", "list"}) != (self.instrument is not None):
            raise ValueError("form 与 list 须写 instrument（代码@版本），其他材料不写")
        if self.of is not None and self.kind != "scan":
            raise ValueError("of 只用于 scan（某表的盖章扫描件）")
        if self.max_minutes is not None and self.kind not in {"media", "press"}:
            raise ValueError("max_minutes 只用于 media 和 press（视频时长）")
        if self.min_characters is not None and self.kind != "document":
            raise ValueError("min_characters 只用于 document")
        return self


class LadderStep(_Model):
    rung: Rung
    at: When


class LadderRules(_Model):
    """No summary reminder before the event's end plus this, none within this of issue."""

    after_event: int = Field(default=1, ge=0, description="working days")
    after_issue: int = Field(default=3, ge=0, description="working days")


class Collection(_Model):
    """One request within a cycle (报送事项): who, what, by when, through which channel."""

    code: Code
    title: str = ""
    office: Office
    audience: Audience = Audience()
    channel: Code
    opens: When | None = None
    due: When | None = None
    closes: When | None = None
    voluntary: bool = False
    nil: Literal["reply", "stamped_form"] | None = None
    parts: tuple[Part, ...] = Field(min_length=1)
    ladder: tuple[LadderStep, ...] = ()

    @model_validator(mode="after")
    def _voluntary_has_no_frame(self) -> Collection:
        if self.voluntary and (self.ladder or self.audience.tags or self.audience.units):
            raise ValueError("voluntary（自愿报送）的事项没有应报名单，不写 audience 和 ladder")
        if not self.voluntary and self.due is None:
            raise ValueError("缺少 due（截止日期）")
        codes = [part.code for part in self.parts]
        if len(set(codes)) != len(codes):
            raise ValueError("parts 中有重复的 code")
        for n, part in enumerate(self.parts):
            if part.of is not None and part.of not in codes:
                said = {"of": part.of, "known": "、".join(codes), "at": ("parts", n, "of")}
                raise PydanticCustomError("unknown_part", "of: {of} 不是本事项的材料（有：{known}）", said)
        return self

    def part(self, code: str) -> Part | None:
        return next((part for part in self.parts if part.code == code), None)

    @property
    def form(self) -> Part | None:
        """The part that holds the figures, if there is one."""
        return next((part for part in self.parts if part.kind == "form"), None)

    @property
    def forms(self) -> tuple[Part, ...]:
        """The parts that are reported on an instrument: forms and lists."""
        return tuple(part for part in self.parts if part.instrument)

    @property
    def required_parts(self) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.required)


class Event(_Model):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Event:
        if self.last < self.first:
            raise ValueError("to 早于 from")
        return self


class Upward(_Model):
    """The level above: who gets the summary, by when, how, on which form.

    `form`: null is the same form; `code@version` another one, whose items are sums of ours as `mapping` says
    (item of theirs: items of ours; of the same code where nothing is said); a file name the blank workbook
    that came from above, in the cycle's folder.
    """

    to: str
    due: When | None = None
    channel: str | None = None
    form: str | None = Field(default=None, pattern=r"^([a-z][a-z0-9-]*@[^/\\]+|[^/\\@]+\.xlsx)$")
    mapping: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def instrument(self) -> str | None:
        """The form of theirs as `code@version`."""
        return None if self.form is None or self.blank else self.form

    @property
    def blank(self) -> str | None:
        """The name of their blank workbook."""
        return self.form if self.form is not None and self.form.endswith(".xlsx") else None

    @model_validator(mode="after")
    def _mapping_of_a_form(self) -> Upward:
        if self.mapping and self.instrument is None:
            raise ValueError("mapping 只在 form 写上级表样（代码@版本）时使用")
        return self


class Notice(_Model):
    issue_at: When
    document: str | None = None
    letter: str | None = None

    @field_validator("issue_at")
    @classmethod
    def _absolute(cls, when: When) -> When:
        if when.anchor is not None:
            raise ValueError(f"issue_at 须写明日期，如 2022-05-24T09:00，不能是“{when}”")
        return when


class Points(_Model):
    """What counts towards 评选参考, and how much; people decide, the figures only help them."""

    punctual: int = 1
    complete: int = 1
    correction: int = -1  # for each time that a return had to be sent back


class Commendation(_Model):
    """Facts for a decision on whom to commend (评选参考): listed for people, never mailed round."""

    title: str
    of: tuple[Literal["units", "people", "activities"], ...] = Field(min_length=1)
    points: Points = Points()


class Assemble(_Model):
    provisional_at: When = When.parse("due + 1wd 08:30")
    final_at: When = When.parse("closes")


class Cycle(_Model):
    """One reporting exercise."""

    code: Code
    title: str
    live: bool = False
    timezone: str = "Asia/Shanghai"
    calendar: Literal["state_council", "always"] = "state_council"
    office_hours: OfficeHours = OfficeHours.parse(["08:00-12:00", "14:30-18:00"])
    issued_by: tuple[str, ...] = Field(min_length=1)
    document_number: str = ""
    event: Event | None = None
    reference_period: str = ""
    keywords: tuple[str, ...] = ()  # words by which a stranger's mail betrays that it is about this
    previous: str | None = None
    area: str = ""  # the name under which the summary goes up, e.g. 新乡市
    upward: Upward | None = None
    channels: dict[Code, Channel]
    notice: Notice
    collections: tuple[Collection, ...] = Field(min_length=1)
    ladder_rules: LadderRules = LadderRules()
    assemble: Assemble = Assemble()
    commendation: Commendation | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"未知的时区 {name}，如 Asia/Shanghai") from e
        return name

    @model_validator(mode="after")
    def _channels_exist(self) -> Cycle:
        for n, collection in enumerate(self.collections):
            if collection.channel not in self.channels:
                raise PydanticCustomError(
                    "unknown_channel",
                    "channel {channel} 未在 channels 中定义（有：{known}）",
                    {
                        "channel": collection.channel,
                        "known": "、".join(self.channels),
                        "at": ("collections", n, "channel"),
                    },
                )
        codes = [c.code for c in self.collections]
        for n, code in enumerate(codes):
            if code in codes[:n]:
                raise PydanticCustomError(
                    "code_twice",
                    "报送事项 {code} 写了两次，请改其中一个 code",
                    {"code": code, "at": ("collections", n, "code")},
                )
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def collection(self, code: str) -> Collection | None:
        return next((c for c in self.collections if c.code == code), None)
