"""What a file is, by its content: kinds that clerks send, kinds that only look alike, and hostile bytes."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest
from archive_files import rar4, rar5, seven_zipped, tarred, zipped
from form_files import FORM, docx_bytes, xls, xlsx
from hypothesis import given
from hypothesis import strategies as st

from huizong.readers.entry import SET_ASIDE, read_bytes
from huizong.readers.sniff import decode, sniff
from timing import processor_seconds

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
MAIL = b"From: kjj@hq.example\r\nTo: a@b.example\r\nSubject: =?gbk?B?zbO8xg==?=\r\nMIME-Version: 1.0\r\n"


def ole_with(stream: str) -> bytes:
    """An old workbook whose only stream has another name ([MS-CFB] 2.6.1: 64 bytes of name, its length)."""
    data = bytearray(xls())
    at = data.index("Workbook".encode("utf-16-le"))
    name = stream.encode("utf-16-le")
    data[at : at + 66] = name.ljust(64, b"\0") + struct.pack("<H", len(name) + 2)
    return bytes(data)


def test_own_forms() -> None:
    assert [sniff(make()) for make in (xlsx, xls, docx_bytes)] == ["xlsx", "xls", "docx"]


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        ("Workbook", "xls"),  # et of WPS too
        ("Book", "xls"),
        ("WordDocument", "doc"),  # wps of WPS too
        ("EncryptedPackage", "encrypted"),
        ("PowerPoint Document", "slides"),
        ("__properties_version1.0", "msg"),
        ("CONTENTS", "works"),
        ("MN0", "works"),
        ("Quill", "ole"),
        ("Something", "ole"),
    ],
)
def test_containers_of_the_old_office(stream: str, kind: str) -> None:
    assert sniff(ole_with(stream)) == kind


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"xl/workbook.xml": b""}, "xlsx"),  # xlsm, xltx, xlam too
        ({"XL\\Workbook.xml": b""}, "xlsx"),
        ({"xl/workbook.bin": b""}, "xlsb"),
        ({"word/document2.xml": b""}, "docx"),
        ({"ppt/presentation.xml": b""}, "slides"),
        ({"OFD.xml": b""}, "ofd"),
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}, "ods"),
        ({"mimetype": b"application/vnd.oasis.opendocument.text"}, "odt"),
        ({"mimetype": b"application/epub+zip"}, "zip"),
        ({"材料/xl/workbook.xml": b""}, "zip"),
        ({f"{n}": b"" for n in range(20_000)} | {"xl/workbook.xml": b""}, "zip"),
    ],
)
def test_zipped_formats(members: dict[str, bytes], kind: str) -> None:
    assert sniff(zipped(members)) == kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n", "pdf"),
        (b"\r\n\0junk before it\n%PDF-1.4\n", "pdf"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image"),
        (b"\x89PNG\r\n\x1a\n\0", "image"),
        (b"BM\x36\0\x0c\0\0\0\0\0\x36\0", "image"),
        (b"BMI: a text that begins so", "text"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"\0\0\0\x18ftypheic\0", "image"),
        (b"\0\0\0\x20ftypisom\0", "video"),
        (b"\0\0\x10\0moov\0\0\0\x6cmvhd", "video"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image"),
        (b'<?xml version="1.0"?>\n<svg/>', "image"),
        (b"{\\rtf1\\ansi", "rtf"),
        (b"\xef\xbb\xbf\n{\\rtf1", "rtf"),
        (rar4([(b"a", b"x")]), "rar"),
        (rar5([("a", b"x")]), "rar"),
        (seven_zipped({"a": b"x"}), "7z"),
        (tarred([(tarfile.TarInfo("a"), b"x")]), "tar"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"BZh91AY", "bz2"),
        (b"\xfd7zXZ\0\0", "xz"),
        (b"\x20\x4d-lh5-\x10", "lzh"),
        (b"\x60\xea\x2b\0\x22", "arj"),
        (b"MSCF\0\0\0\0\x2c", "cab"),
        (b"MZ\x90\0\x03", "program"),
        (b"L\0\0\0\x01\x14\x02\0\0", "shortcut"),
        (b"[InternetShortcut]\r\nURL=https://a.example/", "shortcut"),
        (b"\x78\x9f\x3e\x22\x01", "tnef"),
        (b"\x09\x04\x06\0\0\0\x10\0", "xls-old"),
        (bytes(range(256)), "unknown"),
        (b"", "empty"),
        (b"\0" * 3_000_000, "empty"),
        (b"PK\x03\x04 and no more", "damaged"),
        (OLE + b"\0" * 600, "damaged"),
    ],
)
def test_kinds_by_their_first_bytes(data: bytes, kind: str) -> None:
    assert sniff(data) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (MAIL + b"\r\ntext", "eml"),
        (b"From kjj@hq.example Mon Jun 20 2022\n" + MAIL, "eml"),
        (b"Received: from a.example\r\n\tby b.example;\r\nDate: Mon\r\n\r\n", "eml"),
        (b"\xef\xbb\xbf" + MAIL, "eml"),
        (MAIL + b"Content-Type: multipart/related; boundary=x\r\n\r\n", "eml"),  # a mail with pictures
        (
            b"From: <Saved by a browser>\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/related;\r\n\tboundary=x\r\n",
            "mht",
        ),
        (
            b"MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: multipart/related; boundary=x\n\n",
            "mht",
        ),
        (b"From: the county\nTo: the city\nSubject: figures\n\nwritten by hand", "text"),
        (b"Note: this\nis no mail\nMIME-Version: 1.0\n", "text"),
    ],
)
def test_messages(head: bytes, kind: str) -> None:
    assert sniff(head) == kind


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<html><body>统计表</body></html>", "html"),
        ("<table><tr><td>举办活动次数</td></tr></table>", "html"),
        ("\r\n<div>统计表<table><tr><td>1</td></tr></table></div>", "html"),
        ("<meta charset=gb2312><p>统计表", "html"),
        ('<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">统计表', "html"),
        (
            '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
            '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Table>统计',
            "xml-spreadsheet",
        ),
        ('<ss:Workbook xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">统计', "xml-spreadsheet"),
        (
            '<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument '
            'xmlns:w="http://schemas.microsoft.com/office/word/2003/wordml">统计',
            "xml-word",
        ),
        ('<?xml version="1.0"?><uof:UOF>统计', "uof"),
        ('<?xml version="1.0"?><数据/>', "xml"),
        ("单位\t次数\n红旗区\t5\n", "csv"),
        ("单位,次数\r\n红旗区,5\r\n", "csv"),
        ("全市开展活动56场次。\n参与群众3万人。", "text"),
    ],
)
def test_texts_in_every_encoding(text: str, kind: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert sniff(data) == kind
    assert decode(data) == text


def test_half_a_character_at_the_end_of_the_look_is_no_fault() -> None:
    for encoding in ("utf-8", "gb18030", "utf-16"):
        for shift in range(3):
            assert sniff(("a" * shift + "统" * 60_000).encode(encoding)) == "text"


def test_a_truncated_workbook_is_damaged() -> None:
    for data in (xlsx(), xls(), docx_bytes()):
        assert sniff(data[: len(data) // 2]) == "damaged"


def test_every_kind_that_is_not_read_has_its_sentence() -> None:
    for data in (b"MZ\x90", b"MSCF\0\0\0\0", b"L\0\0\0\x01\x14\x02\0"):
        reading = read_bytes(data, "来件", [FORM])
        assert (reading.disposition, reading.reason) == ("set_aside", SET_ASIDE[reading.kind])
        assert reading.reason.endswith("重新发送。")


@given(st.binary(max_size=600))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    for head in (b"", OLE, b"PK\x03\x04", b"From: a\n", b"<?xml", b"\xff\xfe"):
        assert sniff(head + data)


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + b"PK\x01\x02" * 2_000_000,
        zipped(dict.fromkeys(map(str, range(19_000)), b"")),
        OLE + b"\xfe" * 8_000_000,
        b"From: a\n" + b" folded\n" * 1_000_000,
        b"<" * 8_000_000,
        b"<!--" + b"<table" * 1_000_000,
        b"a:" * 4_000_000,
        b"<Workbook " * 800_000,
        b"\xff\xfe" + b"\n\0" * 4_000_000,
        b"\0" * 8_000_000 + b"\x01",
    ],
)
def test_hostile_bytes_take_no_time(data: bytes) -> None:
    assert processor_seconds(lambda: sniff(data)) < 1.0
    assert sniff(data)


def test_the_name_is_never_asked(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("统计表.xlsx", xlsx())
    assert sniff(out.getvalue()) == "zip"
