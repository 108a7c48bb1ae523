"""What clerks send in good faith: formats, layouts and spellings, each with its truth."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from email.message import EmailMessage
from typing import Any

import docx
import py7zr
from archive_files import rar4, rar5
from form_files import FORM, VALUES, docx_bytes, saved, two_units, xls
from openpyxl.worksheet.worksheet import Worksheet
from pdf_files import form_page, ofd, pdf

from corpus.cases import HONGQI, TRUTH, WEIBIN, Case, Form, Kept, one
from corpus.sheets import (
    changed,
    delimited,
    html,
    inline_xlsx,
    member,
    open_document,
    open_table,
    rows,
    workbook,
    xlsb,
    xlsx,
    xml_2003,
    zipped,
)


def formats() -> Iterator[Case]:
    """One line of the table a format; those that LibreOffice writes are in `office_made`."""
    macro = changed(xlsx(), {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)})
    yield one("xlsx", "统计表.xlsx", xlsx())
    yield one("xlsx", "导出.xlsx", inline_xlsx(rows()))
    yield one("xlsx", "含宏.xlsm", macro)
    yield one("xls", "统计表.xls", xls())
    yield one("xls", "统计表.et", xls({"activities.held": 1}))
    yield one("xlsb", "统计表.xlsb", xlsb(rows()))
    yield one("ods", "统计表.ods", open_document(open_table(rows())))
    yield one("docx", "统计表.docx", docx_bytes())
    yield one("docx", "含宏.docm", changed(docx_bytes(), {"word/vbaProject.bin": bytes(64)}))
    yield one("docx", "新增修订.docx", _tracked())
    yield one("pdf, digital", "统计表.pdf", pdf([form_page()]))
    yield one("ofd", "统计表.ofd", ofd([form_page()]))
    for name, data in _texts():
        yield one("csv, text", name, data)
    for name, data in _marked_up():
        yield one("html" if b"<html" in data[:80].lower() else "xml 2003", name, data)
    yield one("kept as it is", "总结.docx", docx_bytes(_report()), Kept())
    yield one("kept as it is", "说明.txt", "我单位科技活动周总结随后另报。".encode("gb18030"), Kept())
    yield from _archives()


def _tracked() -> bytes:
    """Figures that stand in tracked insertions, which python-docx does not show."""
    data = docx_bytes()
    xml = member(data, "word/document.xml").decode()
    before, _, after = xml.rpartition("<w:tbl>")
    after = after.replace(
        "<w:r><w:t>4</w:t></w:r>", '<w:ins w:id="9" w:author="甲"><w:r><w:t>4</w:t></w:r></w:ins>'
    )
    return changed(data, {"word/document.xml": f"{before}<w:tbl>{after}"})


def _report() -> docx.document.Document:
    document = docx.Document()
    document.add_paragraph("关于2022年科技活动周开展情况的总结")
    document.add_paragraph("共举办活动30余次，参与群众约5万人次。")
    return document


def _texts() -> Iterator[tuple[str, bytes]]:
    text = delimited(rows())
    yield "gb18030.csv", text.encode("gb18030")
    yield "utf8.csv", text.encode()
    yield "utf8-bom.csv", text.encode("utf-8-sig")
    yield "utf16.csv", text.encode("utf-16")
    yield "制表符.txt", delimited(rows(), "\t").encode("gb18030")
    yield "unicode文本.txt", delimited(rows(), "\t").encode("utf-16")
    yield "分号.csv", delimited(rows(), ";").encode()
    yield "名为xls.xls", text.encode("gb18030")


def _marked_up() -> Iterator[tuple[str, bytes]]:
    yield "导出.xls", html(rows())
    yield "导出gbk.xls", html(rows(), "gb18030")
    yield "含标题.html", html(rows(), before="<h1>报送</h1><p>请审阅</p>")
    yield "表格2003.xls", xml_2003(rows())


def _archives() -> Iterator[Case]:
    form, table = xlsx(), docx_bytes()
    both = (Kept(), Form(), Form())
    plain = zipped({"统计表.xlsx": form, "统计表.docx": table})
    yield Case("zip", "标准.zip", plain, both)
    yield Case(
        "zip", "中文GBK.zip", _legacy_names({"统计表.xlsx": form, "统计表.docx": table}, "gb18030"), both
    )
    yield Case("zip", "苹果.zip", _legacy_names({"统计表.xlsx": form, "统计表.docx": table}, "utf-8"), both)
    yield Case("zip", "夹中夹.zip", zipped({"内/内层.zip": plain}), both)
    seven = io.BytesIO()
    with py7zr.SevenZipFile(seven, "w") as archive:
        archive.writestr(form, "统计表.xlsx")
        archive.writestr(table, "报送/统计表.docx")
    yield Case("7z", "打包.7z", seven.getvalue(), both)
    yield Case("rar", "第四版.rar", rar4([("统计表.xlsx".encode(), form), (b"b.docx", table)]), both)
    yield Case("rar", "第五版.rar", rar5([("统计表.xlsx", form), ("报送/统计表.docx", table)]), both)
    yield Case("gzip", "统计表.xlsx.gz", gzip.compress(form), (Kept(), Form()))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@hongqi.example", "b@kjj.example", "转发：统计表"
    mail.set_content("见附件。")
    mail.add_attachment(form, maintype="application", subtype="octet-stream", filename="统计表.xlsx")
    yield Case("message", "转发.eml", mail.as_bytes(), (Kept(), Form()))


def _legacy_names(members: dict[str, bytes], encoding: str) -> bytes:
    """A zip whose names are bytes of this encoding, without the flag that says so."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, data in enumerate(members.values()):
            archive.writestr(f"{n:x<40}", data)
    data = out.getvalue()
    for n, name in enumerate(members):
        # The same length, so that nothing else changes: white space fills the name up before its ending.
        stem, dot, ending = name.rpartition(".")
        tail = (dot + ending).encode()
        data = data.replace(f"{n:x<40}".encode(), stem.encode(encoding).ljust(40 - len(tail), b"_") + tail)
    return data


def layouts() -> Iterator[Case]:
    """The form as clerks change it: the figures are the same."""
    for name, change in {
        "上方加标题": lambda s: s.insert_rows(1, 2),
        "左边加一列": lambda s: s.insert_cols(1),
        "中间加一列": lambda s: s.insert_cols(3),
        "取消合并": lambda s: [s.unmerge_cells(str(a)) for a in list(s.merged_cells.ranges)],
        "中间加空行": lambda s: s.insert_rows(10),
        "缺分组名": _without_groups,
        "标签有空格": _spaced,
    }.items():
        book = workbook()
        for area in list(book.worksheets[0].merged_cells.ranges):  # openpyxl does not move them
            book.worksheets[0].unmerge_cells(str(area))
        change(book.worksheets[0])
        yield one("layout", f"{name}.xlsx", saved(book))
    book = workbook()
    book.create_sheet("填表说明", 0)["A1"] = "填表说明：如实填写。"
    yield one("layout", "另有说明页.xlsx", saved(book))
    yield Case(
        "layout", "两个单位.xlsx", two_units(), (_form(HONGQI), _form(WEIBIN, {"activities.held": "7"}))
    )


def _form(unit: str, changes: dict[str, str | None] | None = None) -> Form:
    return Form({**TRUTH, **(changes or {})}, unit)


def _without_groups(sheet: Worksheet) -> None:
    alone = {item.group for item in FORM.items if item.label_in_group}
    for row in range(3, 23):
        if sheet.cell(row, 1).value not in alone:
            sheet.cell(row, 1).value = None


def _spaced(sheet: Worksheet) -> None:
    for row in range(3, 23):
        for column in (1, 2):
            if text := sheet.cell(row, column).value:
                sheet.cell(row, column).value = "\u3000".join(str(text))


# What is typed into 举办活动次数 (a count), and what it is: an exact number, or none.
_COUNTS: dict[Any, str | None] = {
    "３６": "36",
    "1,234": "1234",
    "１，２３４": "1234",
    "1.2万": "12000",
    "36次": "36",
    " 36 ": "36",
    "约500": None,
    "500余": None,
    "10-20": None,
    "五十六": None,
    "③": None,
    "12²": None,
    "1_000": None,
    "inf": None,
    "": None,
    0: "0",
    "无": "0",
    "—": "0",
    "/": None,
    True: None,
    "#REF!": None,
    "'36": None,
    "36,5": None,
    "1e5": None,
}
# Into 县级财政经费投入情况 (ten thousand yuan).
_MONEY: dict[Any, str | None] = {
    "3.5": "3.5",
    "3.5万元": "3.5",
    "50000元": None,
    "3万": None,
    "￥3": None,
    "12.5%": None,
    0.1 + 0.2: "0.3",
}


def spellings() -> Iterator[Case]:
    """One workbook a spelling, of a whole number and of a sum of money."""
    for item, table in (("activities.held", _COUNTS), ("funding.county", _MONEY)):
        for n, (typed, truth) in enumerate(table.items()):
            values = {**TRUTH, item: truth}
            yield one("spelling", f"写法-{item}-{n}.xlsx", xlsx({item: typed}), Form(values))
            text = str(typed)
            if isinstance(typed, str) and text.strip() and text != "#REF!":
                cells = {**VALUES, item: text}
                yield one("spelling", f"写法-{item}-{n}.csv", delimited(rows(cells)).encode(), Form(values))
    date = xlsx({"activities.held": __import__("datetime").date(2022, 5, 21)})
    yield one("spelling", "日期.xlsx", date, Form({**TRUTH, "activities.held": None}))
    long = Decimal("12345.6789")
    exact = Form({**TRUTH, "funding.county": str(long)})
    yield one("spelling", "四位小数.xlsx", xlsx({"funding.county": float(long)}), exact)
