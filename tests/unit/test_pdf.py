"""PDFs: forms with their figures, documents, scans, and what must not be taken for any of them."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from form_files import FORM, UNIT, VALUES
from pdf_files import HEIGHT, WIDTH, Paper, form_page, pdf, signed, typed_upon

from huizong.errors import RejectedError
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading, FormReading
from huizong.readers.paper.pdf import read_pdf, render

NUMBER = "表单编号：ACDE-FGH2-0"
REPORT = [(60.0, 60.0 + 20 * n, f"科技活动周总结第{n}段：开展了讲座、展览与开放日活动。") for n in range(10)]


def read(data: bytes) -> FileReading:
    return read_pdf("pdf", data, [FORM])


def figures(form: FormReading) -> dict[str, Decimal | None]:
    return {code: item.number for code, item in form.items.items()}


@pytest.mark.parametrize("ruled", [True, False])
def test_every_figure_title_unit_and_number_of_a_form(ruled: bool) -> None:
    reading = read(pdf([form_page(ruled=ruled, foot=NUMBER)]))
    [form] = reading.forms
    assert (reading.disposition, reading.needs, reading.pages, reading.stamp) == ("return", "", 1, None)
    assert figures(form) == VALUES
    assert (form.title, form.unit_text, form.form_number) == (FORM.title, UNIT, "ACDEFGH20")
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert all(item.notes == () for item in form.items.values())  # all is text in a PDF: not worth a note


def test_a_cell_is_called_by_its_page_table_row_and_column() -> None:
    [form] = read(pdf([Paper(REPORT), form_page()])).forms
    assert form.items["activities.held"].cell == "第2页T1R1C3"
    assert form.items["open.universities"].cell == "第2页T1R20C3"


def test_what_is_no_figure_stays_what_it_is() -> None:
    changes = {"activities.held": "约50", "staff.other": "—", "media.outlets": "无", "media.reports": ""}
    changes |= {"public.online": "1 000", "public.offline": "１,２00"}
    [form] = read(pdf([form_page(VALUES | changes)])).forms
    states = {code: form.items[code].state for code in changes}
    assert states == {
        "activities.held": "text",
        "staff.other": "dash",
        "media.outlets": "none",
        "media.reports": "blank",
        "public.online": "text",
        "public.offline": "number",
    }
    assert form.items["media.reports"].cell == "第1页T1R17C3"


def test_two_figures_in_one_cell_are_not_made_one() -> None:
    page = form_page()
    beside = (475.0, 126.0, "5")  # 举办活动次数 shows 1 at x 460
    [form] = read(pdf([Paper([*page.texts, beside], page.lines)])).forms
    assert (form.items["activities.held"].state, form.items["activities.held"].raw) == ("text", "1 5")


def test_a_table_goes_on_overleaf_where_its_cells_are_merged_otherwise() -> None:
    first, second = form_page(rows=slice(0, 17)), form_page(rows=slice(17, 20))
    rest = Paper([t for t in second.texts if t[1] > 110], second.lines)
    [form] = read(pdf([first, rest])).forms
    assert figures(form) == VALUES
    assert form.missing == ()
    assert form.items["open.venues"].cell == "第2页T1R1C2"


def test_the_forms_of_two_units_on_two_pages_are_two_forms() -> None:
    other = VALUES | {"activities.held": Decimal(77)}
    forms = read(pdf([form_page(), form_page(other, unit="卫滨区科学技术局")])).forms
    assert [form.unit_text for form in forms] == [UNIT, "卫滨区科学技术局"]
    assert [form.items["activities.held"].number for form in forms] == [1, 77]


def test_figures_typed_onto_the_page_as_comments() -> None:
    values = {code: value for code, value in VALUES.items() if code != "activities.held"}
    [form] = read(pdf([form_page(values)], extra=typed_upon(460, 126, "77"))).forms
    assert figures(form) == VALUES | {"activities.held": Decimal(77)}


def test_a_report_is_a_document() -> None:
    reading = read(pdf([Paper(REPORT), Paper(REPORT)]))
    assert (reading.disposition, reading.forms, reading.needs, reading.pages) == ("return", (), "", 2)
    assert "开展了讲座、展览与开放日活动。" in reading.text


def test_a_scan_is_to_be_looked_at() -> None:
    assert read(pdf([Paper(picture=True)])).needs == "look"
    assert read(pdf([Paper(REPORT), Paper(picture=True)])).needs == "look"


def test_text_that_a_scanner_laid_over_its_picture_is_no_form() -> None:
    page = form_page()
    reading = read(pdf([Paper(page.texts, page.lines, picture=True)]))
    assert (reading.forms, reading.needs) == ((), "look")


def test_a_scanned_page_behind_a_form_is_told() -> None:
    reading = read(pdf([form_page(), Paper(picture=True)]))
    assert len(reading.forms) == 1
    assert reading.notes == ("含扫描页，其中的数字未采用",)


def test_a_signature_is_told_and_nothing_more() -> None:
    reading = read(pdf([form_page()], extra=signed))
    assert (reading.stamp, reading.notes) == (True, ("含电子签章",))
    assert figures(reading.forms[0]) == VALUES


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 5000, pdf([])])
def test_a_damaged_file_is_named(data: bytes) -> None:
    with pytest.raises(RejectedError, match="已损坏"):
        read(data)


def test_pages_are_rendered_within_bounds() -> None:
    [page] = render(pdf([form_page()]), dpi=144, limit=5)
    assert page.shape == (round(2 * HEIGHT), round(2 * WIDTH), 3)
    assert page.dtype.name == "uint8"
    assert page.min() < 50 < 250 < page.max()  # ink and paper
    [huge] = render(pdf([Paper()], size=(14_000, 14_000)), dpi=300, limit=1)
    assert huge.shape == (4000, 4000, 3)


def test_of_many_pages_the_scanned_ones_are_rendered() -> None:
    data = pdf([Paper(REPORT), Paper(REPORT), Paper([(10, 400, "■" * 40)], picture=True)])
    [page] = render(data, dpi=72, limit=1)
    [first] = render(pdf([Paper(REPORT)]), dpi=72, limit=1)
    assert page.shape == first.shape
    assert (page != first).any()
    assert page[60:80].min() == 255  # where the report's first line is


def test_hostile_pages_end_in_time() -> None:
    """Lines and words by the ten thousand beside a form's labels: pdfplumber alone would take minutes."""
    page = form_page()
    grid = [(0.0, float(n % 800), 590.0, float(n % 800)) for n in range(3_000)]
    grid += [(float(n % 590), 0.0, float(n % 590), 840.0) for n in range(3_000)]
    many = [(float(n % 40) * 14, float(n // 40 % 70) * 12, "字") for n in range(21_000)]
    start = time.monotonic()
    lined = read(pdf([Paper(page.texts, grid)]))
    filled = read(pdf([Paper([*page.texts, *many], page.lines)]))
    assert time.monotonic() - start < 30
    assert lined.disposition == "return"
    assert (filled.forms, filled.needs) == ((), "look")


def test_broken_files_harm_no_other() -> None:
    """Cut and altered files: each ends with a disposition, and the next one is read."""
    good = pdf([form_page()])
    broken = [good[: len(good) * n // 12] for n in range(1, 12)]
    broken += [good[:at] + b"\xff9<<" + good[at + 4 :] for at in range(50, len(good), len(good) // 12)]
    readings = [read_bytes(data, "来件.pdf", [FORM]) for data in broken]
    assert figures(read_bytes(good, "来件.pdf", [FORM]).forms[0]) == VALUES
    for reading in readings:
        assert reading.disposition == "return" or reading.reason
        for form in reading.forms:  # whatever is read all the same is true
            wrong = {c for c, i in form.items.items() if i.number not in (None, VALUES[c])}
            assert not wrong
