"""Pictures are opened upright and small, and not at all where their header asks for too much."""

from __future__ import annotations

import numpy as np
import pytest
from paper import saved_as
from PIL import ExifTags, Image

from huizong.errors import RejectedError
from huizong.readers.paper.picture import HEIC, MAX_SIDE, TOO_MANY_PIXELS, open_pictures


def half_black(width: int, height: int) -> Image.Image:
    """The upper half black."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((0, 0, 0), (0, 0, width, height // 2))
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"])
def test_every_kind_is_opened_and_made_smaller(kind: str) -> None:
    [picture] = open_pictures(saved_as(half_black(3600, 3000), kind))

    assert picture.shape == (MAX_SIDE * 3000 // 3600, MAX_SIDE, 3)
    assert picture[100].max() < 20
    assert picture[-100].min() > 235


@pytest.mark.parametrize("orientation,turns", [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
def test_the_camera_says_which_side_is_up(kind: str, orientation: int, turns: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    lying = half_black(400, 300).rotate(-90 * turns, expand=True)

    [picture] = open_pictures(saved_as(lying, kind, exif=exif))

    assert picture.shape == (300, 400, 3)
    assert picture[20].max() < 30


def test_a_transparent_picture_lies_on_white() -> None:
    [picture] = open_pictures(saved_as(Image.new("RGBA", (300, 300), (0, 0, 0, 0)), "PNG"))
    assert picture.min() == 255


def test_only_the_first_pages_of_a_tiff() -> None:
    pages = [Image.new("L", (300, 300), 50 * n) for n in range(5)]
    data = saved_as(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [int(picture[0, 0, 0]) for picture in open_pictures(data)] == [0, 50, 100]


def test_a_bomb_is_not_decoded() -> None:
    bomb = saved_as(Image.new("1", (9_000, 9_000)), "PNG")
    assert len(bomb) < 15_000
    with pytest.raises(RejectedError, match=TOO_MANY_PIXELS[:6]):
        list(open_pictures(bomb))


def test_broken_and_foreign_files_are_named() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8))
    whole = saved_as(noise, "JPEG")
    with pytest.raises(RejectedError, match="不完整"):
        list(open_pictures(whole[: len(whole) // 2]))
    with pytest.raises(RejectedError, match="不完整"):
        list(open_pictures(b"\xff\xd8\xff" + bytes(100)))
    with pytest.raises(RejectedError, match="HEIC") as told:
        list(open_pictures(b"\0\0\0\x18ftypheic" + bytes(50)))
    assert str(told.value) == HEIC
