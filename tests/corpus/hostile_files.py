"""Broken and lying files: cut off, mixed up, misnamed, pictures and documents that promise too much."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from form_files import docx_bytes, xls

from corpus.cases import Case, Form, Harmless, Kept, Restricted, SetAside, one
from corpus.sheets import delimited, html, open_document, open_table, rows, xlsb, xlsx, xml_2003, zipped


def cases() -> Iterator[Case]:
    """One line of the table a trap; `cut` needs the honest files."""
    yield from _lies()
    yield from _mixed()
    yield from _nonsense()
    yield from _secret()


def cut(whole: Iterable[Case]) -> Iterator[Case]:
    """Every honest file that is no text, cut at 10, 50 and 90 per cent, and with its middle overwritten."""
    for case in whole:
        stem, _, ending = case.name.rpartition(".")
        if ending in ("csv", "txt", "eml"):
            continue
        for percent in (10, 50, 90):
            data = case.data[: len(case.data) * percent // 100]
            yield one("cut off", f"{stem}-{percent}.{ending}", data, Harmless())
        middle, size = len(case.data) // 2, min(400, len(case.data) // 10)
        data = case.data[:middle] + b"\xa5" * size + case.data[middle + size :]
        yield one("overwritten", f"{stem}-改.{ending}", data, Harmless())


def _lies() -> Iterator[Case]:
    line = "false extension"
    table = delimited(rows()).encode()
    for ending, data in (
        ("docx", xlsx()), ("pdf", xlsx()), ("jpg", docx_bytes()), ("xlsx", xls()), ("xlsx", html(rows())),
        ("xls", xlsx()), ("doc", docx_bytes()), ("xlsx", xml_2003(rows())), ("xlsx", table),
        ("xls", open_document(open_table(rows()))), ("zip", xlsx()), ("xlsx", xlsb(rows())), ("", xlsx()),
    ):  # fmt: skip
        yield one(line, f"统计表.{ending}".rstrip("."), data)
    yield Case(line, "统计表.xlsx", zipped({"统计表.docx": docx_bytes()}), (Kept(), Form()))


def _mixed() -> Iterator[Case]:
    line = "polyglot"
    jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(300) + b"\xff\xd9"
    yield one(line, "图中藏包.jpg", jpeg + zipped({"a.xlsx": xlsx()}), Harmless())
    yield one(line, "前有杂物.xlsx", b"junk" * 50 + xlsx(), Harmless())
    yield one(line, "后有杂物.xlsx", xlsx() + b"junk" * 50, Harmless())
    yield one(line, "表中有程序.xlsx", b"MZ" + bytes(100) + xlsx(), SetAside())
    yield one(line, "文中有包.pdf", b"%PDF-1.4\n" + zipped({"a.xlsx": xlsx()}), Harmless())
    yield one(line, "表后有网页.xls", xls() + b"<html><script>alert(1)</script></html>", Harmless())


def _nonsense() -> Iterator[Case]:
    line = "no document at all"
    noise = random.Random(2022).randbytes(100_000)
    heads = {
        "xlsx": b"PK\x03\x04", "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "pdf": b"%PDF-1.7\n",
        "gz": b"\x1f\x8b", "rar": b"Rar!\x1a\x07\x01\0", "7z": b"7z\xbc\xaf\x27\x1c\0\4", "rtf": b"{\\rtf1",
        "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff\xe0", "mp4": b"\0\0\0\x18ftypmp42",
        "html": b"<html>", "exe": b"MZ", "bin": b"", "xml": b"<?xml version='1.0'?>",
    }  # fmt: skip
    for ending, head in heads.items():
        yield one(line, f"乱码.{ending}", head + noise, Harmless())
    yield one(line, "空.xlsx", b"", SetAside("空"))
    yield one(line, "全零.xls", bytes(70_000), SetAside())
    yield one(line, "只有回车.csv", b"\r\n" * 40_000, Harmless())
    yield one(line, "脚本.bat", b"@echo off\r\ndel /q *.*\r\n", Harmless())


def _secret() -> Iterator[Case]:
    line = "mark of secrecy"
    marked = [["机密★1年", None, None], *rows()]
    yield one(line, "统计表.ods", open_document(open_table(marked)), Restricted())
    yield one(line, "统计表.csv", delimited(marked).encode("gb18030"), Restricted())
    yield one(line, "【秘密】统计表.xlsx", xlsx(), Restricted())
    yield Case(
        line,
        "材料.zip",
        zipped({"机密★统计表.ods": open_document(open_table(marked))}),
        (Kept(), Restricted()),
    )
