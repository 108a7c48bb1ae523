"""OFD: the national format for fixed pages."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal

import pytest
from form_files import FORM, UNIT, VALUES
from pdf_files import Paper, form_page, ofd, png, spread_text_object, text_object

from huizong.errors import RejectedError
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading, FormReading
from huizong.readers.paper.ofd import images, read_ofd

NUMBER = "表单编号：ACDE-FGH2-0"


def read(data: bytes) -> FileReading:
    return read_ofd("ofd", data, [FORM])


def figures(form: FormReading) -> dict[str, Decimal | None]:
    return {code: item.number for code, item in form.items.items()}


def rewritten(data: bytes, name: str, new: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as archive:
        for member in old.namelist():
            archive.writestr(member, new if member == name else old.read(member))
    return out.getvalue()


@pytest.mark.parametrize("text", [text_object, spread_text_object])
@pytest.mark.parametrize("template", [False, True])
def test_every_figure_title_unit_and_number_of_a_form(text: object, template: bool) -> None:
    page = form_page(foot=NUMBER)
    reading = read(ofd([page], text=text, template=template))  # type: ignore[arg-type]
    [form] = reading.forms
    assert (reading.disposition, reading.needs, reading.pages, reading.stamp) == ("return", "", 1, None)
    assert figures(form) == VALUES
    assert (form.title, form.unit_text, form.form_number) == (FORM.title, UNIT, "ACDEFGH20")
    assert (form.missing, form.unknown, form.duplicated) == ((), (), ())
    assert form.items["activities.held"].cell == "第1页T1R1C3"


def test_without_ruling_lines_figures_stand_beside_their_labels() -> None:
    [form] = read(ofd([form_page(ruled=False)])).forms
    assert figures(form) == VALUES


def test_a_label_on_two_lines_of_one_cell() -> None:
    page = form_page()
    short = next(t for t in page.texts if t[2].startswith("承接科技部"))
    x, y, words = short
    texts = [t for t in page.texts if t is not short] + [(x, y - 5, words[:6]), (x, y + 7, words[6:])]
    [form] = read(ofd([Paper(texts, page.lines)])).forms
    assert figures(form) == VALUES


def test_an_electronic_seal_is_told() -> None:
    reading = read(ofd([form_page()], seal=True))
    assert (reading.stamp, reading.notes) == (True, ("含电子签章",))
    assert figures(reading.forms[0]) == VALUES


def test_a_scan_is_to_be_looked_at_and_gives_its_pictures() -> None:
    data = ofd([Paper(picture=True), Paper(picture=True)])
    assert (read(data).forms, read(data).needs, read(data).pages) == ((), "look", 2)
    assert images(data) == [png()]
    page = form_page()
    assert read(ofd([Paper(page.texts, page.lines, picture=True)])).forms == ()


def test_a_document_is_a_return_with_its_text() -> None:
    reading = read(ofd([Paper([(60, 60, "科技活动周总结：各县区开展活动三百余场。")])]))
    assert (reading.disposition, reading.forms, reading.needs) == ("return", (), "")
    assert "各县区开展活动三百余场" in reading.text


def test_broken_and_hostile_files_are_named() -> None:
    good = ofd([form_page()])
    for part in ("OFD.xml", "Doc_0/Document.xml", "Doc_0/Pages/Page_0/Content.xml"):
        with pytest.raises(RejectedError, match="已损坏"):
            read(rewritten(good, part, b"<broken"))
    entity = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    with pytest.raises(RejectedError):
        read(rewritten(good, "Doc_0/Pages/Page_0/Content.xml", entity))
    cut = read_bytes(good[: len(good) // 2], "来件.ofd", [FORM])
    assert (cut.disposition, bool(cut.reason)) == ("set_aside", True)


def test_numbers_without_end_do_no_harm() -> None:
    page = form_page()
    wild = '<ofd:PathObject Boundary="1e999 nan 1 1"><ofd:AbbreviatedData>M 1e999 0 L 1e308 1e999 L'
    wild += " 5 C X 3 - . L 1</ofd:AbbreviatedData></ofd:PathObject>"
    wild += '<ofd:TextObject Size="1e300" CTM="1e300 0 0 1e300 0 0">'
    wild += '<ofd:TextCode X="1e300" Y="1">1</ofd:TextCode></ofd:TextObject>'
    data = ofd([page], text=lambda t: text_object(t) + wild)
    assert figures(read(data).forms[0]) == VALUES
