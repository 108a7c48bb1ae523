"""Who plays in the demo: what each unit's clerk does, and where the unit must stand in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

THANKS = "收到，谢谢"
CORRECTED = {"on": "correction", "text": "已按修改意见更正，请审核。"}
ON_REMINDER = {"on": "reminder", "text": "来迟致歉，现补报统计表、盖章扫描件及总结报告。"}
PRIVATE_ADDRESS = "weihui.private@mailbox.example"


@dataclass(frozen=True)
class Role:
    """One unit. `steps` are those of `clerks.Step`; a unit whose mail a colleague reads has `read_by`."""

    unit: str
    story: str
    steps: Sequence[dict[str, Any]] = ()
    read_by: str | None = None
    wait: float = 3  # seconds a letter lies on the desk
    status: str = "complete"
    versions: int = 1
    punctual: bool = True
    bounces: bool = False
    responder: bool = False

    @property
    def returns(self) -> bool:
        return self.versions > 0


def _well(**step: Any) -> dict[str, Any]:
    return {"on": "notice", **step}


def _wrong(label: str, entry: str | int | None) -> list[dict[str, Any]]:
    return [_well(mistakes={label: entry}), CORRECTED]


CAST = (
    Role("410700-self", "按时报送", [_well()], wait=6),
    Role("410702", "按时报送", [_well()], wait=2),
    Role("410703", "经费写成“约5万”，按意见更正", _wrong("县级财政经费投入情况", "约5万"), versions=2),
    Role("410704", "设有自动回复，按时报送", [_well()], wait=5, responder=True),
    Role("410711", "以“元”填报经费，按意见更正", _wrong("县级财政经费投入情况", 50000), versions=2),
    Role("410781", "用未登记的邮箱报送", [_well(sender=PRIVATE_ADDRESS)], wait=8),
    Role("410782", "只回复“收到，谢谢”，提醒后报送",
         [_well(text=THANKS, forms=[], papers=False), ON_REMINDER], punctual=False),
    Role("410783", "漏填一格，按意见补填", _wrong("其他经费情况", None), wait=4, versions=2),
    Role("410721", "提醒后报送", [ON_REMINDER], wait=6, punctual=False),
    Role("410724", "同一邮件发了两遍", [_well(copies=2)], wait=7),
    Role("410725", "误填负数，按意见更正", _wrong("招募科技志愿者数量", -30), wait=6, versions=2),
    Role("410726", "用Word表样报送", [_well(forms=[".docx"])], wait=9),
    Role("410727", "提醒后报送", [ON_REMINDER], punctual=False),
    Role("410773", "一直未报", status="not_started", versions=0, punctual=False),
    Role("410771", "与经开区的表同一邮件报送", [_well(every_unit=True)], wait=8),
    Role("410772", "由高新区代发", read_by="410771"),
    Role("XX-JYJ", "忘附附件，提示后补发",
         [_well(text="统计表等材料见附件，请查收。", forms=[], papers=False), {"on": "supplement"}]),
    Role("XX-WJW", "邮箱退信", status="undeliverable", versions=0, punctual=False, bounces=True),
)  # fmt: skip
