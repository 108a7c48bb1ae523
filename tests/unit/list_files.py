"""Filled-in lists as real files: the personal workbook with rows as a clerk types them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from huizong.instruments.masters import masters
from huizong.instruments.model import Instrument, load_instrument
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading, FormReading
from office import PROJECT

PROJECTS = load_instrument(PROJECT / "include/forms/key-projects@2020.yaml")
INSTITUTIONS = load_instrument(PROJECT / "include/forms/open-institutions@2020.yaml")
UNIT = "梨树县科学技术局"
TOKEN = "hz1.k1.eyJ1IjoiMjIwMzIyIn0.c2lnbmF0dXJl"
NUMBER = "7K3M9QX2N"
HEADS = ["序号", *(item.label for item in PROJECTS.items)]

Row = Sequence[Any]


def project(n: int, **changes: Any) -> list[Any]:
    """A row to which no rule objects, in the printed order; `changes` by label."""
    cells = {
        "项目名称": f"科普进校园第{n}场", "主办单位": "梨树县科协", "承办单位": "第一中学",
        "活动时间": "8月23日", "活动地点": f"第{n}会议室", "活动内容": "实验演示与讲座",
        "预计参与人数": 100 * n, "联系人": "某甲", "联系电话": "0434-5000000",
    }  # fmt: skip
    return list((cells | changes).values())


def template(instrument: Instrument = PROJECTS, token: str = TOKEN, number: str = NUMBER) -> bytes:
    return masters(instrument)[0].render(UNIT, token, number)


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def filled(rows: Sequence[Row], blank: bytes | None = None) -> bytes:
    """The personal workbook with these rows from the first one on."""
    book = openpyxl.load_workbook(io.BytesIO(blank or template()))
    for r, row in enumerate(rows, start=4):
        for c, value in enumerate(row, start=2):
            book.worksheets[0].cell(r, c).value = value
    return saved(book)


def plain(lines: Sequence[Row], title: str = PROJECTS.title, unit: str = UNIT) -> openpyxl.Workbook:
    """A workbook of a clerk's own making: title, unit, and these lines from the third on."""
    book = openpyxl.Workbook()
    sheet(book.worksheets[0], lines, title, unit)
    return book


def sheet(where: Worksheet, lines: Sequence[Row], title: str = PROJECTS.title, unit: str = UNIT) -> None:
    where.append([title])
    where.append([f"填报单位（盖章）：{unit}"])
    for line in lines:
        where.append(list(line))


def read(
    data: bytes, name: str = "备案表.xlsx", instruments: Sequence[Instrument] = (PROJECTS, INSTITUTIONS)
) -> FileReading:
    return read_bytes(data, name, instruments)


def only(data: bytes, name: str = "备案表.xlsx") -> FormReading:
    """The one list of a file."""
    (found,) = read(data, name).forms
    return found


def said(form: FormReading) -> list[Mapping[str, str]]:
    """Each row's cells by label, as they stand; empty ones left out."""
    labels = {item.code: item.label for item in PROJECTS.items}
    return [{labels[code]: cell.raw for code, cell in row.items() if cell.raw} for row in form.rows]


def names(form: FormReading) -> list[str]:
    return [row["project.name"].raw for row in form.rows]
