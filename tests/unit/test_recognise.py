"""Whose form is it: every case of the three witnesses (docs: identity of a return)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from huizong.intake.recognise import (
    Named,
    Witnesses,
    identify,
    name_index,
    names_within,
    read_name,
    units_named,
)

NAMES = {"A": "红旗区", "B": "卫滨区", "C": "凤泉区"}


@dataclass
class Case:
    says: str
    file: str | None = None
    problem: str = ""
    sender: str = ""
    content: str = ""
    too: bool = False
    unit: str | None = None
    registered: bool = False
    reason: tuple[str, ...] = ()


# ruff: noqa: E501 (a table is read by its columns)
CASES = [
    Case("all three agree", file="A", sender="A", content="A", unit="A", registered=True),
    Case("file and sender agree", file="A", sender="A", unit="A", registered=True),
    Case("file and content agree, a stranger sent it", file="A", content="A", unit="A"),
    Case("a valid token alone, from a stranger", file="A", unit="A"),
    Case("a registered address alone", sender="A", unit="A", registered=True),
    Case("sender and content agree", sender="A", content="A", unit="A", registered=True),
    Case("the sender speaks for two, the token tells which", file="B", sender="AB", unit="B", registered=True),
    Case("the sender speaks for two, the header tells which", sender="AB", content="B", unit="B", registered=True),
    Case("a name borne by two, the sender is one", sender="A", content="AB", unit="A", registered=True),
    Case("the sender brings others' forms with its own", file="B", sender="A", too=True, unit="B"),
    Case("the file against the sender", file="B", sender="A", reason=("发件单位与表内识别码不一致", "识别码：卫滨区", "发件人：红旗区")),
    Case("the file against the header", file="B", content="A", reason=("表头单位与表内识别码不一致", "识别码：卫滨区", "表头：红旗区")),
    Case("the file and the sender against the header", file="A", sender="A", content="B", reason=("表头单位与表内识别码不一致", "表头：卫滨区")),
    Case("brought along, but its header is another's", file="B", sender="A", content="C", too=True, reason=("表头单位与表内识别码不一致",)),
    Case("the header against the sender", sender="A", content="B", reason=("表头单位与发件单位不一致", "发件人：红旗区", "表头：卫滨区")),
    Case("the sender speaks for two and nothing tells which", sender="AB", reason=("多家单位的联系人", "发件人：红旗区、卫滨区")),
    Case("the sender speaks for two and the header names both", sender="AB", content="AB", reason=("多家单位的联系人",)),
    Case("the header alone, from a stranger", content="A", reason=("发件地址未登记", "表头：红旗区")),
    Case("nothing at all", reason=("发件地址未登记，文件中也没有识别码。",)),
    Case("an altered token, whatever the rest says", problem="altered", sender="A", content="A", reason=("识别码被改动过", "发件人：红旗区")),
    Case("a foreign token", problem="foreign", sender="A", reason=("不是本单位签发",)),
    Case("half a token", problem="malformed", sender="A", reason=("不完整",)),
    Case("last year's form", problem="other_cycle", sender="A", content="A", reason=("其他统计任务",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.says)
def test_identify(case: Case) -> None:
    witnesses = Witnesses(case.file, case.problem, frozenset(case.sender), frozenset(case.content))
    verdict = identify(witnesses, NAMES, sender_reports_too=case.too)
    assert verdict.unit == case.unit
    assert verdict.disposition == ("return" if case.unit else "triage")
    assert verdict.from_registered is case.registered
    assert bool(verdict.reason) is (case.unit is None)  # who waits is told why, with what each witness says
    for words in case.reason:
        assert words in verdict.reason


def test_a_witness_that_is_silent_is_not_quoted() -> None:
    verdict = identify(Witnesses(sender=frozenset("A"), content=frozenset("B")), NAMES)
    assert "识别码" not in verdict.reason


KNOWN = {
    "410702": ("红旗区科学技术局", "红旗区", "红旗区科技局"),
    "410721": ("新乡县科学技术局", "新乡县"),
    "410700": ("新乡市科学技术局", "新乡市", "市本级"),
}


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("红旗区科学技术局", {"410702"}),
        ("红 旗 区", {"410702"}),
        ("　红旗区科技局\n", {"410702"}),
        ("红旗区科技局（盖章）", {"410702"}),
        ("新乡", set()),  # a part of a name is no name
        ("新乡县红旗区", set()),
        ("", set()),
        ("____", set()),
        ("牧野区", set()),
    ],
)
def test_units_named(typed: str, codes: set[str]) -> None:
    assert units_named(typed, name_index(KNOWN)) == codes


def test_a_name_that_two_units_bear_names_both() -> None:
    assert units_named("科技局", name_index({"A": ("科技局",), "B": ("科技局",)})) == {"A", "B"}


AREA = {
    "self": ("新乡市本级", "市本级", "新乡市"),
    "hongqi": ("红旗区科学技术局", "红旗区", "新乡市红旗区", "红旗区教育科技局"),
    "xian": ("新乡县科学技术局", "新乡县"),
    "gaoxin": ("新乡高新区科技局", "高新区"),
    "jyj": ("新乡市教育局", "市教育局"),
}


@pytest.mark.parametrize(
    ("typed", "units", "beneath"),
    [
        ("红旗区教育局", "", "hongqi"),
        ("新乡市红旗区教育局", "", "hongqi"),
        ("新乡市高新区第一中学", "", "gaoxin"),  # its parent's name before it
        ("红旗区东街街道办事处", "", "hongqi"),
        ("红旗区科技馆", "", "hongqi"),
        ("红旗区东街街道科技办", "", "hongqi"),
        ("新乡市体育局", "", "self"),
        ("新乡市新乡县", "xian", ""),
        ("新乡市教育局", "jyj", ""),
        ("红旗区教育科技局", "hongqi", ""),  # a former name
        # the area's own answer under another name: says nothing against it, and nothing for it
        ("红旗区科学技术和工业信息化局", "", ""),
        ("红旗区科学技术协会", "", ""),
        ("红旗区科协", "", ""),
        ("红旗区人民政府", "", ""),
        ("红旗区科学技术局科普股", "", ""),
        ("新乡市教育局基础教育科", "", ""),
        # no name
        ("新乡", "", ""),
        ("教育局", "", ""),
        ("新乡县红旗区教育局", "", ""),
        ("红旗区活动周材料", "", ""),
        ("", "", ""),
    ],
)
def test_a_department_is_told_from_its_unit(typed: str, units: str, beneath: str) -> None:
    named = read_name(typed, name_index(AREA), lambda code: "" if code == "self" else "self")
    assert named == Named(frozenset([units] if units else []), beneath or None)


def test_a_longer_name_hides_those_inside_it() -> None:
    assert names_within("新乡市红旗区总结.docx", AREA) == {"hongqi"}
    assert names_within("红旗区和新乡县总结.docx", AREA) == {"hongqi", "xian"}
    assert names_within("总结.docx", AREA) == set()


def test_a_departments_form_names_unit_and_remedy() -> None:
    verdict = identify(Witnesses("A", sender=frozenset("A"), beneath="A", text="红旗区教育局"), NAMES)
    assert (verdict.disposition, verdict.unit) == ("subordinate", "A")
    assert verdict.reason == "“红旗区教育局”系红旗区下属单位，未计入汇总，请由红旗区汇总后统一报送。"
    assert identify(Witnesses("B", beneath="A", text="红旗区教育局"), NAMES).disposition == "triage"


def test_what_a_witness_says_is_kept_for_the_operator() -> None:
    heard = Witnesses("A", "", frozenset("B"), frozenset("C"), None, "凤泉区", "x@qq.example").as_data()
    assert heard == {
        "file": {"unit": "A", "problem": ""},
        "sender": {"address": "x@qq.example", "units": ["B"]},
        "content": {"text": "凤泉区", "units": ["C"], "beneath": None},
    }
