"""A red seal is seen on a page, and nothing else that is red is taken for one."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from paper import CRIMSON, FADED, VERMILION, font, page, saved_as, seal, stamped, worn
from PIL import Image, ImageDraw

from huizong.readers.paper.stamp import has_red_stamp, stamp_on_pdf

MM = 827 / 210  # pixels of a millimetre on A4 at 100 dpi


def seen(image: Image.Image) -> bool:
    return has_red_stamp(np.asarray(image.convert("RGB")))


def jpeg(image: Image.Image, quality: int = 40) -> Image.Image:
    return Image.open(BytesIO(saved_as(image, "JPEG", quality=quality)))


@pytest.mark.parametrize("across", [25, 38, 42, 60])
@pytest.mark.parametrize("colour", [CRIMSON, VERMILION, FADED])
def test_round_seals_of_every_size_and_ink(across: int, colour: tuple[int, int, int]) -> None:
    assert seen(stamped(page(), seal(int(across * MM), colour), 480, 420))


@pytest.mark.parametrize("oblong", [0.667, 0.85])
def test_elliptic_seals(oblong: float) -> None:
    assert seen(stamped(page(), seal(int(45 * MM), oblong=oblong), 480, 420))


@pytest.mark.parametrize("degrees", [0, 3, 90, 180])
def test_a_seal_on_a_noisy_page_laid_askew(degrees: float) -> None:
    sheet = stamped(page(), seal(int(42 * MM)), 480, 420)
    assert seen(jpeg(worn(sheet, degrees=degrees, noise=8)))


def test_a_seal_beneath_a_red_heading_and_across_its_line() -> None:
    sheet = stamped(heading(), seal(int(42 * MM)), 480, 150)
    assert seen(sheet)


def test_two_seals_that_touch() -> None:
    once = stamped(page(), seal(int(42 * MM)), 300, 420)
    assert seen(stamped(once, seal(int(42 * MM)), 300 + int(40 * MM), 420))


def test_a_seal_on_a_large_photograph_of_the_page() -> None:
    table = Image.new("RGB", (3000, 4000), (120, 95, 70))
    table.paste(stamped(page(), seal(int(42 * MM)), 480, 420).resize((2400, 3390)), (300, 300))
    assert seen(table)


def heading() -> Image.Image:
    sheet = page()
    draw = ImageDraw.Draw(sheet)
    draw.text((120, 110), "新乡市科学技术局文件", CRIMSON, font(58))
    draw.line((90, 230, 740, 230), CRIMSON, 4)
    return sheet


def red_text() -> Image.Image:
    sheet = page()
    ImageDraw.Draw(sheet).text((120, 900), "请于六月二十日前报送（加盖公章）", CRIMSON, font(26))
    return sheet


def flag() -> Image.Image:
    sheet = Image.new("RGB", (1200, 800), (130, 170, 210))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((100, 100, 1100, 260), (200, 30, 35))
    draw.text((150, 140), "全国科技活动周启动仪式", (250, 220, 60), font(80))
    draw.rectangle((500, 400, 700, 530), (210, 20, 30))
    return sheet


def balloon() -> Image.Image:
    sheet = page()
    ImageDraw.Draw(sheet).ellipse((400, 800, 560, 960), (215, 30, 40))
    return sheet


def circled_by_hand() -> Image.Image:
    sheet = page()
    ImageDraw.Draw(sheet).ellipse((420, 395, 570, 495), outline=CRIMSON, width=4)
    return sheet


def framed_in_red() -> Image.Image:
    sheet = page()
    ImageDraw.Draw(sheet).rectangle((400, 800, 560, 960), outline=CRIMSON, width=5)
    return sheet


def black_seal() -> Image.Image:
    return stamped(page(), seal(int(42 * MM), (60, 60, 60)), 480, 420)


@pytest.mark.parametrize(
    "sheet", [page, heading, red_text, flag, balloon, circled_by_hand, framed_in_red, black_seal]
)
def test_what_is_no_red_seal(sheet: object) -> None:
    assert callable(sheet)
    assert not seen(sheet())


def test_a_seal_on_a_page_of_a_pdf() -> None:
    sealed = stamped(page(), seal(int(42 * MM)), 480, 420)
    assert stamp_on_pdf(saved_as(page(), "PDF", save_all=True, append_images=[sealed], resolution=100))
    assert not stamp_on_pdf(saved_as(heading(), "PDF", resolution=100))
