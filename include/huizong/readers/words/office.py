"""Documents of older and other office programs: what can be said of them before LibreOffice converts them.

Run in the limited child process, so that a password, a bomb or a wreck costs no conversion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

import olefile

from huizong.errors import RejectedError
from huizong.instruments.model import Instrument
from huizong.readers import limits
from huizong.readers.model import FileReading

MACROS, DDE, LINKS, OBJECTS = "含宏", "含DDE", "含外部链接", "含嵌入对象"

_FLAGS = 0x0A  # [MS-DOC] 2.5.2 FibBase, offset of its flags
_ENCRYPTED = 0x0100  # fEncrypted: encrypted or obfuscated; Word 6 and 95 have it in the same place
# The first word of a field says what it does. [MS-DOC] 2.8.25: 0x13 begins a field.
_FIELDS: Mapping[str, frozenset[bytes]] = {
    DDE: frozenset({b"DDE", b"DDEAUTO"}),
    LINKS: frozenset({b"INCLUDEPICTURE", b"INCLUDETEXT", b"LINK"}),
}
_DOC_FIELD = re.compile(rb"\x13\s*+(\w+)")
_RTF_FIELD = re.compile(rb"\\fldinst\b(?:[{}\s]|\\\*|\\[a-z]++-?\d*+)*+(\w+)")
_RTF_OBJECT = re.compile(rb"\\objdata\b|\\objclass\b")
_RTF_TEMPLATE = re.compile(rb"\\\*\\template\b")
_ODT_DDE = re.compile(rb"<(?:text|office):dde-(?:source|connection)\b")
_ODT_LINK = re.compile(
    rb"<(?:text:section-source|draw:image|draw:object)\b[^>]*xlink:href=\"(?:\w+:|/|\.\./)"
)
_WORD_XML_MACROS = re.compile(rb"<(?:\w+:)?docSuppData\b|macrosPresent=\"yes\"")


def check_old_document(kind: str, data: bytes, _instruments: Sequence[Instrument] = ()) -> FileReading:
    """A reading that asks for conversion, with what the operator should know of the file.

    Raises:
        RejectedError: it has a password, is too large, a bomb, or broken.
    """
    if len(data) > limits.MAX_BYTES:
        raise RejectedError(limits.TOO_LARGE)
    look = _LOOKS.get(kind)
    notes = look(data) if look else []
    return FileReading(
        kind=kind, disposition="return", needs="convert", macros=MACROS in notes, notes=tuple(notes)
    )


def _look_at_doc(data: bytes) -> list[str]:
    try:
        with olefile.OleFileIO(BytesIO(data)) as ole:
            stream = ole.openstream("WordDocument").read()
            present = {MACROS: ole.exists("Macros"), OBJECTS: ole.exists("ObjectPool")}
    except Exception as e:  # olefile raises whatever a broken table leads to
        raise RejectedError(limits.DAMAGED) from e
    if int.from_bytes(stream[_FLAGS : _FLAGS + 2], "little") & _ENCRYPTED:
        raise RejectedError(limits.PASSWORD)
    # The text stands in bytes or in UTF-16; the words looked for are the same without its zeros.
    fields = _DOC_FIELD.findall(stream.replace(b"\0", b""))
    return [note for note, there in present.items() if there] + _in_fields(fields)


def _look_at_rtf(data: bytes) -> list[str]:
    notes = _in_fields(_RTF_FIELD.findall(data))
    if _RTF_TEMPLATE.search(data) and LINKS not in notes:
        notes.append(LINKS)
    return notes + ([OBJECTS] if _RTF_OBJECT.search(data) else [])


def _look_at_odt(data: bytes) -> list[str]:
    archive = limits.open_zip(data)
    names = archive.namelist()
    if "encrypted-package" in names:  # ODF 1.3 of LibreOffice 24.8 and later, encrypted as a whole
        raise RejectedError(limits.PASSWORD)
    try:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):  # ODF 1.2, part 3, 4.4
            raise RejectedError(limits.PASSWORD)
        content = archive.read("content.xml")
    except KeyError as e:
        raise RejectedError(limits.DAMAGED) from e
    present = {
        MACROS: any(name.startswith(("Basic/", "Scripts/")) for name in names),
        DDE: _ODT_DDE.search(content) is not None,
        LINKS: _ODT_LINK.search(content) is not None,
        OBJECTS: any(re.match(r"Object \d+(?:/|$)", name) for name in names),
    }
    return [note for note, there in present.items() if there]


def _look_at_word_xml(data: bytes) -> list[str]:
    return [MACROS] if _WORD_XML_MACROS.search(data) else []


def _in_fields(first_words: Sequence[bytes]) -> list[str]:
    words = {word.upper() for word in first_words}
    return [note for note, names in _FIELDS.items() if words & names]


_LOOKS: Mapping[str, Callable[[bytes], list[str]]] = {
    "doc": _look_at_doc,
    "rtf": _look_at_rtf,
    "odt": _look_at_odt,
    "xml-word": _look_at_word_xml,
}
