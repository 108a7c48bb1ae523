"""Scans and photographs through the real recogniser: proposals, never figures that count."""

from __future__ import annotations

import subprocess
from decimal import Decimal

import numpy as np
import pytest
from form_files import FORM, UNIT, VALUES, filled, saved
from paper import font, saved_as, seal, stamped, worn
from PIL import Image, ImageDraw

from huizong.instruments.form_number import printed_form_number
from huizong.readers.entry import look_at
from huizong.readers.model import FileReading
from huizong.readers.paper.look import look
from huizong.readers.paper.ocr import recognise
from huizong.readers.paper.pdf import render

pytestmark = pytest.mark.slow

NUMBER = "7KQ4XC3MX"
MM = 200 / 25.4  # pixels of a millimetre at 200 dpi
SHOWN: dict[str, object] = {"open.venues": "—", "open.universities": "无", "staff.other": 1}
TRUTH: dict[str, Decimal | None] = {
    **VALUES,
    "open.venues": None,
    "open.universities": Decimal(0),
    "staff.other": Decimal(1),
}


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Image.Image:
    """Our own form, filled, printed and scanned at 200 dpi."""
    folder = tmp_path_factory.mktemp("sheet")
    book = filled(SHOWN)
    book.worksheets[0].cell(3 + len(FORM.items), 1).value = printed_form_number(NUMBER)
    (folder / "form.xlsx").write_bytes(saved(book))
    subprocess.run(
        ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
        + ["--convert-to", "pdf", "--outdir", str(folder), str(folder / "form.xlsx")],
        check=True,
        timeout=120,
        capture_output=True,
    )
    [page] = render((folder / "form.pdf").read_bytes(), dpi=200, limit=1)
    return Image.fromarray(page)


@pytest.fixture(scope="module")
def sealed(sheet: Image.Image) -> Image.Image:
    """With two seals over its figures."""
    once = stamped(sheet, seal(int(42 * MM)), 1180, 600)
    return stamped(once, seal(int(40 * MM), (225, 60, 30)), 1150, 1440)


def check(reading: FileReading, page: str = "第1页") -> None:
    assert (reading.disposition, reading.forms, len(reading.proposals)) == ("return", (), 1)
    form = reading.proposals[0]
    assert {code: item.number for code, item in form.items.items()} == TRUTH
    assert form.items["open.venues"].state in {"text", "blank"}
    assert (form.missing, form.unit_text, form.form_number) == ((), UNIT, NUMBER)
    assert {item.sheet for item in form.items.values()} == {form.sheet} == {page}
    assert all(item.cell.startswith(page) and 0 < item.confidence <= 1 for item in form.items.values())


def test_a_clean_scan(sheet: Image.Image) -> None:
    reading = look("image", saved_as(sheet, "PNG"), "扫描件.png", [FORM])

    check(reading)
    assert reading.stamp is False
    assert FORM.title in reading.text
    assert reading.proposals[0].items["open.venues"].raw in {"—?", ""}


def test_figures_under_a_seal_on_a_page_that_lies_on_its_side(sealed: Image.Image) -> None:
    reading = look("image", saved_as(sealed.rotate(90, expand=True), "PNG"), "盖章.png", [FORM])

    check(reading)
    assert reading.stamp is True


def test_a_page_laid_askew_and_saved_small(sealed: Image.Image) -> None:
    reading = look("image", saved_as(worn(sealed, degrees=1.5, noise=6), "JPEG", quality=60), "", [FORM])

    check(reading)
    assert reading.stamp is True


def test_a_form_behind_a_closely_printed_page(sealed: Image.Image) -> None:
    letter = Image.new("RGB", sealed.size, "white")
    draw = ImageDraw.Draw(letter)
    for n in range(34):
        draw.text(
            (210, 220 + n * 58),
            "为深入贯彻落实全国科技活动周工作部署现将开展情况报告如"[:28],
            "black",
            font(44),
        )
    scan = saved_as(letter, "PDF", save_all=True, append_images=[sealed.rotate(180)], resolution=200)

    reading = look("pdf", scan, "报告及统计表.pdf", [FORM])

    check(reading, "第2页")
    assert reading.stamp is True
    assert "全国科技活动周" in reading.text


def test_a_picture_of_the_event_is_no_form() -> None:
    noise = np.random.default_rng(1)
    small = Image.fromarray((noise.random((30, 40, 3)) * 255).astype(np.uint8))
    photo = small.resize((4000, 3000), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(photo)
    draw.rectangle((500, 300, 3500, 700), fill=(200, 30, 40))
    draw.text((700, 400), "全国科技活动周启动仪式", "yellow", font(200))

    reading = look("image", saved_as(photo, "JPEG"), "启动仪式.jpg", [FORM])

    assert (reading.disposition, reading.proposals, reading.stamp) == ("return", (), None)
    assert "科技活动周" in reading.text


def test_where_no_form_is_asked_for_a_page_is_read_all_the_same_for_the_mark_that_it_may_bear() -> None:
    page = Image.new("RGB", (1654, 2339), "white")
    draw = ImageDraw.Draw(page)
    draw.text((180, 150), "机密★1年", "black", font(44))
    for line in range(20):
        draw.text((180, 350 + 80 * line), "关于开展科技活动周工作的有关情况说明", "black", font(44))

    assert look_at(saved_as(page, "JPEG"), "说明.jpg", []).disposition == "restricted"


def test_a_bomb_is_set_aside_with_what_to_do() -> None:
    reading = look_at(saved_as(Image.new("1", (30_000, 30_000)), "PNG"), "图.png", [FORM])

    assert reading.disposition == "set_aside"
    assert "缩小" in reading.reason


def test_half_a_picture_is_set_aside(sheet: Image.Image) -> None:
    whole = saved_as(sheet, "JPEG")
    reading = look_at(whole[: len(whole) // 2], "图.jpg", [FORM])

    assert (reading.disposition, reading.proposals) == ("set_aside", ())
    assert "重新扫描" in reading.reason


def test_a_bare_stroke_is_never_a_figure() -> None:
    picture = np.full((60, 600, 3), 255, np.uint8)
    boxes = []
    for n, (length, thick) in enumerate([(20, 3), (28, 2), (34, 5), (60, 4)]):
        left = 40 + 130 * n
        picture[30 : 30 + thick, left : left + length] = 20
        corners = [[left - 8, 14], [left + length + 8, 14], [left + length + 8, 50], [left - 8, 50]]
        boxes.append(np.array(corners, np.float32))

    lines = recognise(picture, boxes)

    assert lines
    assert not any(character.isalnum() and character != "一" for line in lines for character in line.text)
