"""What people read on the command line: at 80 columns no code is split, and each screen says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from huizong.cli.layout import wrap
from huizong.cli.output import print_answer

CODES = ("410700-self", "410702", "410703", "410721", "XX-WJW")
NAMES = dict(zip(CODES, ("市本级", "红旗区", "卫滨区", "新乡县", "市卫生健康委员会"), strict=True))
MORNING = "2022-06-15T02:00:00+00:00"
SEVERITIES = ("mandatory", "quasi_mandatory", "verify", "hint")
PARTS = ["科技活动周开展情况统计表", "统计表盖章扫描件", "总结报告"]


def shown(data: Mapping[str, Any], width: int = 80) -> str:
    out = StringIO()
    print_answer(Console(file=out, width=width, highlight=False), data)
    return out.getvalue()


def block(text: str, beginning: str) -> str:
    """The item's first line and the indented ones under it, as one line."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(beginning))
    rest = [line.strip() for line in lines[start + 1 :]]
    end = next((n for n, line in enumerate(lines[start + 1 :]) if not line.startswith(" ")), len(rest))
    return "".join([lines[start], *rest[:end]])


def unit(code: str, status: str, **said: Any) -> dict[str, Any]:
    return {
        "code": code, "name": NAMES[code], "collection": "science-departments", "status": status,
        "punctual": None, "versions": 0, "parts": {}, "missing": PARTS,
        "findings": dict.fromkeys(SEVERITIES, 0), "flags": [], "waiting": [], "explanations": [],
        "received_at": None, "scans": [], "notes": [],
    } | said  # fmt: skip


def scan(**said: Any) -> dict[str, Any]:
    return {"file": "盖章.jpg", "stamp": True, "agrees": True, "differs": [], "unread": []} | said


EXPLAINED = {
    "item": "public.online",
    "message": "第15项与上年相同，请核实。",
    "explanation": "与主办方核对无误",
}
STATUS: dict[str, Any] = {
    "cycle": "xinxiang-2022",
    "units": [
        unit("410700-self", "not_started"),
        unit(
            "410702", "in_query", punctual=True, versions=2, missing=PARTS[2:], received_at=MORNING,
            findings={"mandatory": 2, "quasi_mandatory": 0, "verify": 1, "hint": 0},
            scans=[scan(agrees=False, differs=["activities.held", "funding.county"])],
            explanations=[EXPLAINED], notes=["统计表.xlsm：含宏"], waiting=["consent"],
        ),
        unit("410703", "partial", versions=1, missing=[], scans=[scan(agrees=None, stamp=False)]),
        unit("410721", "complete", versions=1, missing=[], scans=[scan()]),
        unit("XX-WJW", "unsettled", waiting=["set_aside", "set_aside"]),
    ],
    "reporting_rate": "0.5556",
    "reporting_rate_on_time": None,
}  # fmt: skip
TRIAGE = {
    "waiting": [
        {
            "id": "f12", "disposition": "triage", "received_at": MORNING, "unit": "410703", "name": "卫滨区",
            "reason": "发件单位410703与表内识别码410702不一致，表头写的是红旗区，请电话核实是哪一家的",
            "from": "weibin@xinxiang.example", "collection": "science-departments", "notes": ["含宏"],
            "subject": "卫滨区\x1b[31m科技活动周材料[重发]", "file": "卫滨区材料.zip/统计表（终稿）.xlsx",
            "witnesses": [
                {
                    "file": {"unit": "410702", "problem": ""},
                    "sender": {"address": "weibin@xinxiang.example", "units": ["410703"]},
                    "content": {"text": "红旗区科技局", "units": ["410702"], "beneath": None},
                }
            ],
            "names": {"410702": "红旗区", "410703": "卫滨区"},
        },
        {
            "id": "d9", "disposition": "question", "received_at": MORNING, "unit": None, "name": "",
            "reason": "", "from": "somebody@office.example", "collection": None, "notes": [],
            "subject": "请问截止时间", "file": None, "witnesses": [], "names": {},
        },
    ]
}  # fmt: skip
LETTERS = {
    "letters": [
        {
            "id": 107, "kind": "notice", "unit": "XX-WJW", "name": "市卫生健康委员会", "attempts": 2,
            "to": "health-commission-of-the-city@xinxiang.example", "state": "rejected_temporary",
            "subject": "【报送工作提示】2022年全国科技工作者日暨科技活动周材料请于6月20日（星期一）前报送",
            "message_id": "<hz.1@xinxiang.example>", "reply": "451 4.7.1 try again later", "not_before": None,
        }
    ]
}  # fmt: skip
FIGURES = {"activities.held": "12", "activities.ministry_tasks": "3", "funding.county": "39.06"}
NUMBERS = {"activities.held": 1, "activities.ministry_tasks": 2, "funding.county": 6}
PAPERS = {
    "papers": [
        {
            "id": "f6", "file": "IMG_20220615_101112.jpg", "unit": "410702", "name": "红旗区", "stamp": True,
            "collection": "science-departments", "recognised": [FIGURES], "numbers": [NUMBERS],
            "has_form": True, "keying": None, "agrees": False, "differs": ["funding.county"], "unread": [],
        },
        {
            "id": "f7", "file": "IMG_2231.jpg", "unit": "410703", "name": "卫滨区", "stamp": None,
            "collection": "science-departments", "recognised": [], "numbers": [], "has_form": True,
            "keying": None, "agrees": None, "differs": [], "unread": [],
        },
        {
            "id": "f8", "file": "盖章表.jpg", "unit": "410721", "name": "新乡县", "stamp": False,
            "collection": "science-departments", "recognised": [FIGURES], "numbers": [NUMBERS],
            "has_form": False, "agrees": None, "differs": [], "unread": [],
            "keying": {"id": 3, "by": "张某", "values": FIGURES},
        },
    ]
}  # fmt: skip
NEGATIVE = {
    "severity": "mandatory", "item": "funding.municipal", "message": "第5项填报-3，不应为负数，请更正。",
    "sheet": "统计表", "cell": "C7", "rule": "negative", "remedy": "确无此项的请填“0”。",
}  # fmt: skip
READ = {
    "files": [
        {
            "file": "/srv/in/410703/统计表.xlsx", "disposition": "return", "status": "rejected", "reason": "",
            "unit": "410703", "name": "卫滨区", "collection": "science-departments", "kind": "xlsx",
            "instrument": "activity-week-statistics@2022", "rows": [], "findings": [NEGATIVE], "notes": [],
            "values": {"activities.held": "12", "funding.municipal": None}, "cells": {}, "proposals": [],
            "stamp": None,
        },
        {
            "file": "/srv/in/410703/盖章.jpg", "disposition": "return", "reason": "", "unit": None,
            "collection": None, "instrument": None, "values": {}, "rows": [], "findings": [],
            "kind": "image", "notes": [], "stamp": False,
            "proposals": [{
                "instrument": "activity-week-statistics@2022", "form_number": "877VHGVM0",
                "cells": {"a": {"state": "number"}, "b": {"state": "text"}},
            }],
        },
    ]
}  # fmt: skip
TRACED = {
    "total": "24",
    "sources": [
        {
            "unit": code, "value": "12", "raw": "12", "version": 2, "sheet": "统计表", "cell": "C3",
            "file": f"{NAMES[code]}全国科技工作者日暨科技活动周材料.zip/统计表.xlsx", "sha256": "e3b0" * 16,
        }
        for code in CODES
    ],
}  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 132, 240])
@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (STATUS, [*CODES, "55.6%"]),
        (TRIAGE, ["f12", "d9", "410702", "410703", "weibin@xinxiang.example", "science-departments"]),
        (LETTERS, ["107", "XX-WJW", "health-commission-of-the-city@xinxiang.example"]),
        (PAPERS, ["f6", "f7", "f8", "410702", "IMG_20220615_101112.jpg", "第6项 39.06"]),
        (READ, ["410703", "science-departments", "877VHGVM0", "activity-week-statistics@2022"]),
        (TRACED, [*CODES, "C3"]),
    ],
)
def test_no_code_is_split_and_no_line_runs_over(
    answer: Mapping[str, Any], whole: list[str], width: int
) -> None:
    text = shown(answer, width)
    assert [word for word in whole if word not in text] == []
    assert [line for line in text.splitlines() if cell_len(line) > width] == []


def test_status_says_what_is_missing_wrong_and_unsettled() -> None:
    text = shown(STATUS)
    queried = block(text, "410702")
    assert "待核实" in queried and "按时：是" in queried
    assert "缺件：总结报告" in queried
    assert "问题：必须更正2、请核实并说明1" in queried
    assert "扫描件：与电子表不一致2项" in queried
    assert "待处理：说明待同意" in queried
    assert "未见印章" in block(text, "410703")
    assert "待处理：暂存" in block(text, "XX-WJW")
    assert "缺件" not in block(text, "410700-self")  # all of it is: 未报 says so
    assert "报送率：55.6%\n按时报送率：无\n" in text
    assert "单位数" not in text
    assert "science-departments" not in text  # the same for all


def test_remarks_stand_below_the_units() -> None:
    for width in (80, 240):
        below = shown(STATUS, width).rpartition("XX-WJW")[2].replace("\n  ", "")
        assert "410702 红旗区 说明：第15项与上年相同，请核实。——与主办方核对无误" in below
        assert "410702 红旗区 备注：统计表.xlsm：含宏" in below


def test_status_is_a_table_where_there_is_room() -> None:
    lines = shown(STATUS, 160).splitlines()
    head = next(line for line in lines if "代码" in line)
    assert head.split() == [
        "代码", "名称", "进度", "按时", "版本", "待处理", "缺件", "问题", "扫描件", "收到"
    ]  # fmt: skip
    row = next(line for line in lines if "410702" in line)
    assert "总结报告" in row and "必须更正2" in row and "与电子表不一致2项" in row


def test_two_collections_are_told_apart() -> None:
    other = unit("410703", "partial") | {"collection": "associations"}
    text = shown({"units": [*STATUS["units"], other]})
    assert "410703  卫滨区  associations  缺件" in text
    assert "410703  卫滨区  science-departments  缺件" in text


def test_triage_shows_each_witness_with_its_unit() -> None:
    text = shown(TRIAGE)
    item = block(text, "f12  待人工认领")
    assert "单位：410703 卫滨区" in item
    assert "证据：识别码 410702 红旗区；发件人 410703 卫滨区；表头“红旗区科技局”（410702 红旗区）" in item
    assert "备注：含宏" in item and "收到：2022-06-15 10:00" in item
    assert "[重发]" in item and "\x1b" not in text  # a stranger's subject gives the terminal no orders
    assert "单位" not in block(text, "d9  咨询")


def test_letters_say_to_whom_and_what_the_server_answered() -> None:
    item = block(shown(LETTERS), "107  暂被拒收  报送工作提示")
    assert "单位：XX-WJW 市卫生健康委员会" in item
    assert "次数：2" in item and "应答：451 4.7.1 try again later" in item


def test_papers_say_whether_they_agree_and_what_was_recognised() -> None:
    text = shown(PAPERS)
    differing = block(text, "f6  410702 红旗区")
    assert "电子表：不一致1项（第6项）" in differing
    assert "识别：第1项 12、第2项 3、第6项 39.06" in differing
    assert "识别：未识别出统计表" in block(text, "f7")
    keyed = block(text, "f8")
    assert "印章：未见" in keyed and "电子表：未收到" in keyed
    assert "录入：张某已录入（编号3），待另一人确认" in keyed


def test_a_file_read_has_its_findings_with_their_remedy() -> None:
    text = shown(READ)
    form = block(text, "/srv/in/410703/统计表.xlsx")
    assert "处理：报送材料，退回修改" in form and "数值：2项中读到1项" in form
    assert "必须更正：第5项填报-3，不应为负数，请更正。确无此项的请填“0”。（统计表 C7）" in form.replace(
        "统计表C7", "统计表 C7"
    )
    picture = block(text, "/srv/in/410703/盖章.jpg")
    assert "表单编号 877VHGVM0，2项中认出1项" in picture and "印章：未见" in picture


def test_lines_break_between_characters_never_before_punctuation() -> None:
    lines = wrap("发件单位410703与表内识别码不一致，请核实。", 16)
    assert "".join(lines) == "发件单位410703与表内识别码不一致，请核实。"
    assert all(cell_len(line) <= 16 and line[0] not in "，。" for line in lines)
    assert any("410703" in line for line in lines)
    assert wrap("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]  # longer than any line
    assert wrap("", 10) == [""]
