"""The field's words in Chinese, as every screen shows them (DESIGN 4)."""

from __future__ import annotations

UNIT_STATUS = {
    "not_started": "未报",
    "unsettled": "已来件待处理",
    "partial": "缺件",
    "in_query": "待核实",
    "complete": "已报齐",
    "nil": "零报告",
    "waived": "免报",
    "refused": "说明不报",
    "undeliverable": "邮件未送达",
}
RETURN_STATUS = {
    "pending": "待审核",
    "accepted": "审核通过",
    "accepted_with_queries": "审核通过（有说明）",
    "rejected": "退回修改",
    "superseded": "已由新版本替代",
}
DISPOSITION = {
    "return": "报送材料",
    "duplicate": "重复来件",
    "auto_reply": "自动回复",
    "bounce": "退信",
    "own_copy": "本机发件副本",
    "read_receipt": "已读回执",
    "acknowledgement": "仅回复收到",
    "question": "咨询",
    "extension_request": "申请延期",
    "contact_change": "联系人变更",
    "subordinate": "下属单位材料",
    "link_pending": "链接待下载",
    "triage": "待人工认领",
    "set_aside": "暂存（无法读取）",
    "restricted": "疑似涉密（隔离）",
    "other": "与本任务无关",
}
LETTER_KIND = {
    "notice": "报送工作提示（附通知）",
    "receipt": "收件回执",
    "correction": "修改意见",
    "supplement": "补报材料提示",
    "nudge": "报送提示",
    "reminder": "催报提醒",
    "formal_notice": "催报函",
    "escalation": "协调事项清单",
    "amendment": "补充通知",
    "extension": "延期答复",
    "result": "汇总结果反馈",
    "digest": "工作进展",
    "upward": "上报件",
    "alarm": "告警",
}
LETTER_STATE = {
    "held": "待签批",
    "queued": "待发送",
    "claimed": "发送中",
    "sent": "已发送",
    "rejected_temporary": "暂被拒收",
    "rejected_permanent": "被拒收",
    "unknown": "是否送出不明",
    "bounced": "退信",
    "cancelled": "已取消",
}
# How what a person brought in reached the office: 经传真收到.
VIA = {
    "fax": "经传真",
    "qq": "经QQ",
    "wechat": "经微信",
    "paper": "以纸质件",
    "oa": "经办公系统",
    "hand": "当面",
}
EDITION = {"provisional": "初步汇总（未定稿）", "final": "定稿", "revised": "修订稿"}
RUNG = {
    "nudge": "报送提示",
    "due_day": "到期当日提醒",
    "overdue": "逾期提醒",
    "formal_notice": "催报函",
    "superior_informed": "提请领导协调",
}
