"""What reading a file yields: facts about cells, no judgement.

Everything here travels as JSON from the limited child process, so that a file that takes the child over
still can only say text and numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

# What a value cell holds. Blank, zero, 无 and — stay different things until a rule decides.
State = Literal[
    "number",  # one exact number; `number` holds it
    "blank",  # nothing, or only white space
    "none",  # 无, 没有, 未开展
    "dash",  # — or -
    "text",  # anything that is not one exact number: 约5万, 10-20, 若干, 五十六, 3万 in a 万元 row
    "formula",  # a formula whose result was not saved with the file
    "error",  # #REF!, #DIV/0! and the like
    "conflict",  # two value cells of one row say different things
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ItemReading(_Model):
    """One item as found. `number` is set for `number`, and is 0 for `none` and `dash`."""

    state: State
    number: Decimal | None = None
    raw: str = ""  # the cell as it stands, before any reading
    shown: str = ""  # what the cell's number format shows, where that is another figure than the cell holds
    unit: str = ""  # the unit written for this figure, where it is not the item's own: 元 for 万元
    notes: tuple[str, ...] = ()  # grammar rules that applied: full_width, thousands, text_number, suffix…
    sheet: str = ""
    cell: str = ""  # A1 style; in Word: T1R5C3 (table, row, column)
    matched: Literal["exact", "alias", "fuzzy", "bag"] = "exact"
    confidence: float = 1.0


class FormReading(_Model):
    """One form found in a file."""

    instrument: str  # code@version
    sheet: str = ""
    title: str = ""
    unit_text: str = ""  # what stands behind 部门/地方（盖章）：
    token: str | None = None
    form_number: str | None = None
    items: dict[str, ItemReading] = Field(default_factory=dict)
    rows: tuple[dict[str, ItemReading], ...] = ()  # of a list: one by one as they stand; `items` is empty
    numbers: tuple[int, ...] = ()  # the 序号 beside each of them, where every row has one of its own
    notes: tuple[str, ...] = ()  # of a list, for the operator: rows that were left out
    missing: tuple[str, ...] = ()  # item codes whose label was not found
    unknown: tuple[str, ...] = ()  # labels in the form's columns that the instrument does not have
    duplicated: tuple[str, ...] = ()  # item codes whose label stands twice
    combined: int = 1  # units whose figures it says it holds together: what an office below assembled


class Explanation(_Model):
    """What a clerk typed beside one line of our list 审核意见."""

    item: int | None  # the item's number on the form; None: the whole form
    text: str
    problem: str = ""  # the line's 问题, which tells several of one item apart


class PressItem(_Model):
    """One press report as a list names it, in its own words; nothing of it is fetched."""

    title: str = ""
    outlet: str = ""
    date: str = ""
    link: str = ""


# What a file still needs before it is really read, and what the parent process then does.
Need = Literal[
    "",
    "convert",  # doc, wps, rtf, odt, …: LibreOffice makes docx or xlsx of it
    "recalculate",  # formulas without a saved result: LibreOffice works them out
    "look",  # no text in it (a scan, a photograph): character recognition
    "unpack",  # an archive or a message: its members are files of their own
]


class FileReading(_Model):
    """One file. `disposition` is what reading alone can say; recognising may say more.

    `kind` is told by content: xlsx, xls, docx, pdf, image, video, text, zip, ole, encrypted, unknown…
    """

    kind: str
    disposition: Literal["return", "set_aside", "restricted"]
    reason: str = ""  # one Chinese sentence that tells the clerk what to do; empty where all is well
    forms: tuple[FormReading, ...] = ()
    # Forms recognised on a scan or a photograph: a person keys, another confirms, nothing here ever counts.
    proposals: tuple[FormReading, ...] = ()
    stamp: bool | None = None  # whether a red seal (or an electronic one) is seen; None: not looked for
    pages: int | None = None
    pixels: tuple[int, int] | None = None  # of a picture: width and height
    pictures: int | None = None  # in a document or slides; None where nobody counted
    seconds: Decimal | None = None  # of a film: how long it runs; None: nothing says
    press: tuple[PressItem, ...] = ()  # of a file without a form: press reports that it lists
    explanations: tuple[Explanation, ...] = ()  # of a workbook that we had marked
    text: str = ""  # of a document: its text, at most 20,000 characters
    macros: bool = False
    notes: tuple[
        str, ...
    ] = ()  # what the operator is told: a macro, DDE, an external link, a false extension
    needs: Need = ""
    awaiting: str = ""  # the program that would read it and is not installed: soffice, unar


class Member(_Model):
    """A file taken out of an archive or a message: its path inside, as a label only, and its bytes."""

    name: str
    data: bytes = Field(repr=False)


class Unpacked(_Model):
    """What an archive held. With a `reason` it was not (wholly) opened: one sentence for the clerk."""

    kind: str
    members: tuple[Member, ...] = ()
    reason: str = ""
    awaiting: str = ""
