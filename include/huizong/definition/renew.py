"""`huizong new`: this year's cycle out of last year's, with a mark wherever a person has to look.

Dates keep their weekday (the nearest one to the same date); what has to be on a working day moves on to the
next one. Nothing of the old files is changed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from huizong.definition.calendar import Calendar, add_working_days
from huizong.definition.checking.forms import instrument_path
from huizong.definition.edits import Value, YamlText
from huizong.definition.load import LoadedCycle, find_cycles, load_named
from huizong.definition.marks import MARK, marks_in, without_marks
from huizong.definition.model import Code
from huizong.definition.when import When
from huizong.errors import UsageError
from huizong.frame.roster import ROSTER
from huizong.home import Home, find_file
from huizong.instruments.model import Instrument, load_instrument, parse_instrument

RenewRules = Callable[[Path, Instrument], str]  # last year's suite, the new form → the new suite's text

DEFINITION = "cycle.yaml"
_SCHEMA_LINE = "# yaml-language-server: $schema="
_OWN_LINE = re.compile(rf"{re.escape(_SCHEMA_LINE)}|# 由 \S+ 续办")
_IN_WORKING_DAYS = {"due", "closes", "issue_at", "at", "provisional_at", "final_at"}
_WORDS = {"title", "hint", "reference_period", "keywords", "label", "group", "aliases", "unit_line"}
_ALWAYS_LOOKED_AT = {
    ("event", "from"): "活动日期（按上年同期推算）",
    ("issued_by", 0): "发文单位及先后",
    ("notice", "issue_at"): "下发时间（按上年推算）",
    ("upward", "due"): "上级要求的时间（按上年推算）",
    (
        "collections",
        0,
        "code",
    ): "单位名录 roster.csv：增减、改名，联系人、邮箱（见 huizong roster export）",
}


def renew(code: str, old: str, home: Home, renew_rules: RenewRules) -> dict[str, Any]:
    """Write the cycle `code` into the home out of the cycle `old`.

    Returns:
        {"cycle", "folder", "files": [paths], "look_at": [{"file", "line", "message"}]}

    Raises:
        UsageError: there is such a cycle already, the old one is not there or wrong, the code names no later
            year, or that year's holidays are not published. Nothing has been written then.
    """
    before = load_named(old, home)
    folder = home.cycle_folders[0] / code
    _refuse_if_there(code, folder, home)
    years = _years(code, before)
    calendar = before.calendar
    calendar.is_working_day(date(years.now, 1, 1))  # a year that is not published is refused by name
    forms = {
        ref: _renew_form(ref, form, before, folder, home, years) for ref, form in before.instruments.items()
    }
    text = _Renewed(code, before, calendar, years, {r: f.ref for r, f in forms.items()}).text(folder, home)
    files = {path: content for form in forms.values() for path, content in form.files.items()}
    files = _suites(forms, files, home, renew_rules) | files  # a form that is there is not made again
    for path, content in files.items():
        _write(path, content)
    copied = _copy_others(before, folder)
    _write(folder / DEFINITION, text)  # last: only with it there is a cycle
    written = [folder / DEFINITION, *copied, *files]
    return {
        "cycle": code,
        "folder": str(folder),
        "files": [str(path) for path in written],
        "look_at": [
            {"file": str(path), "line": line, "message": what}
            for path in (folder / DEFINITION, *files)
            if path.suffix == ".yaml"
            for line, what in marks_in(path.read_text(encoding="utf-8"))
        ],
    }


@dataclass(frozen=True)
class _Years:
    before: int
    now: int

    def shift(self, text: str) -> str:
        """The text with its years moved; a document number's 〔2023〕 is another's and stays."""

        def moved(match: re.Match[str]) -> str:
            year = int(match[0])
            return str(year + self.now - self.before) if abs(year - self.before) <= 1 else match[0]

        return re.sub(r"(?<![\d〔\[])20\d{2}(?!\d)", moved, text)

    def day(self, day: date) -> date:
        """The nearest same weekday to the same date in the new year."""
        year = day.year + self.now - self.before
        leap = day.month == 2 and day.day == 29
        same = date(year, 3, 1) if leap else day.replace(year=year)
        return same + timedelta(days=(day.weekday() - same.weekday() + 3) % 7 - 3)


def _refuse_if_there(code: str, folder: Path, home: Home) -> None:
    if not re.fullmatch(Code.__metadata__[0].pattern, code):  # type: ignore[attr-defined]
        raise UsageError(f"任务代码“{code}”不合规：小写字母、数字和连字符，如 xinxiang-2024。")
    there = find_cycles(home).get(code)
    if there is not None or (folder / DEFINITION).exists():
        raise UsageError(f"统计任务 {code} 已存在（{there or folder}），不覆盖；要重做请先移走该文件夹。")


def _years(code: str, before: LoadedCycle) -> _Years:
    named = re.findall(r"(?<!\d)20\d{2}(?!\d)", code)
    was = (before.cycle.event.first if before.cycle.event else before.schedule.issue.date()).year
    if not named:
        raise UsageError(f"任务代码“{code}”中没有年份，请写成 xinxiang-2024 这样。")
    if int(named[-1]) <= was:
        raise UsageError(f"任务代码“{code}”的年份须晚于 {before.cycle.code} 的 {was} 年。")
    return _Years(was, int(named[-1]))


@dataclass(frozen=True)
class _Renewed:
    """The new definition's text."""

    code: str
    before: LoadedCycle
    calendar: Calendar
    years: _Years
    forms: dict[str, str]  # reference of last year's form → of this year's

    def text(self, folder: Path, home: Home) -> str:
        path = self.before.folder / DEFINITION
        yaml = YamlText(_kept(path))
        values = list(yaml.values())
        by_keys = {value.keys: value for value in values}
        event_from = by_keys.get(("event", "from"))
        for value in values:
            self._change(yaml, value, event_from)
            self._mark(yaml, value)
        if ("previous",) not in by_keys:
            first = next(value for value in values if value.keys[0] == "channels")
            top = yaml.text.rfind("\nchannels:", 0, first.start) + 1
            yaml.insert_at(top, f"previous: {self.before.cycle.code}\n")
        head = f"# 由 {self.before.cycle.code} 续办，以下注释沿自上年。标有“请核对”的各处改好后删去该行。\n"
        return _schema_line(folder, home, "cycle") + head + yaml.result()

    def _change(self, yaml: YamlText, value: Value, event_from: Value | None) -> None:
        keys = value.keys
        own = {("code",): self.code, ("live",): "false", ("previous",): self.before.cycle.code}
        if keys in own:
            yaml.replace(value, own[keys])
        elif keys == ("document_number",):
            yaml.replace(value, "", quoted=True)
        elif keys == ("event", "to") and event_from is not None:
            length = date.fromisoformat(value.text) - date.fromisoformat(event_from.text)
            yaml.replace(value, str(self.years.day(date.fromisoformat(event_from.text)) + length))
        elif keys[-1] == "instrument":
            yaml.replace(value, self.forms[value.text])
        elif keys in {("event", "from"), ("upward", "due")} or keys[-1] in {"opens", *_IN_WORKING_DAYS}:
            yaml.replace(value, self._moved(value))
        elif _WORDS.intersection(map(str, keys)):
            yaml.replace(value, self.years.shift(value.text))

    def _moved(self, value: Value) -> str:
        """A date in this year; what starts from another one (due + 1wd) stays as it is."""
        if not re.match(r"\d{4}-", value.text):
            return value.text
        when = When.parse(value.text)
        was = when.day or (when.moment.date() if when.moment else None)
        if was is None:
            return value.text
        day = self.years.day(was)
        if value.keys[-1] in _IN_WORKING_DAYS and not self.calendar.is_working_day(day):
            day = add_working_days(self.calendar, day, 1)
        return f"{day}{value.text[10:]}"

    def _mark(self, yaml: YamlText, value: Value) -> None:
        keys = value.keys
        if keys in _ALWAYS_LOOKED_AT and value.text not in {"", "null", "~"}:
            yaml.mark(value, _ALWAYS_LOOKED_AT[keys])
        elif keys == ("document_number",):
            yaml.mark(value, f"文号（上年为 {value.text}），填今年的")
        elif keys == ("notice", "document"):
            yaml.mark(value, f"换成今年的通知，放入本文件夹（上年为 {value.text}）")
        elif keys[-1] == "title" and re.search(r"第.{1,4}[届次期]", value.text):
            yaml.mark(value, "题目中的届次")
        elif keys[0] == "channels" and keys[-1] == "address":
            yaml.mark(value, "收件邮箱是否仍用，联系方式是否有变")
        elif keys[-1] == "contact":
            yaml.mark(value, "联系人是否有变")
        elif keys[-1] == "due" and keys[0] == "collections":
            yaml.mark(value, f"截止日期（上年为 {value.text}）")
        elif keys[-1] == "instrument":
            yaml.mark(value, _annex(value.text, self.forms[value.text]))


def _annex(was: str, now: str) -> str:
    if was == now:
        return f"附件：表样是否仍与今年通知所附的一致（沿用 {now}）"
    return f"附件：今年通知所附的表样（暂用 {now}，由 {was} 改年份而来）"


# --- forms and their rules ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _RenewedForm:
    """The reference to use this year, and the files to write for it."""

    before: str
    ref: str
    files: dict[Path, str]


def _renew_form(
    ref: str, form: Instrument, before: LoadedCycle, folder: Path, home: Home, years: _Years
) -> _RenewedForm:
    """A form that names the year gets a version of this year; another one is used as it is."""
    path = instrument_path(ref, before.folder, home)
    own = path.parent == before.folder / "forms"
    if years.shift(form.title) == form.title and form.version != str(years.before):
        text = path.read_text(encoding="utf-8")
        return _RenewedForm(ref, ref, {folder / "forms" / path.name: text} if own else {})
    shifted = years.shift(form.version)
    version = shifted if shifted != form.version else str(years.now)
    now = f"{form.code}@{version}"
    place = (folder / "forms" if own else home.forms[0]) / f"{now}.yaml"
    there = find_file(home.forms, f"{now}.yaml")
    if there is not None:
        load_instrument(there)
        return _RenewedForm(ref, now, {})
    yaml = YamlText(_kept(path))
    for value in yaml.values():
        if value.keys == ("version",):
            yaml.replace(value, version, quoted=True)
        elif _WORDS.intersection(map(str, value.keys)):
            yaml.replace(value, years.shift(value.text))
    head = f"{MARK}由 {ref} 改年份而来，附件印发后逐项核对标题、分组、指标\n"
    text = _schema_line(place.parent, home, "form") + head + yaml.result()
    return _RenewedForm(ref, now, {place: text})


def _suites(
    forms: dict[str, _RenewedForm], files: dict[Path, str], home: Home, renew_rules: RenewRules
) -> dict[Path, str]:
    """For each new version of a form the rules that were written by hand for the one before."""
    found: dict[Path, str] = {}
    for form in forms.values():
        was = find_file(home.expectations, f"{form.before}.json")
        place = home.expectations[0] / f"{form.ref}.json"
        if form.ref == form.before or was is None or find_file(home.expectations, place.name):
            continue
        for path in form.files:
            found[place] = renew_rules(was, parse_instrument(files[path], path))
    return found


# --- files --------------------------------------------------------------------------------------------


def _schema_line(folder: Path, home: Home, kind: str) -> str:
    place = home.project / "docs" / "schema" / f"{kind}.schema.json"
    return f"{_SCHEMA_LINE}{os.path.relpath(place, folder)}\n"


def _kept(path: Path) -> str:
    """Last year's text without what `huizong new` writes itself."""
    lines = without_marks(path.read_text(encoding="utf-8-sig")).splitlines(keepends=True)
    return "".join(line for line in lines if not _OWN_LINE.match(line))


def _copy_others(before: LoadedCycle, folder: Path) -> list[Path]:
    """The roster, and what else is in last year's folder but its definition, forms and notice."""
    left = {DEFINITION, before.cycle.notice.document}
    copied = []
    for path in sorted(before.folder.iterdir(), key=lambda p: (p.name != ROSTER, p.name)):
        if path.is_file() and path.name not in left and not path.name.startswith("."):
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / path.name)
            copied.append(folder / path.name)
    return copied


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
