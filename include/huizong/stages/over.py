"""How the end of a trouble is told: a title for each family, the first word of a trouble's name."""

from __future__ import annotations

from collections.abc import Mapping

from huizong.ledger.upkeep import Trouble

# `{0}`: the name after its family; what was isolated or is a link is ended by a person, who need not be told.
_TITLES: Mapping[str, str] = {
    "sweep": "渠道 {0} 已恢复收取来件",
    "queue": "渠道 {0} 的信件已恢复发出",
    "letters": "渠道 {0} 未发出的信件已处理完毕",
    "fetch": "邮箱渠道 {0} 无法取回的邮件已无",
    "undeliverable": "统计任务 {0} 无法送达的单位已无",
    "chatter": "{0} 已安静，恢复自动答复",
    "definition": "统计任务 {0} 的定义已可读取",
    "disk": "磁盘空间已够用",
}


def over_title(trouble: Trouble) -> str:
    """What is well again, as the subject of a letter says it."""
    family, _, which = trouble.name.partition(":")
    if family == "login":  # login:smtp:host:port:account
        doing = "收信" if which.startswith("imap:") else "发信"
        return f"邮箱 {which.rpartition(':')[2]} 已恢复{doing}"
    if family == "folder":
        channel, _, folder = which.partition(":")
        return f"邮箱渠道 {channel} 的文件夹“{folder}”已可读取"
    if family == "task":
        return f"{trouble.title.removesuffix('失败')}已恢复"
    known = _TITLES.get(family)
    return known.format(which) if known else f"{trouble.title}（已了结）"
