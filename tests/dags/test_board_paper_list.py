"""The board's list of papers: beside each whether it agrees, and what nobody could recognise."""

from __future__ import annotations

from typing import Any

import pytest

from huizong_airflow.board import app as board

ROW = {
    "id": "f6", "file": "照片.jpg", "unit": "410702", "name": "红旗区", "stamp": True, "has_form": True,
    "recognised": [{"activities.held": "12"}], "keying": None, "agrees": True, "differs": [], "unread": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ">一致<"),
        ({"agrees": False, "differs": ["activities.held"]}, "不一致 1 项"),
        ({"agrees": None, "recognised": []}, "未识别出统计表"),
        ({"agrees": None, "has_form": False}, "待录入"),
    ],
)
def test_a_paper_says_whether_it_agrees(changed: dict[str, Any], told: str) -> None:
    page = board._render("papers.html", code="xinxiang-2022", papers=[ROW | changed])
    assert told in page
    assert ("未识别出统计表" in page) == (changed.get("recognised") == [])
