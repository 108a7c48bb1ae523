"""The summary's documents: exact sums, coverage beside them, and a form that the next level can read."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from datetime import datetime
from decimal import Decimal as D
from decimal import Inexact, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

import docx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from huizong.instruments.model import load_instrument
from huizong.readers.entry import read_bytes
from huizong.summary.model import Coverage, Edition, SummaryData, UnitLine, percent
from huizong.summary.report import write_report
from huizong.summary.totals import canonical, total
from huizong.summary.workbook import write_workbook

FORMS = Path(__file__).parents[2] / "include" / "forms"
INSTRUMENT = load_instrument(FORMS / "activity-week-statistics@2022.yaml")
CODES = [item.code for item in INSTRUMENT.items]


def unit(name: str, order: int, status: str = "已报齐", **fields: object) -> UnitLine:
    return UnitLine(**{"code": f"4107{order:02}", "name": name, "order": order, "status": status, **fields})


def values(base: int, **some: str) -> dict[str, D | None]:
    return {code: D(base + n) for n, code in enumerate(CODES)} | {
        key.replace("__", "."): D(text) for key, text in some.items()
    }


UNITS = (
    unit("获嘉县", 3, "待核实", values=values(7, funding__central="1.005"), open_queries=2, punctual=True),
    unit("市本级", 0, values=values(1, funding__central="0.1"), version=1, punctual=True, own=True),
    unit("原阳县", 2, "缺件", values=values(5, funding__central="0.2"), version=3, punctual=False,
         notes="=HYPERLINK(\"http://evil.example\")"),
    unit("封丘县", 4, "未报", notes="@cmd"),
    unit("市气象局", 5, "免报"),
)  # fmt: skip
COVERAGE = Coverage(
    expected=4,
    returned=3,
    missing=(("410704", "封丘县"),),
    incomplete=(("410702", "原阳县", ("盖章扫描件", "总结报告")),),
    waived=(("410705", "市气象局"),),
)
DATA = SummaryData(
    cycle_title="2022年全国科技工作者日暨科技活动周",
    document_number="新科协〔2022〕10号",
    issued_by=("中共新乡市委宣传部", "新乡市科学技术协会", "新乡市科学技术局"),
    office_name="新乡市科学技术局科技合作人才与科普科",
    area_name="新乡市",
    collection_code="science-departments",
    collection_title="科技管理部门报送材料",
    edition=Edition("provisional"),
    as_of=datetime(2022, 6, 21, 8, 30, tzinfo=ZoneInfo("Asia/Shanghai")),
    instrument=INSTRUMENT,
    units=UNITS,
    coverage=COVERAGE,
    reporting_rate=D(3) / 4,
    reporting_rate_on_time=D(2) / 4,
    definition_version="1",
    findings={"verify": 2, "hint": 1},
    snippets=(("原阳县", "举办讲座\x0b12场。"),),
)
SENTENCE = "应报4家、已报3家（75.0%），未报1家：封丘县。"


def docx_text(data: bytes) -> str:
    document = docx.Document(io.BytesIO(data))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def sheet_texts(data: bytes, sheet: str) -> list[str]:
    rows = CalamineWorkbook.from_object(io.BytesIO(data)).get_sheet_by_name(sheet).to_python()
    return [str(cell) for row in rows for cell in row if cell != ""]


# --- totals -----------------------------------------------------------------------------------------------


def test_sums_are_exact() -> None:
    assert total([D("0.1"), D("0.2")]) == D("0.3")
    assert canonical(total([D("1.005")] * 10000)) == "10050"
    assert canonical(total([D("999999999999999999"), D("0.0001")])) == "999999999999999999.0001"
    assert canonical(total([D("1E+2"), None, D("-0")])) == "100"
    assert canonical(total([])) == "0"


@given(st.lists(st.integers(-(10**30), 10**30)), st.integers(0, 6))
def test_a_sum_of_figures_is_the_sum_of_their_digits(numbers: list[int], places: int) -> None:
    figures = [D(f"{n}e-{places}") for n in numbers]
    assert total(figures) == D(f"{sum(numbers)}e-{places}")


def test_what_cannot_be_summed_exactly_is_refused() -> None:
    with pytest.raises(Inexact):
        total([D("1E+2000"), D("1")])
    with pytest.raises(InvalidOperation):
        total([D("NaN")])


# --- coverage ---------------------------------------------------------------------------------------------


def test_coverage_names_who_is_missing_and_what_is_owed() -> None:
    assert COVERAGE.sentence == SENTENCE
    assert COVERAGE.incomplete_sentence == "缺件1家：原阳县（缺盖章扫描件、总结报告）。"
    assert COVERAGE.waived_sentence == "免报1家（不计入应报数）：市气象局。"
    sent = dataclasses.replace(
        COVERAGE,
        expected=5,
        missing=(("410704", "封丘县"), ("410706", "长垣市")),
        returned_for_correction=(("410706", "长垣市"),),
    )
    assert sent.sentence == "应报5家、已报3家（60.0%），未报1家：封丘县；已报待更正（未计入）1家：长垣市。"
    only = Coverage(1, 0, (("410706", "长垣市"),), returned_for_correction=(("410706", "长垣市"),))
    assert only.sentence == "应报1家、已报0家（0%），已报待更正（未计入）1家：长垣市。"
    waits = dataclasses.replace(sent, expected=6, missing=(*sent.missing, ("410707", "市教育局")))
    waits = dataclasses.replace(waits, states={"410707": "已来件待处理", "410706": "待核实"})
    assert waits.sentence == (
        "应报6家、已报3家（50.0%），未报1家：封丘县；尚未计入1家：市教育局（已来件待处理）；"
        "已报待更正（未计入）1家：长垣市。"
    )
    assert Coverage(18, 18).sentence == "应报18家、已报18家（100%），无未报单位。"
    assert Coverage(0, 7).sentence == "本事项为自愿报送，共收到7家材料。"


def test_a_rate_says_neither_all_nor_nothing_unless_it_is() -> None:
    shown = [percent(D(a) / b) for a, b in ((16, 18), (1999, 2000), (1, 9000), (0, 3), (3, 3))]
    assert shown == ["88.9%", "99.9%", "0.1%", "0%", "100%"]


def test_what_waits_is_told_apart_by_what_is_in_the_sum() -> None:
    held = values(1)
    asked = unit("甲县", 1, version=1, values=held, open_queries=2)
    returned = unit("乙县", 2, "待核实", rejected=True, open_queries=3)
    replaced = unit("丙县", 3, "待核实", version=1, values=held, rejected=True, open_queries=1)
    waived = unit("丁县", 4, "免报", open_queries=4)
    said = [
        "1家单位的数据待核实，已按现报数计入：甲县（2项）。",
        "1家单位的报表已退回更正，尚未计入：乙县（3项）。",
        "1家单位新报的报表已退回更正，按此前审核通过的数计入：丙县（1项）。",
    ]
    everyone = dataclasses.replace(DATA, units=(asked, returned, replaced, waived))
    assert everyone.queries_sentence == "".join(said)
    assert "".join(said) in docx_text(write_report(everyone))
    for one, sentence in zip((asked, returned, replaced), said, strict=True):
        assert dataclasses.replace(DATA, units=(one,)).queries_sentence == sentence
    nothing = dataclasses.replace(DATA, units=(waived,))
    assert nothing.queries_sentence == "已计入的数据无待核实问题。"


def test_a_unit_that_does_not_count_owes_what_is_really_missing() -> None:
    some = dataclasses.replace(UNITS[3], owed=("统计表", "总结报告"))
    situation = sheet_texts(write_workbook(dataclasses.replace(DATA, units=(some,))), "报送情况")
    assert "统计表、总结报告" in situation and "全部材料" not in situation


# --- workbook ---------------------------------------------------------------------------------------------


def test_the_first_sheet_is_a_return_for_the_next_level() -> None:
    reading = read_bytes(write_workbook(DATA), "汇总.xlsx", [INSTRUMENT])
    assert reading.disposition == "return" and len(reading.forms) == 1
    form = reading.forms[0]
    assert (form.sheet, form.unit_text) == ("汇总表", "新乡市")
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert {code: item.number for code, item in form.items.items()} == DATA.totals
    assert DATA.totals["funding.central"] == D("1.305")


def test_both_readers_find_the_exact_figures_in_the_units_sheet() -> None:
    data = write_workbook(DATA)
    sheet = openpyxl.load_workbook(io.BytesIO(data))["分单位明细"]
    rows = CalamineWorkbook.from_object(io.BytesIO(data)).get_sheet_by_name("分单位明细").to_python()
    expected = [DATA.totals, *(u.values for u in sorted(UNITS, key=lambda u: u.order))]
    for n, figures in enumerate(expected, start=6):
        wanted = [figures.get(code) for code in CODES]
        by_openpyxl = [sheet.cell(n, column).value for column in range(3, 23)]
        by_calamine = rows[n - 1][2:22]
        assert [None if v is None else D(f"{v:.15g}") for v in by_openpyxl] == wanted
        assert [None if v == "" else D(f"{v:.15g}") for v in by_calamine] == wanted
    assert [row[1] for row in rows[5:11]] == ["合计", "市本级", "原阳县", "获嘉县", "封丘县", "市气象局"]


def test_a_sum_beyond_fifteen_digits_keeps_them_all() -> None:
    big = values(0, public__online="123456789012345678")
    data = dataclasses.replace(DATA, units=(unit("甲", 1, values=big), unit("乙", 2, values=values(1))))
    wanted = str(123456789012345678 + 1 + CODES.index("public.online"))
    written = write_workbook(data)
    assert wanted in sheet_texts(written, "汇总表")
    assert wanted in sheet_texts(written, "分单位明细")
    assert wanted in docx_text(write_report(data))
    form = read_bytes(written, "汇总.xlsx", [INSTRUMENT]).forms[0]
    assert form.items["public.online"].number == D(wanted)


def test_every_sheet_says_edition_and_coverage() -> None:
    data = write_workbook(DATA)
    for sheet in ("汇总表", "分单位明细", "报送情况", "说明"):
        said = "".join(sheet_texts(data, sheet))
        assert "初步汇总（未定稿）" in said and SENTENCE in said
    assert "各单位上报数直接加总，未去重" in "".join(sheet_texts(data, "汇总表"))
    situation = "".join(sheet_texts(data, "报送情况"))
    assert "缺件1家：原阳县（缺盖章扫描件、总结报告）。" in situation
    assert "免报1家（不计入应报数）：市气象局。" in situation
    assert "报送率75.0%，统计表按时报送率50.0%。" in situation


def test_no_text_of_a_unit_becomes_a_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_workbook(DATA)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    dangerous = [cell for cell in cells if str(cell.value).startswith(("=", "@"))]
    assert len(dangerous) == 4 and all(cell.quotePrefix for cell in dangerous)


def test_every_sheet_prints_on_a4_across_one_page() -> None:
    book = openpyxl.load_workbook(io.BytesIO(write_workbook(DATA)))
    for sheet in book:
        assert sheet.page_setup.paperSize == 9 and sheet.page_setup.fitToWidth == 1
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.print_area
    detail = book["分单位明细"]
    assert (detail.page_setup.orientation, detail.freeze_panes) == ("landscape", "C7")
    assert detail.print_title_rows == "$3:$5"


# --- report -----------------------------------------------------------------------------------------------


def test_the_report_says_who_is_missing_and_what_the_figures_are() -> None:
    text = docx_text(write_report(DATA))
    for said in (
        "关于2022年全国科技工作者日暨科技活动周",
        "开展情况的汇总报告",
        "初步汇总（未定稿）",
        "一、报送情况",
        SENTENCE + "报送率75.0%，统计表按时报送率50.0%。",
        "缺件1家：原阳县（缺盖章扫描件、总结报告）。",
        "二、数据汇总",
        "据3家单位上报数加总：举办活动次数13次",
        "三、分单位情况",
        "四、典型经验和意见建议（摘自各单位总结原文）",
        "五、数据说明",
        "各单位上报数直接加总，未去重；上报数未作任何修改。本级自办活动由“市本级”单独填报，已一并计入。",
        "1家单位的数据待核实，已按现报数计入：获嘉县（2项）。",
        "新乡市科学技术局科技合作人才与科普科",
        "2022年6月21日",
    ):
        assert said in text
    cells = docx.Document(io.BytesIO(write_report(DATA))).tables[0].rows
    assert [row.cells[4].text for row in cells[1:]] == [canonical(v) for v in DATA.totals.values()]


@pytest.mark.parametrize(
    ("edition", "label"),
    [(Edition("final"), "定稿"), (Edition("revised", 2), "修订稿（第2次）")],
)
def test_only_a_provisional_edition_is_called_so(edition: Edition, label: str) -> None:
    data = dataclasses.replace(DATA, edition=edition)
    text = docx_text(write_report(data))
    assert label in text and "未定稿" not in text
    assert f"版次：{label}" in "".join(sheet_texts(write_workbook(data), "汇总表"))


def test_the_fonts_and_the_page_are_those_of_official_documents() -> None:
    report = write_report(DATA)
    section = docx.Document(io.BytesIO(report)).sections[0]
    margins = (section.top_margin, section.left_margin, section.right_margin, section.bottom_margin)
    assert [round(m.mm) for m in margins if m is not None] == [37, 28, 26, 35]
    with zipfile.ZipFile(io.BytesIO(report)) as package:
        body = package.read("word/document.xml").decode()
    for font in ("方正小标宋简体", "仿宋_GB2312", "黑体"):
        assert f'w:eastAsia="{font}"' in body
    assert 'w:line="579"' in body and 'w:lineRule="exact"' in body


def test_a_collection_without_a_form_still_has_its_summary() -> None:
    bare = tuple(dataclasses.replace(u, values={}) for u in UNITS)
    data = dataclasses.replace(DATA, instrument=None, units=bare)
    assert CalamineWorkbook.from_object(io.BytesIO(write_workbook(data))).sheet_names == ["报送情况", "说明"]
    text = docx_text(write_report(data))
    assert SENTENCE in text and "数据汇总" not in text and "二、分单位情况" in text


def test_nothing_returned_yet_is_a_summary_too() -> None:
    data = dataclasses.replace(
        DATA, units=(unit("甲县", 1, "未报"),), coverage=Coverage(1, 0, (("410701", "甲县"),)), snippets=()
    )
    assert set(data.totals.values()) == {D(0)}
    assert "应报1家、已报0家（0%），未报1家：甲县。" in docx_text(write_report(data))
    assert "甲县" in sheet_texts(write_workbook(data), "分单位明细")


def test_the_same_summary_gives_the_same_bytes() -> None:
    assert write_workbook(DATA) == write_workbook(DATA)
    assert write_report(DATA) == write_report(DATA)
    properties = openpyxl.load_workbook(io.BytesIO(write_workbook(DATA))).properties
    assert properties.modified == datetime(2022, 6, 21, 0, 30)  # noqa: DTZ001 - UTC, as the file has it
