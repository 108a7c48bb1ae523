"""Films are measured, photographs sized, lists of press reports read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from huizong.readers.entry import read_bytes
from huizong.readers.material.press import find_press
from huizong.readers.material.video import NO_PICTURE, UNPLAYABLE
from huizong.readers.model import PressItem
from huizong.readers.worker import ReadWorker
from material_files import FILMS, document, film, photo, press_book


@pytest.fixture(scope="module")
def worker() -> Iterator[ReadWorker]:
    with ReadWorker() as running:
        yield running


@pytest.mark.parametrize("container", FILMS)
def test_a_film_of_any_common_kind_is_measured(worker: ReadWorker, container: str) -> None:
    reading = worker.read(film(12, container), "无扩展名", ())
    assert (reading.kind, reading.disposition) == ("video", "return")
    assert reading.seconds is not None
    assert abs(reading.seconds - 12) <= 1  # an mpg only lets its length be estimated


def test_four_minutes_and_twelve_seconds(worker: ReadWorker) -> None:
    assert worker.read(film(252, rate=1), "视频.mp4", ()).seconds == Decimal("252.0")


def test_a_film_whose_length_nobody_noted_is_measured_by_its_last_picture() -> None:
    whole = film(12, "flv")
    unsaid = whole.replace(b"duration", b"duratiox")
    assert unsaid != whole
    seconds = read_bytes(unsaid, "录屏.flv", ()).seconds
    assert seconds is not None
    assert abs(seconds - 12) < 1


@pytest.mark.parametrize("data", [film(5)[:500], b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40])
def test_a_film_that_does_not_play_is_set_aside_with_what_to_do(worker: ReadWorker, data: bytes) -> None:
    reading = worker.read(data, "视频.mp4", ())
    assert (reading.kind, reading.disposition, reading.reason) == ("video", "set_aside", UNPLAYABLE)


def test_sound_alone_is_no_film() -> None:
    from io import BytesIO

    import av

    out = BytesIO()
    with av.open(out, "w", format="mov") as target:
        stream = target.add_stream("pcm_s16le", rate=8_000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 8_000, 0
        target.mux(stream.encode(frame))
        target.mux(stream.encode())
    assert read_bytes(out.getvalue(), "录音.mp4", ()).reason == NO_PICTURE


def test_a_photographs_size_is_told_and_a_damaged_one_left_to_the_look() -> None:
    assert read_bytes(photo(640, 480), "照片.jpg", ()).pixels == (640, 480)
    broken = read_bytes(b"\xff\xd8\xff" + bytes(300), "照片.jpg", ())
    assert (broken.pixels, broken.needs) == (None, "look")


FIRST = PressItem(title="市科技活动周启动", outlet="四平日报", date="5月20日", link="https://news.example/1")


def test_a_workbook_lists_press_reports_with_links_as_text() -> None:
    book = press_book(
        [
            (1, "市科技活动周启动", "四平日报", "5月20日", "https://news.example/1"),
            (2, "科普进校园", "四平广播电视台", None, None),
            (3, None, None, None, "https://news.example/3"),
            ("合计", 3),
        ]
    )
    reading = read_bytes(book, "媒体报道.xlsx", ())
    assert reading.press[0] == FIRST
    assert [(i.title, i.outlet, i.link) for i in reading.press[1:]] == [
        ("科普进校园", "四平广播电视台", ""),
        ("", "", "https://news.example/3"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("标题\t媒体\t链接\n进校园\t日报\thttp://a.example/1", [("进校园", "日报", "http://a.example/1")]),
        ("媒体名称\t报道题目\n日报\t进校园\n晚报\t开放日", [("进校园", "日报", ""), ("开放日", "晚报", "")]),
        (
            "1.进校园 http://a.example/1\n2．开放日：http://a.example/2",
            [("进校园", "", "http://a.example/1"), ("开放日", "", "http://a.example/2")],
        ),
        ("科普进校园\nhttps://a.example/1\nhttps://a.example/1", [("科普进校园", "", "https://a.example/1")]),
        ("本单位组织开展了科普讲座。\n媒体关注较多。", []),
        ("序号\t单位名称\t联系电话\n1\t红旗区\t0373-0000000", []),
    ],
)  # fmt: skip
def test_lines_and_tables_of_press_reports(text: str, told: list[tuple[str, str, str]]) -> None:
    assert [(i.title, i.outlet, i.link) for i in find_press(text)] == told


def test_a_word_document_keeps_its_text_and_its_press_list() -> None:
    reading = read_bytes(document("媒体报道链接", "1. 科普进校园 https://a.example/1"), "1.docx", ())
    assert reading.press == (PressItem(title="科普进校园", link="https://a.example/1"),)
    assert "科普进校园" in reading.text
