"""What a clerk puts on paper: the filled form, the stamped copy's scan, the report."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO
from typing import Any

import docx
import openpyxl
from openpyxl.cell.cell import MergedCell

# The printed labels of the notice's annex, and what an office of a county or city would write beside them.
MONEY = Decimal("0.01")
WHOLE = Decimal(1)
FIELDS: Mapping[str, tuple[int, int, Decimal]] = {
    "举办活动次数": (20, 60, WHOLE),
    "承接科技部活动任务个数": (0, 5, WHOLE),
    "中央财政经费投入情况": (10, 3000, MONEY),
    "省级、副省级财政经费投入情况": (10, 3000, MONEY),
    "市级财政经费投入情况": (10, 3000, MONEY),
    "县级财政经费投入情况": (10, 3000, MONEY),
    "企业赞助经费情况": (10, 3000, MONEY),
    "实物投入情况": (10, 3000, MONEY),
    "其他经费情况": (10, 3000, MONEY),
    "科普专职人员数量": (3, 30, WHOLE),
    "科技工作者参与数量": (40, 200, WHOLE),
    "招募科技志愿者数量": (30, 300, WHOLE),
    "其他人员数量": (5, 60, WHOLE),
    "线下活动群众参与数量": (2000, 20000, WHOLE),
    "线上活动群众参与数量": (2000, 90000, WHOLE),
    "参与媒体数量": (2, 9, WHOLE),
    "宣传报道数量": (10, 60, WHOLE),
    "活动周期间开放的科普场馆数量": (1, 9, WHOLE),
    "活动周期间开放活动的科研机构数量": (0, 6, WHOLE),
    "活动周期间开放活动的大学数量": (0, 4, WHOLE),
}


def figures(unit: str) -> dict[str, Decimal]:
    """One unit's figures by printed label: the same for the same unit, plausible, no two amounts equal."""
    dice = random.Random(f"figures of {unit}")  # noqa: S311 - play money
    amounts = iter(dice.sample(range(10, 3000), sum(step is MONEY for _, _, step in FIELDS.values())))
    return {
        label: next(amounts) * step if step is MONEY else Decimal(dice.randint(low, high))
        for label, (low, high, step) in FIELDS.items()
    }


def fill(name: str, form: bytes, entries: Mapping[str, Any]) -> bytes:
    """The form with the entries beside their labels; None leaves a cell blank."""
    return _fill_word(form, entries) if name.endswith(".docx") else _fill_workbook(form, entries)


def scan(title: str) -> bytes:
    """A stamped copy's scan: one PDF page with a round red stamp (the words would need a Chinese font)."""
    stamp = b"1 0 0 RG 3 w 350 250 m 350 277.6 327.6 300 300 300 c 272.4 300 250 277.6 250 250 c "
    stamp += b"250 222.4 272.4 200 300 200 c 327.6 200 350 222.4 350 250 c S"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stamp), stamp),
        b"<< /Title <feff%s> >>" % title.encode("utf-16-be").hex().encode(),
    ]
    page, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(page))
        page += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return page + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer % (len(objects) + 1, len(page))


def report(unit_name: str, told: Mapping[str, Decimal]) -> bytes:
    """总结报告: a few paragraphs that name the same figures as the form."""
    paper = docx.Document()
    paper.add_heading(f"{unit_name}全国科技活动周暨科技工作者日活动总结", level=1)
    paper.add_paragraph(
        f"活动期间，我单位围绕活动主题，共举办科普活动{told['举办活动次数']}场次，线下参与群众"
        f"{told['线下活动群众参与数量']}人次，线上参与群众{told['线上活动群众参与数量']}人次。"
    )
    paper.add_heading("一、主要做法", level=2)
    paper.add_paragraph(
        f"组织科技工作者{told['科技工作者参与数量']}人、科技志愿者{told['招募科技志愿者数量']}人"
        "进社区、进校园、进乡村，开展科普讲座、义诊咨询和科技成果展示。"
    )
    paper.add_heading("二、典型经验", level=2)
    paper.add_paragraph("把科普场馆开放与基层需求清单对接，由群众点单、科技工作者送服务，活动效果较好。")
    paper.add_heading("三、意见建议", level=2)
    paper.add_paragraph("建议提前发布活动主题和宣传素材，便于基层单位统筹安排。")
    buffer = BytesIO()
    paper.save(buffer)
    return buffer.getvalue()


def _squeeze(text: object) -> str:
    return re.sub(r"\s+", "", str(text or ""))


def _beside(label: str, text: object) -> bool:
    found = _squeeze(text)
    return label in found and len(found) < len(label) + 30


def _fill_workbook(form: bytes, entries: Mapping[str, Any]) -> bytes:
    book = openpyxl.load_workbook(BytesIO(form))
    for label, entry in entries.items():
        cell = _workbook_cell(book, label)
        cell.value = entry if not isinstance(entry, Decimal) else (float(entry) if entry % 1 else int(entry))
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _workbook_cell(book: Any, label: str) -> Any:
    """The first cell right of the label that lets itself be written to."""
    for sheet in book.worksheets:
        for row in sheet.iter_rows() if sheet.sheet_state == "visible" else ():
            spot = next((place for place, cell in enumerate(row) if _beside(label, cell.value)), len(row))
            # A covered cell of a merged range cannot be written to.
            cells = (cell for cell in row[spot + 1 :] if not isinstance(cell, MergedCell))
            free = next((cell for cell in cells if not cell.protection.locked), None)
            if free is not None:
                return free
    raise LookupError(f"表中没有“{label}”的填报格")


def _fill_word(form: bytes, entries: Mapping[str, Any]) -> bytes:
    paper = docx.Document(BytesIO(form))
    rows = [row for table in paper.tables for row in table.rows]
    for label, entry in entries.items():
        row = next((row for row in rows if any(_beside(label, cell.text) for cell in row.cells)), None)
        if row is None:
            raise LookupError(f"表中没有“{label}”的填报格")
        row.cells[-1].text = "" if entry is None else str(entry)
    buffer = BytesIO()
    paper.save(buffer)
    return buffer.getvalue()
