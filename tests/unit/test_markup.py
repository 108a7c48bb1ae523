"""HTML saved as .xls, saved pages and Excel's XML of 2003: as web systems and old programs write them."""

from __future__ import annotations

import time
from decimal import Decimal
from xml.sax.saxutils import escape

import pytest
from form_files import FORM, UNIT, VALUES

from huizong.readers import limits
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading
from huizong.readers.sheets.spreadsheet import NO_FORM

SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
EXCEL = "urn:schemas-microsoft-com:office:excel"


def numbers(reading: FileReading) -> dict[str, Decimal | None]:
    assert len(reading.forms) == 1
    return {code: item.number for code, item in reading.forms[0].items.items()}


def read(source: str | bytes, encoding: str = "utf-8") -> FileReading:
    return read_bytes(source if isinstance(source, bytes) else source.encode(encoding), "统计表.xls", [FORM])


# HTML


def html_rows(values: dict[str, str] | None = None) -> str:
    """The form's rows: groups reach down over their rows, labels without a group over two columns."""
    counts = [item.group for item in FORM.items]
    rows, seen = [], ""
    for item in FORM.items:
        value = (values or {}).get(item.code, f"<td>{VALUES[item.code]}</td>")
        if item.label_in_group:
            rows.append(f"<tr><td colspan=2>{item.label}</td>{value}</tr>")
            continue
        group = "" if item.group == seen else f"<td rowspan='{counts.count(item.group)}'>{item.group}</td>"
        seen = item.group
        rows.append(f"<tr>{group}<td>{item.label}</td>{value}</tr>")
    return "\n".join(rows)


def html_table(rows: str = "") -> str:
    head = (
        f"<tr><td colspan=3><b>{FORM.title}</b></td></tr><tr><td colspan=3>{FORM.unit_line}{UNIT}</td></tr>"
    )
    return f"<table>{head}{rows or html_rows()}</table>"


def page(body: str, head: str = "") -> str:
    return f"<html><head>{head}<title>x</title></head><body>{body}</body></html>"


def test_a_table_with_merged_cells() -> None:
    reading = read(page(html_table()))
    assert (reading.kind, reading.disposition, reading.reason) == ("html", "return", "")
    assert numbers(reading) == VALUES
    form = reading.forms[0]
    assert (form.title, form.unit_text, form.missing, form.unknown) == (FORM.title, UNIT, (), ())
    assert (form.items["activities.held"].cell, form.items["open.universities"].cell) == ("C3", "C22")
    assert not any("text_number" in item.notes for item in form.items.values())
    assert FORM.title in reading.text


@pytest.mark.parametrize(
    ("label", "encoding"),
    [("gb2312", "gb18030"), ("utf-8", "utf-8"), ("utf-8", "gb18030"), ("", "gb18030"), ("unicode", "utf-16")],
)
def test_every_encoding_and_every_wrong_label(label: str, encoding: str) -> None:
    meta = f'<meta http-equiv=Content-Type content="text/html; charset={label}">' if label else ""
    body = html_table(html_rows({"activities.held": "<td>镕</td>"}))  # not in GB 2312
    reading = read(page(body, meta), encoding)
    assert reading.forms[0].items["activities.held"].raw == "镕"
    assert reading.forms[0].unit_text == UNIT


def test_a_bare_table_without_a_page() -> None:
    assert numbers(read(html_table())) == VALUES


def test_heads_outside_the_table_and_other_tables_around() -> None:
    other = "<table><tr><td>联系人</td><td>办公室</td></tr></table>"
    heads = f"<h1>{FORM.title}</h1><p>{FORM.unit_line}<u> {UNIT} </u></p>"
    body = f"{other}{heads}<table>{html_rows()}</table>{other}"
    form = read(page(body)).forms[0]
    assert ({c: i.number for c, i in form.items.items()}, form.unit_text, form.title) == (
        VALUES,
        UNIT,
        FORM.title,
    )


def test_tables_laid_out_with_tables() -> None:
    outer = f"<table><tr><td>菜单</td><td><div>{html_table()}</div></td></tr><tr><td>页脚</td></tr></table>"
    assert numbers(read(page(outer))) == VALUES


def test_parts_of_a_table_and_rows_without_end_tags() -> None:
    rows = html_rows().replace("</td>", "").replace("</tr>", "")
    assert numbers(read(f"<table><thead><tr><th colspan=3>{FORM.title}<tbody>{rows}</table>")) == VALUES


def test_cells_as_programs_write_them() -> None:
    cells = {
        "activities.held": "<td>&nbsp;5<br>&nbsp;</td>",
        "activities.ministry_tasks": "<td>&nbsp;</td>",
        "public.online": "<td>1,234,567</td>",
        "public.offline": "<td x:num='12345.5'>12,346</td>",
        "funding.county": "<td><!-- 1 --><script>2</script><span>3</span>.<font>5</font></td>",
        "staff.other": "<td>约5万</td>",
        "media.outlets": "<td><p>7</p><p></p></td>",
    }
    items = read(page(html_table(html_rows(cells)))).forms[0].items
    found = {code: items[code].number for code in cells}
    assert found == {
        "activities.held": 5,
        "activities.ministry_tasks": None,
        "public.online": 1234567,
        "public.offline": Decimal("12345.5"),
        "funding.county": Decimal("3.5"),
        "staff.other": None,
        "media.outlets": 7,
    }
    assert (items["activities.ministry_tasks"].state, items["staff.other"].raw) == ("blank", "约5万")


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("<td><s>5</s>8</td>", "5 （删除线）8"),
        ("<td>8<span style='Text-Decoration: line-through'>5</span></td>", "8¦5 （删除线）"),
        ("<td style='text-decoration:line-through'>5</td>", "5 （删除线）"),
        ("<td x:num='58'><s>5</s>8</td>", "5 （删除线）8"),
        ("<td>1<sup>2</sup></td>", "1¦2"),
        ("<td>5<img src=x>6</td>", "5¦6"),
        ("<td>5<wbr>6</td>", "5¦6"),
        ("<td><ruby>5<rt>6</rt></ruby></td>", "5¦6"),
        ("<td><select><option>1<option selected>2</select></td>", "1¦2"),
        ("<td><del>4</del><ins>3</ins></td>", 3),
        ("<td><span style='display: none'>7</span>1</td>", 1),
        ("<td><span hidden>7</span>1</td>", 1),
        ("<td>5<img src=x></td>", 5),
        ("<td><b>1</b><font>2</font><o:p></o:p></td>", 12),
    ],
)
def test_pieces_of_a_cell(cell: str, found: str | int) -> None:
    item = read(page(html_table(html_rows({"activities.held": cell})))).forms[0].items["activities.held"]
    assert (item.number or item.raw) == found
    assert item.state == ("text" if isinstance(found, str) else "number")


def test_pieces_of_a_line() -> None:
    lines = "".join(f"<p>{i.label}：{VALUES[i.code]}{i.unit}</p>" for i in FORM.items)
    assert numbers(read(page(lines))) == VALUES
    first = f"{FORM.items[0].label}："
    struck = read(page(lines.replace(f"{first}1", f"{first}<s>5</s>1"))).forms[0].items["activities.held"]
    assert (struck.state, struck.number) == ("text", None)


def test_a_page_without_the_form_is_a_report_and_a_workbook_is_not() -> None:
    reading = read(page("<h1>科技活动周启动</h1><p>红旗区讯：</p>"))
    assert (reading.disposition, reading.text, reading.forms) == ("return", "科技活动周启动\n红旗区讯：", ())
    excel = (
        '<html xmlns:x="urn:schemas-microsoft-com:office:excel"><body><table><tr><td>1</table></body></html>'
    )
    assert (read(excel).disposition, read(excel).reason) == ("set_aside", NO_FORM)


def test_html_that_attacks_its_reader() -> None:
    began = time.process_time()
    spans = (
        f"<table><tr><td rowspan=999999999 colspan=999999999>a<td>b{'<tr><td rowspan=2000>c' * 1_500}</table>"
    )
    assert read(page(spans)).reason in ("", limits.FAR_CELL)
    assert read(page("<table><tr><td>" * 3_000)).disposition
    assert read(page("<div>" * 100_000 + "统计")).disposition
    assert read(page("<p>统计</p>" * 100_000)).disposition == "return"
    assert "root:" not in read(f'<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>{page("&x;")}').text
    assert time.process_time() - began < 10


# A page or workbook saved as one file


def test_a_workbook_saved_as_one_page() -> None:
    sheet = page(html_table(), "<meta charset=gb2312>").encode("gb18030")
    parts = [
        b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\nContent-Type: multipart/related; boundary=b\r\n",
        b'Content-Location: file:///C:/a.htm\r\nContent-Type: text/html; charset="us-ascii"\r\n\r\n<html>',
        b"Content-Location: file:///C:/sheet001.htm\r\nContent-Type: text/html\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n" + sheet,
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=",
    ]
    reading = read(b"\r\n--b\r\n".join(parts) + b"\r\n--b--\r\n")
    assert (reading.kind, reading.disposition, numbers(reading)) == ("mht", "return", VALUES)
    empty = parts[0] + b"\r\n--b\r\n" + parts[3] + b"\r\n--b--\r\n"
    assert (read(empty).kind, read(empty).reason) == ("mht", limits.DAMAGED)


# Excel's XML of 2003


def xml_cell(value: object, **attributes: int) -> str:
    kind = "Number" if isinstance(value, Decimal) else "String"
    words = "".join(f' ss:{name}="{number}"' for name, number in attributes.items())
    return f'<Cell{words}><Data ss:Type="{kind}">{escape(str(value))}</Data></Cell>'


def xml_book(changes: dict[str, str] | None = None, declared: str = "UTF-8", options: str = "") -> str:
    """As Excel writes it: merged groups, whose rows below go on at index 2."""
    rows = [f"<Row>{xml_cell(FORM.title, MergeAcross=2)}</Row>"]
    rows.append(f"<Row>{xml_cell(FORM.unit_line + UNIT)}</Row>")
    counts, seen = [item.group for item in FORM.items], ""
    for item in FORM.items:
        value = (changes or {}).get(item.code, xml_cell(VALUES[item.code]))
        if item.label_in_group:
            rows.append(f"<Row>{xml_cell(item.label, MergeAcross=1)}{value}</Row>")
        elif item.group == seen:
            rows.append(f"<Row>{xml_cell(item.label, Index=2)}{value}</Row>")
        else:
            seen = item.group
            group = xml_cell(seen, MergeDown=counts.count(seen) - 1)
            rows.append(f"<Row>{group}{xml_cell(item.label)}{value}</Row>")
    return (
        f'<?xml version="1.0" encoding="{declared}"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        f'<Workbook xmlns="{SPREADSHEET}" xmlns:ss="{SPREADSHEET}" xmlns:x="{EXCEL}">'
        f'<Worksheet ss:Name="统计表"><Table>{"".join(rows)}</Table>{options}</Worksheet></Workbook>'
    )


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("UTF-8", "utf-8"), ("gb2312", "gb18030"), ("UTF-8", "utf-8-sig"), ("UTF-16", "utf-16")],
)
def test_a_workbook_in_xml(declared: str, encoding: str) -> None:
    reading = read(xml_book({"staff.other": xml_cell("镕")}, declared), encoding)
    assert (reading.kind, reading.disposition, reading.reason) == ("xml-spreadsheet", "return", "")
    form = reading.forms[0]
    assert numbers(reading) == VALUES | {"staff.other": None}
    assert (form.items["staff.other"].raw, form.title, form.unit_text) == ("镕", FORM.title, UNIT)
    assert (form.sheet, form.missing, form.unknown) == ("统计表", (), ())
    assert (form.items["activities.held"].cell, form.items["open.universities"].cell) == ("C3", "C22")


def test_rows_and_cells_without_index_follow_merged_ones() -> None:
    assert numbers(read(xml_book().replace(' ss:Index="2"', ""))) == VALUES
    moved = xml_book().replace("<Row>", '<Row ss:Index="7">', 1).replace("<Row>", '<Row ss:Span="2">', 1)
    assert read(moved).forms[0].items["activities.held"].cell == "C11"


def test_typed_cells() -> None:
    form = read(
        xml_book(
            {
                "activities.held": '<Cell ss:Formula="=SUM(1,2)"/>',
                "activities.ministry_tasks": '<Cell ss:Formula="=1+2"><Data ss:Type="Number">3</Data></Cell>',
                "funding.central": '<Cell><Data ss:Type="Error">#DIV/0!</Data></Cell>',
                "funding.county": '<Cell><Data ss:Type="Number">0.30000000000000004</Data></Cell>',
                "public.online": '<Cell><Data ss:Type="Number">1.2E6</Data></Cell>',
                "staff.other": '<Cell><Data ss:Type="DateTime">2022-05-10T00:00:00.000</Data></Cell>',
                "staff.full_time": '<Cell><Data ss:Type="Boolean">1</Data></Cell>',
                "media.outlets": '<Cell><Data ss:Type="String"> </Data></Cell>',
                "media.reports": '<Cell><ss:Data ss:Type="String">5<B>6</B></ss:Data>'
                '<Comment><ss:Data ss:Type="String">9</ss:Data></Comment></Cell>',
                "open.venues": '<Cell ss:StyleID="s1"/>',
            }
        )
    ).forms[0]
    found: dict[str, tuple[str, Decimal | None]] = {c: (i.state, i.number) for c, i in form.items.items()}
    assert found["activities.held"] == ("formula", None)
    assert form.items["activities.held"].raw == "=SUM(1,2)"
    assert found["activities.ministry_tasks"] == ("number", 3)
    assert (found["funding.central"], form.items["funding.central"].raw) == (("error", None), "#DIV/0!")
    assert found["funding.county"] == ("number", Decimal("0.3"))
    assert found["public.online"] == ("number", 1_200_000)
    assert (found["staff.other"], form.items["staff.other"].raw[:10]) == (("text", None), "2022-05-10")
    assert found["staff.full_time"] == ("text", None)
    assert found["media.outlets"] == found["open.venues"] == ("blank", None)
    assert found["media.reports"] == ("number", 56)
    assert "text_number" in form.items["media.reports"].notes


def test_struck_and_raised_text_of_a_workbook_in_xml() -> None:
    rich = (
        f'<Cell><ss:Data ss:Type="String" xmlns="http://www.w3.org/TR/REC-html40" xmlns:ss="{SPREADSHEET}">'
    )
    book = xml_book(
        {
            "activities.held": f"{rich}<S>5</S><Font>8</Font></ss:Data></Cell>",
            "funding.county": f"{rich}1<Sup>2</Sup></ss:Data></Cell>",
            "staff.other": '<Cell ss:StyleID="s21"><Data ss:Type="Number">7</Data></Cell>',
            "media.outlets": '<Cell ss:StyleID="s22"><Data ss:Type="Number">7</Data></Cell>',
        }
    )
    styles = '<Styles><Style ss:ID="s21"><Font ss:StrikeThrough="1"/></Style><Style ss:ID="s22"/></Styles>'
    items = read(book.replace("<Worksheet", f"{styles}<Worksheet", 1)).forms[0].items
    assert [items[c].raw for c in ("activities.held", "funding.county")] == ["5 （删除线）8", "1¦2"]
    assert {items[c].state for c in ("activities.held", "funding.county", "staff.other")} == {"text"}
    assert items["media.outlets"].number == 7


def test_a_mark_of_secrecy_in_the_header_of_a_workbook_in_xml() -> None:
    header = f'<PageSetup><Header x:Data="&amp;C机密★" xmlns:x="{EXCEL}"/></PageSetup>'
    options = f'<WorksheetOptions xmlns="{EXCEL}">{header}</WorksheetOptions>'
    assert read(xml_book(options=options)).disposition == "restricted"
    assert read(xml_book(options=options.replace("机密★", "附件1"))).disposition == "return"


def test_a_hidden_sheet_is_not_read() -> None:
    options = "<x:WorksheetOptions><x:Visible>SheetHidden</x:Visible></x:WorksheetOptions>"
    assert (read(xml_book(options=options)).disposition, read(xml_book(options=options)).forms) == (
        "set_aside",
        (),
    )


def test_xml_that_is_damaged_or_attacks_its_reader() -> None:
    whole = xml_book()
    assert read(whole[: len(whole) // 2]).reason == limits.DAMAGED
    far = whole.replace("<Row>", '<Row ss:Index="1048576">', 1)
    assert read(far).reason == limits.FAR_CELL
    wide = whole.replace("<Cell>", '<Cell ss:Index="16384">', 1)
    assert read(wide).reason == limits.FAR_CELL
    merged = whole.replace('ss:MergeDown="1"', 'ss:MergeDown="999999999" ss:MergeAcross="999999999"', 1)
    assert read(merged).disposition in ("return", "set_aside")
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    evil = f'<!DOCTYPE d [<!ENTITY a0 "ha"><!ENTITY x SYSTEM "file:///etc/passwd">{bomb}]>'
    at = whole.index("<Workbook")
    began = time.process_time()
    reading = read((whole[:at] + evil + whole[at:]).replace(UNIT, "&x;&a11;", 1))
    assert "root:" not in reading.model_dump_json()
    assert time.process_time() - began < 2
