"""JSON Schemas of the definition files, for editors that complete and check while one writes.

They say what the models say; what stands between several keys only `huizong check` knows.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from huizong.definition.model import Cycle
from huizong.definition.when import OfficeHours, When
from huizong.errors import UsageError
from huizong.instruments.model import Instrument

_MODELS: dict[str, tuple[type[BaseModel], str]] = {
    "cycle": (Cycle, "统计任务（cycle.yaml）"),
    "form": (Instrument, "表样（forms/代码@版本.yaml）"),
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What an editor shows beside a key, by model and key; the models' docstrings are for programmers.
_WORDS: dict[str, dict[str, str]] = {
    "Cycle": {
        "code": "任务代码，与文件夹同名，如 xinxiang-2024",
        "title": "任务名称，印在信函和汇总表上",
        "live": "true：启用，按时自动办理；false：只由人工运行",
        "timezone": "时区，如 Asia/Shanghai",
        "calendar": "state_council：国务院放假安排；always：天天上班（演示、测试）",
        "office_hours": "办公时间，只约束催报，如 [\"08:00-12:00\", \"14:30-18:00\"]",
        "issued_by": "发文单位，按文件上的先后",
        "document_number": "文号，如 新科协〔2022〕10号",
        "event": "活动起止日期；结束前不催总结",
        "reference_period": "数据所属时期，印在信函里",
        "keywords": "陌生来信提到这些词，即与本任务有关，待人工认领",
        "previous": "上年的任务代码：比较数据和表样",
        "area": "汇总上报时的地方名称，如 新乡市",
        "upward": "上级：报给谁、何时、用什么表",
        "channels": "收件渠道：邮箱或文件夹，代码也是连接的名字",
        "notice": "下发通知",
        "collections": "报送事项：谁、报什么、何时、走哪个渠道",
        "ladder_rules": "活动结束后、下发后几个工作日内不催",
        "assemble": "汇总时间",
        "commendation": "评选参考：供人决定，不发通报",
    },
    "Channel": {
        "address": "邮箱地址",
        "folder": "文件夹，相对于 $HUIZONG_HOME，每个子文件夹是一家",
        "proof": "应答丢失时凭什么认定已发出：sent_folder 已发送文件夹，blind_copy 密送自己，none 不认定",
        "limits": "发信限额",
        "folders": "除收件箱和垃圾箱外还要读的邮件文件夹",
    },
    "Limits": {
        "minute": "每分钟最多几封",
        "quarter_hour": "每15分钟最多几封",
        "day": "每天最多几封",
        "connection": "每次连接最多几封",
    },
    "Office": {"name": "经办处室，信函落款", "contact": "联系人和电话", "approve": "签批人"},
    "Audience": {"tags": "名录中有其中一个标签的单位", "units": "另外点名的单位代码"},
    "Part": {
        "code": "材料代码，小写字母、数字、下划线",
        "kind": "form 统计表，list 备案表（多行），scan 盖章扫描件，document 文档，media 影像，"
        "news 文字信息，press 媒体报道",
        "title": "材料名称，印在通知里",
        "hint": "通知里对它的要求，如 视频不超过3分钟",
        "instrument": "表样：代码@版本（只用于 form 和 list）",
        "of": "扫描件是哪份表的（只用于 scan）",
        "required": "是否必报",
        "keeps": "replace：以最新的为准；append：全部有效",
        "max_minutes": "视频最长几分钟",
        "min_characters": "文档最少多少字",
    },
    "LadderStep": {
        "rung": "nudge 提示，due_day 当日，overdue 逾期，formal_notice 催报函，superior_informed 提请协调",
        "at": "何时，如 due - 5wd、due 09:00、due + 1wd",
    },
    "LadderRules": {"after_event": "活动结束后几个工作日起才催", "after_issue": "下发后几个工作日起才催"},
    "Collection": {
        "code": "事项代码",
        "title": "事项名称，信函里这样写",
        "office": "由谁收、谁签批",
        "audience": "应报单位；自愿报送的不写",
        "channel": "收件渠道，channels 之一",
        "opens": "何时开始收",
        "due": "截止，如 2024-06-05（含当日）",
        "closes": "此后不再催，如 due + 10wd",
        "voluntary": "true：自愿报送，没有应报名单，不催",
        "nil": "零报告：reply 回信一句即可，stamped_form 须盖章零表",
        "parts": "要报的材料",
        "ladder": "催报的各级",
    },
    "Event": {"from": "第一天", "to": "最后一天"},
    "Upward": {
        "to": "报给谁",
        "due": "上级要求的时间",
        "channel": "渠道",
        "form": "上级的表样（代码@版本），或上级发来的空白表（本文件夹中的 .xlsx）；不写则同表汇总",
        "mapping": "上级指标: [本级指标, …]，相加填入；不写的取同代码指标",
    },
    "Notice": {"issue_at": "何时下发，如 2024-05-17T09:00", "document": "通知文件", "letter": "另用的信函"},
    "Points": {"punctual": "按时报送", "complete": "材料齐全", "correction": "每退回更正一次"},
    "Commendation": {"title": "评选名称", "of": "units 单位，people 个人，activities 活动", "points": "计分"},
    "Assemble": {"provisional_at": "初步汇总，如 due + 1wd 08:30", "final_at": "定稿，如 closes"},
    "Instrument": {
        "code": "表样代码，小写字母、数字和连字符",
        "version": "版本，加引号，如 \"2024\"",
        "kind": "form 一项一数；list 一行一条，行数不限",
        "title": "表的标题，照附件",
        "unit_line": "表头填报单位一行",
        "printed_groups": "分组名在表上折行的：分组名 → 印出的样子",
        "accepts": "仍可使用的旧版本",
        "dropped": "上年有、今年确已取消的指标代码",
        "key": "备案表：这几栏都相同即为同一条",
        "items": "指标（栏目），按表上的先后",
    },
    "Item": {
        "code": "指标代码，如 activities.held；各年不变",
        "label": "指标名称（栏目名），照附件",
        "group": "所属分组，左边一格的文字",
        "type": "integer 整数，decimal 小数（至多4位），text 文字",
        "unit": "计量单位，只用于核对和信函，不印在表上",
        "aliases": "这一项的其他写法",
        "label_in_group": "true：左边一格就是名称，中间一格为空",
        "required": "备案表的栏、表中的文字项：是否必填",
        "choices": "只能填其中之一",
        "format": "phone：须为电话号码；date：须写明日期",
        "private": "true：不进入对外公布的名单",
    },
}  # fmt: skip


class _Generate(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Defaults as one writes them."""
        if isinstance(dft, OfficeHours):
            return list(dft.text)
        return str(dft) if isinstance(dft, When) else super().encode_default(dft)


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a `cycle` or a `form`.

    Raises:
        UsageError: there is no such kind of file.
    """
    if kind not in _MODELS:
        raise UsageError(f"没有“{kind}”的 schema，写 {' 或 '.join(_MODELS)}。")
    model, title = _MODELS[kind]
    schema = model.model_json_schema(by_alias=True, schema_generator=_Generate)
    definitions = schema.get("$defs", {})
    for name, part in (*definitions.items(), (model.__name__, schema)):
        _word(part, _WORDS.get(name, {}))
    return {"$schema": _DIALECT, **schema, "title": title}


def _word(schema: dict[str, Any], words: dict[str, str]) -> None:
    """Our words for what the generator has made of names and docstrings."""
    schema.pop("title", None)
    schema.pop("description", None)
    for name, part in schema.get("properties", {}).items():
        part.pop("title", None)
        if name in words:
            part["description"] = words[name]
