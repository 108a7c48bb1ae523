"""Pictures and pdf files that promise more than anybody can show."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from itertools import accumulate

from corpus.cases import Case, Contained, Harmless, one


def cases() -> Iterator[Case]:
    """One line of the table a trap."""
    yield from (one("picture bomb", name, data, Harmless()) for name, data in _pictures().items())
    yield from (one("pdf trap", name, data, Harmless()) for name, data in _pdfs().items())
    yield one("pdf trap", "自我调用.pdf", _calls_itself(), Contained())


def _pictures() -> Mapping[str, bytes]:
    bmp = struct.pack("<IIIIiiHHI", 70, 0, 54, 40, 100_000, 100_000, 1, 24, 0)
    tiff = struct.pack("<HHHIII", 1, 256, 4, 1, 2**31, 8)  # whose next directory is the first one
    return {
        "极大.png": _png(60_000, 60_000),
        "谎报.png": _png(2**31 - 1, 2**31 - 1),
        "零.png": _png(0, 0),
        "极大.bmp": b"BM" + bmp + bytes(40),
        "极大.gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(40),
        "循环.tif": b"II*\0\x08\0\0\0" + tiff,
    }


def _png(width: int, height: int) -> bytes:
    """A picture of one colour that says it is so large; not all of its rows need be there."""
    row = bytes(min(width, 2**20) // 8 + 2)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(min(height, 600))) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


_TREE = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]%s>>"


def _pdfs() -> Mapping[str, bytes]:
    drawn = zlib.compress(b"0 0 m " * 20_000_000, 9)
    many = b"<</Type/Pages/Kids[%s]/Count 100000>>" % (b"3 0 R " * 100_000)
    script = b"/AA<</O<</S/JavaScript/JS(app.launchURL\\('http://x.example'\\))>>>>"
    return {
        "流炸弹.pdf": _pdf(_TREE, _PAGE % b"/Contents 4 0 R", _stream(b"/Filter/FlateDecode", drawn)),
        "页树循环.pdf": _pdf(b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        "很多页.pdf": _pdf(many, _PAGE % b""),
        "谎报页数.pdf": _pdf(b"<</Type/Pages/Kids[3 0 R]/Count 2147483647>>", _PAGE % b""),
        "极大页面.pdf": _pdf(_TREE, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e9 1e9]>>"),
        "深度.pdf": _pdf(_TREE, b"[" * 100_000),
        "脚本.pdf": _pdf(_TREE, _PAGE % script),
    }


def _calls_itself() -> bytes:
    """A drawing that draws itself twice: pdfium takes memory until it may not."""
    own = b"/Resources<</XObject<</F 4 0 R>>>>"
    form = _stream(b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]" + own, b"/F Do /F Do ")
    return _pdf(_TREE, _PAGE % (b"/Contents 5 0 R" + own), form, _stream(b"", b"/F Do"))


def _stream(entries: bytes, data: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def _pdf(*objects: bytes) -> bytes:
    """A file of these objects, numbered from 2; object 1 is the catalogue."""
    head = b"%PDF-1.7\n"
    bodies = [
        b"%d 0 obj\n%s\nendobj\n" % (number, body)
        for number, body in enumerate((b"<</Type/Catalog/Pages 2 0 R>>", *objects), start=1)
    ]
    *places, end = accumulate(map(len, bodies), initial=len(head))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(bodies) + 1
    return (
        head
        + b"".join(bodies)
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (count, end)
    )
