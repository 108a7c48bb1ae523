"""What a report, a photograph or a film is asked about: the wording that clerks read."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from documents import tables_of
from huizong.definition.model import Part, PartKind
from huizong.intake.parts import classify, duration_text, notes_on
from huizong.readers.model import FileReading, FormReading, PressItem
from huizong.rules.material import Document, Figure, Media, judge_document, judge_media, told_differently
from office import PROJECT

BODY = "活动期间组织开展了科普讲座、开放日、科技成果展示等活动，群众踊跃参加，反响良好。" * 4
MINE = Document(
    part="活动总结",
    file="总结.docx",
    text=f"铁西区2023年科技活动周活动总结\n{BODY}\n铁西区科学技术局\n2023年6月1日",
    own=("铁西区科学技术局", "铁西区", "四平市铁西区"),
    others={"220303": ("铁东区科学技术局", "铁东区"), "220322": ("梨树县科学技术局", "梨树县")},
    years=frozenset({2023}),
    least=100,
)


def told(document: Document) -> list[str]:
    found = judge_document(document)
    assert all(f.severity == "verify" and f.item is None for f in found)
    return [f.message for f in found]


@pytest.mark.parametrize(
    "text",
    [
        MINE.text,
        f"关于2022—2023年度科普工作的总结\n{BODY}\n铁西区",  # a span of years with the cycle's in it
        f"活动总结\n我区与铁东区科学技术局联合开展活动。\n{BODY}\n铁西区科技局",  # names another, and itself
        f"活动总结\n{BODY}",  # says nobody's name: no contradiction
        f"铁西区活动总结\n自2010年以来，我区连续举办科技活动周。\n{BODY}",
        f"铁西区活动总结\n{BODY}\n一、××学校（1次）",  # one such mark is a name left out
    ],
)
def test_an_honest_report_is_not_asked_about(text: str) -> None:
    assert told(replace(MINE, text=text)) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"text": "铁西区活动总结：已开展。"},
            "活动总结仅12字，内容过于简略，请核实是否误发或未完成，并补报完整材料；确无更多内容的请说明。",
        ),
        ({"text": " \n"}, "活动总结中未读到文字，请核实是否误发，并补报文字稿。"),
        (
            {"text": f"铁东区科学技术局活动总结\n{BODY}", "file": "1.docx"},
            "活动总结标题或落款为“铁东区科学技术局”，与报送单位不一致，请核对是否误发其他单位的材料。",
        ),
        (
            {"text": f"活动总结\n{BODY}\n梨树县科学技术局\n2023年6月", "file": "1.docx"},
            "活动总结标题或落款为“梨树县科学技术局”，与报送单位不一致，请核对是否误发其他单位的材料。",
        ),
        (
            {"text": f"铁西区2022年科技活动周总结\n{BODY}"},
            "活动总结标题为“铁西区2022年科技活动周总结”，与本次任务（2023年）不符，请核实是否误发往年材料。",
        ),
        (
            {"text": f"铁西区活动总结\n共举办活动____场，参与群众____人次，媒体报道____篇。{BODY}"},
            "活动总结中有3处“____”等待填写，疑为未填写的模板，请核实后报送正式稿。",
        ),
        (
            {"text": f"科技活动周总结（样稿）\n{BODY}"},
            "活动总结标题为模板或范文，疑为未填写的模板，请核实后报送正式稿。",
        ),
        ({"same_as": "other"}, "活动总结与另一单位报送的材料文字相同，请核对是否误发其他单位的材料。"),
        ({"same_as": "before"}, "活动总结与上年报送的材料文字相同，请核实是否误发上年材料。"),
    ],
)
def test_what_a_report_is_asked_about(change: dict[str, str], sentence: str) -> None:
    assert told(replace(MINE, **change)) == [sentence]  # type: ignore[arg-type]


def test_a_scan_that_nobody_could_read_is_not_called_short() -> None:
    assert told(replace(MINE, text="", unread=True)) == []
    assert told(replace(MINE, text="短", least=0)) == []


HELD = Figure("activities.held", "举办活动次数", "次", Decimal(65))
OUTLETS = Figure("media.outlets", "参与媒体数量", "家", Decimal(12))


def differs(text: str, *figures: Figure) -> list[tuple[str | None, str]]:
    return [(f.item, f.message) for f in told_differently(text, figures or (HELD,), "总结报告", "统计表")]


@pytest.mark.parametrize(
    "text",
    [
        "全区共举办科普活动56场次",
        "共开展各类活动 56 场次。",
        "累计组织开展56场次科普活动",
        "举办活动共计56场次",
    ],
)
def test_report_and_form_say_different_numbers(text: str) -> None:
    asked = "总结报告所述活动56场次与统计表65次不一致，请更正或说明统计口径。"
    assert differs(text) == [("activities.held", asked)]


@pytest.mark.parametrize(
    "text",
    [
        "全区共举办科普活动65场次",
        "举办科普活动65场，其中学校举办活动56场",  # the form's number is among them
        "城区举办活动30场，乡镇举办活动26场",  # parts of a total that it does not say
        "举办活动60余场", "举办活动约56场", "举办活动1.2万场", "举办讲座56场", "活动56场次见附表",
    ],
)  # fmt: skip
def test_a_report_that_says_no_other_number(text: str) -> None:
    assert differs(text) == []


def test_any_items_own_words_are_looked_for() -> None:
    asked = "总结报告所述参与媒体15家与统计表12家不一致，请更正或说明统计口径。"
    assert differs("活动周参与媒体达15家。", HELD, OUTLETS) == [("media.outlets", asked)]


def test_a_film_that_is_too_long_states_its_length() -> None:
    film = Media("video", seconds=Decimal("252.4"), most_minutes=3)
    (finding,) = judge_media(film)
    assert finding.severity == "verify"
    assert finding.message == (
        "视频时长4分12秒，超过通知规定的3分钟，请剪辑后补报视频，其他材料无需重报。"
    )  # fmt: skip
    assert judge_media(replace(film, seconds=Decimal("180.9"))) == []
    assert judge_media(replace(film, most_minutes=None)) == []
    assert judge_media(replace(film, seconds=None)) == []


def test_a_length_as_people_say_it() -> None:
    said = {59: "59秒", 180: "3分", 252: "4分12秒", 3_725: "1小时2分5秒", 0: "0秒"}
    assert {n: duration_text(Decimal(n)) for n in said} == said


def test_a_logo_is_no_photograph_of_an_event() -> None:
    (hint,) = judge_media(Media("image", 300_000, (120, 80)))
    assert (hint.severity, hint.message) == (
        "hint",
        "图片较小（120×80像素），不像活动照片，如需作为影像资料，请补发原图。",
    )
    assert len(judge_media(Media("image", 8_000, (640, 480)))) == 1
    assert judge_media(Media("image", 300_000, (640, 480))) == []
    assert judge_media(Media("image", 300_000, None)) == []


# --- which part it is ---------------------------------------------------------------------------------

SIPING: tuple[PartKind, ...] = ("document", "media", "press")
ASSOCIATIONS: tuple[PartKind, ...] = ("news", "document", "media")
FORM = FormReading(instrument="activity-week-statistics@2023")
ITEM = PressItem(title="科普进校园", link="https://a.example/1")


def part_of(kinds: tuple[PartKind, ...], name: str, reading: FileReading) -> str | None:
    parts = [Part.model_construct(code=kind, kind=kind) for kind in kinds]
    found = classify(name, reading, parts)
    return found.kind if found else None


def read(kind: str, text: str = "", **more: object) -> FileReading:
    return FileReading(kind=kind, disposition="return", text=text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "reading", "part"),
    [
        ("活动总结.docx", read("docx", BODY), "document"),
        ("铁西区.docx", read("docx", f"铁西区科技活动周总结\n{BODY}"), "document"),
        ("媒体报道.docx", read("docx", BODY), "press"),
        ("铁西区.docx", read("docx", "媒体报道链接\nhttps://a.example/1", press=(ITEM,)), "press"),
        ("媒体报道.xlsx", read("xlsx", press=(ITEM,)), "press"),
        ("附件2.xlsx", read("xlsx", press=(ITEM,)), "press"),
        ("媒体报道.xlsx", read("xlsx"), None),  # no list in it
        ("链接.txt", read("text", "https://a.example/1"), "press"),
        ("说明.txt", read("text", "材料如附件。"), None),
        ("网站截图.jpg", read("image"), "press"),
        ("媒体报道/1.png", read("image"), "press"),
        ("IMG_0001.jpg", read("image"), "media"),
        ("活动视频.mp4", read("video"), "media"),
        ("媒体报道视频.mp4", read("video"), "press"),
        ("mmexport1.mp4", read("video"), "media"),
        ("铁西区.docx", read("docx", BODY), None),
        ("铁西区.pdf", read("pdf"), None),
        ("统计表.docx", read("docx", "科技活动周开展情况统计表", forms=(FORM,)), None),
        ("附件.docx", read("docx", "科技活动周开展情况统计表\n举办活动次数"), None),
        ("发票.pdf", read("pdf", BODY), None),
    ],
)  # fmt: skip
def test_summary_media_and_press_side_by_side(name: str, reading: FileReading, part: str | None) -> None:
    assert part_of(SIPING, name, reading) == part


@pytest.mark.parametrize(
    ("name", "reading", "part"),
    [
        ("科协信息第3期.docx", read("docx", BODY), "news"),
        ("1.docx", read("docx", f"红旗区科协举办科普进社区活动\n{BODY}"), "news"),
        ("1.txt", read("text", f"红旗区科协举办科普进社区活动\n{BODY}"), "news"),
        ("1.docx", read("docx", f"红旗区科协活动开展情况\n{BODY}"), "document"),
        ("总结.txt", read("text", BODY), "document"),
        ("零报告.txt", read("text", "本单位无活动。"), None),
        ("1.docx", read("docx", BODY), None),
        ("合影.jpg", read("image"), "media"),
    ],
)
def test_news_and_summary_side_by_side(name: str, reading: FileReading, part: str | None) -> None:
    assert part_of(ASSOCIATIONS, name, reading) == part


def test_what_a_person_is_told_of_material() -> None:
    press = Part.model_construct(code="press", kind="press")
    media = Part.model_construct(code="media", kind="media")
    assert notes_on(press, read("xlsx", press=(ITEM, PressItem(title="开放日")))) == [
        "媒体报道清单2条，其中1条有链接"
    ]
    assert notes_on(media, read("video", seconds=Decimal("252.4"))) == ["视频时长4分12秒"]
    assert notes_on(media, read("video")) == ["视频时长未能测出，请人工查看"]
    assert notes_on(media, read("image")) == []


def test_a_document_sent_as_photographs_holds_some() -> None:
    (finding,) = judge_media(Media("docx", size=99_999, pictures=0))
    assert finding.message == "文件中未见照片，请核对是否发错文件，并补报照片原图。"


def test_the_document_lists_every_rule_with_a_sentence_that_clerks_read() -> None:
    rows = {row["rule"]: row for table in tables_of("values.md") for row in table if "the unit reads" in row}
    source = (PROJECT / "include/huizong/rules/material.py").read_text(encoding="utf-8")
    rules = set(re.findall(r'(?:_ask\(|rule=|TOO_LONG = |DIFFERS = )"([a-z_]+)"', source))
    assert set(rows) == rules
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [row["the unit reads"] for row in rows.values() if row["the unit reads"] not in tests] == []
