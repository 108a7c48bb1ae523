"""Films of camcorders, photographs of telephones, and photographs that were pasted into a document."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import av
import docx
import pytest

from huizong.definition.model import Part
from huizong.intake.parts import classify
from huizong.readers.entry import read_bytes
from huizong.readers.paper.picture import HEIC
from huizong.readers.worker import ReadWorker
from huizong.rules.material import Media, judge_media
from material_files import document, film, photo

MEDIA = Part(code="media", kind="media")
SUMMARY = Part(code="summary", kind="document")


def stream(seconds: int, *, camcorder: bool = False) -> bytes:
    """An MPEG transport stream (ts), or a camcorder's (mts)."""
    out = BytesIO()
    options = {"mpegts_m2ts_mode": "1"} if camcorder else {}
    with av.open(out, "w", format="mpegts", options=options) as target:
        video = target.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for n in range(seconds * 25):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([100]) * plane.buffer_size)
            picture.pts = n
            target.mux(video.encode(picture))
        target.mux(video.encode())
    return out.getvalue()


@pytest.mark.parametrize(("name", "camcorder"), [("现场.ts", False), ("00001.MTS", True)])
def test_a_transport_stream_is_a_film_and_is_measured(name: str, camcorder: bool) -> None:
    reading = read_bytes(stream(12, camcorder=camcorder), name, ())
    assert (reading.kind, reading.disposition) == ("video", "return")
    assert reading.seconds is not None and abs(reading.seconds - 12) <= 1


def test_without_a_limit_in_the_notice_no_film_is_too_long() -> None:
    long_ = Decimal(252)
    assert judge_media(Media("video", seconds=long_)) == []
    (finding,) = judge_media(Media("video", seconds=long_, most_minutes=3))
    assert finding.message.startswith("视频时长4分12秒，超过通知规定的3分钟")


def test_half_a_film_asks_to_be_sent_again() -> None:
    whole = film(5)
    assert "重新发送" in read_bytes(whole[: len(whole) // 3], "视频.mp4", ()).reason


def pictures(*shots: bytes) -> bytes:
    paper = docx.Document()
    paper.add_paragraph("活动照片")
    for shot in shots:
        paper.add_picture(BytesIO(shot))
    out = BytesIO()
    paper.save(out)
    return out.getvalue()


def test_photographs_pasted_into_a_document_are_media_and_an_empty_one_is_asked_about() -> None:
    full = read_bytes(pictures(photo(), photo(shade=3)), "活动照片.docx", ())
    assert full.pictures == 2
    assert classify("活动照片.docx", full, (SUMMARY, MEDIA)) == MEDIA
    assert judge_media(Media("docx", 99_999, pictures=full.pictures)) == []
    empty = read_bytes(pictures(), "活动照片.docx", ())
    (finding,) = judge_media(Media("docx", 99_999, pictures=empty.pictures))
    assert "未见照片" in finding.message
    plain = read_bytes(document("活动总结", "正文"), "活动总结.docx", ())
    assert classify("活动总结.docx", plain, (SUMMARY, MEDIA)) == SUMMARY


def test_a_telephones_own_format_is_told_by_name() -> None:
    heic = b"\0\0\0\x18ftypheic" + bytes(400)
    with ReadWorker() as worker:
        assert worker.read(heic, "IMG_2001.HEIC", ()).reason == HEIC
