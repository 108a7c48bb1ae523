"""The roster as an Excel workbook, for people who do not edit CSV: out, and back in again.

Everything is text in the workbook, so that codes keep their leading zeros. What a clerk's program has made
a number all the same (a mobile as 1.39E+10) is read back as the digits it was.
"""

from __future__ import annotations

import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import IllegalCharacterError, InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from huizong.definition.load import find_cycles
from huizong.definition.yaml_file import DefinitionError, Problem
from huizong.errors import UsageError
from huizong.frame.roster import COLUMNS, RELATIONS, ROSTER, Unit, read_roster, roster_text
from huizong.home import Home

SHEET = "单位名录"
HEADS = {
    "code": "单位代码",
    "name": "单位名称",
    "full_name": "全称",
    "aliases": "别名/曾用名",
    "parent": "上级单位",
    "relation": "关系",
    "tags": "标签",
    "contact": "联系人",
    "email": "邮箱",
    "phone": "电话",
    "self": "本级",
}
_ALSO = {
    "code": ("代码", "编码", "单位编码"),
    "name": ("名称", "单位", "单位简称", "简称"),
    "full_name": ("单位全称",),
    "aliases": ("别名", "曾用名", "其他名称"),
    "parent": ("上级", "上级单位代码"),
    "tags": ("分类", "类别"),
    "contact": ("姓名", "联络员"),
    "email": ("电子邮箱", "邮箱地址", "邮件地址", "电子邮件"),
    "phone": ("联系电话", "手机", "手机号", "手机号码", "电话号码", "办公电话"),
    "self": ("市本级", "省本级", "是否本级"),
}
_IGNORED = {"序号", "备注"}
_WIDTHS = {"code": 14, "name": 16, "full_name": 32, "aliases": 40, "email": 34, "phone": 18, "tags": 18}
_SEVERAL = {"aliases", "tags", "contact", "email", "phone"}  # cells that may hold several, parted by ;
_HEAD_WITHIN = 10  # rows: a title may stand above the heads
_SPARE = 200  # empty rows behind the last unit that are laid out as text, too


def export_roster(cycle: str, file: Path, home: Home) -> dict[str, Any]:
    """Write a cycle's roster as a workbook.

    Returns:
        {"cycle", "file", "units": how many}

    Raises:
        UsageError: there is no such cycle or roster, or it is no CSV file that can be shown.
    """
    rows = _rows_of(_folder(cycle, home) / ROSTER)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = SHEET
    try:
        _lay_out(sheet, rows)
    except IllegalCharacterError as e:
        raise UsageError(f"名录中有无法写入表格的控制字符：{e}；请先在 {ROSTER} 中删去。") from e
    _suffix(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    book.save(file)
    return {"cycle": cycle, "file": str(file), "units": len(rows)}


def import_roster(cycle: str, file: Path, home: Home) -> dict[str, Any]:
    """Put a workbook's units in the place of the cycle's roster.

    Returns:
        {"cycle", "file": the roster written, "units": how many, "added", "removed", "changed": [codes]}

    Raises:
        UsageError: no such cycle in the home, or the file cannot be read.
        DefinitionError: rows are wrong; its problems name the workbook and the row. Nothing was written.
    """
    folder = _folder(cycle, home)
    if home.path not in folder.parents:
        raise UsageError(f"{cycle} 是项目自带的示例，不改；请先用 huizong new 写出自己的任务，再导入名录。")
    rows, problems = _read(file)
    text = roster_text([cells for _, cells in rows])
    lines = _csv_lines(rows)
    units, wrong = read_roster(text)
    problems += [Problem(str(file), lines.get(line, 1), _in_chinese(sentence)) for line, sentence in wrong]
    if not rows and not problems:
        problems.append(Problem(str(file), 1, "表中没有单位；请在表头下面每行填一家"))
    if problems:
        raise DefinitionError(problems)
    place = folder / ROSTER
    before = _units(place)
    whole = place.with_name(f".{ROSTER}.{os.getpid()}")
    whole.write_text(text, encoding="utf-8")
    whole.replace(place)
    now = {unit.code: unit for unit in units}
    return {
        "cycle": cycle,
        "file": str(place),
        "units": len(units),
        "added": [code for code in now if code not in before],
        "removed": [code for code in before if code not in now],
        "changed": [c for c, unit in now.items() if c in before and not _same(unit, before[c])],
    }


def _folder(cycle: str, home: Home) -> Path:
    """A broken definition is no hindrance: the roster may be what is broken."""
    found = find_cycles(home)
    if cycle not in found:
        raise UsageError(f"没有名为“{cycle}”的统计任务，现有：{'、'.join(found) or '（无）'}。")
    return found[cycle].parent


def _units(path: Path) -> dict[str, Unit]:
    try:
        return {unit.code: unit for unit in read_roster(path.read_text(encoding="utf-8"))[0]}
    except (OSError, UnicodeDecodeError):
        return {}


def _same(one: Unit, other: Unit) -> bool:
    return one.model_copy(update={"position": other.position}) == other


# --- out ----------------------------------------------------------------------------------------------


def _rows_of(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text), strict=True)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        return [[row.get(column) or "" for column in COLUMNS] for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise UsageError(f"名录无法读取：{path}（{e}）；先用 huizong check 查看问题。") from e


def _lay_out(sheet: Worksheet, rows: Sequence[Sequence[str]]) -> None:
    for n, column in enumerate(COLUMNS, start=1):
        head = sheet.cell(1, n, HEADS[column])
        head.font, head.alignment = Font(bold=True), Alignment(horizontal="center")
        sheet.column_dimensions[get_column_letter(n)].width = _WIDTHS.get(column, 12)
        for row in range(2, len(rows) + _SPARE + 2):
            sheet.cell(row, n).number_format = "@"
    for r, cells in enumerate(rows, start=2):
        for n, text in enumerate(cells, start=1):
            if text:
                cell = sheet.cell(r, n, text)
                cell.data_type = "s"  # a text that begins with = is no formula
    choices = DataValidation(type="list", formula1=f'"{",".join(RELATIONS)}"', allow_blank=True)
    choices.error = f"请选 {'、'.join(RELATIONS)} 之一"
    sheet.add_data_validation(choices)
    column = get_column_letter(COLUMNS.index("relation") + 1)
    choices.add(f"{column}2:{column}{len(rows) + _SPARE + 1}")
    sheet.freeze_panes = "C2"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"


# --- in -----------------------------------------------------------------------------------------------

_Row = tuple[int, list[str]]  # the sheet's row, cells in the order of COLUMNS


def _suffix(file: Path) -> None:
    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file.name} 不是 .xlsx 文件；.xls、.et 请先另存为 .xlsx。")


def _read(file: Path) -> tuple[list[_Row], list[Problem]]:
    _suffix(file)
    try:
        book = openpyxl.load_workbook(file, data_only=True)
        typed = openpyxl.load_workbook(file)  # the same cells with their formulas
    except FileNotFoundError as e:
        raise UsageError(f"文件不存在：{file}。") from e
    except (BadZipFile, InvalidFileException, KeyError, ValueError) as e:
        raise UsageError(
            f"{file.name} 不是完好的 .xlsx 工作簿（或加了密码）；请在 Excel 或 WPS 中另存为 .xlsx。"
        ) from e
    for sheet in book.worksheets:
        found = _heads(sheet)
        if found is not None:
            rows, problems = _rows(sheet, *found, file)
            uncounted = _without_result(sheet, typed[sheet.title], found[0])
            return rows, [*problems, *(Problem(str(file), *wrong) for wrong in uncounted)]
    heads = "、".join(HEADS.values())
    raise UsageError(f"{file.name} 中没有找到表头；前{_HEAD_WITHIN}行中须有一行是 {heads}。")


def _heads(sheet: Worksheet) -> tuple[int, dict[int, str]] | None:
    """The row of the heads, and what each column says: column number → head as written."""
    for n, row in enumerate(sheet.iter_rows(max_row=_HEAD_WITHIN, values_only=True), start=1):
        heads = {column: _squeezed(value) for column, value in enumerate(row, start=1) if _squeezed(value)}
        if {"code", "name"} <= {_column(head) for head in heads.values()}:
            return n, heads
    return None


def _squeezed(value: Any) -> str:
    return re.sub(r"\s|[*＊]", "", unicodedata.normalize("NFKC", str(value))) if value is not None else ""


def _column(head: str) -> str | None:
    bare = re.sub(r"\(.*?\)", "", head)
    for column, own in HEADS.items():
        if bare in {own, column, *_ALSO.get(column, ())}:
            return column
    return None


def _rows(
    sheet: Worksheet, head_row: int, heads: dict[int, str], file: Path
) -> tuple[list[_Row], list[Problem]]:
    problems = []
    places: dict[str, int] = {}
    for number, head in heads.items():
        column = _column(head)
        if column is None and head not in _IGNORED:
            problems.append(
                Problem(
                    str(file),
                    head_row,
                    f"不认识的栏“{head}”，不需要的请删去；可用：{'、'.join(HEADS.values())}",
                )
            )
        elif column is not None and places.setdefault(column, number) != number:
            problems.append(
                Problem(str(file), head_row, f"“{HEADS[column]}”有两栏；几个联系人请写在一格内，用分号隔开")
            )
    rows: list[_Row] = []
    whole = _merged(sheet, head_row)
    numbers = []
    for n in range(head_row + 1, sheet.max_row + 1):
        at = {column: whole.get((n, place)) or sheet.cell(n, place) for column, place in places.items()}
        cells = [_text(at[c], c) if c in at else "" for c in COLUMNS]
        if any(cells):
            rows.append((n, cells))
            numbers += [n] if isinstance(at["code"].value, int | float) else []
    wrong = _shortened(rows, numbers)
    return rows, [*problems, *(Problem(str(file), *found) for found in wrong)]


def _merged(sheet: Worksheet, head_row: int) -> dict[tuple[int, int], Any]:
    """Place of a covered cell below the heads → the cell that shows for it."""
    return {
        place: sheet.cell(area.min_row, area.min_col)
        for area in sheet.merged_cells.ranges
        if area.min_row > head_row
        for line in area.rows
        for place in line
    }


def _without_result(sheet: Worksheet, typed: Worksheet, head_row: int) -> Iterator[tuple[int, str]]:
    """(row, what is wrong) of cells whose formula was never worked out, or came to an error."""
    for n, row in enumerate(typed.iter_rows(min_row=head_row + 1), start=head_row + 1):
        for place, cell in enumerate(row, start=1):
            shown = sheet.cell(n, place)
            if shown.data_type == "e" or (cell.data_type == "f" and shown.value is None):
                yield n, f"{cell.coordinate} 是没有结果或出错的公式，请直接填写文字"


def _shortened(rows: Sequence[_Row], numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
    """(row, what is wrong) of codes that are numbers, shorter than all others: their 0 in front is gone."""
    code = COLUMNS.index("code")
    usual = {len(cells[code]) for n, cells in rows if n not in numbers and cells[code].isdigit()}
    for n, cells in rows:
        if n in numbers and len(usual) == 1 and len(cells[code]) < (length := max(usual)):
            yield (
                n,
                (
                    f"单位代码 {cells[code]} 比其他单位少 {length - len(cells[code])} 位，疑为丢了前面的 0"
                    f"（{cells[code]:0>{length}}），请把该列设为文本后重写"
                ),
            )


def _text(cell: Any, column: str) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, int | float):
        return _digits(cell, value)
    if isinstance(value, date):
        value = f"{value:%Y-%m-%d}（日期）"
    text = re.sub(r"[\u200b-\u200f\ufeff]", "", str(value)).strip()
    if column in _SEVERAL:
        text = ";".join(line.strip() for line in text.splitlines() if line.strip())
        if column in {"contact", "phone", "tags"}:
            text = re.sub("[、，,]", ";", text)
    else:
        text = re.sub(r"\s*\n\s*", "", text)
    if column == "self":
        return "" if text in {"否", "0"} else text
    return text


def _digits(cell: Cell, value: int | float) -> str:
    """A number as the digits that were typed: 1.3912345678E10 is a mobile, 7 shown by 000000 is 000007."""
    exact = Decimal(repr(value))
    if exact != exact.to_integral_value():
        return f"{exact:f}"
    zeros = re.fullmatch(r"0+", cell.number_format or "")
    return f"{int(exact):0{len(zeros[0]) if zeros else 1}d}"


def _csv_lines(rows: Sequence[_Row]) -> dict[int, int]:
    """Line of the text that is made of them → row of the sheet."""
    reader = csv.reader(io.StringIO(roster_text([cells for _, cells in rows])))
    next(reader)
    lines = [reader.line_num for _ in reader]
    return dict(zip(lines, (n for n, _ in rows), strict=True))


def _in_chinese(sentence: str) -> str:
    """What is said of a column of the file, said of the workbook's."""
    return re.sub(
        r"(?<![\w@.])(contact|email|phone|self|relation|parent)(?![\w@.])(?: (?=列))?",
        lambda m: f"“{HEADS[m[1]]}”",
        sentence,
    )
