"""What clerks write into the statistics form, and what the rules say of it: a table of cases."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from huizong.instruments.model import load_instrument
from huizong.readers.model import ItemReading, State
from huizong.rules.model import FormRow

ROOT = Path(__file__).parents[2]
SUITE = ROOT / "expectations" / "activity-week-statistics@2022.json"
INSTRUMENT = load_instrument(ROOT / "include" / "forms" / "activity-week-statistics@2022.yaml")

FIGURES = "56 3 0 2.5 10.25 8 1.2 0.3 0.75 40 60 200 12 12000 85000 9 31 4 2 1"
HONEST = dict(zip(INSTRUMENT.by_code, FIGURES.split(), strict=True))


def figure(text: str, **more: Any) -> ItemReading:
    return ItemReading(state="number", number=Decimal(text), raw=text, sheet="统计表", cell="C5", **more)


def typed(state: State, raw: str = "") -> ItemReading:
    zero = Decimal(0) if state in ("none", "dash") else None
    return ItemReading(state=state, number=zero, raw=raw, sheet="统计表", cell="C5")


def row(key: str, changed: dict[str, ItemReading | str] | None = None, **more: Any) -> FormRow:
    items = {**HONEST, **(changed or {})}
    read = {code: figure(value) if isinstance(value, str) else value for code, value in items.items()}
    given: dict[str, Any] = {
        "unit_name": "甲县科学技术局",
        "address_as": "你单位",
        "items": read,
        "unit_text": "甲县科学技术局",
        "unit_names": ("甲县科学技术局", "甲县科技局"),
    }
    return FormRow(key=key, **{**given, **more})


def without(*codes: str) -> dict[str, Any]:
    return {"items": {c: figure(v) for c, v in HONEST.items() if c not in codes}, "missing": codes}


ALTERED = "来表与本次表样不一致（{}），请使用通知所附表样填报，勿增删行列。"
LAST_YEAR = {code: Decimal(value) for code, value in HONEST.items()}
YUAN = "经费各项单位为“万元”，第6项填报{}，疑以“元”填报，请核实；如确为{}万元，请改填“{}”。"
NOT_EXACT = "第15项应填一个数字，现为“{}”，请填写准确的阿拉伯数字。"
TWICE = "数值相同，请核实是否同一笔经费重复填报，每笔经费请按来源只填一次。"

# what is wrong, the row, and all that is said: (rule, severity, item, message)
CASES: dict[str, tuple[FormRow, list[tuple[str, str, str | None, str]]]] = {}


def case(name: str, said: list[tuple[str, str, str | None, str]], changed: Any = None, **more: Any) -> None:
    CASES[name] = (row(name, changed, **more), said)


case("clean", [])
case("zeros", [], dict.fromkeys(HONEST, "0"))
case("closing zeros are no places", [], {"funding.central": "3.50000", "activities.held": "56.0"})
case(
    "blank",
    [("blank", "mandatory", "funding.enterprise", "第7项未填，确无此项的请填“0”，属漏填的请补填。")],
    {"funding.enterprise": typed("blank")},
)
for raw in ("约5万", "若干", "10—20", "{value}"):
    case(
        f"not exact: {raw}",
        [("not_exact", "mandatory", "public.online", NOT_EXACT.format(raw))],
        {"public.online": typed("text", raw)},
    )
case(
    "formula",
    [("no_result", "mandatory", "activities.held", "第1项为公式，未读到计算结果，请直接填写阿拉伯数字。")],
    {"activities.held": typed("formula", "=SUM(A1)")},
)
case(
    "error",
    [("error_value", "mandatory", "open.universities", "第20项显示为错误值（#N/A），请直接填写数字。")],
    {"open.universities": typed("error", "#N/A")},
)
case(
    "conflict",
    [("conflict", "mandatory", "open.venues", "第18项两处填报的数值不一致，请核准后只保留一处。")],
    {"open.venues": typed("conflict", "4 / 5")},
)
case(
    "negative",
    [("negative", "mandatory", "funding.other", "第9项填报-0.5，不应为负数，请更正。")],
    {"funding.other": "-0.5"},
)
case(
    "not whole",
    [("not_whole", "mandatory", "staff.volunteers", "第12项应填整数，现为200.5，请更正。")],
    {"staff.volunteers": "200.5"},
)
case(
    "five places",
    [("too_many_places", "mandatory", "funding.central", "第3项小数不超过4位，现为1.23456，请更正。")],
    {"funding.central": "1.23456"},
)
case("four places", [], {"funding.central": "1.2345"})
case(
    "a place no float can hold",
    [
        (
            "not_whole",
            "mandatory",
            "public.offline",
            "第14项应填整数，现为12000.0000000000000000001，请更正。",
        )
    ],
    {"public.offline": "12000.0000000000000000001"},
)
case(
    "old form",
    [("label_missing", "mandatory", None, ALTERED.format("缺“实物投入情况”"))],
    **without("funding.in_kind"),
)
case(
    "label twice",
    [("label_duplicated", "mandatory", None, ALTERED.format("“其他经费情况”重复出现"))],
    duplicated=("funding.other",),
)
case(
    "no county has it",
    [
        (
            "above_bound",
            "quasi_mandatory",
            "open.universities",
            "第20项填报101所，超出一个单位可能达到的规模（100所），请核对后更正。",
        )
    ],
    {"open.universities": "101"},
)
case(
    "yuan far above the bound is said once",
    [
        (
            "above_bound",
            "quasi_mandatory",
            "funding.county",
            "第6项填报800000万元，超出一个单位可能达到的规模（50000万元），请核实是否误以“元”填报并更正。",
        )
    ],
    {"funding.county": "800000"},
)
case(
    "absurdly large",
    [
        (
            "above_bound",
            "quasi_mandatory",
            "funding.county",
            "第6项填报1E+300万元，超出一个单位可能达到的规模（50000万元），请核实是否误以“元”填报并更正。",
        )
    ],
    {"funding.county": "1E+300"},
)
case(
    "yuan",
    [("yuan_for_wan", "verify", "funding.county", YUAN.format(50000, 5, 5))],
    {"funding.county": "50000"},
)
case(
    "yuan with places",
    [("yuan_for_wan", "verify", "funding.county", YUAN.format(35000.5, 3.5001, 3.5001))],
    {"funding.county": "35000.5"},
)
case(
    "total in a part",
    [
        (
            "total_in_part",
            "verify",
            "funding.county",
            "第6项数值等于其余经费各项之和，请核实是否误将合计数填入分项。",
        )
    ],
    {"funding.county": "15"},
)
case(
    "same money twice",
    [("equal_funding", "verify", "funding.municipal", f"第5项与第6项{TWICE}")],
    {"funding.county": "10.250"},
)
case(
    "same money three times is one question",
    [("equal_funding", "verify", "funding.provincial", f"第4项与第5项、第6项{TWICE}")],
    {"funding.municipal": "2.5", "funding.county": "2.50"},
)
case(
    "ministry tasks",
    [
        (
            "ministry_tasks_above_held",
            "verify",
            "activities.ministry_tasks",
            "第2项（承接科技部活动任务）大于第1项（举办活动次数），请核实是否将其他任务计入。",
        )
    ],
    {"activities.ministry_tasks": "57"},
)
case("as many ministry tasks as activities", [], {"activities.ministry_tasks": "56"})
case(
    "participation",
    [
        (
            "participation_per_activity",
            "verify",
            "public.offline",
            "第14项（线下活动群众参与数量）填报1120001，平均每次活动超过20000人次，请核实是否含线上人数或重复统计。",
        )
    ],
    {"public.offline": "1120001"},
)
case(
    "participation without activity",
    [
        (
            "participation_without_activity",
            "verify",
            "public.offline",
            "第14项（线下活动群众参与数量）填报12000，而第1项（举办活动次数）为0，请核实。",
        )
    ],
    {"activities.held": "0", "activities.ministry_tasks": "0"},
)
case(
    "cumulative views",
    [
        (
            "cumulative_views",
            "verify",
            "public.online",
            "第15项明显偏大，请核实是否为平台累计浏览量，本表仅填报活动期间数据。",
        )
    ],
    {"public.online": "6000000"},
)
case(
    "last year again",
    [("as_last_year", "verify", None, "本次20项数据与上年完全一致，请核实是否误发上年报表。")],
    previous=LAST_YEAR,
)
case("last year but one figure", [], {"staff.other": "13"}, previous=LAST_YEAR)
case(
    "nothing last year, nothing now",
    [],
    dict.fromkeys(HONEST, "0"),
    previous=dict.fromkeys(HONEST, Decimal(0)),
)
case(
    "none",
    [("read_as_zero", "hint", "funding.enterprise", "第7项填写为“无”，已按0计，下次请直接填写“0”。")],
    {"funding.enterprise": typed("none", "无")},
)
case(
    "dash",
    [("read_as_zero", "hint", "funding.enterprise", "第7项填写为“—”，已按0计，下次请直接填写“0”。")],
    {"funding.enterprise": typed("dash", "—")},
)
case(
    "full width",
    [("full_width", "hint", "activities.held", "第1项“５６”含全角字符，已按56计，下次请用半角数字。")],
    {"activities.held": ItemReading(state="number", number=Decimal(56), raw="５６", notes=("full_width",))},
)
OTHER_UNIT = "第{}项表上单位写为“{}”，本表单位为“{}”，请换算后填写。"
case(
    "under another unit, and nothing else is said of it",
    [("other_unit", "mandatory", "funding.county", OTHER_UNIT.format(6, "元", "万元"))],
    {"funding.county": figure("800000.12345", unit="元")},
)
case(
    "under another unit, of which a part is none",
    [("other_unit", "mandatory", "public.offline", OTHER_UNIT.format(14, "万人次", "人次"))],
    {"public.offline": figure("1.25", unit="万人次")},
)
case("zero under another unit", [], {"funding.central": figure("0", unit="元")})
case(
    "shown otherwise",
    [
        (
            "shown_otherwise",
            "verify",
            "funding.county",
            "第6项单元格显示为“3.0万”，实际存放30000，请核实。",
        )
    ],
    {"funding.county": figure("30000", shown="3.0万")},
)
case(
    "nothing filled in is said once",
    [("form_blank", "mandatory", None, "表内未填写任何数据，请填写后重新报送。")],
    {code: typed("blank") for code in HONEST},
)
case(
    "all but one blank",
    [
        ("blank", "mandatory", code, f"第{n}项未填，确无此项的请填“0”，属漏填的请补填。")
        for n, code in enumerate(HONEST, start=1)
        if code != "public.online"
    ],
    {code: typed("blank") for code in HONEST if code != "public.online"},
)
OLD_TITLE = "2021年全国科技活动周开展情况统计表"
OLD = "来表标题为“{}”，与本次表样（2022年全国科技活动周开展情况统计表）不一致，请核实是否误用旧表。"
ADDED = "来表增加了{}等行，表样以外的内容不计入汇总，请核实；请使用通知所附表样填报，勿增删行列。"
case("last year's form", [("other_year", "verify", None, OLD.format(OLD_TITLE))], title=OLD_TITLE)
case(
    "last year's form in full-width digits",
    [("other_year", "verify", None, OLD.format("２０２１年统计表"))],
    title="２０２１年统计表",
)
for text in ("", "全国科技活动周开展情况统计表", "2022年统计表（2021年对照）"):
    case(f"a title of no other year: {text}", [], title=text)
SISTER = "2022年全国科普日活动开展情况统计表"
case("a sister form", [("other_year", "verify", None, OLD.format(SISTER))], title=SISTER)
case("a row more", [("rows_added", "verify", None, ADDED.format("“社会捐赠”"))], unknown=("社会捐赠",))
case(
    "rows more, with long labels",
    [("rows_added", "verify", None, ADDED.format("“社会捐赠”、“社会团体投入经费及…”、“合计”"))],
    unknown=("社会捐赠", "社会团体投入经费及实物折算", "合计", "备注"),
)
case(
    "another unit's header",
    [("header_other_unit", "verify", None, "表头“部门/地方”与发件单位不一致，请核对单位名称后重新报送。")],
    unit_text="乙县科学技术局",
)
case(
    "no header",
    [("header_blank", "hint", None, "表头“部门/地方”未填写，已按发件单位登记。")],
    unit_text=" \u3000",
)
for text in ("甲县科技局（盖章）", "甲 县科技局", "河南省甲县科学技术局", "甲县科学"):
    case(f"the unit's own header: {text}", [], unit_text=text)
case(
    "a number that is none",
    [("not_exact", "mandatory", "public.online", NOT_EXACT.format("nan"))],
    {"public.online": typed("number", "nan")},
)
case(
    "strongest first, then by number",
    [
        ("blank", "mandatory", "staff.other", "第13项未填，确无此项的请填“0”，属漏填的请补填。"),
        ("yuan_for_wan", "verify", "funding.county", YUAN.format(20000, 2, 2)),
        (
            "cumulative_views",
            "verify",
            "public.online",
            "第15项明显偏大，请核实是否为平台累计浏览量，本表仅填报活动期间数据。",
        ),
        (
            "read_as_zero",
            "hint",
            "activities.ministry_tasks",
            "第2项填写为“无”，已按0计，下次请直接填写“0”。",
        ),
    ],
    {
        "staff.other": typed("blank"),
        "public.online": "6000000",
        "funding.county": "20000",
        "activities.ministry_tasks": typed("none", "无"),
    },
)
