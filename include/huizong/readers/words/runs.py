"""The text of a paragraph or cell in Word, run by run ([ECMA-376] part 1, 17.3): all that is shown, as shown.

Revisions are read as accepted: what was deleted is gone, what was inserted is there. What else parts a
figure from its neighbour is said by `pieces`.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from huizong.readers.layout.pieces import APART, FORMULA, HIDDEN, PROMPT, SIGN, STRUCK, joined

Manners = Mapping[etree._Element, str | None]  # run → its manner; None: it is not there

_LEFT_OUT = frozenset(["del", "moveFrom", "Fallback", "instrText", "delText", "tbl"])
_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "sym": SIGN}
# What holds text, or nothing, without a trace on the page. Anything else parts what stands on its sides.
_SEAMLESS = frozenset(
    ["r", "ins", "moveTo", "hyperlink", "fldSimple", "dir", "bdo", "smartTag", "customXml", "sdt"]
    + ["sdtContent", "AlternateContent", "Choice", "oMath", "oMathPara", "tc", "tr", "hdr", "ftr"]
    + ["bookmarkStart", "bookmarkEnd", "proofErr", "permStart", "permEnd", "lastRenderedPageBreak"]
    + ["commentRangeStart", "commentRangeEnd", "commentReference", "annotationRef", "sdtEndPr"]
    + [f"{kind}Range{end}" for kind in ("moveFrom", "moveTo") for end in ("Start", "End")]
    + [f"customXml{kind}Range{end}" for kind in ("Ins", "Del") for end in ("Start", "End")]
)
_MATH = "math}"  # transitional and strict namespaces both end so
_OFF = frozenset(["0", "false", "off", "none", "baseline"])


def name_of(element: etree._Element) -> str:
    """The element's name in any namespace: those of transitional and strict documents differ."""
    return str(element.tag).rpartition("}")[2]


def manners_of(part: etree._Element) -> Manners:
    """The runs of a part that are struck, hidden, raised or a prompt: by far most documents have none."""
    found: dict[etree._Element, str | None] = {}
    for element in part.iter("{*}vertAlign", "{*}vanish", "{*}strike", "{*}dstrike"):
        run = _run_of(element)
        if run is not None and not _OFF.intersection(map(str, element.attrib.values())):
            manner = {"vertAlign": APART, "vanish": HIDDEN}.get(name_of(element), STRUCK)
            found[run] = manner if manner != APART else found.get(run, APART)
    for element in part.iter("{*}showingPlcHdr"):
        control = element.getparent().getparent() if element.getparent() is not None else None
        for run in () if control is None else control.iter("{*}r"):
            found[run] = PROMPT if any(map(str.isdigit, "".join(map(str, run.itertext())))) else None
    return found


def text_of(element: etree._Element, manners: Manners) -> str:
    """All text below, except what is deleted, stands in a nested table, or is the fallback of a drawing."""
    text = _Text(manners)
    text.below(element, "")
    return joined(text.pieces).strip("\n")


def _run_of(element: etree._Element) -> etree._Element | None:
    properties = element.getparent()
    run = properties.getparent() if properties is not None and name_of(properties) == "rPr" else None
    return run if run is not None and name_of(run) == "r" else None


class _Text:
    def __init__(self, manners: Manners) -> None:
        self.pieces: list[tuple[str, str]] = []
        self._manners = manners
        self._fields: list[bool] = []  # open fields, the outermost first: whether its result has begun

    def below(self, parent: etree._Element, manner: str) -> None:
        for child in parent:
            name = name_of(child)
            if name == "r":
                self._run(child, manner)
            elif name == "t":
                self._add(manner, child.text or "")
            elif name in _CHARACTERS:
                self._add(manner, _CHARACTERS[name])
            elif name == "p":
                self._add("", "\n" if self.pieces else "")
                self.below(child, manner)
            elif name == "fldChar":
                self._field(child)
            elif name not in _LEFT_OUT and not name.endswith("Pr"):
                self._other(child, name, manner)

    def _run(self, run: etree._Element, manner: str) -> None:
        own = self._manners.get(run, "") if self._manners else ""
        if own is not None:
            self.below(run, own or manner)

    def _other(self, element: etree._Element, name: str, manner: str) -> None:
        if name in _SEAMLESS:
            self.below(element, manner)
        elif name == "txbxContent":
            self.below(element, manner)
            self._add("", "\n")
        else:
            self._add("", APART)
            self.below(element, FORMULA if _MATH in str(element.tag) else manner)
            self._add("", APART)

    def _field(self, mark: etree._Element) -> None:
        """Between its beginning and its result a field holds what is never shown."""
        kind = next((str(v) for k, v in mark.attrib.items() if str(k).endswith("fldCharType")), "")
        if kind == "begin":
            self._fields.append(False)
        elif self._fields and kind == "separate":
            self._fields[-1] = True
        elif self._fields:
            self._fields.pop()

    def _add(self, manner: str, text: str) -> None:
        if text and all(self._fields):
            self.pieces.append((manner, text))
