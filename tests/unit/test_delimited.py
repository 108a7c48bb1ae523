"""csv, tsv and plain text: every encoding and every way of parting columns gives the same form."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from form_files import FORM, UNIT, VALUES

from huizong.errors import RejectedError
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading
from huizong.readers.sheets.delimited import read_delimited
from huizong.readers.sheets.spreadsheet import NO_FORM

ROWS = [[FORM.title, "", ""], [f"{FORM.unit_line}{UNIT}", "", ""]] + [
    [item.label, "", str(VALUES[item.code])]
    if item.label_in_group
    else [item.group, item.label, str(VALUES[item.code])]
    for item in FORM.items
]


def parted(mark: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=mark).writerows(ROWS)
    return out.getvalue()


def aligned(space: str) -> str:
    return "\n".join(space.join(filter(None, row)) for row in ROWS)


def numbers(reading: FileReading) -> dict[str, Decimal | None]:
    assert len(reading.forms) == 1
    return {code: item.number for code, item in reading.forms[0].items.items()}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_the_form_in_every_encoding(mark: str, encoding: str) -> None:
    reading = read_bytes(parted(mark).encode(encoding), "统计表.csv", [FORM])
    assert (reading.kind, reading.disposition, reading.reason) == ("csv", "return", "")
    assert numbers(reading) == VALUES
    form = reading.forms[0]
    assert (form.unit_text, form.title, form.missing, form.unknown) == (UNIT, FORM.title, (), ())
    assert form.items["activities.held"].cell == "C3"
    assert not any("text_number" in item.notes for item in form.items.values())


@pytest.mark.parametrize("space", ["    ", "\u3000\u3000", "  \t", " | ", "：", " "])
def test_a_form_typed_or_pasted_as_text(space: str) -> None:
    reading = read_delimited("text", aligned(space).encode(), [FORM])
    assert (reading.disposition, numbers(reading)) == ("return", VALUES)
    assert reading.forms[0].unit_text == UNIT


def test_cells_with_marks_and_line_ends_in_quotation_marks() -> None:
    text = parted(",").replace(f",{VALUES['public.online']}\r", ',"1,234,567"\r')
    text = text.replace(FORM.title, f'"{FORM.title}\n（盖章件另寄）"')
    assert numbers(read_delimited("csv", text.encode(), [FORM])) == VALUES | {
        "public.online": Decimal(1234567)
    }


@pytest.mark.parametrize("figure", ["1,234", "12,000", "1,234,567", "1,234.5"])
def test_a_figure_that_commas_have_torn_is_asked_for(figure: str) -> None:
    text = parted(",").replace(f",{VALUES['public.online']}\r", f",{figure}\r")
    form = read_delimited("csv", text.encode(), [FORM]).forms[0]
    torn = form.items["public.online"]
    assert (torn.state, torn.number, torn.raw, torn.cell) == ("conflict", None, figure, "C17")
    assert {c: i.number for c, i in form.items.items()} == VALUES | {"public.online": None}


def test_a_figure_under_a_head_of_its_own_tears_nothing() -> None:
    lines = parted(",").replace(f",{VALUES['public.online']}\r", ",12,500\r").splitlines()
    lines.insert(2, "类别,项目,数量,备注")
    reading = read_delimited("csv", "\n".join(lines).encode(), [FORM])
    assert numbers(reading) == VALUES | {"public.online": Decimal(12)}


@pytest.mark.parametrize("mark", ["\t", " | ", "   "])
@pytest.mark.parametrize("word", ["万", "余", "左右", "以上", "余人"])
def test_a_word_in_the_next_cell_makes_a_number_inexact(mark: str, word: str) -> None:
    held = FORM.items[0].label
    text = aligned(mark).replace(f"{held}{mark}{VALUES['activities.held']}", f"{held}{mark}3{mark}{word}")
    reading = read_delimited("text", text.encode(), [FORM])
    item = reading.forms[0].items["activities.held"]
    assert (item.state, item.number, item.raw) == ("text", None, f"3 {word}")
    assert numbers(reading) == VALUES | {"activities.held": None}


def test_a_quotation_mark_that_is_none_does_not_swallow_the_form() -> None:
    text = f'"{FORM.title}\n' + parted("\t") + "说明" * 80_000
    assert numbers(read_delimited("text", text.encode(), [FORM])) == VALUES


def test_a_text_without_a_form_is_a_return_and_a_csv_is_not() -> None:
    letter = "红旗区科技活动周工作总结\n全区开展活动56场次，参与群众3万人。"
    reading = read_bytes(letter.encode("gb18030"), "总结.txt", [FORM])
    assert (reading.kind, reading.disposition, reading.text, reading.forms) == ("text", "return", letter, ())
    reading = read_bytes("单位,次数\n红旗区,5\n".encode("gb18030"), "a.csv", [FORM])
    assert (reading.kind, reading.disposition, reading.reason) == ("csv", "set_aside", NO_FORM)


def test_plain_text_is_kept_in_every_encoding_and_not_without_end() -> None:
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        assert read_bytes("活动56场次".encode(encoding), "a", [FORM]).text == "活动56场次"
    assert len(read_bytes("活动".encode() * 4_000_000, "a", [FORM]).text) == 20_000


def test_many_rows_and_columns_cost_nothing_and_hide_nothing() -> None:
    reading = read_bytes((parted(",") + "1,2,3\r\n" * 200_000).encode(), "a.csv", [FORM])
    assert numbers(reading) == VALUES
    assert read_bytes(("1," * 500 + "\n").encode() * 20, "a.csv", [FORM]).reason == NO_FORM


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(RejectedError):
        read_delimited("csv", bytes(range(256)), [FORM])
