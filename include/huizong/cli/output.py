"""What the command line prints: one JSON document or tables on standard output, words on standard error."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from huizong.rules.model import SEVERITY_FOR_CLERK
from huizong.stages.words import DISPOSITION, LETTER_KIND, LETTER_STATE, RETURN_STATUS, RUNG, UNIT_STATUS

_COLUMNS = {
    "code": "代码", "name": "名称", "collection": "事项", "status": "进度", "punctual": "按时",
    "versions": "版本", "id": "编号", "kind": "类别", "unit": "单位", "to": "收件人", "subject": "主题",
    "state": "状态", "attempts": "次数", "reply": "应答", "disposition": "处理", "reason": "说明",
    "from": "来自", "received_at": "收到", "file": "文件", "value": "数值",
    "papers": "纸质件", "notes": "备注",
    "stamp": "印章", "has_form": "已有报表", "keying": "录入", "version": "版本",
    "sheet": "工作表", "cell": "单元格", "line": "行", "message": "问题", "ok": "通过",
}  # fmt: skip
# People read local time; the JSON keeps the instant with its zone.
_ZONE = ZoneInfo("Asia/Shanghai")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}")
_WORDS: dict[str, str] = {
    word: text
    for words in (
        SEVERITY_FOR_CLERK, UNIT_STATUS, RETURN_STATUS, DISPOSITION, LETTER_STATE, LETTER_KIND, RUNG
    )
    for word, text in words.items()
}  # fmt: skip
# Keys that are words of their own, and values of others (`held` counts units here, and is a letter's state).
_KEYS = _COLUMNS | {
    "cycle": "统计任务", "units": "单位数", "letters": "信件", "templates_dir": "表样文件夹",
    "messages": "来件", "files": "文件", "dispositions": "文件处理", "message_dispositions": "来件处理",
    "cycles": "统计任务", "returns": "报表", "by_status": "审核状态", "findings": "审核问题",
    "queued": "待发信件", "channels": "渠道", "rungs": "催报", "held": "暂缓催报", "edition": "版次",
    "number": "序号", "coverage": "报送覆盖", "totals": "合计", "expected": "应报", "returned": "已报",
    "missing": "未报", "returned_for_correction": "已报待更正",
    "incomplete": "缺件", "waived": "免报", "reporting_rate": "报送率",
    "reporting_rate_on_time": "按时报送率", "total": "合计", "sources": "来源", "sent": "已发送",
    "failed": "未送达", "cancelled": "已取消", "left": "未发送", "question": "签批事项", "package": "上报件",
    "path": "文件", "by": "经办人", "as_of": "时间", "waiting": "待处理", "problems": "问题",
}  # fmt: skip
_LEFT_OUT = {
    "problems",
    "explanations",
    "message_id",
    "parts",
    "findings",
    "flags",
    "waiting",
    "sha256",
    "raw",
    "recognised",
    "values",
    "rows",
    "cells",
    "scans",
    "witnesses",
}


@dataclass(frozen=True)
class Output:
    """How one call answers."""

    as_json: bool = False
    lang: str = "zh"

    @cached_property
    def stderr(self) -> Console:
        return Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        """Progress, for people; never on standard output."""
        self.stderr.print(message, style="dim", markup=False)

    def error(self, message: str) -> None:
        """One line that says what to do."""
        label = "错误" if self.lang == "zh" else "Error"
        self.stderr.print(f"{label}：{' '.join(message.split())}", style="red", markup=False)

    def result(self, data: Mapping[str, Any]) -> None:
        """The answer itself."""
        if self.as_json:
            text = json.dumps(data, ensure_ascii=False, default=str)
            print(text.encode(errors="backslashreplace").decode())  # a file name that is no Unicode text
            return
        _print(Console(highlight=False), data)


def _print(console: Console, data: Mapping[str, Any], indent: str = "") -> None:
    for key, value in data.items():
        label = _KEYS.get(key) or _WORDS.get(key, key)
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            console.print(_table(label, value))
        elif isinstance(value, Mapping):
            console.print(f"{indent}{label}：")
            _print(console, value, indent + "  ")
        elif isinstance(value, list):
            console.print(f"{indent}{label}：{'、'.join(str(v) for v in value) or '无'}", markup=False)
        else:
            console.print(f"{indent}{label}：{_text(value)}", markup=False)


def _table(title: str, rows: list[Mapping[str, Any]]) -> Table:
    columns = [key for key in rows[0] if key not in _LEFT_OUT]
    table = Table(title=title, title_justify="left")
    for key in columns:
        table.add_column(_COLUMNS.get(key, key), overflow="fold")
    for row in rows:
        table.add_row(*(_text(row.get(key)).replace("[", r"\[") for key in columns))
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "；".join(map(_text, value))
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return f"{datetime.fromisoformat(value).astimezone(_ZONE):%Y-%m-%d %H:%M}"
    return _WORDS.get(str(value), str(value))
