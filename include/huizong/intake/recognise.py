"""Whose is it? Three witnesses, and what follows from what they say (DESIGN 5).

The *file* (token or form number, with the pre-filled name: one witness), the *sender*, and the *content
typed by the clerk*. Two that agree identify; a strong one (file, or a registered sender) without a
contradiction identifies; a contradiction goes to triage with what each says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from huizong.readers.labels import normalise

FILE_PROBLEMS = {
    "altered": "表内的识别码被改动过",
    "malformed": "表内的识别码不完整",
    "foreign": "表内的识别码不是本单位签发的",
    "other_cycle": "来表是其他统计任务（或上年度）的表",
}


@dataclass(frozen=True)
class Witnesses:
    """What is known of one form's origin. Units are named by code."""

    file: str | None = None
    file_problem: str = ""  # a key of FILE_PROBLEMS
    sender: frozenset[str] = frozenset()  # the units that a registered address speaks for
    content: frozenset[str] = frozenset()  # units whose name was typed into the header

    @property
    def units(self) -> frozenset[str]:
        """Every unit that one of them names: while nobody has decided, it may be any of these."""
        return self.sender | self.content | ({self.file} if self.file else set())

    def as_data(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "file_problem": self.file_problem,
            "sender": sorted(self.sender),
            "content": sorted(self.content),
        }


@dataclass(frozen=True)
class Verdict:
    disposition: Literal["return", "triage"]
    unit: str | None = None
    reason: str = ""
    from_registered: bool = False


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
        return _by_file(w, w.file, names, sender_reports_too)
    if not w.sender:
        return _triage("发件地址未登记，文件中也没有识别码。", w, names)
    return _by_sender(w, names)


def _by_file(w: Witnesses, unit: str, names: Mapping[str, str], sender_reports_too: bool) -> Verdict:
    if w.content and unit not in w.content:
        return _triage("表头单位与表内识别码不一致。", w, names)
    if w.sender and unit not in w.sender and not sender_reports_too:
        return _triage("发件单位与表内识别码不一致。", w, names)
    return Verdict("return", unit, from_registered=unit in w.sender)


def _by_sender(w: Witnesses, names: Mapping[str, str]) -> Verdict:
    agreed = w.sender & w.content if w.content else w.sender
    if len(agreed) == 1:
        return Verdict("return", next(iter(agreed)), from_registered=True)
    if not agreed:
        return _triage("表头单位与发件单位不一致。", w, names)
    return _triage("该地址为多家单位的联系人，来件未写明是哪一家。", w, names)


def _triage(reason: str, w: Witnesses, names: Mapping[str, str]) -> Verdict:
    says = []
    if w.file:
        says.append(f"识别码：{names.get(w.file, w.file)}")
    if w.sender:
        says.append(f"发件人：{_listed(w.sender, names)}")
    if w.content:
        says.append(f"表头：{_listed(w.content, names)}")
    return Verdict("triage", reason=reason + (f"（{'；'.join(says)}）" if says else ""))


def _listed(codes: Iterable[str], names: Mapping[str, str]) -> str:
    return "、".join(names.get(code, code) for code in sorted(codes))


def name_index(names: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Name → the units that may sign with it, from code → names. Made once: thousands of forms ask."""
    found: dict[str, set[str]] = {}
    for code, known in names.items():
        for name in known:
            found.setdefault(normalise(name), set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items() if name}


def units_named(text: str, index: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The units whose name is exactly what was typed, white space and punctuation aside."""
    return index.get(normalise(text), frozenset())
