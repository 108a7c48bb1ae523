"""Counties → cities → province through files alone: what one office assembled is a return at the next."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ruamel.yaml import YAML

from huizong.cli.app import run
from huizong.clock import FixedClock
from huizong.errors import UsageError
from huizong.stages.status import trace
from huizong.stages.triage import assign, waiting
from office import PROJECT, Office, honest, statistics_form

FORM = statistics_form()
ITEMS = [item.code for item in FORM.items]
SENT, COUNTED = "2022-06-13T09:00", "2022-06-15T09:00"
Figures = Mapping[str, Decimal]


def office_of(home: Path, code: str, area: str, units: Sequence[tuple[str, str]], **changes: Any) -> Office:
    """An office with its own home and a cycle made of xinxiang-2022's: one collection, the form alone."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    cycle = yaml.load((PROJECT / "include/cycles/xinxiang-2022/cycle.yaml").read_text(encoding="utf-8"))
    collection = cycle["collections"][0]
    form = {"code": "statistics", "kind": "form", "title": "统计表", "instrument": FORM.ref}
    collection |= {"parts": [form | {"instrument": changes.pop("asks", FORM.ref)}]}
    upward = {"to": "上一级科技局"} | changes
    cycle |= {"code": code, "area": area, "collections": [collection], "upward": upward}
    cycle["notice"]["issue_at"] = str(cycle["notice"]["issue_at"]).replace(" ", "T")
    folder = home / "cycles" / code
    folder.mkdir(parents=True)
    with (folder / "cycle.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(plain(cycle), file)
    head = [
        "code",
        "name",
        "full_name",
        "aliases",
        "parent",
        "relation",
        "tags",
        "contact",
        "email",
        "phone",
        "self",
    ]
    with (folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, head, restval="")
        writer.writeheader()
        for unit, name in units:
            row = {"code": unit, "name": name, "full_name": f"{name}科学技术局", "relation": "下级"}
            writer.writerow(row | {"tags": "science-department", "email": f"{unit}@{code}.example"})
    return Office(home, cycle=code)


def plain(value: Any) -> Any:
    """Dates as they are written in a definition."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value if isinstance(value, str | int | bool | None) else value.isoformat()


def figures(seed: int) -> dict[str, Decimal]:
    """Figures just within what one unit can have, those in 万元 to four places: two units' sum is beyond."""
    found = honest(seed)
    for n, item in enumerate(FORM.items):
        if item.type == "decimal":
            found[item.code] = Decimal(9800 + n) + Decimal(1237 * (n + 1) + 11 * seed) / 10000
        elif item.code.startswith("open."):
            found[item.code] = Decimal(60 + n - seed % 3)
    return found | {"public.online": Decimal(4_900_000 + seed), "media.outlets": Decimal(4_900)}


def summed(every: Sequence[Figures]) -> dict[str, Decimal]:
    return {item: sum((one[item] for one in every), Decimal(0)) for item in ITEMS}


def townships(code: str, count: int = 5) -> list[tuple[str, str]]:
    return [(f"{code}-{n}", f"{code}第{n}乡") for n in range(1, count + 1)]


def take(office: Office, moment: str) -> dict[str, Any]:
    office.receive_folder(moment)
    return office.validate(moment)


def collect(office: Office, units: Sequence[str], seed: int) -> list[Figures]:
    """Issue, and take what these units hand in; their figures."""
    office.issue()
    every = [figures(seed + n) for n, _ in enumerate(units)]
    for unit, values in zip(units, every, strict=True):
        office.hand_in(unit, values)
    assert take(office, SENT)["by_status"] == {"accepted": len(units)}
    return every


def upward_file(office: Office, moment: str = COUNTED) -> Path:
    """The form for the level above, of the final edition."""
    files = office.assemble(moment, "final")["files"]
    (found,) = (Path(f) for f in files if Path(f).name.startswith("上报表_"))
    return found


def totals(office: Office, moment: str, edition: str = "final") -> dict[str, Decimal]:
    found = office.assemble(moment, edition)["totals"]["science-departments"]
    return {item: Decimal(value) for item, value in found[FORM.ref].items()}


def traced(office: Office, item: str) -> list[tuple[str, Decimal]]:
    found = trace(office.ctx, office.cycle, item)
    assert sum(Decimal(s["value"]) for s in found["sources"]) == Decimal(found["total"])
    return [(s["unit"], Decimal(s["value"])) for s in found["sources"]]


def texts(path: Path) -> str:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return "\n".join(str(c.value) for row in sheet.iter_rows() for c in row if c.value is not None)


@pytest.mark.slow
def test_the_province_has_what_the_townships_reported_to_the_last_decimal(tmp_path: Path) -> None:
    counties = {code: office_of(tmp_path / code, code, name, townships(code)) for code, name in COUNTIES}
    reported = {code: collect(o, [u for u, _ in townships(code)][: 4 if code == "c3" else 5], 10 * n)
                for n, (code, o) in enumerate(counties.items())}  # fmt: skip
    province = office_of(
        tmp_path / "p", "p", "中原省",
        [("east", "东城市"), ("west", "西城市"), ("p-self", "省本级"), *townships("p", 2)],
    )  # fmt: skip
    own_of_province = collect(province, ["p-self", "p-1", "p-2"], 70)
    for_east = province.template("east")
    east = office_of(
        tmp_path / "east", "east", "东城市",
        [("c1", "甲山县"), ("c2", "乙山县"), *townships("east", 3)], form="省厅发来的空白表.xlsx",
    )  # fmt: skip
    (tmp_path / "east/cycles/east/省厅发来的空白表.xlsx").write_bytes(for_east)
    west = office_of(tmp_path / "west", "west", "西城市", [("c3", "丙山县"), *townships("west", 4)])
    own_of_east = collect(east, ["east-1", "east-2", "east-3"], 30)
    own_of_west = collect(west, [f"west-{n}" for n in range(1, 5)], 50)

    # County to city: 上报表, the whole summary, and by a sender whom nobody knows.
    first, third = upward_file(counties["c1"]), upward_file(counties["c3"])
    assert first.name == f"上报表_甲山县_{FORM.title}_定稿.xlsx"
    upward_file(counties["c2"])
    whole = next(f for f in tmp_path.glob("c2/editions/c2/final-1/*汇总_定稿.xlsx"))
    east.drop("c1", {first.name: first.read_bytes()})
    east.drop("c2", {whole.name: whole.read_bytes()})
    assert take(east, COUNTED)["by_status"] == {"accepted": 5}
    west.drop("来自群文件", {third.name: third.read_bytes()})
    take(west, COUNTED)
    (waits,) = waiting(west.ctx)["waiting"]
    assert "c3" in str(waits["witnesses"])  # what the header says: for the person who decides
    assign(west.ctx, waits["id"], "c3", "science-departments", by="王科员", reason="表头为丙山县")
    assert west.validate(COUNTED)["by_status"] == {"accepted": 5}

    # City to province: a form by the city's code, and the province's own blank that says whose it is.
    from_west, from_east = upward_file(west), upward_file(east)
    assert "本表为13家单位上报数之和" in texts(from_east)  # what a bound for one unit is held against
    assert "本表为8家单位上报数之和" in texts(from_west)
    province.drop("west", {from_west.name: from_west.read_bytes()})
    province.drop("不认识的文件夹", {from_east.name: from_east.read_bytes()})
    assert take(province, "2022-06-16T09:00")["by_status"] == {"accepted": 5}

    in_east = [*reported["c1"], *reported["c2"], *own_of_east]
    in_west = [*reported["c3"], *own_of_west]
    everybody = summed([*in_east, *in_west, *own_of_province])
    assert totals(province, "2022-06-16T10:00") == everybody
    assert totals(east, COUNTED) == summed(in_east)
    assert min(value.normalize().as_tuple().exponent for value in everybody.values()) == -4
    assert province.assemble("2022-06-16T10:00", "final")["coverage"]["science-departments"]["missing"] == []

    # Who is missing below is told where it is missing, and on the form that went up.
    done = counties["c3"].assemble(COUNTED, "final")["coverage"]["science-departments"]
    assert (done["expected"], done["returned"], done["missing"]) == (5, 4, ["c3-5"])
    assert "未报1家：c3第5乡" in texts(third)
    assert west.assemble(COUNTED, "final")["coverage"]["science-departments"]["missing"] == []

    item = "funding.county"
    above = dict(traced(province, item))
    assert above["east"] == sum(value for _, value in traced(east, item))
    assert dict(traced(east, item))["c1"] == sum(value for _, value in traced(counties["c1"], item))
    assert [value for _, value in traced(counties["c1"], item)] == [f[item] for f in reported["c1"]]


COUNTIES = (("c1", "甲山县"), ("c2", "乙山县"), ("c3", "丙山县"))
BRIEF = """
code: science-week-brief
version: "2022"
title: 2022年科技活动周经费与参与情况简表
unit_line: 填报地区（盖章）：
items:
  - {code: money.all, group: 经费, label: 经费投入合计, type: decimal, unit: 万元}
  - {code: people.all, group: 参与, label: 群众参与合计, type: integer, unit: 人次}
  - {code: activities.held, group: 活动, label: 举办活动次数, type: integer, unit: 次}
"""
MAPPING = {
    "money.all": [item for item in ITEMS if item.startswith("funding.")],
    "people.all": ["public.offline", "public.online"],
}


def test_another_form_above_holds_sums_of_our_items(tmp_path: Path) -> None:
    homes = tmp_path / "c1", tmp_path / "east"
    for home in homes:
        (home / "forms").mkdir(parents=True)
        (home / "forms/science-week-brief@2022.yaml").write_text(BRIEF, encoding="utf-8")
    brief = "science-week-brief@2022"
    county = office_of(homes[0], "c1", "甲山县", townships("c1", 2), form=brief, mapping=MAPPING)
    city = office_of(homes[1], "east", "东城市", [("c1", "甲山县")], asks=brief)
    every = summed(collect(county, ["c1-1", "c1-2"], 1))
    city.issue()
    sent = upward_file(county)
    city.drop("c1", {sent.name: sent.read_bytes()})
    assert take(city, COUNTED)["by_status"] == {"accepted": 1}
    found = city.assemble(COUNTED, "final")["totals"]["science-departments"][brief]
    assert {item: Decimal(value) for item, value in found.items()} == {
        "money.all": sum(every[item] for item in MAPPING["money.all"]),
        "people.all": every["public.offline"] + every["public.online"],
        "activities.held": every["activities.held"],
    }


def test_the_mapping_is_checked_before_anything_is_issued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms/science-week-brief@2022.yaml").write_text(BRIEF, encoding="utf-8")
    wrong = {"money.all": ["funding.centre"], "money.none": ["funding.central"]}
    office = office_of(
        tmp_path, "c1", "甲山县", townships("c1", 2), form="science-week-brief@2022", mapping=wrong
    )
    assert run(["check", "c1", "--json"], environ=office.environ, clock=FixedClock()) == 1
    said = "".join(capsys.readouterr())
    assert "本级表样 activity-week-statistics@2022 没有数字指标 funding.centre" in said
    assert "上级表样 science-week-brief@2022 没有指标 money.none" in said
    assert "“群众参与合计”（people.all）没有对应的本级指标，上报时留空" in said


def test_a_blank_that_cannot_be_filled_is_refused_in_words(tmp_path: Path) -> None:
    office = office_of(tmp_path, "c1", "甲山县", townships("c1", 2), form="空白表.xlsx")
    place = tmp_path / "cycles/c1/空白表.xlsx"
    collect(office, ["c1-1"], 1)
    with pytest.raises(UsageError, match=r"空白表\.xlsx 不在 .* 中，请放入后再汇总"):
        office.assemble(COUNTED, "final")
    place.write_bytes(b"\xd0\xcf\x11\xe0 an old .xls")
    with pytest.raises(UsageError, match="不是可以打开的 .xlsx 工作簿"):
        office.assemble(COUNTED, "final")
    for change, said in (
        ({"B5": "别的指标"}, "“中央财政经费投入情况”没有找到"),
        ({"B6": "中央财政经费投入情况"}, "“中央财政经费投入情况”出现多处"),
        ({"C5": "=1+1"}, "“中央财政经费投入情况”右侧没有可填写的空格"),
    ):
        place.write_bytes(office.template("c1-2"))
        book = openpyxl.load_workbook(place)
        for cell, value in change.items():
            book.worksheets[0][cell] = value
        book.save(place)
        with pytest.raises(UsageError, match=said):
            office.assemble(COUNTED, "final")
    place.write_bytes(office.template("c1-2"))
    assert upward_file(office).read_bytes() == upward_file(office).read_bytes()
