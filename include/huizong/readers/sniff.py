"""What a file is, told by its content; its name is never asked."""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import BadZipFile, ZipFile

import olefile

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"\xff\xd8\xff", "image"),
    (b"\x89PNG\r\n", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),  # ASF: wmv
    (b"\x1a\x45\xdf\xa3", "video"),  # EBML: mkv, webm
    (b"FLV\x01", "video"),
    (b"\0\0\x01\xba", "video"),  # MPEG program stream
    (b"\0\0\x01\xb3", "video"),
    (b"{\\rtf", "rtf"),
)
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif")

# The first that is there tells; an encrypted package also has other streams.
_OLE_STREAMS = (
    ("EncryptedPackage", "encrypted"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "slides"),
)
_ZIP_MEMBERS = (
    (re.compile(r"xl/workbook\d*\.xml"), "xlsx"),
    (re.compile(r"xl/workbook\d*\.bin"), "xlsb"),
    (re.compile(r"word/document\d*\.xml"), "docx"),
    (re.compile(r"ppt/presentation\d*\.xml"), "slides"),
    (re.compile(r"OFD\.xml"), "ofd"),
)
_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.presentation": "slides",
}
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|table)\b", re.I)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_LOOKED_AT = 65_536


def sniff(data: bytes) -> str:
    """The kind of a file.

    One of xlsx, xlsb, xls, ods, docx, doc, odt, rtf, ofd, pdf, image, video, slides, zip, rar, 7z, gzip,
    html, xml, csv, text, ole, encrypted, damaged, empty, unknown.
    """
    if len(data) < _LOOKED_AT and not data.strip(b"\0 \t\r\n"):
        return "empty"
    if data.startswith(olefile.MAGIC):
        return _sniff_ole(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _sniff_zip(data)
    return _sniff_magic(data) or _sniff_text(data[:_LOOKED_AT])


def _sniff_magic(data: bytes) -> str | None:
    if data[4:8] == b"ftyp":
        return "image" if data[8:12] in _STILL_BRANDS else "video"
    if data[:4] == b"RIFF":
        return {b"AVI ": "video", b"WEBP": "image"}.get(data[8:12], "unknown")
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)


def _sniff_ole(data: bytes) -> str:
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            return next((kind for stream, kind in _OLE_STREAMS if ole.exists(stream)), "ole")
    except Exception:  # olefile raises whatever a broken table leads to
        return "damaged"


def _sniff_zip(data: bytes) -> str:
    try:
        with ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                kind = _OPEN_DOCUMENT.get(archive.read("mimetype").strip())
                if kind:
                    return kind
    except (BadZipFile, EOFError, ValueError, OSError, RuntimeError, NotImplementedError):
        return "damaged"
    return next((kind for pattern, kind in _ZIP_MEMBERS if any(map(pattern.fullmatch, names))), "zip")


def _sniff_text(head: bytes) -> str:
    text = decode(head)
    if text is None:
        return "unknown"
    if _HTML.search(head[:4096]):
        return "html"
    if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<?xml"):
        return "xml"
    return "csv" if _looks_like_csv(text) else "text"


def decode(data: bytes) -> str | None:
    """Text in UTF-8, UTF-16 with its mark, or GB 18030; None if it is none of them."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    for name in (encoding, "gb18030"):
        # The look ends anywhere: half a character at its end is no fault.
        for cut in range(4):
            try:
                text = data[: len(data) - cut].decode(name)
            except UnicodeDecodeError:
                continue
            return None if _CONTROL.search(text) else text
    return None


def _looks_like_csv(text: str) -> bool:
    lines = [line for line in text.splitlines()[:10] if line.strip()]
    return len(lines) > 1 and any(
        lines[0].count(mark) and len({line.count(mark) for line in lines}) == 1 for mark in ",\t;"
    )
