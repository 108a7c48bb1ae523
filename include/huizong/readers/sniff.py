"""What a file is, told by its content; its name is never asked.

Runs in the parent process too: it never raises, looks at a bounded part of the file and inflates next to
nothing.
"""

from __future__ import annotations

import codecs
import re
from io import BytesIO
from zipfile import ZipFile

import olefile

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"\xff\xd8\xff", "image"),
    (b"\x89PNG\r\n", "image"),
    (b"GIF8", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"\0\0\0\x0cjP  ", "image"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"\x60\xea", "arj"),
    (b"\x1f\x9d", "compress"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),  # ASF: wmv
    (b"\x1a\x45\xdf\xa3", "video"),  # EBML: mkv, webm
    (b"FLV\x01", "video"),
    (b".RMF", "video"),
    (b"\0\0\x01\xba", "video"),  # MPEG program stream
    (b"\0\0\x01\xb3", "video"),
    (b"\x78\x9f\x3e\x22", "tnef"),  # winmail.dat
    (b"L\0\0\0\x01\x14\x02\0", "shortcut"),
    (b"[InternetShortcut]", "shortcut"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
)
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
_QUICKTIME = (b"moov", b"mdat", b"wide")  # films from before the brand
_SHAPES = (
    ("lzh", re.compile(rb"..-l[hz][0-9ds]-", re.S)),
    ("xls-old", re.compile(rb"\x09[\0\x02\x04][\x04\x06]\0..\x10\0", re.S)),  # BIFF2 to 4: no container yet
)

# The first that is there tells; an encrypted package also has other streams.
_OLE_STREAMS = (
    ("EncryptedPackage", "encrypted"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "slides"),
    ("__properties_version1.0", "msg"),
    ("Quill", "ole"),  # Publisher, whose other stream is called like one of Works
    ("CONTENTS", "works"),
    ("MM", "works"),
    ("MN0", "works"),
)
# Some writers use backslashes, some another case.
_ZIP_MEMBERS = (
    (re.compile(r"xl/workbook\d*\.xml", re.I), "xlsx"),
    (re.compile(r"xl/workbook\d*\.bin", re.I), "xlsb"),
    (re.compile(r"word/document\d*\.xml", re.I), "docx"),
    (re.compile(r"ppt/presentation\d*\.xml", re.I), "slides"),
    (re.compile(r"OFD\.xml", re.I), "ofd"),
)
_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.spreadsheet-template": "ods",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.text-template": "odt",
    b"application/vnd.oasis.opendocument.presentation": "slides",
}
_MOST_MEMBERS = 20_000  # of an office file; an archive with more is not listed here
_LATE_PDF = 1_024  # so far in may the mark stand (ISO 32000-1, Annex H, note 13)

_XML_KINDS = (
    (re.compile(r"<(?:\w+:)?Workbook\b[^>]*urn:schemas-microsoft-com:office:spreadsheet"), "xml-spreadsheet"),
    (
        re.compile(r"schemas\.microsoft\.com/office/word/2003/wordml|progid=[\"']Word\.Document", re.I),
        "xml-word",
    ),
    (re.compile(r"<(?:uof:)?UOF\b"), "uof"),
    (re.compile(r"<(?:svg:)?svg\b", re.I), "image"),
)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|table)\b", re.I)
_HTML_START = re.compile(r"<(?:!--|meta|style|script|title|div|center|font|span|p|tr|td)\b", re.I)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60}):(?:[ \t]|$)")
_MAIL_HEADERS = {"from", "to", "subject", "date", "received", "return-path", "delivered-to", "cc"}
_STRONG_HEADERS = {"mime-version", "message-id", "received", "return-path", "content-type"}
_TRAVELLED = {"message-id", "received", "return-path", "delivered-to", "to"}  # what a saved page has not
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_LOOKED_AT = 65_536


def sniff(data: bytes) -> str:
    """The kind of a file. Never raises.

    Read as forms or texts: xlsx, xlsb, xls (et too), ods, docx, xml-spreadsheet (SpreadsheetML 2003), html,
    mht, csv, text, pdf, ofd. To be converted: doc (WPS Writer too), rtf, odt, works, xml-word, xls-old (from
    before 1995). Archives and messages: zip, rar, 7z, gzip, bz2, xz, tar, eml, msg, tnef
    (winmail.dat). Material: image, video, slides. Told only so that the clerk can be told: encrypted,
    damaged, empty, lzh, arj, cab, compress, zstd, shortcut, program, uof, xml, ole, unknown.
    """
    head = data[:_LOOKED_AT]
    if not data[: 2**20].strip(b"\0 \t\r\n") and not data.strip(b"\0 \t\r\n"):
        return "empty"
    if head.startswith(olefile.MAGIC):
        return _sniff_ole(data)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _sniff_zip(data)
    return _sniff_magic(head) or _sniff_text(head)


def _sniff_magic(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return "image" if head[8:12] in _STILL_BRANDS else "video"
    if head[4:8] in _QUICKTIME:
        return "video"
    if head[:4] == b"RIFF":
        return {b"AVI ": "video", b"WEBP": "image"}.get(head[8:12], "unknown")
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "image"
    if head[257:262] == b"ustar":
        return "tar"
    if _is_transport_stream(head):
        return "video"
    if kind := next((kind for kind, pattern in _SHAPES if pattern.match(head)), None):
        return kind
    if head[:64].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{\\rtf"):
        return "rtf"
    if kind := next((kind for magic, kind in _MAGIC if head.startswith(magic)), None):
        return kind
    return "pdf" if b"%PDF-" in head[:_LATE_PDF] else None


def _is_transport_stream(head: bytes) -> bool:
    """MPEG-TS: packets of 188 bytes that begin with a G; a camcorder's (mts) have four more before it."""
    packets = ((188, 0), (192, 4))
    return any(
        len(head) > 3 * size and all(head[n * size + at] == 0x47 for n in range(4)) for size, at in packets
    )


def _sniff_ole(data: bytes) -> str:
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            return next((kind for stream, kind in _OLE_STREAMS if ole.exists(stream)), "ole")
    except Exception:  # olefile raises whatever a broken table leads to
        return "damaged"


def _sniff_zip(data: bytes) -> str:
    # Counted without opening: each member costs the parser far more than the four bytes of its mark.
    if data.count(b"PK\x01\x02") > _MOST_MEMBERS:
        return "zip"
    try:
        with ZipFile(BytesIO(data)) as archive:
            return _office_kind(archive)
    except Exception:  # BadZipFile, struct.error, …: whatever a broken directory leads to
        return "zip" if data.startswith(b"PK\x07\x08") else "damaged"  # the former: one volume of several


def _office_kind(archive: ZipFile) -> str:
    names = {name.replace("\\", "/") for name in archive.namelist()}
    short = "mimetype" in names and archive.getinfo("mimetype").file_size < 200
    if short and (kind := _OPEN_DOCUMENT.get(archive.read("mimetype").strip())):
        return kind
    return next((kind for pattern, kind in _ZIP_MEMBERS if any(map(pattern.fullmatch, names))), "zip")


def _sniff_text(head: bytes) -> str:
    text = decode(head)
    if text is None:
        return "unknown"
    text = text.lstrip("\ufeff \t\r\n")
    if kind := _message_kind(text):
        return kind
    if kind := _markup_kind(text):
        return kind
    return "csv" if _looks_like_csv(text) else "text"


def _message_kind(text: str) -> str | None:
    """eml or mht: a block of header lines, at least two that only a mail program writes."""
    names: set[str] = set()
    page = False
    for number, line in enumerate(text.split("\n", 200)[:200]):
        match = _HEADER.match(line)
        if match:
            names.add(match[1].lower())
            page = page or line.lower().startswith("content-type: multipart/related")
        elif not line.strip():
            break
        elif not (line[0] in " \t" or (number == 0 and line.startswith("From "))):
            return None
    if page and not names & _TRAVELLED:
        return "mht"
    return "eml" if len(names & (_MAIL_HEADERS | _STRONG_HEADERS)) > 1 and names & _STRONG_HEADERS else None


def _markup_kind(text: str) -> str | None:
    start = text[:4_096]
    if not start.startswith("<"):
        return "html" if _HTML.search(start) else None
    if kind := next((kind for pattern, kind in _XML_KINDS if pattern.search(start)), None):
        return kind
    if _HTML.search(start) or _HTML_START.match(start):
        return "html"
    return "xml" if start.startswith("<?xml") else None


def decode(data: bytes) -> str | None:
    """Text in UTF-8, UTF-16 with its mark, or GB 18030; None if it is none of them."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    for name in (encoding, "gb18030"):
        try:
            # Not to its very end: a look ends anywhere, and half a character there is no fault.
            text = codecs.getincrementaldecoder(name)().decode(data)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None


def _looks_like_csv(text: str) -> bool:
    lines = [line for line in text[:_LOOKED_AT].splitlines()[:10] if line.strip()]
    return len(lines) > 1 and any(
        lines[0].count(mark) and len({line.count(mark) for line in lines}) == 1 for mark in ",\t;"
    )
