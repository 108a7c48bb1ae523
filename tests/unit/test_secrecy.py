"""Marks of secrecy: what bears one is isolated, what only sounds like one is not."""

from __future__ import annotations

import pytest

from huizong.readers.secrecy import at_head, is_restricted


@pytest.mark.parametrize(
    "text",
    [
        "绝密★",
        "机密★启用前",
        "秘密★1年",
        "机 密 ★ 10 年",
        "　秘　密　★　长期",
        "机密＊启用前",
        "机密☆",
        "000012\n机密★1年\n特急",
        "000012 机密★1年",
        "机密",
        "秘密",
        "秘密 5年",
        "机密士启用前",  # the star as a scan's recognition gives it
        "密级：机密",
        "密级：秘密★1年",
        "（机密级，一年）",
        "（机密级）",
        "密级：秘密级",
        "秘密★十年",
        "工作秘密",
        "工 作 秘 密",
        "内部",
        "内部资料",
        "内部资料 注意保存",
        "内部文件，注意保密",
        "【内部】活动周统计表",
        "（秘密）关于报送材料的函",
        "活动周总结（内部）.docx",
        "机密★活动周总结.docx",
        "机密-活动周总结.docx",
        "秘密.pdf",
        "内部资料_名单.xlsx",
        "内部资料 名单.xlsx",
        "秘密 关于报送材料的函.docx",
        "材料.zip/机密★1年/名单.xlsx",
        "材料.zip/（机密）名单.xlsx",
    ],
)
def test_a_mark_isolates(text: str) -> None:
    assert is_restricted([text])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2022年全国科技活动周开展情况统计表",
        "内部控制制度",
        "内部审计报告",
        "单位内部开展科普讲座3场",
        "内部控制.docx",
        "内部审计-总结.docx",
        "内部 审计 总结.docx",
        "秘书科",
        "保守国家秘密",
        "保密宣传月活动总结.docx",
        "工作秘密管理办法",
        "标有“机密★”的文件不得通过互联网传输",
        "不得发送绝密、机密、秘密文件",
        "开展《保守国家秘密法》宣传，讲解绝密、机密、秘密三级的含义。",
        "探索宇宙奥秘★科普讲座",
        "解密大自然★",
        "秘密花园科普营",
        "机密性、完整性",
        "机密级文件管理办法",
        "内部/外部",
        "联系人：内部电话 8001",
    ],
)
def test_what_only_sounds_like_one_does_not(text: str) -> None:
    assert not is_restricted([text])


def test_only_the_head_of_a_document_is_looked_at() -> None:
    body = [f"第{n}段" for n in range(20)]
    assert at_head(["", "\n机密★1年", *body])
    assert not at_head([*body, "机密★1年"])
    assert at_head(["密级：\n机密", *body])
