"""典型经验 and 意见建议 as reports tell them."""

from __future__ import annotations

import pytest

from huizong.summary.excerpts import passage

REPORT = """红旗区2022年科技活动周总结
一、基本情况
共举办活动12场，群众反映良好。
二、典型经验
（一）校馆联动
与学校共建科普角，全年开放。
三、存在问题和建议
建议市里统一配备科普车。
红旗区科学技术局
"""


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("典型经验", "（一）校馆联动与学校共建科普角，全年开放。"),
        ("意见建议", "建议市里统一配备科普车。"),
    ],
)
def test_the_passage_under_its_heading_is_found(topic: str, said: str) -> None:
    assert passage(REPORT, topic) == said


def test_a_word_within_a_sentence_is_no_heading_and_a_long_passage_is_cut() -> None:
    assert passage("我们总结典型经验，形成长效机制，并提出建议。", "典型经验") == ""
    long = passage("一、典型经验\n" + "做法很好。" * 100, "典型经验")
    assert len(long) == 302 and long.endswith("……")
