"""The personal forms as a clerk and as the reader find them."""

from __future__ import annotations

import io
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from huizong.errors import UsageError
from huizong.instruments.model import Instrument, load_instrument
from huizong.instruments.sheet import CARRIER_CELL, CARRIER_COLUMN, CARRIER_NAME, CARRIER_PROPERTY
from huizong.instruments.token import TokenClaims, TokenKeys
from huizong.instruments.word_form import word_form
from huizong.instruments.workbook import WorkbookMaster, build_form_sheet

FORM = load_instrument(Path(__file__).parents[2] / "include/forms/activity-week-statistics@2022.yaml")
MASTER = WorkbookMaster(FORM)
TOKEN = TokenKeys.parse("k1:" + "a" * 40).sign(
    TokenClaims("xinxiang", "xinxiang-2022", "science-departments", "410702", FORM.ref, "1")
)
NUMBER = "AC2D3F4G0"
AWKWARD = "=1+1 <科技局> & \"甲\" '乙' [[huizong:token]]"


def rendered(name: str = "红旗区科学技术局") -> bytes:
    return MASTER.render(name, TOKEN, NUMBER)


def opened(content: bytes) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return book, book.worksheets[0]


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def fast_rows(content: bytes) -> list[list[Any]]:
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    return sheet.to_python(skip_empty_area=False)


def value_cells(sheet: Worksheet) -> list[Cell]:
    return [cell for row in sheet.iter_rows() for cell in row if not cell.protection.locked]


def squeezed(value: object) -> str:
    return "".join(str(value or "").split())


def test_the_sheet_holds_the_annex_and_nothing_else() -> None:
    _, sheet = opened(rendered())
    printed = [[cell.value for cell in row] for row in sheet["A1:C23"]]

    assert printed[0][0] == "2022年全国科技活动周开展情况统计表"
    assert printed[1][0] == "部门/地方（盖章）：红旗区科学技术局"
    assert [row[1] for row in printed[2:19]] == [item.label for item in FORM.items[:17]]
    assert [row[0] for row in printed[2:22] if row[0]] == [
        "科普活动开展次数",
        "活动经费投入数量\n(单位：万元)",
        "科普工作人员参与数量",
        "科普活动\n群众参与数量",
        "宣传报道情况",
        "活动周期间开放的科普场馆数量",
        "活动周期间开放活动的科研机构数量",
        "活动周期间开放活动的大学数量",
    ]
    assert [row[2] for row in printed] == [None] * 23
    assert printed[22] == ["表单编号：AC2D-3F4G-0", None, None]
    assert sheet.max_row == 23


def test_groups_are_merged_down_and_the_last_three_labels_across() -> None:
    _, sheet = opened(rendered())

    assert {str(area) for area in sheet.merged_cells.ranges} == {
        *("A1:C1", "A2:C2", "A23:C23"),
        *("A3:A4", "A5:A11", "A12:A15", "A16:A17", "A18:A19"),
        *("A20:B20", "A21:B21", "A22:B22"),
    }


def test_exactly_the_twenty_value_cells_are_open() -> None:
    _, sheet = opened(rendered())

    assert [cell.coordinate for cell in value_cells(sheet)] == [f"C{row}" for row in range(3, 23)]
    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert not sheet.protection.formatColumns
    assert not sheet.protection.formatRows


def test_beside_each_label_in_its_row_stands_an_open_cell() -> None:
    _, sheet = opened(rendered())

    for item in FORM.items:
        (label,) = [c for row in sheet["A1:C23"] for c in row if squeezed(c.value) == squeezed(item.label)]
        beside = [c for c in sheet[label.row][label.column :] if not c.protection.locked]
        assert len(beside) == 1
        assert not isinstance(beside[0], MergedCell)


def test_the_checks_warn_in_chinese_and_never_stop() -> None:
    _, sheet = opened(rendered())
    checks = {str(check.type): check for check in sheet.data_validations.dataValidation}

    assert set(checks) == {"whole", "decimal"}
    for check in checks.values():
        assert (check.errorStyle, check.operator, check.formula1) == ("warning", "greaterThanOrEqual", "0")
        assert check.showErrorMessage
        assert check.showInputMessage
        for text in (check.promptTitle, check.prompt, check.errorTitle, check.error):
            assert text
            assert not text.isascii()
            assert len(text) <= 255
    decimal = [item.type == "decimal" for item in FORM.items]
    for row, is_decimal in enumerate(decimal, start=3):
        assert (f"C{row}" in checks["decimal"].sqref) == is_decimal
        assert (f"C{row}" in checks["whole"].sqref) != is_decimal


def test_it_prints_on_one_upright_a4_page() -> None:
    _, sheet = opened(rendered())

    assert sheet.print_area == "'统计表'!$A$1:$C$23"
    assert sheet.page_setup.paperSize == 9
    assert sheet.page_setup.orientation == "portrait"
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 1)
    assert sheet.sheet_properties.pageSetUpPr is not None
    assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_no_unit_of_ours_is_printed() -> None:
    _, sheet = opened(rendered())
    texts = "".join(str(cell.value) for row in sheet["A3:C22"] for cell in row if cell.value)

    assert texts.count("单位") == 1  # the annex's own (单位：万元)
    assert "人次" not in texts


def test_the_token_travels_in_three_ways() -> None:
    book, sheet = opened(rendered())

    assert sheet[CARRIER_CELL].value == TOKEN
    assert sheet[CARRIER_CELL].protection.locked
    assert sheet.column_dimensions[CARRIER_COLUMN].hidden
    assert sheet[CARRIER_CELL].column <= 20
    assert book.custom_doc_props[CARRIER_PROPERTY].value == TOKEN
    assert book.defined_names[CARRIER_NAME].value == f'"{TOKEN}"'


def test_the_fast_reader_sees_name_token_and_form_number() -> None:
    rows = fast_rows(rendered())

    assert rows[0][19] == TOKEN
    assert rows[1][0] == "部门/地方（盖章）：红旗区科学技术局"
    assert rows[22][0] == "表单编号：AC2D-3F4G-0"


def test_what_a_clerk_saves_is_what_is_read() -> None:
    book, sheet = opened(rendered())
    for n, cell in enumerate(value_cells(sheet)):
        cell.value = n if n % 2 else n + 0.25

    rows = fast_rows(saved(book))

    assert [row[2] for row in rows[2:22]] == [n if n % 2 else n + 0.25 for n in range(20)]
    assert rows[0][19] == TOKEN


@pytest.mark.parametrize("name", [AWKWARD, '=HYPERLINK("x")', "]]>&amp;", "　前后空格　", "某" * 80])
def test_a_units_name_comes_out_as_text_whatever_it_holds(name: str) -> None:
    _, sheet = opened(rendered(name))
    document = Document(io.BytesIO(word_form(FORM, name, TOKEN, NUMBER)))

    assert sheet["A2"].value == f"部门/地方（盖章）：{name}"
    assert sheet["A2"].data_type == "s"
    assert document.paragraphs[1].text == f"部门/地方（盖章）：{name}"


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    _, sheet = opened(rendered("红旗\x00\x0b区\ufffe"))

    assert sheet["A2"].value == "部门/地方（盖章）：红旗区"


def test_a_title_that_looks_like_a_formula_stays_a_text() -> None:
    sheet = openpyxl.Workbook().worksheets[0]
    build_form_sheet(sheet, FORM.model_copy(update={"title": "=1+1"}), "红旗区")

    assert sheet["A1"].data_type == "s"


def test_the_same_arguments_give_the_same_bytes_at_any_time() -> None:
    again = WorkbookMaster(FORM).render("红旗区科学技术局", TOKEN, NUMBER)

    assert again == rendered()
    for content in (again, word_form(FORM, "红旗区", TOKEN, NUMBER)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert b"dcterms" not in archive.read("docProps/core.xml").split(b">", 2)[2]
            assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
            assert archive.testzip() is None


def test_three_thousand_take_seconds() -> None:
    started = time.perf_counter()
    for n in range(300):
        MASTER.render(f"第{n}单位", TOKEN, NUMBER)
        word_form(FORM, f"第{n}单位", TOKEN, NUMBER)

    assert time.perf_counter() - started < 3.0  # 30 s for 3,000 of both, on a busy machine


# --- the same form holding the sums ---

SUMS = st.decimals(min_value=0, max_value=Decimal("99999999999.9999"), places=4)


@settings(max_examples=25)
@given(st.lists(SUMS, min_size=20, max_size=20))
def test_sums_are_read_back_exactly(sums: list[Decimal]) -> None:
    book = openpyxl.Workbook()
    values: dict[str, Decimal | str | None] = dict(zip(FORM.by_code, sums, strict=True))
    build_form_sheet(book.worksheets[0], FORM, "新乡市科学技术局", values)

    rows = fast_rows(saved(book))

    assert [Decimal(f"{row[2]:.15g}") for row in rows[2:22]] == sums


def test_a_summary_is_laid_out_like_the_personal_form() -> None:
    summary = openpyxl.Workbook().worksheets[0]
    build_form_sheet(summary, FORM, "新乡市科学技术局", {"activities.held": Decimal(5), "open.venues": "无"})
    _, personal = opened(rendered("新乡市科学技术局"))

    assert summary["C3"].value == 5
    assert summary["C20"].value == "无"
    assert summary["C4"].value is None
    assert summary["A23"].value in (None, "")
    assert CARRIER_CELL not in {cell.coordinate for row in summary.iter_rows() for cell in row if cell.value}
    for row in range(1, 23):
        assert [c.value for c in summary[row][:2]] == [c.value for c in personal[row][:2]]
        assert summary.row_dimensions[row].height == personal.row_dimensions[row].height


def test_a_number_beyond_a_cells_digits_is_refused_not_rounded() -> None:
    sheet = openpyxl.Workbook().worksheets[0]

    with pytest.raises(ValueError, match="15 digits"):
        build_form_sheet(sheet, FORM, "", {"activities.held": Decimal("1234567890123.4567")})


def test_a_list_is_no_form() -> None:
    columns: Instrument = FORM.model_copy(update={"kind": "list", "key": ("activities.held",)})

    with pytest.raises(UsageError, match="名录"):
        WorkbookMaster(columns)
    with pytest.raises(UsageError, match="名录"):
        word_form(columns, "红旗区", TOKEN, NUMBER)


# --- Word ---


def word_document(name: str = "红旗区科学技术局") -> Any:
    return Document(io.BytesIO(word_form(FORM, name, TOKEN, NUMBER)))


def test_the_word_form_has_the_same_rows() -> None:
    document = word_document()
    (table,) = document.tables

    assert document.paragraphs[0].text == FORM.title
    assert [row.cells[1].text for row in table.rows][:17] == [item.label for item in FORM.items[:17]]
    assert [row.cells[0].text for row in table.rows][17:] == [item.label for item in FORM.items[17:]]
    assert table.cell(2, 0).text == table.cell(8, 0).text == "活动经费投入数量\n(单位：万元)"
    assert {row.cells[2].text for row in table.rows} == {""}


def test_word_merges_are_those_of_the_annex() -> None:
    rows = word_document().tables[0]._tbl.tr_lst
    spans = [[cell.grid_span for cell in row.tc_lst] for row in rows]
    merges = [row.tc_lst[0].vMerge for row in rows]

    assert spans == [[1, 1, 1]] * 17 + [[2, 1]] * 3
    assert merges == (
        ["restart", "continue"]
        + ["restart"]
        + ["continue"] * 6
        + ["restart"]
        + ["continue"] * 3
        + ["restart", "continue"] * 2
        + [None] * 3
    )


def test_the_word_form_is_a4_and_ends_in_a_paragraph_with_its_number() -> None:
    document = word_document()
    section = document.sections[0]
    last = [element for element in document.element.body if element.tag != qn("w:sectPr")][-1]

    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert last.tag == qn("w:p")
    assert document.paragraphs[-1].text == "表单编号：AC2D-3F4G-0"
    assert document.paragraphs[-1].runs[0].font.size.pt <= 8


def test_the_word_form_carries_its_token_unseen() -> None:
    document = word_document()
    run = document.sections[0].footer.paragraphs[0].runs[0]
    with zipfile.ZipFile(io.BytesIO(word_form(FORM, "红旗区", TOKEN, NUMBER))) as archive:
        properties = etree.fromstring(archive.read("docProps/custom.xml"))
        assert b"/docProps/custom.xml" in archive.read("[Content_Types].xml")

    assert run.text == TOKEN
    assert run.font.hidden
    assert [(p.get("name"), "".join(p.itertext())) for p in properties] == [(CARRIER_PROPERTY, TOKEN)]


def test_a_changed_form_is_not_served_from_an_old_master() -> None:
    word_form(FORM, "红旗区", TOKEN, NUMBER)
    changed = FORM.model_copy(update={"title": "2023年全国科技活动周开展情况统计表"})

    assert (
        Document(io.BytesIO(word_form(changed, "红旗区", TOKEN, NUMBER))).paragraphs[0].text == changed.title
    )
