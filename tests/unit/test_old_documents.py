"""What is said of doc, rtf and odt files before anything converts them."""

from __future__ import annotations

import io
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from huizong.readers import limits
from huizong.readers.entry import read_bytes
from huizong.readers.model import FileReading

NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
MANIFEST = f'<manifest:manifest xmlns:manifest="{NAMESPACE}">{{}}</manifest:manifest>'
CONTENT = "<office:document-content>{}</office:document-content>"


def odt(content: str = "", manifest: str = "", **members: str) -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", MANIFEST.format(manifest))
        archive.writestr("content.xml", CONTENT.format(content))
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


def rtf(body: str) -> bytes:
    return f"{{\\rtf1\\ansi {body}\\par}}".encode()


def read(data: bytes, name: str = "来件") -> FileReading:
    return read_bytes(data, name, [])


@pytest.mark.parametrize("data", [odt(), rtf("hello")])
def test_a_plain_document_is_to_be_converted(data: bytes) -> None:
    reading = read(data)
    assert (reading.disposition, reading.needs, reading.reason) == ("return", "convert", "")
    assert (reading.notes, reading.macros) == ((), False)


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (odt(**{"Basic/Standard/Module1.xml": "<x/>"}), ("含宏",)),
        (odt(**{"Scripts/python/a.py": ""}), ("含宏",)),
        (odt('<text:section><text:section-source xlink:href="file:///etc/hosts"/>'), ("含外部链接",)),
        (odt('<draw:frame><draw:image xlink:href="http://pictures.example/a.png"/>'), ("含外部链接",)),
        (odt('<draw:image xlink:href="Pictures/a.png"/><text:a xlink:href="http://a.example/">'), ()),
        (odt('<office:dde-source office:dde-application="soffice"/>'), ("含DDE",)),
        (odt(**{"Object 1/content.xml": "<x/>"}), ("含嵌入对象",)),
        (rtf(r'{\field{\*\fldinst { DDEAUTO c:\\windows\\cmd.exe "/c calc"}}{\fldrslt x}}'), ("含DDE",)),
        (rtf(r'{\field{\*\fldinst INCLUDEPICTURE "http://p.example/a.png" \\d}}'), ("含外部链接",)),
        (rtf(r"{\*\template http://t.example/a.dot}"), ("含外部链接",)),
        (rtf(r"{\object\objemb{\*\objclass Package}{\*\objdata 0105}}"), ("含嵌入对象",)),
        (rtf(r"{\field{\*\fldinst PAGE}} the word DDE itself, INCLUDETEXT too"), ()),
    ],
)
def test_what_the_operator_is_told(data: bytes, notes: tuple[str, ...]) -> None:
    reading = read(data)
    assert (reading.needs, reading.notes, reading.macros) == ("convert", notes, "含宏" in notes)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (odt(manifest="<manifest:encryption-data manifest:checksum='x'/>"), limits.PASSWORD),
        (odt(**{"encrypted-package": "x"}), limits.PASSWORD),
        (odt(content="x" * 20 * 2**20), limits.TOO_LARGE),
        (odt()[:-40], limits.DAMAGED),
        (rtf("x" * limits.MAX_BYTES), limits.TOO_LARGE),
    ],
)
def test_what_is_refused_before_it_costs_a_conversion(data: bytes, reason: str) -> None:
    reading = read(data)
    assert (reading.disposition, reading.needs, reading.reason) == ("set_aside", "", reason)
