"""How the command line words what the stages answer: labels, states, instants, rates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from huizong.rules.model import SEVERITY_FOR_CLERK
from huizong.stages.words import (
    DISPOSITION,
    EDITION,
    LETTER_KIND,
    LETTER_STATE,
    RETURN_STATUS,
    RUNG,
    UNIT_STATUS,
    VIA,
)

# People read local time; the JSON keeps the instant with its zone.
_ZONE = ZoneInfo("Asia/Shanghai")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}")
# What a person decides about one unit, as `huizong unit` takes it.
DECISION = {
    "waive": "免报",
    "extend": "延期",
    "decline": "不同意延期",
    "accept": "同意采用",
    "send-back": "退回修改",
    "refuse": "说明不报",
    "reopen": "撤销前项决定",
    "log-contact": "登记电话联系",
}
WORDS: dict[str, str] = {
    word: text
    for words in (
        SEVERITY_FOR_CLERK, DECISION, UNIT_STATUS, RETURN_STATUS, DISPOSITION, LETTER_STATE, LETTER_KIND,
        EDITION, RUNG,
    )
    for word, text in words.items()
} | {"consent": "说明待同意"}  # fmt: skip
# Keys that are words of their own, and values of others (`held` counts units here, and is a letter's state).
LABELS = {
    "code": "代码", "name": "名称", "collection": "事项", "status": "进度", "id": "编号", "kind": "类别",
    "unit": "单位", "subject": "主题", "state": "状态", "disposition": "处理", "reason": "说明",
    "file": "文件", "value": "数值", "values": "数值", "keying": "录入", "version": "版本",
    "sheet": "工作表", "cell": "单元格", "line": "行", "message": "问题", "ok": "通过",
    "cycle": "统计任务", "units": "单位数", "letters": "信件", "templates_dir": "表样文件夹",
    "messages": "来件", "files": "文件", "dispositions": "文件处理", "message_dispositions": "来件处理",
    "cycles": "统计任务", "returns": "报表", "by_status": "审核状态", "findings": "审核问题",
    "queued": "待发信件", "channels": "渠道", "rungs": "催报", "held": "暂缓催报", "edition": "版次",
    "number": "序号", "coverage": "报送覆盖", "totals": "合计", "expected": "应报", "returned": "已报",
    "missing": "未报", "returned_for_correction": "已报待更正", "incomplete": "缺件", "waived": "免报",
    "reporting_rate": "报送率", "reporting_rate_on_time": "按时报送率", "total": "合计", "sources": "来源",
    "sent": "已发送", "failed": "未送达", "cancelled": "已取消", "left": "未发送", "question": "签批事项",
    "package": "上报件", "path": "文件", "by": "经办人", "as_of": "时间", "waiting": "待处理",
    "problems": "问题", "papers": "纸质件", "released": "已重新处理", "closed": "已结案", "dropped": "已退回",
    "notes": "备注", "delivery": "来件编号", "folder": "文件夹", "look_at": "须人工核对", "added": "新增",
    "removed": "去掉", "changed": "改动", "warnings": "请留意", "changes": "改动", "told": "告知单位",
    "address": "地址", "suppressed": "停止自动答复",
    "decision": "决定", "undoes": "撤销", "decision_id": "撤销的决定编号", "versions": "版本",
    "was": "原为", "now": "现为", "was_message": "原来的问题", "now_message": "现在的问题", "item": "指标",
    "instrument": "表样", "dry_run": "仅试算，未作记录", "to": "报送对象", "until": "直到", "channel": "渠道",
    "resumed": "已恢复账号",
    "alarms": "未解除的告警", "alarm": "告警", "since": "开始于", "suppressions": "已停止自动答复的地址",
}  # fmt: skip


# What typer says of wrong use, as patterns; its sentences come in English only.
_WRONG_USE: tuple[tuple[str, str], ...] = (
    (r"Missing (?:option|parameter):? '?(.+?)'?\.?", r"缺少选项 \1"),
    (r"Missing argument '(.+)'\.", r"缺少参数 \1"),
    (r"No such command '(.+?)'\..*", r"没有命令“\1”"),
    (r"No such option:? '?(\S+?)'?(?:\s.*)?", r"没有选项 \1"),
    (r"Got unexpected extra arguments? ?\((.+)\)", r"多出了参数：\1"),
    (r"Got unexpected extra argument\(s\) \((.+)\)", r"多出了参数：\1"),
    (r"Option '(.+)' requires an argument\.", r"选项 \1 后面要写内容"),
    (r"Invalid value for '(.+?)': .*integer.*", r"\1 须为整数"),
    (r"Invalid value for '?(.+?)'?: .*", r"\1 的写法不对"),
)


def wrong_use(message: str) -> str:
    """What typer says of wrong use, in Chinese; as it stands where nobody has worded it."""
    text = " ".join(message.split())
    for pattern, chinese in _WRONG_USE:
        if match := re.fullmatch(pattern, text):
            return match.expand(chinese)
    return text


def label_of(key: str) -> str:
    return LABELS.get(key) or WORDS.get(key, key)


def worded(value: Any) -> str:
    """A value as people read it: a state in Chinese, an instant in local time, yes and no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "；".join(map(worded, value))
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return f"{datetime.fromisoformat(value).astimezone(_ZONE):%Y-%m-%d %H:%M}"
    return WORDS.get(str(value), str(value))


def rate(value: str | None) -> str:
    """A rate (decimal text from 0 to 1) as a percentage; nothing where there is no denominator."""
    return f"{Decimal(value) * 100:.1f}%" if value is not None else "无"


def came_by(via: str | None) -> str:
    """经传真收到: how what a person brought in reached the office."""
    return f"{VIA[via]}收到" if via else ""


def called(code: str | None, name: str | None) -> str:
    """A unit: its code, with its name where it is known."""
    return " ".join(part for part in (code, name) if part)


def counted(findings: Iterable[tuple[str, int]]) -> str:
    """Findings by severity: 必须更正2、请核实并说明1."""
    short = ((WORDS[severity].partition("（")[0], count) for severity, count in findings)
    return "、".join(f"{word}{count}" for word, count in short if count)


def stamp(seen: bool | None) -> str:
    return "有" if seen else "未识别" if seen is None else "未见"
