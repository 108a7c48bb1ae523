"""What must have come true. Each check yields a sentence for every thing that is not as expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from huizong_demo.cast import CAST
from huizong_demo.facts import Diary, Facts, Summary

BY_ITSELF = {"scheduled": "按日程", "asset_triggered": "由事件", "operator_triggered": "由流程"}
GOOD_ENDS = {"sent", "cancelled"}


def units(facts: Facts) -> Iterator[str]:
    """Each unit stands where its clerk's behaviour leads."""
    if set(facts.units) != {role.unit for role in CAST}:
        yield f"应报名单不符：{sorted(facts.units)}"
    for role in CAST:
        unit = facts.units.get(role.unit, {})
        told = (unit.get("status"), unit.get("versions"), bool(unit.get("punctual")))
        wanted = (role.status, role.versions, role.punctual)
        if told != wanted:
            yield f"{unit.get('name', role.unit)}（{role.story}）：应为 {wanted}，实为 {told}"


def letters(facts: Facts, diary: Diary) -> Iterator[str]:
    """Who got which letter, and that every letter ended well."""
    for letter in facts.letters:
        role = next((role for role in CAST if role.unit == letter["unit"]), None)
        bounced = letter["state"] == "bounced" and role is not None and role.bounces
        if letter["state"] not in GOOD_ENDS and not bounced:
            name = f"信函 {letter['id']}（{letter['kind']}→{letter['to']}）"
            yield f"{name}状态为 {letter['state']}：{letter['reply']}"
    for kind, wanted in _addressees().items():
        got = {letter["unit"] for letter in facts.letters_of(kind) if letter["state"] != "cancelled"}
        if got != wanted:
            yield f"{kind} 的收件单位：多 {sorted(got - wanted)}，少 {sorted(wanted - got)}"
    for role in CAST:
        answered = diary.received(role.read_by or role.unit)  # an answer goes to who sent the papers
        if role.returns and not {"receipt", "correction", "supplement"} & set(answered):
            yield f"{role.unit} 的办事员没有收到回执"
    twice = [key for key, n in Counter(letter["message_id"] for letter in facts.letters).items() if n > 1]
    if twice:
        yield f"Message-ID 重复：{twice}"


def _addressees() -> dict[str, set[str]]:
    """Letter kind -> the units that must have got one, and no others."""
    acts = {role.unit: {step["on"] for step in role.steps} for role in CAST}
    silent = {role.unit for role in CAST if role.status == "not_started"}
    return {
        "notice": {role.unit for role in CAST},
        "correction": {unit for unit, on in acts.items() if "correction" in on},
        "supplement": {unit for unit, on in acts.items() if "supplement" in on},
        "reminder": {unit for unit, on in acts.items() if "reminder" in on} | silent,
    }


def results(facts: Facts, diary: Diary) -> Iterator[str]:
    """Everybody who reported was told the result, and found it in the mailbox."""
    told = {letter["unit"] for letter in facts.letters_of("result")}
    if not told:
        yield "没有发出汇总结果反馈"
        return
    for role in CAST:
        if role.returns and role.unit not in told:
            yield f"没有给 {role.unit} 的汇总结果反馈"
        if role.returns and diary.received(role.unit).count("result") != 1:
            yield f"{role.unit} 的办事员收到 {diary.received(role.unit).count('result')} 份汇总结果"


def summary(final: Summary, sums: Mapping[str, Decimal]) -> Iterator[str]:
    """The totals are the clerks' own sums, the missing are named, the papers are there."""
    for item, wanted in sums.items():
        if final.totals.get(item) != wanted:
            yield f"合计 {item}：应为 {wanted}，实为 {final.totals.get(item)}"
    missing = {role.unit for role in CAST if not role.returns}
    told = (final.coverage["expected"], final.coverage["returned"], set(final.coverage["missing"]))
    if told != (len(CAST), len(CAST) - len(missing), missing):
        yield f"报送覆盖不符：{final.coverage}"
    for suffix in (".xlsx", ".docx"):
        if not any(file.suffix == suffix and file.exists() for file in final.files):
            yield f"缺少汇总文件 {suffix}"


def runs(found: list[dict[str, Any]]) -> Iterator[str]:
    """Every DAG run went well, and none was started by hand."""
    if not found:
        yield "没有任何 DAG 运行"
    for run in found:
        name = f"{run['dag_id']} {run['dag_run_id']}"
        if run["state"] != "success":
            yield f"{name}：{run['state']}"
        if run["run_type"] not in BY_ITSELF:
            yield f"{name}：由 {run['run_type']} 启动"


def how_started(found: list[dict[str, Any]]) -> str:
    counts = Counter(run["run_type"] for run in found)
    return "，".join(f"{BY_ITSELF.get(kind, kind)} {count}" for kind, count in counts.items())


def open_matters(facts: Facts, approved: list[str]) -> Iterator[str]:
    """Nothing waits for a person, and the two sign-offs were asked for."""
    yield from (f"待人工认领：{one['subject']}（{one['reason']}）" for one in facts.triage)
    for word in ("issue", "final"):
        if not any(word in question for question in approved):
            yield f"没有出现 {word} 的审签"
