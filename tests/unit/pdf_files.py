"""Small PDFs and OFDs, written here byte by byte: what they hold is what the tests say, and nothing else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from form_files import FORM, UNIT, VALUES
from PIL import Image

WIDTH, HEIGHT = 595.0, 842.0
Text = tuple[float, float, str]  # x, y from the top, of the line's upper edge
Line = tuple[float, float, float, float]

_MM = 25.4 / 72
_LEFT, _TOP, _ROW = 60.0, 120.0, 24.0
_COLUMNS = (_LEFT, 210.0, 430.0, 530.0)


@dataclass(frozen=True)
class Paper:
    """One page: lines of text (12 points high), ruling lines, and whether a picture covers it."""

    texts: Sequence[Text] = ()
    lines: Sequence[Line] = ()
    picture: bool = False


def form_page(
    values: Mapping[str, object] = VALUES,
    *,
    unit: str = UNIT,
    ruled: bool = True,
    foot: str = "",
    rows: slice = slice(None),
) -> Paper:
    """The statistics form as printed: title, unit, a table with merged group cells, a line at the foot."""
    items = FORM.items[rows]
    texts: list[Text] = [(150, 60, FORM.title), (_LEFT, 95, f"{FORM.unit_line}{unit}")]
    lines: list[Line] = []
    bottom = _TOP + _ROW * len(items)
    for n, item in enumerate(items):
        y = _TOP + n * _ROW
        first = n == 0 or items[n - 1].group != item.group
        texts.append((_COLUMNS[0 if item.label_in_group else 1] + 4, y + 6, item.label.split("（")[0]))
        if first and not item.label_in_group:
            texts.append((_LEFT + 4, y + 6, item.group.split("(")[0]))
        texts.append((_COLUMNS[2] + 30, y + 6, str(values.get(item.code, ""))))
        lines.append((_COLUMNS[0 if first else 1], y, _COLUMNS[3], y))
        if not item.label_in_group:
            lines.append((_COLUMNS[1], y, _COLUMNS[1], y + _ROW))
    lines += [(x, _TOP, x, bottom) for x in (_LEFT, *_COLUMNS[2:])] + [(_LEFT, bottom, _COLUMNS[3], bottom)]
    texts.append((350, bottom + 10, foot))
    return Paper([t for t in texts if t[2]], lines if ruled else ())


def pdf(
    pages: Iterable[Paper],
    *,
    extra: Callable[[int], tuple[str, str, list[bytes]]] | None = None,
    size: tuple[float, float] = (WIDTH, HEIGHT),
) -> bytes:
    """A PDF. `extra(first free number)` gives entries of the catalogue, of each page, and further objects."""
    papers = list(pages)
    objects = [b"", b"", _FONT, _DESCENDANT, _IMAGE]
    kids = []
    for paper in papers:
        objects.append(_stream("", _content(paper)))
        objects.append(b"")
        kids.append(len(objects))
    catalogue, on_page, more = extra(len(objects) + 1) if extra else ("", "", [])
    for kid in kids:
        objects[kid - 1] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {size[0]} {size[1]}]/Contents {kid - 1} 0 R{on_page}"
            "/Resources<</Font<</F 3 0 R>>/XObject<</I 5 0 R>>>>>>"
        ).encode()
    objects[0] = f"<</Type/Catalog/Pages 2 0 R{catalogue}>>".encode()
    refs = " ".join(f"{kid} 0 R" for kid in kids)
    objects[1] = f"<</Type/Pages/Kids[{refs}]/Count {len(kids)}>>".encode()
    return _file(objects + more)


def signed(first: int) -> tuple[str, str, list[bytes]]:
    """A signature as signing programs write it; nobody checks here whether it is valid."""
    return (
        f"/AcroForm<</SigFlags 3/Fields[{first} 0 R]>>",
        f"/Annots[{first} 0 R]",
        [
            f"<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal)/Rect[0 0 0 0]/V {first + 1} 0 R>>".encode(),
            b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/Contents<3082>"
            b"/ByteRange[0 1 2 3]>>",
        ],
    )


def typed_upon(x: float, y: float, text: str) -> Callable[[int], tuple[str, str, list[bytes]]]:
    """A comment that somebody typed onto the page, as PDF programs of offices let one do."""

    def extra(first: int) -> tuple[str, str, list[bytes]]:
        box = f"{x} {HEIGHT - y - 14} {x + 60} {HEIGHT - y}"
        shown = f"BT /F 12 Tf {x} {HEIGHT - y - 11} Td <{text.encode('utf-16-be').hex()}> Tj ET".encode()
        form = f"/Type/XObject/Subtype/Form/BBox[{box}]/Resources<</Font<</F 3 0 R>>>>"
        note = f"<</Type/Annot/Subtype/FreeText/F 4/Rect[{box}]/DA(/F 12 Tf)/AP<</N {first + 1} 0 R>>>>"
        return "", f"/Annots[{first} 0 R]", [note.encode(), _stream(form, shown)]

    return extra


_FONT = b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[4 0 R]>>"
_DESCENDANT = (
    b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/W[1 95 500]"
    b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>"
    b"/FontDescriptor<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[0 -120 1000 880]"
    b"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 80>>>>"
)


def _stream(entries: str, data: bytes) -> bytes:
    return f"<<{entries}/Length {len(data)}>>stream\n".encode() + data + b"\nendstream"


_IMAGE = _stream(
    "/Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray/BitsPerComponent 8", b"\xff" * 4
)


def _content(paper: Paper) -> bytes:
    steps = [f"q {WIDTH} 0 0 {HEIGHT} 0 0 cm /I Do Q"] if paper.picture else []
    steps += [f"{a} {HEIGHT - b} m {c} {HEIGHT - d} l S" for a, b, c, d in paper.lines]
    for x, y, text in paper.texts:
        steps.append(f"BT /F 12 Tf {x} {HEIGHT - y - 10.56} Td <{text.encode('utf-16-be').hex()}> Tj ET")
    return "\n".join(steps).encode()


def _file(objects: Sequence[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.6\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n"
    return bytes(out) + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{end}".encode()


def ofd(
    pages: Iterable[Paper],
    *,
    text: Callable[[Text], str] | None = None,
    seal: bool = False,
    template: bool = False,
) -> bytes:
    """An OFD. `text` writes a line of text; with `template` the ruling lines stand on a template page."""
    papers = list(pages)
    parts: dict[str, bytes | str] = {}
    template_entry = ""
    if template:
        parts["Doc_0/Tpls/Tpl_0/Content.xml"] = _page("".join(map(_path, papers[0].lines)))
        template_entry = '<ofd:TemplatePage ID="90" BaseLoc="Tpls/Tpl_0/Content.xml"/>'
    for n, paper in enumerate(papers):
        body = "".join(map(text or text_object, paper.texts))
        body += "" if template else "".join(map(_path, paper.lines))
        if paper.picture:
            body += f'<ofd:ImageObject ID="7" ResourceID="80" Boundary="0 0 {WIDTH * _MM} {HEIGHT * _MM}"/>'
        stands_on = '<ofd:Template TemplateID="90"/>' if template else ""
        parts[f"Doc_0/Pages/Page_{n}/Content.xml"] = _page(body, stands_on)
    listed = "".join(
        f'<ofd:Page ID="{n + 1}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(papers))
    )
    area = f"<ofd:PageArea><ofd:PhysicalBox>0 0 {WIDTH * _MM} {HEIGHT * _MM}</ofd:PhysicalBox></ofd:PageArea>"
    resources = "<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>"
    parts["Doc_0/Document.xml"] = _xml(
        "Document",
        f"<ofd:CommonData>{area}{resources}{template_entry}</ofd:CommonData><ofd:Pages>{listed}</ofd:Pages>",
    )
    parts["Doc_0/DocumentRes.xml"] = _xml(
        'Res BaseLoc="Res"',
        '<ofd:MultiMedias><ofd:MultiMedia ID="80" Type="Image"><ofd:MediaFile>scan.png</ofd:MediaFile>'
        "</ofd:MultiMedia></ofd:MultiMedias>",
    )
    parts["Doc_0/Res/scan.png"] = png()
    signatures = ""
    if seal:
        signatures = "<ofd:Signatures>/Doc_0/Signs/Signatures.xml</ofd:Signatures>"
        parts["Doc_0/Signs/Signatures.xml"] = _xml(
            "Signatures", '<ofd:Signature ID="1" Type="Seal" BaseLoc="/Doc_0/Signs/Sign_0/Signature.xml"/>'
        )
        parts["Doc_0/Signs/Sign_0/Signature.xml"] = _xml(
            "Signature",
            '<ofd:SignedInfo><ofd:StampAnnot ID="1" PageRef="1" Boundary="100 200 40 40"/>'
            "<ofd:Seal><ofd:BaseLoc>Seal.esl</ofd:BaseLoc></ofd:Seal></ofd:SignedInfo>",
        )
    parts["OFD.xml"] = _xml(
        'OFD Version="1.0" DocType="OFD"',
        f"<ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>{signatures}</ofd:DocBody>",
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def text_object(text: Text) -> str:
    """The plain way: a box of its own, the base line inside it."""
    x, y, words = text
    size = 12 * _MM
    box = f"{x * _MM} {y * _MM} {size * len(words)} {size}"
    return (
        f'<ofd:TextObject ID="5" Font="3" Size="{size}" Boundary="{box}">'
        f'<ofd:TextCode X="0" Y="{0.88 * size}">{words}</ofd:TextCode></ofd:TextObject>'
    )


def spread_text_object(text: Text) -> str:
    """As converters write it: a box as large as the page, a matrix, every advance given, two pieces."""
    x, y, words = text
    size = 12 * _MM
    advances = [size if ord(c) > 0x2000 else size / 2 for c in words]
    cut = len(words) // 2
    pieces = []
    for start, piece in ((0, words[:cut]), (cut, words[cut:])):
        if piece:
            steps = " ".join(str(a / 2) for a in advances[start : start + len(piece) - 1])
            place = (x * _MM + sum(advances[:start])) / 2, (y * _MM + 0.88 * size) / 2
            delta = f' DeltaX="{steps}"' if steps else ""
            pieces.append(f'<ofd:TextCode X="{place[0]}" Y="{place[1]}"{delta}>{piece}</ofd:TextCode>')
    return (
        f'<ofd:TextObject ID="5" Font="3" Size="{size / 2}" CTM="2 0 0 2 0 0" '
        f'Boundary="0 0 {WIDTH * _MM} {HEIGHT * _MM}">{"".join(pieces)}</ofd:TextObject>'
    )


def png() -> bytes:
    out = io.BytesIO()
    Image.new("L", (40, 60), 255).save(out, "PNG")
    return out.getvalue()


def _path(line: Line) -> str:
    x0, y0, x1, y1 = (n * _MM for n in line)
    return (
        f'<ofd:PathObject ID="6" LineWidth="0.3" Boundary="{x0} {y0} {x1 - x0} {y1 - y0}">'
        f"<ofd:AbbreviatedData>M 0 0 L {x1 - x0} {y1 - y0}</ofd:AbbreviatedData></ofd:PathObject>"
    )


def _page(body: str, before: str = "") -> str:
    return _xml("Page", f'{before}<ofd:Content><ofd:Layer ID="2">{body}</ofd:Layer></ofd:Content>')


def _xml(root: str, body: str) -> str:
    name = root.split()[0]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<ofd:{root} xmlns:ofd="http://www.ofdspec.org/2016">{body}</ofd:{name}>'
    )
