"""The marked workbook: what the clerk opens, and what it must not do to the figures."""

from __future__ import annotations

import io
import time
import zipfile

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.packaging.custom import StringProperty
from openpyxl.workbook.defined_name import DefinedName

from huizong.rules import marked
from huizong.rules.marked import SHEET, MarkJob, mark_workbook, mark_workbooks
from huizong.rules.model import Finding

NUMBERS = {"funding.county": 6, "funding.enterprise": 7}
BLANK = Finding("blank", "mandatory", "funding.enterprise", "第7项未填。", "请补填。", "统计表", "C9")
YUAN = Finding("yuan_for_wan", "verify", "funding.county", "第6项疑以“元”填报。", "", "统计表", "C8")
WHOLE = Finding("as_last_year", "verify", None, "本次20项数据与上年完全一致。")


def workbook() -> bytes:
    """A filled form as a personal template carries it: token in a hidden column, property and name."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "统计表"
    sheet["A1"], sheet["C3"], sheet["C8"], sheet["C10"] = "标题", 12.5, 50000, "=C3*2"
    sheet["C11"] = "０５"
    sheet.merge_cells("C9:D9")
    sheet["Z1"] = "hz1.k.payload.mac"
    sheet.column_dimensions["Z"].hidden = True
    sheet.protection.sheet = True
    book.custom_doc_props.append(  # type: ignore[attr-defined]
        StringProperty(name="hz", value="hz1.k.payload.mac")
    )
    book.defined_names["hz"] = DefinedName("hz", attr_text='"hz1.k.payload.mac"')
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def opened(data: bytes | None) -> openpyxl.Workbook:
    assert data is not None, "the workbook was not marked"
    return openpyxl.load_workbook(io.BytesIO(data))


def test_the_cells_in_question_carry_comment_and_colour_and_the_first_sheet_lists_them() -> None:
    book = opened(mark_workbook(workbook(), [BLANK, YUAN, WHOLE], NUMBERS))
    assert book.sheetnames == [SHEET, "统计表"]
    form, listed = book["统计表"], book[SHEET]
    assert form["C9"].comment.text == "【必须更正】第7项未填。请补填。"
    assert form["C8"].comment.text == "【请核实并说明】第6项疑以“元”填报。"
    assert form["C9"].fill.fgColor.rgb != form["C8"].fill.fgColor.rgb
    assert form["C3"].comment is None
    assert form["C3"].fill.fill_type is None
    rows = [[cell.value for cell in row] for row in listed.iter_rows(min_row=4)]
    assert rows == [
        ["序号", "类别", "项目", "问题", "处理办法", "位置", "说明"],
        [1, "必须更正", "第7项", "第7项未填。", "请补填。", "统计表 C9", None],
        [2, "请核实并说明", "第6项", "第6项疑以“元”填报。", None, "统计表 C8", None],
        [3, "请核实并说明", "全表", "本次20项数据与上年完全一致。", None, None, None],
    ]
    assert listed["F5"].hyperlink.location == "'统计表'!C9"


def test_figures_token_and_protection_are_as_the_clerk_sent_them() -> None:
    before = opened(workbook())
    book = opened(mark_workbook(workbook(), [BLANK, YUAN], NUMBERS))
    values = [[c.value for c in row] for row in book["统计表"].iter_rows()]
    assert values == [[c.value for c in row] for row in before["统计表"].iter_rows()]
    assert book["统计表"].column_dimensions["Z"].hidden
    assert book["统计表"].protection.sheet
    properties = book.custom_doc_props  # type: ignore[attr-defined]
    assert properties["hz"].value == "hz1.k.payload.mac"
    assert book.defined_names["hz"].attr_text == '"hz1.k.payload.mac"'


def test_only_the_list_is_selected_so_that_typing_does_not_write_into_two_sheets() -> None:
    book = opened(mark_workbook(workbook(), [BLANK], NUMBERS))
    assert book.active is not None
    assert book.active.title == SHEET
    assert [s.title for s in book.worksheets if s.sheet_view.tabSelected] == [SHEET]


def test_several_findings_of_one_cell_share_a_comment_under_the_strongest_colour() -> None:
    hint = Finding("full_width", "hint", "funding.enterprise", "全角。", "", "统计表", "C9")
    form = opened(mark_workbook(workbook(), [hint, BLANK], NUMBERS))["统计表"]
    assert "全角" in form["C9"].comment.text
    assert "未填" in form["C9"].comment.text
    assert form["C9"].fill.fgColor.rgb == marked.FILL["mandatory"]


def test_a_cell_that_was_merged_away_is_marked_where_its_value_stands() -> None:
    inside = Finding("blank", "mandatory", "funding.enterprise", "第7项未填。", "", "统计表", "D9")
    assert opened(mark_workbook(workbook(), [inside], NUMBERS))["统计表"]["C9"].comment is not None


def test_the_clerks_own_comment_is_kept() -> None:
    book = opened(workbook())
    book["统计表"]["C9"].comment = Comment("尚未核定", "办公室")
    form = opened(mark_workbook(saved(book), [BLANK], NUMBERS))["统计表"]
    assert form["C9"].comment.text.endswith("原批注：尚未核定")


def test_a_second_round_replaces_the_first() -> None:
    first = mark_workbook(workbook(), [BLANK], NUMBERS)
    assert first is not None
    book = opened(mark_workbook(first, [YUAN], NUMBERS))
    assert book.sheetnames == [SHEET, "统计表"]
    assert book["统计表"]["C9"].comment is None
    assert book["统计表"]["C9"].fill.fill_type is None
    assert book["统计表"]["C8"].comment is not None


@pytest.mark.parametrize("typed", ["=1+1", "+A1", "-A1", "@SUM(A1)", '=HYPERLINK("http://x.example")'])
def test_what_a_clerk_typed_never_becomes_a_formula_of_ours(typed: str) -> None:
    finding = Finding("not_exact", "mandatory", "funding.county", typed, typed, "统计表", "C8")
    listed = opened(mark_workbook(workbook(), [finding], NUMBERS))[SHEET]
    for cell in (listed["D5"], listed["E5"]):
        assert (cell.value, cell.data_type, cell.quotePrefix) == (typed, "s", True)


def test_unknown_sheets_odd_cells_and_control_characters_are_listed_all_the_same() -> None:
    odd = [
        Finding("blank", "mandatory", "funding.county", "坏\x07字", "", "没有此表", "C8"),
        Finding("blank", "mandatory", "funding.county", "在文档中", "", "", "T1R5C3"),
    ]
    listed = opened(mark_workbook(workbook(), odd, NUMBERS))[SHEET]
    assert [listed["D5"].value, listed["D6"].value] == ["坏字", "在文档中"]


@pytest.mark.parametrize("data", [b"", b"no workbook", workbook()[:500]], ids=["empty", "text", "cut"])
def test_what_cannot_be_opened_is_none_and_does_not_stop_the_others(data: bytes) -> None:
    good = MarkJob(workbook(), [BLANK], NUMBERS)
    answers = mark_workbooks([good, MarkJob(data, [BLANK], NUMBERS), good])
    assert [answer is not None for answer in answers] == [True, False, True]


def hanging() -> bytes:
    """A workbook with one merged area as large as a sheet: openpyxl makes a cell for every place of it."""
    source, out = io.BytesIO(workbook()), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                body = body.replace(b'<mergeCell ref="C9:D9"', b'<mergeCell ref="A1:XFD1048576"')
            new.writestr(name, body)
    return out.getvalue()


def test_a_file_that_takes_the_child_down_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marked, "SECONDS", 4)
    started = time.monotonic()
    good = MarkJob(workbook(), [BLANK], NUMBERS)
    answers = mark_workbooks([good, MarkJob(hanging(), [BLANK], NUMBERS), good])
    assert [answer is not None for answer in answers] == [True, False, True]
    assert time.monotonic() - started < 15


def test_the_child_does_not_see_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZONG_TOKEN_KEYS", "k:secret")
    monkeypatch.setenv("AIRFLOW_CONN_MAILBOX_KJJ_IMAP", "imap://user:code@mail.example")
    kept = marked._environment()
    assert "PATH" in kept
    assert not [name for name, value in kept.items() if "secret" in value or "code" in value]
