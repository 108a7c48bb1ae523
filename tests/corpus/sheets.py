"""The statistics form as files of many programs, written by hand or by a library other than its reader."""

from __future__ import annotations

import csv
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape

import openpyxl
from form_files import FORM, UNIT, VALUES, saved

from huizong.instruments.workbook import build_form_sheet

Cell = str | Decimal | None
Grid = list[list[Cell]]  # title, unit line, then group, label, value

SHEET_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_NS = "http://schemas.openxmlformats.org/package/2006"
OPEN_NS = "urn:oasis:names:tc:opendocument:xmlns"


def rows(changes: Mapping[str, Cell] | None = None, unit: str = UNIT) -> Grid:
    """The form's rows from its title down; `changes` (item code → cell) over the true values."""
    body: Grid = [[FORM.title, None, None], [f"{FORM.unit_line}{unit}", None, None]]
    group = ""
    for item in FORM.items:
        label = (
            [item.label, None] if item.label_in_group else [item.group * (item.group != group), item.label]
        )
        body.append([*label, (changes or {}).get(item.code, VALUES[item.code])])
        group = item.group
    return body


def workbook(changes: Mapping[str, object] | None = None, unit: str = UNIT) -> openpyxl.Workbook:
    """The printed form by openpyxl, without a token."""
    book = openpyxl.Workbook()
    build_form_sheet(book.worksheets[0], FORM, unit, VALUES)
    for row, item in enumerate(FORM.items, start=3):
        if item.code in (changes or {}):
            book.worksheets[0].cell(row, 3).value = (changes or {})[item.code]
    return book


def xlsx(changes: Mapping[str, object] | None = None) -> bytes:
    return saved(workbook(changes))


def zipped(members: Mapping[str, str | bytes], *, stored: Sequence[str] = ()) -> bytes:
    """A zip of these members, in order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name in stored else None)
    return out.getvalue()


def changed(data: bytes, changes: Mapping[str, str | bytes]) -> bytes:
    """The same archive with members replaced or added."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        return zipped({**{name: old.read(name) for name in old.namelist()}, **changes})


def member(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def inline_xlsx(grid: Grid, sheet_xml: str = "") -> bytes:
    """As export programs write it: strings in the cells, no styles, no shared strings."""
    lines = (
        f'<row r="{r}">' + "".join(_inline(f"{'ABCDEFGH'[c]}{r}", v) for c, v in enumerate(row)) + "</row>"
        for r, row in enumerate(grid, start=1)
    )
    sheet = sheet_xml or f'<worksheet xmlns="{SHEET_NS}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
    return package("xml", {"xl/worksheets/sheet1.xml": sheet})


def _inline(ref: str, value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f'<c r="{ref}"><v>{value}</v></c>'
    return f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def package(kind: str, parts: Mapping[str, str | bytes]) -> bytes:
    """A workbook's package around its one sheet; `kind` xml or bin."""
    types = {
        "xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        "bin": "application/vnd.ms-excel.sheet.binary.macroEnabled.main",
    }
    relation = f'<Relationship Id="rId1" Type="{OFFICE_NS}/{{}}" Target="{{}}"/>'
    relations = f'<Relationships xmlns="{PACKAGE_NS}/relationships">{{}}</Relationships>'
    book = (
        f'<workbook xmlns="{SHEET_NS}" xmlns:r="{OFFICE_NS}"><sheets>'
        '<sheet name="统计表" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE_NS}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.{kind}" ContentType="{types[kind]}"/></Types>',
            "_rels/.rels": relations.format(relation.format("officeDocument", f"xl/workbook.{kind}")),
            f"xl/workbook.{kind}": book if kind == "xml" else _binary_book(),
            f"xl/_rels/workbook.{kind}.rels": relations.format(
                relation.format("worksheet", f"worksheets/sheet1.{kind}")
            ),
            **parts,
        }
    )


def xlsb(grid: Grid, far: tuple[int, int] | None = None) -> bytes:
    """The binary workbook ([MS-XLSB]); `far`: row and column of one more number."""
    cells = [[(c, v) for c, v in enumerate(row) if v is not None] for row in grid]
    sheet = _record(129) + _record(148, struct.pack("<4I", 0, len(grid), 0, 3)) + _record(145)
    for r, row in enumerate(cells):
        sheet += _row_record(r) + b"".join(_cell_record(c, v) for c, v in row)
    if far:
        sheet += _row_record(far[0]) + _cell_record(far[1], Decimal(1))
    return package("bin", {"xl/worksheets/sheet1.bin": sheet + _record(146) + _record(130)})


def _binary_book() -> bytes:
    sheet = struct.pack("<II", 0, 1) + _wide("rId1") + _wide("统计表")
    return b"".join((_record(131), _record(143), _record(156, sheet), _record(144), _record(132)))


def _row_record(row: int) -> bytes:
    return _record(0, struct.pack("<IIHBBI", row, 0, 300, 0, 0, 0) + b"\0")


def _cell_record(column: int, value: Cell) -> bytes:
    head = struct.pack("<II", column, 0)
    if isinstance(value, Decimal):
        return _record(5, head + struct.pack("<d", value))
    return _record(6, head + _wide(value or ""))


def _record(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length = len(body)
    while length > 0x7F:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + body


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def open_document(body: str, kind: str = "spreadsheet", before: str = "") -> bytes:
    """An ods or odt around the XML of its body; `before` stands where a DTD would."""
    spaces = "".join(f' xmlns:{n}="{OPEN_NS}:{n}:1.0"' for n in ("office", "table", "text"))
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f'<?xml version="1.0" encoding="UTF-8"?>{before}'
            f'<office:document-content{spaces} office:version="1.2"><office:body><office:{kind}>{body}'
            f"</office:{kind}></office:body></office:document-content>",
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{OPEN_NS}:manifest:1.0">'
            f'<m:file-entry m:full-path="/" m:media-type="application/vnd.oasis.opendocument.{kind}"/>'
            '<m:file-entry m:full-path="content.xml" m:media-type="text/xml"/></m:manifest>',
        },
        stored=["mimetype"],
    )


def open_table(grid: Grid, more: str = "") -> str:
    lines = ("".join(_open_cell(v) for v in row) for row in grid)
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    columns = '<table:table-column table:number-columns-repeated="3"/>'
    return f'<table:table table:name="统计表">{columns}{body}{more}</table:table>'


def _open_cell(value: Cell) -> str:
    if value is None:
        return "<table:table-cell/>"
    kind = f'float" office:value="{value}' if isinstance(value, Decimal) else "string"
    text = f"<text:p>{escape(str(value))}</text:p>"
    return f'<table:table-cell office:value-type="{kind}">{text}</table:table-cell>'


def delimited(grid: Grid, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([["" if v is None else v for v in row] for row in grid])
    return out.getvalue()


def html(grid: Grid, charset: str = "utf-8", before: str = "") -> bytes:
    """As web systems "export to Excel"."""
    lines = ("".join(f"<td>{escape('' if v is None else str(v))}</td>" for v in row) for row in grid)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    head = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={charset}"></head>'
    return f"{head}<body>{before}<table border=1>{body}</table></body></html>".encode(charset)


def xml_2003(grid: Grid, before: str = "", more: str = "") -> bytes:
    """SpreadsheetML 2003, saved as .xls by many systems."""
    lines = ("".join(_old_cell(c, v) for c, v in enumerate(row, start=1)) for row in grid)
    body = "".join(f"<Row>{line}</Row>" for line in lines)
    name = "urn:schemas-microsoft-com:office:spreadsheet"
    return (
        f'<?xml version="1.0"?>{before}<?mso-application progid="Excel.Sheet"?>'
        f'<Workbook xmlns="{name}" xmlns:ss="{name}"><Worksheet ss:Name="统计表"><Table>{body}{more}</Table>'
        "</Worksheet></Workbook>"
    ).encode()


def _old_cell(column: int, value: Cell) -> str:
    if value is None:
        return ""
    kind = "Number" if isinstance(value, Decimal) else "String"
    return f'<Cell ss:Index="{column}"><Data ss:Type="{kind}">{escape(str(value))}</Data></Cell>'
