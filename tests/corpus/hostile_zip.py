"""Hostile containers: bombs, overlaps, names that lead elsewhere, wrong checksums, passwords, crowds."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from functools import reduce

import msoffcrypto
import py7zr
from form_files import docx_bytes
from msoffcrypto.format.ooxml import OOXMLFile

from corpus.cases import Case, Form, Harmless, Kept, SetAside, one
from corpus.sheets import changed, member, xlsx, zipped

SHEET = "xl/worksheets/sheet1.xml"
TOO_MUCH = "过大|过多|超过|异常|损坏"


def cases() -> Iterator[Case]:
    """One line of the table a trap."""
    yield from _bombs()
    yield from _inconsistent()
    yield from _names()
    yield from _passwords()
    yield from _crowds()


def _bombs() -> Iterator[Case]:
    line = "zip bomb"
    zeros = bytes(200 * 2**20)
    yield one(line, "工作簿炸弹.xlsx", changed(xlsx(), {"xl/sharedStrings.xml": zeros}), SetAside(TOO_MUCH))
    yield one(line, "文档炸弹.docx", changed(docx_bytes(), {"word/document.xml": zeros}), SetAside(TOO_MUCH))
    lying = _lie(changed(xlsx(), {"xl/sharedStrings.xml": zeros}), b"xl/sharedStrings.xml", 100)
    yield one(line, "谎报大小.xlsx", lying, SetAside(TOO_MUCH))
    bomb = zipped({"a.txt": zeros})
    yield one(line, "压缩炸弹.zip", bomb, SetAside(TOO_MUCH))
    yield one(line, "谎报大小.zip", _lie(bomb, b"a.txt", 100), SetAside(TOO_MUCH))
    many = zipped({f"{n}.zip": zipped({f"{m}.txt": bytes(2**20) for m in range(20)}) for n in range(20)})
    yield one("nested zip bomb", "层层炸弹.zip", many, Harmless())
    deep = reduce(lambda inner, n: zipped({f"{n}.zip": inner}), range(6), zipped({"统计表.xlsx": xlsx()}))
    yield Case("nested too deep", "六层.zip", deep, (Kept(), SetAside("层")))
    seven = io.BytesIO()
    with py7zr.SevenZipFile(seven, "w") as archive:
        archive.writestr(zeros, "a.txt")
    yield one(line, "炸弹.7z", seven.getvalue(), SetAside(TOO_MUCH))


def _lie(data: bytes, name: bytes, size: int) -> bytes:
    """The archive with another uncompressed size in both heads of a member."""
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = next(p for p in _places(data, mark) if name in data[p : p + 46 + len(name)])
        data = data[: place + at] + struct.pack("<I", size) + data[place + at + 4 :]
    return data


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + 1)


def _inconsistent() -> Iterator[Case]:
    line = "overlapping or double members"
    form = xlsx()
    double = io.BytesIO(form)
    with zipfile.ZipFile(double, "a") as archive:
        archive.writestr(SHEET, member(xlsx({"activities.held": 999}), SHEET))
    yield one(line, "同名成员.xlsx", double.getvalue(), SetAside())
    yield one(line, "重叠.zip", _overlapping(), SetAside(TOO_MUCH))
    for name, data in (("工作簿", form), ("压缩包", zipped({"统计表.xlsx": form}))):
        broken = bytearray(data)
        for place in _places(data, b"PK\x01\x02"):
            broken[place + 16] ^= 0xFF
        yield Case(
            "wrong checksum", f"{name}.{'xlsx' if name == '工作簿' else 'zip'}", bytes(broken), (SetAside(),)
        )


def _overlapping() -> bytes:
    """Hundreds of entries of the directory that all point to one large member."""
    data = zipped({"0.txt": bytes(10 * 2**20)})
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"0.txt", b"%05d" % n) for n in range(500))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 500, 500, len(entries), start, 0)
    return data[:start] + entries + tail


def _names() -> Iterator[Case]:
    line = "names that lead elsewhere"
    names = (
        "../../etc/统计表.xlsx",
        "/etc/cron.d/统计表.xlsx",
        "C:\\windows\\统计表.xlsx",
        "..\\..\\统计表.xlsx",
    )
    for n, name in enumerate(names):
        yield Case(line, f"路径{n}.zip", zipped({name: xlsx()}), (Kept(), Form()))
    link = zipfile.ZipInfo("统计表.xlsx")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    yield one("symbolic link", "链接.zip", out.getvalue(), SetAside())
    deep = "/".join(f"目录{n}" for n in range(300)) + "/统计表.xlsx"
    yield Case(line, "深目录.zip", zipped({deep: xlsx()}), (Kept(), Form()))


def _passwords() -> Iterator[Case]:
    line = "password"
    for name, data in (("统计表.xlsx", xlsx()), ("统计表.docx", docx_bytes())):
        out = io.BytesIO()
        OOXMLFile(io.BytesIO(data)).encrypt("123456", out)
        assert msoffcrypto.OfficeFile(out).is_encrypted()
        yield one(line, name, out.getvalue(), SetAside("密码"))
    locked = bytearray(zipped({"统计表.xlsx": xlsx()}))
    locked[6] |= 1
    locked[bytes(locked).index(b"PK\x01\x02") + 8] |= 1
    yield one(line, "加密.zip", bytes(locked), SetAside("密码"))
    for whole in (False, True):
        seven = io.BytesIO()
        with py7zr.SevenZipFile(seven, "w", password="123456", header_encryption=whole) as archive:
            archive.writestr(xlsx(), "统计表.xlsx")
        yield one(line, f"加密{whole:d}.7z", seven.getvalue(), SetAside("密码"))


def _crowds() -> Iterator[Case]:
    crowd = zipped({f"{n}.txt": "a" for n in range(10_000)})
    yield one("10,000 files in one archive", "一万个文件.zip", crowd, SetAside(TOO_MUCH))
    crowd = changed(xlsx(), {f"xl/media/{n}.xml": "<a/>" for n in range(10_000)})
    yield one("10,000 files in one archive", "一万个成员.xlsx", crowd, SetAside(TOO_MUCH))
