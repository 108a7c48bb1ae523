"""The list for the leader (协调事项清单): an internal paper, on the paper of official documents."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN

from huizong.summary.package import repacked
from huizong.summary.paper import NOTE_FONT, TITLE_FONT, TITLE_SIZE, add_paragraph, add_table, set_page

_HEADS = ("序号", "单位", "尚缺", "已催报", "已电话联系")
_WIDTHS = (12, 26, 40, 38, 40)


@dataclass(frozen=True)
class Matter:
    """One unit to be spoken with, in words as people read them."""

    unit: str
    missing: str
    reminded: str
    contacted: str


def write_matters(
    cycle_title: str, matters: Sequence[Matter], office: str, dated: str, as_of: datetime
) -> bytes:
    """The .docx; the same matters give the same bytes."""
    document = docx.Document()
    set_page(document)
    add_paragraph(document, "协调事项清单", TITLE_FONT, TITLE_SIZE, ALIGN.CENTER, indent=False)
    add_paragraph(document, "（内部使用，不发报送单位）", NOTE_FONT, align=ALIGN.CENTER, indent=False)
    chased = "经多次催报" if all(m.reminded or m.contacted for m in matters) else "至今"
    add_paragraph(document, f"以下{len(matters)}家单位“{cycle_title}”材料{chased}仍未报齐，提请领导协调。")
    rows = [
        (str(n), m.unit, m.missing, m.reminded or "无", m.contacted or "无")
        for n, m in enumerate(matters, start=1)
    ]
    add_table(document, _HEADS, rows, _WIDTHS, (ALIGN.CENTER, *[ALIGN.LEFT] * 4))
    for text in (office, dated):
        add_paragraph(document, text, align=ALIGN.RIGHT, indent=False)
    properties = document.core_properties
    properties.title, properties.author, properties.last_modified_by = "协调事项清单", office, office
    out = io.BytesIO()
    document.save(out)
    return repacked(out.getvalue(), as_of)
