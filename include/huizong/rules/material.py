"""Rules for what has no figures of its own: written reports, photographs, films.

All of them ask (`verify`) or only remark (`hint`): such a part counts as it came. The wording follows the
field's (mistakes 13 and 18 of the twenty likeliest).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from huizong.intake.parts import duration_text
from huizong.intake.recognise import names_within
from huizong.rules.model import Finding

VERSION = "material-1"
TOO_LONG = "video_too_long"
DIFFERS = "report_differs"
LEAST_CHARACTERS = 100  # of a required document, where the definition says nothing
ICON_BYTES, ICON_PIXELS = 20_000, 200  # below either a picture is a logo, not a photograph

_TITLE_LINES, _TITLE, _END_LINES = 5, 60, 6  # where a report says whose it is; a title's characters
_NAME = 5  # characters of a name that stands for one unit only
_YEAR = re.compile(r"(?<!\d)(20\d\d)\s*(?:[-—–~至]\s*(20\d\d)\s*)?年(?!以来|至今|度?计划)")
_OPEN = re.compile(r"[×Xx＊*]{2,}|[_＿]{3,}|某某|[（(【\[](?:请|此处)[^）)】\]]{0,20}(?:填写|说明|简述|插入)")
_MODEL = re.compile(r"模板|范文|参考提纲|写作提纲|（样稿）|（样本）|\(样稿\)")
_OPEN_FROM = 3  # places to fill in, from which a text is a template


@dataclass(frozen=True)
class Document:
    """A written part as the rules see it.

    Attributes:
        part: what it is called: 总结报告.
        own: the names of its unit; `others`: code → the full names of other units.
        years: the cycle's.
        least: characters that it must have; 0: any number.
        unread: nobody could say what stands in it (a scan).
        same_as: who sent the same text before: "" nobody, "other" another unit, "before" the unit last year.
    """

    part: str
    file: str
    text: str
    own: Sequence[str]
    others: Mapping[str, Sequence[str]]
    years: frozenset[int]
    least: int = 0
    unread: bool = False
    same_as: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure of the form that counts: `label`, `unit` and value."""

    item: str
    label: str
    unit: str
    value: Decimal


@dataclass(frozen=True)
class Media:
    """A photograph or film as the rules see it, or a document that holds photographs."""

    kind: str
    size: int = 0  # bytes
    pixels: tuple[int, int] | None = None
    seconds: Decimal | None = None
    most_minutes: int | None = None
    pictures: int | None = None  # in a document


def judge_document(document: Document) -> list[Finding]:
    """What is to be asked of a report; of one that is nobody's text, only that."""
    name = document.part
    if document.same_as:
        whose = "另一单位" if document.same_as == "other" else "上年"
        ask = "请核对是否误发其他单位的材料。" if document.same_as == "other" else "请核实是否误发上年材料。"
        return [_ask("same_text", f"{name}与{whose}报送的材料文字相同，", ask)]
    if places := _template(document.text):
        return [_ask("blank_template", f"{name}{places}，疑为未填写的模板，", "请核实后报送正式稿。")]
    return [*_length(document), *_other_unit(document), *_other_year(document)]


def _ask(rule: str, message: str, remedy: str, item: str | None = None) -> Finding:
    return Finding(rule=rule, severity="verify", item=item, message=message + remedy)


def characters(text: str) -> int:
    """How many characters a text has, white space aside."""
    return len("".join(text.split()))


def _template(text: str) -> str:
    if _MODEL.search("\n".join(_title(text))):
        return "标题为模板或范文"
    places = _OPEN.findall(text)
    return f"中有{len(places)}处“{places[0][:8]}”等待填写" if len(places) >= _OPEN_FROM else ""


def _length(document: Document) -> Iterator[Finding]:
    n = characters(document.text)
    if document.unread or n >= document.least:
        return
    if n:
        remedy = "请核实是否误发或未完成，并补报完整材料；确无更多内容的请说明。"
        yield _ask("too_short", f"{document.part}仅{n}字，内容过于简略，", remedy)
    else:
        yield _ask("too_short", f"{document.part}中未读到文字，", "请核实是否误发，并补报文字稿。")


def _other_unit(document: Document) -> Iterator[Finding]:
    if any(name in document.text or name in document.file for name in document.own if len(name) > 1):
        return
    lines = _lines(document.text)
    ends = "\n".join((*_title(document.text), *(line for line in lines[-_END_LINES:] if len(line) <= _TITLE)))
    others = document.others.items()
    named = {code: [n for n in names if len(n) >= _NAME and n not in document.own] for code, names in others}
    if found := names_within(ends, named):
        said = next(name for code in sorted(found) for name in named[code] if name in ends)
        remedy = "与报送单位不一致，请核对是否误发其他单位的材料。"
        yield _ask("another_unit", f"{document.part}标题或落款为“{said}”，", remedy)


def _other_year(document: Document) -> Iterator[Finding]:
    for line in (line for line in _title(document.text)[:3] if not line.endswith("。")):
        said = {int(year) for match in _YEAR.findall(line) for year in match if year}
        if said:
            if not said & document.years:
                years = "、".join(f"{year}年" for year in sorted(document.years))
                remedy = f"与本次任务（{years}）不符，请核实是否误发往年材料。"
                yield _ask("another_year", f"{document.part}标题为“{line}”，", remedy)
            return


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _title(text: str) -> list[str]:
    return [line for line in _lines(text)[:_TITLE_LINES] if len(line) <= _TITLE]


# --- the report beside the form (mistake 13) ----------------------------------------------------------

_VERBS = ("组织开展", "举办", "开展", "组织", "举行")
_AMONG = r"(?:各类|各种|各项|系列|科普|科技|主题|宣传|惠民|线上线下|群众性|特色|、)*"
_TOTAL = r"(?:共|共计|总计|累计|合计|达到?|为|了)*"
_EXACT = r"(?P<n>\d{1,9}(?:\.\d+)?)"  # its unit right behind it: neither 余 nor 万
_UNITS = {
    "次": "场次|场|次",
    "人次": "人次",
    "人": "人|名",
    "家": "家",
    "篇": "篇|条",
    "个": "个|项",
    "所": "所",
}
_ENDING = re.compile(r"(?:人员)?(?:数量|次数|个数|人数|情况)$")
_STEM = 4  # characters: shorter ones stand for anything


def told_differently(text: str, figures: Sequence[Figure], part: str, form: str) -> list[Finding]:
    """Where a report says one exact number in an item's own words, and it is not the form's.

    Args:
        part, form: what the report and the form are called.

    Returns:
        Findings on the items; none where the report says several numbers, or the form's among them.
    """
    squeezed = "".join(text.split()).replace(",", "")
    return [f for figure in figures if (f := _told(squeezed, figure, part, form))]


def _told(text: str, figure: Figure, part: str, form: str) -> Finding | None:
    what, patterns = _patterns(figure)
    said: dict[Decimal, str] = {}
    for match in (match for pattern in patterns for match in pattern.finditer(text)):
        said.setdefault(Decimal(match["n"]), match["unit"])
    if len(said) != 1 or figure.value in said:
        return None
    ((number, unit),) = said.items()
    message = f"{part}所述{what}{number:f}{unit}与{form}{_plain(figure.value)}{figure.unit}不一致，"
    return _ask(DIFFERS, message, "请更正或说明统计口径。", figure.item)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _patterns(figure: Figure) -> tuple[str, list[re.Pattern[str]]]:
    """What the number is of, and how it is said: the number behind the item's words, or between them."""
    stem = _ENDING.sub("", figure.label)
    unit = f"(?P<unit>{_UNITS.get(figure.unit, re.escape(figure.unit))})"
    if len(stem) < _STEM or not figure.unit:
        return "", []
    verb = next((verb for verb in _VERBS if stem.startswith(verb)), "")
    noun = stem.removeprefix(verb)
    if not verb:
        return stem, [re.compile(f"{re.escape(stem)}{_TOTAL}{_EXACT}{unit}")]
    verbs, what = f"(?:{'|'.join(_VERBS)})", re.escape(noun)
    behind = f"{verbs}了?{_AMONG}{what}{_TOTAL}{_EXACT}{unit}"
    between = f"{verbs}了?{_TOTAL}{_EXACT}{unit}{_AMONG}{what}"
    return noun, [re.compile(behind), re.compile(between)]


# --- photographs and films (mistake 18) ---------------------------------------------------------------


def judge_media(media: Media) -> list[Finding]:
    """A film longer than the notice allows and a document without photographs are asked about; a picture as
    small as a logo is remarked on."""
    if media.kind == "video":
        return list(_too_long(media))
    if media.pictures == 0:
        return [_ask("no_pictures", "文件中未见照片，", "请核对是否发错文件，并补报照片原图。")]
    small = media.pixels is not None and min(media.pixels) < ICON_PIXELS
    if media.kind != "image" or not (small or (media.size < ICON_BYTES and media.pixels is not None)):
        return []
    width, height = media.pixels or (0, 0)
    message = f"图片较小（{width}×{height}像素），不像活动照片，如需作为影像资料，请补发原图。"
    return [Finding(rule="not_a_photo", severity="hint", item=None, message=message)]


def _too_long(media: Media) -> Iterator[Finding]:
    if media.seconds is None or media.most_minutes is None or int(media.seconds) <= media.most_minutes * 60:
        return
    message = f"视频时长{duration_text(media.seconds)}，超过通知规定的{media.most_minutes}分钟，"
    yield _ask(TOO_LONG, message, "请剪辑后补报视频，其他材料无需重报。")
