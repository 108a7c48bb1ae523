"""A title or a unit's name becomes a file's name that Windows, a zip and Linux take."""

from __future__ import annotations

from pathlib import Path

import pytest

from huizong.home import as_file_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("各县（市、区）科技管理部门", "各县（市、区）科技管理部门"),
        ('a<b>c:d"e|f?g*h', "a＜b＞c：d＂e｜f？g＊h"),
        ("../科协/总结\\表.xlsx", "／科协／总结＼表.xlsx"),
        ("总结\r\n报告\t\x00表", "总结报告表"),
        ("活动总结 . ..", "活动总结"),
        ("  活动总结.xlsx", "活动总结.xlsx"),
        ("..", "未命名"),
        (" ", "未命名"),
        ("", "未命名"),
    ],
)
def test_what_windows_takes_in_no_name_is_replaced(text: str, name: str) -> None:
    assert as_file_name(text) == name


@pytest.mark.parametrize("filler", ["长", "𠮷", "a", "长a."])
def test_a_very_long_name_keeps_its_beginning_and_its_end(tmp_path: Path, filler: str) -> None:
    names = [as_file_name(f"统计表{filler * 300}（{unit}）.xlsx") for unit in ("红旗区", "卫滨区")]
    for name in names:
        (tmp_path / f"{name}（公开版·待审核）.xlsx").write_bytes(b"x")  # 255 bytes at the most
    assert all(name.startswith("统计表") for name in names)
    assert [name[-10:] for name in names] == ["（红旗区）.xlsx", "（卫滨区）.xlsx"]
    assert [as_file_name(name) for name in names] == names


def test_a_long_name_that_fits_stays_whole() -> None:
    assert as_file_name("长" * 66) == "长" * 66
