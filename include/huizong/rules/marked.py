"""The clerk's own workbook, marked: comments and colour on the cells in question, and a first sheet 审核意见
that lists them, so that the corrected file can simply be sent again. No figure is touched.

openpyxl can hang on or be blown up by hostile files, so it runs in a child process with limits and without
our environment: `python -m huizong.rules.marked` reads jobs and writes workbooks. Parent and child speak
frames: a length of 8 bytes, then as many bytes; length -1 says that a workbook could not be marked.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from huizong.rules.model import CELLS_JOINED, SEVERITIES, SEVERITY_FOR_CLERK, Finding

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

SHEET = "审核意见"
AUTHOR = "审核意见"  # of our comments: what an earlier round wrote is taken away by it
SECONDS = 20  # for one workbook
MEMORY = 1 << 30
LARGEST = 64 << 20  # a marked workbook above this is not sent by mail anyway

# Light enough that the figure under it stays readable in print.
FILL = {"mandatory": "FFFFC7CE", "quasi_mandatory": "FFFFD8B1", "verify": "FFFFF2CC", "hint": "FFDDEBF7"}

_HEADER = struct.Struct(">q")
_LONGEST_PLACE = 40
_CELL = re.compile(r"[A-Z]{1,3}[1-9][0-9]{0,6}")
_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR")
_COLUMNS = (
    ("序号", 6),
    ("类别", 16),
    ("项目", 9),
    ("问题", 54),
    ("处理办法", 34),
    ("位置", 18),
    ("说明", 34),
)


@dataclass(frozen=True)
class MarkJob:
    """One workbook (xlsx) to mark. `numbers`: item code -> its number on the form (`Instrument.numbers`), or
    what a list's column is called: “联系电话”栏."""

    data: bytes
    findings: Sequence[Finding]
    numbers: Mapping[str, int | str]


def mark_workbook(data: bytes, findings: Sequence[Finding], numbers: Mapping[str, int | str]) -> bytes | None:
    """The workbook with its findings marked, or None where it cannot be opened within the limits."""
    return mark_workbooks([MarkJob(data, findings, numbers)])[0]


def mark_workbooks(jobs: Sequence[MarkJob]) -> list[bytes | None]:
    """The same for several, in order, in one child: starting one costs more than marking a form.

    A workbook that takes the child down is None; the next child goes on behind it.
    """
    done: list[bytes | None] = []
    while len(done) < len(jobs):
        rest = jobs[len(done) :]
        done += _in_child(rest)[: len(rest)]
        if len(done) < len(jobs):
            done.append(None)
    return done


def _in_child(jobs: Sequence[MarkJob]) -> list[bytes | None]:
    """What one child answered before it ended; fewer answers than jobs: the next one took it down."""
    frames = [
        frame
        for job in jobs
        for frame in (
            json.dumps([[asdict(finding) for finding in job.findings], dict(job.numbers)]).encode(),
            job.data if len(job.data) <= LARGEST else b"",
        )
    ]
    sent = b"".join(_HEADER.pack(len(frame)) + frame for frame in frames)
    command = [sys.executable, "-m", "huizong.rules.marked", str(SECONDS)]
    limit = SECONDS * (len(jobs) + 1)
    try:
        answer = subprocess.run(  # noqa: S603 - our own module, no shell
            command, input=sent, capture_output=True, timeout=limit, env=_environment(), check=False
        ).stdout
    except subprocess.TimeoutExpired as e:
        answer = e.stdout or b""
    return list(_frames(io.BytesIO(answer)))


def _environment() -> dict[str, str]:
    """What the child needs to start; keys and connections are not for a process that opens foreign files."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # openpyxl imports numpy, which otherwise reserves a buffer for every core.
    return {**kept, "OPENBLAS_NUM_THREADS": "1"}


def _frames(stream: BinaryIO) -> Iterator[bytes | None]:
    """Whole frames only: one that was cut off ends the stream."""
    while len(header := stream.read(_HEADER.size)) == _HEADER.size:
        (length,) = _HEADER.unpack(header)
        if not 0 <= length <= LARGEST:
            yield None
            continue
        body = stream.read(length)
        if len(body) < length:
            return
        yield body


# --- in the child ------------------------------------------------------------------------------------


def _child(stdin: BinaryIO, stdout: BinaryIO, seconds: int) -> None:
    import openpyxl  # noqa: F401 - before the clock of the first workbook starts

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The alarm's default action ends the process wherever it hangs, in C code too.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    frames = _frames(stdin)
    for head, data in zip(frames, frames, strict=True):
        findings, numbers = json.loads(head or b"[[], {}]")
        signal.alarm(seconds)
        try:
            marked = _mark(data or b"", [Finding(**finding) for finding in findings], numbers)
        except Exception:  # openpyxl raises nearly anything on a damaged file; all of it means one thing
            marked = b""
        fits = 0 < len(marked) <= LARGEST
        stdout.write(_HEADER.pack(len(marked)) + marked if fits else _HEADER.pack(-1))
        stdout.flush()


def _mark(data: bytes, findings: Sequence[Finding], numbers: Mapping[str, int | str]) -> bytes:
    import openpyxl
    from openpyxl.workbook.properties import CalcProperties

    book = openpyxl.load_workbook(io.BytesIO(data))
    _unmark(book)
    by_cell: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        for cell in filter(_CELL.fullmatch, finding.cell.split(CELLS_JOINED)):
            if finding.sheet in book.sheetnames:
                by_cell.setdefault((finding.sheet, cell), []).append(finding)
    for (sheet, cell), found in by_cell.items():
        _mark_cell(_top_left(book[sheet], cell), found)
    _list(book, findings, numbers, by_cell.keys())
    # openpyxl keeps formulas but not their results: the clerk's program works them out on opening. What other
    # programs wrote need not have the element.
    book.calculation = book.calculation or CalcProperties()
    book.calculation.fullCalcOnLoad = True
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _unmark(book: Workbook) -> None:
    """Take away what an earlier round wrote, in a file that came back corrected."""
    from openpyxl.styles import PatternFill

    if SHEET in book.sheetnames:
        del book[SHEET]
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None and cell.comment.author == AUTHOR:
                    cell.comment = None
                    cell.fill = PatternFill()


def _top_left(sheet: Worksheet, cell: str) -> Cell:
    """The cell itself, or the one that holds the value where it was merged away."""
    area = next((area for area in sheet.merged_cells.ranges if cell in area), None)
    corner = area.start_cell.coordinate if area else cell
    return cast("Cell", sheet[corner])


def _mark_cell(cell: Cell, findings: Sequence[Finding]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    strongest = min(findings, key=lambda finding: SEVERITIES.index(finding.severity)).severity
    lines = [f"【{SEVERITY_FOR_CLERK[f.severity]}】{f.message}{f.remedy}" for f in findings]
    if cell.comment is not None and cell.comment.text:
        lines.append(f"原批注：{cell.comment.text}")
    text = _printable("\n".join(lines))
    cell.comment = Comment(text, AUTHOR, width=320, height=60 + 18 * (len(text) // 22 + len(lines)))
    cell.fill = PatternFill("solid", fgColor=FILL[strongest])


def _list(book: Workbook, findings: Sequence[Finding], numbers: Mapping[str, int | str], places: Any) -> None:
    """The first sheet. Items go by number: labels with text beside them would look like a form."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.worksheet.hyperlink import Hyperlink

    sheet = book.create_sheet(SHEET, 0)
    line = Side(style="thin", color="FF999999")
    rows: list[tuple[Any, ...]] = [tuple(title for title, _ in _COLUMNS)]
    for n, f in enumerate(findings, start=1):
        place = f"{f.sheet} {f.cell}".strip()
        if len(place) > _LONGEST_PLACE:
            place = place[:_LONGEST_PLACE].rpartition(CELLS_JOINED)[0] + "等"
        item = _called(f, numbers)
        rows.append((n, SEVERITY_FOR_CLERK[f.severity], item, f.message, f.remedy, place, None))
    _write(sheet.cell(1, 1), SHEET).font = Font(bold=True, size=14)
    _write(
        sheet.cell(2, 1),
        "请在原表标色的单元格更正；数据无误的，在“说明”栏写明情况（不少于6个字）。保存后将本文件直接发回即可。",
    )
    for r, values in enumerate(rows, start=4):
        sheet.row_dimensions[r].height = 16 * _lines(values)
        for c, value in enumerate(values, start=1):
            cell = _write(sheet.cell(r, c), value)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.border = Border(left=line, right=line, top=line, bottom=line)
            cell.font = Font(bold=r == 4)
    for r, f in enumerate(findings, start=5):
        sheet.cell(r, 2).fill = PatternFill("solid", fgColor=FILL[f.severity])
        first = f.cell.partition(CELLS_JOINED)[0]
        if (f.sheet, first) in places:
            quoted, here = f.sheet.replace("'", "''"), sheet.cell(r, 6)
            here.hyperlink = Hyperlink(ref=here.coordinate, location=f"'{quoted}'!{first}")
    for c, (_, width) in enumerate(_COLUMNS, start=1):
        sheet.column_dimensions["ABCDEFG"[c - 1]].width = width
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", "9"
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    _open_on(book, sheet)


def _called(finding: Finding, numbers: Mapping[str, int | str]) -> str:
    called = numbers[finding.item] if finding.item else "全表"
    return f"第{called}项" if isinstance(called, int) else called


def _lines(values: Sequence[Any]) -> int:
    """Lines that the row's longest text wraps into; a Chinese character takes two of a column's units."""
    texts = zip(values, _COLUMNS, strict=True)
    return max(-(-2 * len(str(value or "")) // width) for value, (_, width) in texts)


def _open_on(book: Workbook, sheet: Worksheet) -> None:
    """Sheets left selected beside the open one form a group, where typing into one writes into all."""
    for other in book.worksheets:
        other.sheet_view.tabSelected = other is sheet
    book.active = sheet


def _write(cell: Cell, value: int | str | None) -> Cell:
    """Text stays text: what begins with = + - @ is no formula and becomes none when edited."""
    if isinstance(value, str):
        cell.value = _printable(value)
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
    else:
        cell.value = value
    return cell


def _printable(text: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return ILLEGAL_CHARACTERS_RE.sub("", text)


if __name__ == "__main__":
    _child(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
