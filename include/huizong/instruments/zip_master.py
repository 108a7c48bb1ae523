"""One office file made once, and thousands of copies of it that differ in a few texts.

Parts without a placeholder are packed once; a copy appends the few that have one. That is some hundred
times cheaper than saving a workbook or document anew.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_PLACEHOLDER = re.compile(r"\[\[huizong:([a-z_]+)\]\]")
_STAMPS = re.compile(rb"<dcterms:(created|modified)\b.*?</dcterms:\1>")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def placeholder(name: str) -> str:
    """The text to write into a master where `name`'s value shall stand."""
    return f"[[huizong:{name}]]"


class ZipMaster:
    """A master with placeholders, ready to be rendered. Same values, same bytes: no clock's stamp is kept."""

    def __init__(self, document: bytes) -> None:
        """`document` is an .xlsx or .docx (a zip of XML parts in UTF-8)."""
        packed = io.BytesIO()
        self._patched: list[tuple[str, list[str]]] = []
        with zipfile.ZipFile(io.BytesIO(document)) as source, zipfile.ZipFile(packed, "w") as target:
            for name in source.namelist():
                part = (
                    _STAMPS.sub(b"", source.read(name)) if name == "docProps/core.xml" else source.read(name)
                )
                pieces = _PLACEHOLDER.split(part.decode()) if b"[[huizong:" in part else []
                if pieces:
                    self._patched.append((name, pieces))
                else:
                    target.writestr(_entry(name), part)
        self._static = packed.getvalue()

    def render(self, values: Mapping[str, str]) -> bytes:
        """A copy with `values` in the placeholders' stead, as text whatever they hold.

        Raises:
            KeyError: a placeholder of the master has no value.
        """
        safe = {name: escape(_NOT_IN_XML.sub("", value), {'"': "&quot;"}) for name, value in values.items()}
        copy = io.BytesIO()
        copy.write(self._static)
        with zipfile.ZipFile(copy, "a") as target:
            for name, pieces in self._patched:
                # re.split with one group: texts and placeholder names by turns.
                filled = (safe[piece] if n % 2 else piece for n, piece in enumerate(pieces))
                target.writestr(_entry(name), "".join(filled), compresslevel=1)
        return copy.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """A member without the machine's clock in it."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
