"""Labels are told by what they say: with marks, numbers and slips, but never one for its neighbour."""

from __future__ import annotations

from pathlib import Path

import pytest

from huizong.instruments.model import load_instrument
from huizong.readers.layout.labels import Group, Labels, normalise

ROOT = Path(__file__).parents[2]
FORM = load_instrument(ROOT / "include/forms/activity-week-statistics@2022.yaml")
LABELS = Labels(FORM.items)


def test_every_printed_label_is_its_own_item() -> None:
    assert {i.code: m.codes for i in FORM.items if (m := LABELS.match(i.label))} == {
        i.code: (i.code,) for i in FORM.items
    }


@pytest.mark.parametrize(
    ("text", "code", "matched"),
    [
        ("举办\n活动 次数", "activities.held", "exact"),
        ("举办活动次数：", "activities.held", "exact"),
        ("１．举办活动次数", "activities.held", "exact"),
        ("1、举办活动次数", "activities.held", "exact"),
        ("（一）举办活动次数", "activities.held", "exact"),
        ("①举办活动次数", "activities.held", "exact"),
        ("第1项 举办活动次数", "activities.held", "exact"),
        ("省级,副省级财政经费投入情况", "funding.provincial", "exact"),
        ("实物投入情况(如:捐赠图书､光盘､创新操作室等)", "funding.in_kind", "exact"),
        ("实物投入情况", "funding.in_kind", "alias"),
        ("举办活动次数（次）", "activities.held", "alias"),
        ("市级财政经费投入情况（万元）", "funding.municipal", "alias"),
        ("举办活动的次数", "activities.held", "fuzzy"),
        ("其它经费情况", "funding.other", "fuzzy"),
        ("线下活动群众参与数", "public.offline", "fuzzy"),
        ("活动周期间开放科普场馆数量", "open.venues", "fuzzy"),
        ("副省级、省级财政经费投入情况", "funding.provincial", "bag"),
        ("活科普动场周馆期数间量开放的", "open.venues", "bag"),
    ],
)
def test_a_label_is_known_in_other_dress(text: str, code: str, matched: str) -> None:
    match = LABELS.match(text)
    assert match is not None
    assert (match.codes, match.matched) == ((code,), matched)
    assert (match.confidence == 1.0) == (matched in ("exact", "alias"))


@pytest.mark.parametrize(
    "text",
    [
        "区级财政经费投入情况",  # one character from 市级 and from 县级
        "科普兼职人员数量",  # a slip in a word may be another item
        "非科普专职人员数量",
        "活动周期间开放活动的中学数量",
        "活动周期间未开放活动的大学数量",
        "其中人员数量",
        "科研工作者参与数量",
        "宣传报告数量",
        "举行活动次数",
        "省级财政经费投入情况",
        "线小活动群众参与数量",
        "线上线下活动群众参与数量",
        "地方财政经费投入情况",
        "活动周期间开放的科普基地数量",
        "活动经费投入数量(单位：万元)",
        "科普活动群众参与数量",
        "合计",
        "56",
        "",
        "数" * 5_000,
    ],
)
def test_what_could_be_two_items_or_none_is_no_label(text: str) -> None:
    assert LABELS.match(text) is None


def test_group_labels_are_known_with_their_line_breaks() -> None:
    assert LABELS.group("科普活动\n群众参与数量") == Group("科普活动群众参与数量")
    assert LABELS.group("活动经费投入数量\n（单位：万元）") == Group("活动经费投入数量(单位：万元)")
    assert LABELS.group("活动经费投入数量（单位：元）") == Group("活动经费投入数量(单位：万元)", ("元",))
    assert LABELS.group("举办活动次数") is None


def test_a_year_is_not_a_number_before_a_label() -> None:
    assert normalise("2022年全国科技活动周") == "2022年全国科技活动周"
