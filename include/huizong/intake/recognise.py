"""Whose is it? Three witnesses, and what follows from what they say (DESIGN 5).

The *file* (token or form number, with the pre-filled name: one witness), the *sender*, and the *content
typed by the clerk*. Two that agree identify; a strong one (file, or a registered sender) without a
contradiction identifies; a contradiction goes to triage with what each says. A form on which the clerk typed
the name of a department beneath a unit (获嘉县教育局) is `subordinate`: the unit sums its departments up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from huizong.readers.layout.labels import normalise

FILE_PROBLEMS = {
    "altered": "表内的识别码被改动过",
    "malformed": "表内的识别码不完整",
    "foreign": "表内的识别码不是本单位签发的",
    "other_cycle": "来表是其他统计任务（或上年度）的表",
    "not_expected": "来表所属单位已不在该事项的应报名单中",
}
HEADER_ASTRAY = "表头“部门/地方”与发件单位不一致，请核对单位名称后重新报送"
HEADER_BLANK = "表头“部门/地方”未填写，不能确定是哪家单位的报表，请填写单位名称后重新报送。"


@dataclass(frozen=True)
class Witnesses:
    """What is known of one form's origin. Units are named by code."""

    file: str | None = None
    file_problem: str = ""  # a key of FILE_PROBLEMS
    sender: frozenset[str] = frozenset()  # the units that a registered address speaks for
    content: frozenset[str] = frozenset()  # units whose name was typed into the header
    beneath: str | None = None  # the unit of which a department's name was typed
    text: str = ""  # the header as it stands, pre-filled or typed
    address: str = ""  # the sender's

    @property
    def units(self) -> frozenset[str]:
        """Every unit that one of them names: while nobody has decided, it may be any of these."""
        return self.sender | self.content | {unit for unit in (self.file, self.beneath) if unit}

    def as_data(self) -> dict[str, Any]:
        """For `triage list --json`: what each of the three says."""
        return {
            "file": {"unit": self.file, "problem": FILE_PROBLEMS.get(self.file_problem, "")},
            "sender": {"address": self.address, "units": sorted(self.sender)},
            "content": {"text": self.text, "units": sorted(self.content), "beneath": self.beneath},
        }


@dataclass(frozen=True)
class Verdict:
    disposition: Literal["return", "triage", "subordinate"]
    unit: str | None = None
    reason: str = ""
    from_registered: bool = False
    ask: str = ""  # what the clerk can do about it: one sentence, where it needs no person of ours
    asked: frozenset[str] = frozenset()  # whose clerk that is, where the witnesses name others as well


def identify(witnesses: Witnesses, names: Mapping[str, str], *, sender_reports_too: bool = False) -> Verdict:
    """The unit a form belongs to, or triage with what each witness says.

    Args:
        names: code → name, for the reason.
        sender_reports_too: the sender's own form is in the same mail, so the sender vouches for that one
            and merely brings the others: their tokens then speak without a contradiction.
    """
    w = witnesses
    if w.file_problem:
        return _triage(f"{FILE_PROBLEMS[w.file_problem]}，请核对来源。", w, names)
    if w.file is not None:
        verdict = _by_file(w, w.file, names, sender_reports_too)
    elif not w.sender and w.beneath is None:
        verdict = _triage("发件地址未登记，文件中也没有识别码。", w, names)
    else:
        verdict = _by_sender(w, names)
    if verdict.disposition == "return" and w.beneath is not None:
        return _subordinate(w, w.beneath, names)
    return verdict


def _by_file(w: Witnesses, unit: str, names: Mapping[str, str], sender_reports_too: bool) -> Verdict:
    typed = w.content | ({w.beneath} if w.beneath else set())
    if typed and unit not in typed:
        return _header_astray(_triage("表头单位与表内识别码不一致。", w, names), w)
    if w.sender and unit not in w.sender and not sender_reports_too:
        return _header_astray(_triage("发件单位与表内识别码不一致。", w, names), w)
    return Verdict("return", unit, from_registered=unit in w.sender)


def _by_sender(w: Witnesses, names: Mapping[str, str]) -> Verdict:
    typed = w.content | ({w.beneath} if w.beneath else set())
    # A department has no address of its own in the roster: what it typed is enough to hand it back.
    speaks = w.sender or (typed if w.beneath else frozenset())
    agreed = speaks & typed if typed else speaks
    if len(agreed) == 1:
        return Verdict("return", next(iter(agreed)), from_registered=bool(w.sender))
    if not agreed:
        return _header_astray(_triage("表头单位与发件单位不一致。", w, names), w)
    verdict = _triage("该地址为多家单位的联系人，来件未写明是哪一家。", w, names)
    return replace(verdict, ask=HEADER_BLANK, asked=w.sender) if not w.text else verdict


def _header_astray(verdict: Verdict, w: Witnesses) -> Verdict:
    """Another unit's name on a registered sender's form: a person looks whose it is, the sender is told what
    stands there (cycles.md, mistake 14)."""
    if len(w.sender) != 1 or not w.text:
        return verdict
    return replace(verdict, ask=f"{HEADER_ASTRAY}（来表表头为“{w.text}”）。", asked=w.sender)


def _subordinate(w: Witnesses, unit: str, names: Mapping[str, str]) -> Verdict:
    name = names.get(unit, unit)
    reason = f"“{w.text}”系{name}下属单位，未计入汇总，请由{name}汇总后统一报送。"
    return Verdict("subordinate", unit, reason, from_registered=unit in w.sender)


def _triage(reason: str, w: Witnesses, names: Mapping[str, str]) -> Verdict:
    says = []
    if w.file:
        says.append(f"识别码：{names.get(w.file, w.file)}")
    if w.sender:
        says.append(f"发件人：{listed(w.sender, names)}")
    if w.content:
        says.append(f"表头：{listed(w.content, names)}")
    elif w.beneath:
        says.append(f"表头：{w.text}（{names.get(w.beneath, w.beneath)}下属单位）")
    return Verdict("triage", reason=reason + (f"（{'；'.join(says)}）" if says else ""))


def listed(codes: Iterable[str], names: Mapping[str, str]) -> str:
    """The units' names for a sentence."""
    return "、".join(names.get(code, code) for code in sorted(codes))


# --- what was typed into the header ------------------------------------------------------------------

_SEAL = re.compile(r"[（(](加?盖章?|公章|章)[）)]\s*$")
_BODY = re.compile(
    r".(局|委|委员会|办|办公室|处|中心|站|所|院|馆|校|学校|中学|小学|大学|学院|幼儿园|医院|协会|学会|联合会|公司|集团"
    r"|镇|乡|街道|办事处|社区|村|团委|妇联|工会|支队|大队|政府|部)$"
)
# The bodies of an area that a notice of this kind is addressed to: one of these beside the area's name is the
# area's own answer under another name (教育科技局, 科协), not a department's.
_OWN = re.compile(r"^人民政府|(科技|科学|科协|科工).*(局|委|委员会|办|办公室|协会|科协)$|^科协$")
_LOWER = re.compile(r"镇|乡|街道|办事处|社区|村|[中小]学")
_SECTION = re.compile(r"(科|股|室|处|组|办)$")
_NAMED_BODY = re.compile(r"(局|委|委员会|协会|科协|中心)$")


@dataclass(frozen=True)
class Named:
    """What a typed name names: units whose name it is, or the unit of which it is a department's."""

    units: frozenset[str] = frozenset()
    beneath: str | None = None


def name_index(names: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Name → the units that may sign with it, from code → names. Made once: thousands of forms ask."""
    found: dict[str, set[str]] = {}
    for code, known in names.items():
        for name in known:
            found.setdefault(normalise(name), set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items() if name}


def units_named(text: str, index: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The units whose name is exactly what was typed, white space, punctuation and （盖章） aside.

    A name that is only near one, or several, names nobody: 新乡 is neither 新乡市 nor 新乡县.
    """
    return index.get(normalise(_SEAL.sub("", text)), frozenset())


def read_name(text: str, index: Mapping[str, frozenset[str]], parent_of: Callable[[str], str]) -> Named:
    """Whom a typed name names, by the unit's names or as a department of one (获嘉县教育局).

    Args:
        parent_of: a unit's parent, whose name may stand before (新乡市获嘉县教育局).
    """
    if units := units_named(text, index):
        return Named(units)
    key = normalise(_SEAL.sub("", text))
    outer, rest = _prefix(key, index)
    if outer is None:
        return Named()
    inner, beyond = _prefix(rest, index, whole=True)
    if inner is not None:
        if parent_of(inner) != outer:
            return Named()
        outer, rest = inner, beyond
    if not rest:
        return Named(frozenset({outer}))
    return Named(beneath=outer) if _is_department(key.removesuffix(rest), rest) else Named()


def _prefix(key: str, index: Mapping[str, frozenset[str]], *, whole: bool = False) -> tuple[str | None, str]:
    """The unit with whose name the key begins (the longest such name) and what follows it."""
    for end in range(len(key) - (not whole), 1, -1):
        if units := index.get(key[:end]):
            return (next(iter(units)), key[end:]) if len(units) == 1 else (None, key)
    return None, key


def _is_department(unit: str, rest: str) -> bool:
    if not _BODY.search(rest) or (_OWN.search(rest) and not _LOWER.search(rest)):
        return False
    return not (_NAMED_BODY.search(unit) and _SECTION.search(rest))  # the unit's own section signs for it


def names_within(text: str, names: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """The units named somewhere in a text, from code → names; a longer name hides those inside it."""
    known = sorted(((name, code) for code, several in names.items() for name in several), key=_longest_first)
    found = set()
    for name, code in known:
        if name and name in text:
            found.add(code)
            text = text.replace(name, "\0")
    return frozenset(found)


def _longest_first(pair: tuple[str, str]) -> int:
    return -len(pair[0])
