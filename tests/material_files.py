"""Films, photographs, reports and lists of press reports, made as clerks send them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO

import av
import docx
import openpyxl
from PIL import Image

# container → codec and pictures a second that it takes
FILMS = {
    "mp4": ("mpeg4", 5), "mov": ("mpeg4", 5), "avi": ("mpeg4", 5), "matroska": ("mpeg4", 5),
    "flv": ("flv1", 5), "asf": ("wmv2", 25), "3gp": ("mpeg4", 5), "mpeg": ("mpeg1video", 25),
}  # fmt: skip


def film(seconds: int, container: str = "mp4", rate: int | None = None) -> bytes:
    """A film of one grey picture, so many seconds long."""
    codec, usual = FILMS[container]
    out = BytesIO()
    with av.open(out, "w", format=container) as target:
        stream = target.add_stream(codec, rate=rate or usual)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for n in range(seconds * (rate or usual)):
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            picture.pts = n
            target.mux(stream.encode(picture))
        target.mux(stream.encode())
    return out.getvalue()


def photo(width: int = 1200, height: int = 800, shade: int = 0) -> bytes:
    """A photograph of about 100 KB: noise, so that it does not shrink."""
    out = BytesIO()
    noise = Image.effect_noise((width, height), 60 + shade).convert("RGB")
    noise.save(out, "JPEG", quality=60)
    return out.getvalue()


def document(*lines: str) -> bytes:
    """A Word document, a paragraph a line."""
    paper = docx.Document()
    for line in lines:
        paper.add_paragraph(line)
    out = BytesIO()
    paper.save(out)
    return out.getvalue()


BODY = "活动期间组织开展了科普讲座、开放日、科技成果展示等活动，群众踊跃参加，反响良好。"


def report(unit: str, *sentences: str, year: int = 2023) -> bytes:
    """A summary report to which no rule objects; its text is the unit's own."""
    return document(f"{unit}{year}年科技活动周活动总结", f"{unit}按照通知要求，{BODY}" * 3, *sentences, unit)


def press_book(
    rows: Iterable[Sequence[object]], head: Sequence[str] = ("序号", "标题", "媒体", "日期", "链接")
) -> bytes:
    """A workbook that lists press reports under a title."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["科技活动周媒体报道情况"])
    sheet.append(list(head))
    for row in rows:
        sheet.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()
