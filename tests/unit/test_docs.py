"""The documents are true: their tables are held against the code, their links and commands exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from ruamel.yaml import YAML

from documents import DOCS, Row, tables, tables_of
from huizong.cli.commands import app
from huizong.definition.load import load_named
from huizong.home import Home
from huizong.instruments.model import Item
from huizong.intake.parts import classify
from huizong.intake.recognise import FILE_PROBLEMS, Witnesses, identify
from huizong.intake.relevance import words_only
from huizong.mime.parse import parse_message
from huizong.readers.layout.columns import head_units
from huizong.readers.layout.grammar import read_value
from huizong.readers.layout.labels import labels_of
from huizong.readers.layout.units import Stated, other_unit
from huizong.readers.model import FileReading, FormReading, ItemReading, State
from huizong.readers.sheets.number_formats import shown_otherwise
from huizong.rules.columns import frame
from huizong.rules.hints import hint
from huizong.rules.model import SEVERITIES, SEVERITY_FOR_CLERK, Finding, FormRow
from huizong.rules.run import run_batch
from huizong.rules.standard import standard_expectations
from huizong.rules.suite import Expectation
from huizong.stages import words
from huizong.stages.validate import return_status
from office import CYCLE, PROJECT, honest, statistics_form

PAGES = sorted([*PROJECT.glob("README*.md"), *DOCS.rglob("*.md")])
ITEM_OF_ROW = {
    "家": "media.outlets",
    "次": "activities.held",
    "人次": "public.offline",
    "万元": "funding.county",
}


# --- docs/values.md ------------------------------------------------------------------------------------


def _content(text: str) -> Any:
    if text.startswith("date "):
        return date.fromisoformat(text.removeprefix("date "))
    return json.loads(text)


def _reading(row: Row) -> ItemReading:
    return read_value(_content(row["cell"]), statistics_form().by_code[ITEM_OF_ROW[row["row"]]])


@cache
def _findings() -> dict[str, list[Finding]]:
    """Every row of the first table in a form that is otherwise in order, by its place in the table."""
    form = statistics_form()
    clean = {code: ItemReading(state="number", number=n, raw=str(n)) for code, n in honest().items()}
    rows = [
        FormRow(
            str(n), "新乡县", "你单位", clean | {ITEM_OF_ROW[row["row"]]: _reading(row)}, unit_text="新乡县"
        )
        for n, row in enumerate(tables_of("values.md")[0])
    ]
    return run_batch(rows, form, PROJECT / f"expectations/{form.ref}.json")


@pytest.mark.parametrize(("n", "row"), enumerate(tables_of("values.md")[0]))
def test_a_cell_is_read_as_the_table_says(n: int, row: Row) -> None:
    reading = _reading(row)
    assert reading.state == row["state"]
    assert ("" if reading.number is None else str(reading.number)) == row["number"]
    assert ", ".join(reading.notes) == row["notes"]
    assert "; ".join(f"{f.severity} {f.rule}" for f in _findings()[str(n)]) == row["findings"]


def test_each_state_has_the_rule_that_the_table_says() -> None:
    rules = [
        (state, rule.meta.severity, rule.meta.code)
        for rule in standard_expectations(statistics_form())
        if rule.meta.item == "media.outlets"
        for state in rule.kwargs.get("value_set", ())
    ]
    table = tables_of("values.md")[1]
    assert [row["state"] for row in table] == list(get_args(State))
    assert {(r["state"], r["severity"], r["rule"]) for r in table if r["rule"]} == set(rules)


def test_severities_mean_what_the_table_says() -> None:
    table = tables_of("values.md")[2]
    assert tuple(row["severity"] for row in table) == SEVERITIES
    for severity, row in zip(SEVERITIES, table, strict=True):
        status = return_status([Finding("any", severity, None, "")])
        assert row["the clerk reads"] == SEVERITY_FOR_CLERK[severity]
        assert row["the return"] == f"{status} {words.RETURN_STATUS[status]}"
        assert row["its figures"] == ("do not count" if status == "rejected" else "count")


@pytest.mark.parametrize("row", tables_of("values.md")[3])
def test_a_finding_adds_what_the_table_says(row: Row) -> None:
    assert hint(row["text"], statistics_form().by_code[ITEM_OF_ROW[row["row"]]]) == row["the finding adds"]


@pytest.mark.parametrize("row", tables_of("values.md")[4])
def test_a_format_shows_what_the_table_says(row: Row) -> None:
    item = statistics_form().by_code[ITEM_OF_ROW[row["row"]]]
    assert shown_otherwise(Decimal(row["holds"]), row["format"], item) == row["asked about as"]


@pytest.mark.parametrize("row", tables_of("values.md")[5])
def test_a_unit_is_asked_about_as_the_table_says(row: Row) -> None:
    item = statistics_form().by_code[ITEM_OF_ROW[row["row"]]]
    match = labels_of(statistics_form().items).match(row["written"])
    assert (match is not None and match.codes == (item.code,)) == (row["on"] == "label")
    stated = [Stated(match.units)] if match else head_units([row["written"]])
    assert other_unit(item, stated) == row["asked about as"]


# --- docs/identity.md ----------------------------------------------------------------------------------


def _units(cell: str) -> frozenset[str]:
    return frozenset() if cell == "—" else frozenset(cell.split(", "))


@pytest.mark.parametrize("row", tables_of("identity.md")[0])
def test_a_form_is_whose_the_table_says(row: Row) -> None:
    problem = row["file"] if row["file"] in FILE_PROBLEMS else ""
    unit = None if problem or row["file"] == "—" else row["file"]
    beneath = "A" if row["content"] == "a" else None
    content = frozenset[str]() if beneath else _units(row["content"])
    witnesses = Witnesses(unit, problem, _units(row["sender"]), content, beneath)
    verdict = identify(
        witnesses, {"A": "甲", "B": "乙"}, sender_reports_too={"yes": True, "no": False}[row["own form too"]]
    )
    assert " ".join(filter(None, (verdict.disposition, verdict.unit))) == row["decision"]
    assert verdict.reason.startswith(row["reason begins"])
    assert bool(verdict.reason) == bool(row["reason begins"])


def test_no_outcome_is_missing_from_the_table() -> None:
    """Neither a trouble with the file nor a reason that the code can give."""
    table = tables_of("identity.md")[0]
    assert {row["file"] for row in table} == {"A", "B", "—", *FILE_PROBLEMS}
    reasons = {row["reason begins"] for row in table}
    for unit, sender, content, too in _every_combination():
        names = {"A": "甲", "B": "乙"}
        verdict = identify(Witnesses(unit, "", sender, content), names, sender_reports_too=too)
        beneath = identify(Witnesses(unit, "", sender, beneath="A"), names, sender_reports_too=too)
        assert any(beneath.reason.startswith(r) for r in reasons if r)
        assert any(verdict.reason.startswith(r) for r in reasons if r) or verdict.disposition == "return"


def _every_combination() -> Iterator[tuple[str | None, frozenset[str], frozenset[str], bool]]:
    some = [frozenset[str](), frozenset("A"), frozenset("B"), frozenset("AB")]
    for unit in (None, "A"):
        for sender in some:
            for content in some[:3]:
                for too in (False, True):
                    yield unit, sender, content, too


@pytest.mark.parametrize("row", tables_of("identity.md")[1])
def test_a_file_is_the_part_that_the_table_says(row: Row, tmp_path: Path) -> None:
    home = Home.from_environment({"HUIZONG_HOME": str(tmp_path)})
    parts = load_named(CYCLE, home).cycle.collections[0].parts
    proposals = (FormReading(instrument=statistics_form().ref),) if row["in it"] == "form" else ()
    text = "本单位组织开展了科普讲座、开放日等活动。" * 10 if row["in it"] == "text" else ""
    reading = FileReading(kind=row["kind"], disposition="return", proposals=proposals, text=text)
    part = classify(row["file name"], reading, parts)
    assert (part.code if part else "triage") == row["part"]


@pytest.mark.parametrize("row", tables_of("identity.md")[2])
def test_a_message_of_words_is_what_the_table_says(row: Row) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "hongqi@xinxiang.example", "来信"
    message.set_content(row["the message"])
    assert words_only(parse_message(message.as_bytes()), nil_allowed=True)[0] == row["disposition"]


# --- docs/operator.zh-CN.md ----------------------------------------------------------------------------


def test_the_operators_guide_uses_the_words_of_the_screens() -> None:
    known = [words.UNIT_STATUS, words.RETURN_STATUS, words.DISPOSITION, words.LETTER_STATE]
    by_heads: dict[str, list[dict[str, str]]] = {
        "报送进度": [words.UNIT_STATUS],
        "审核状态": [words.RETURN_STATUS],
        "来件处理": [words.DISPOSITION],
        "信件状态": [words.LETTER_STATE],
    }
    seen: list[dict[str, str]] = []
    for table in tables(DOCS / "operator.zh-CN.md"):
        for head, (chinese,) in by_heads.items():
            if head in table[0]:
                seen.append(chinese)
                for row in table:
                    assert chinese[row["代码"]] == row[head]
    assert all(chinese in seen for chinese in known)


# --- every page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            place = (page.parent / name) if name else page
            assert place.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in _anchors(place), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(PROJECT)))
def test_paths_named_in_code_marks_exist(page: Path) -> None:
    """`include/…`, `docs/…` and the like, unless a placeholder stands in them."""
    rooms = "include|docs|dags|plugins|tests|expectations|docker"
    for path in re.findall(rf"`((?:{rooms})/[^`\s]*)`", page.read_text(encoding="utf-8")):
        if not re.search(r"[<>*…{]|YYYY", path):
            assert (PROJECT / path).exists(), f"{page.name} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(PROJECT)))
def test_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in _command_lines(text, "huizong"):
        _check_command(line)
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.M))
    for line in _command_lines(text, "make"):
        assert line.split()[0] in targets, f"{page.name}: make {line}"


def _command_lines(text: str, program: str) -> list[str]:
    """What follows the program's name, in code marks and in code blocks."""
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S))
    inline = [
        span for span in re.findall(r"`([^`\n]+)`", text) if re.match(rf"(\.venv/bin/)?{program} ", span)
    ]
    lines = re.findall(rf"^(?:[^#\n]*\s|)(?:\.venv/bin/)?{program} +([a-z][^\n#|>]*)", blocks, re.M)
    return [*lines, *(re.sub(rf"^(\.venv/bin/)?{program} +", "", span) for span in inline)]


def _check_command(line: str) -> None:
    """The command is there, and has the options that stand behind it."""
    command: Any = typer.main.get_command(app)
    options: set[str] = set()
    for word in shlex.split(line):
        name = word.strip("[]…")
        if hasattr(command, "commands"):
            assert name in command.commands, f"huizong {line}: no command {name}"
            command = command.commands[name]
        elif name.startswith("--"):
            options.add(name)
    known = {o for parameter in command.params for o in parameter.opts} | {"--help"}
    assert options <= known, f"huizong {line}: {options - known}"


def test_the_readme_tables_list_every_command() -> None:
    for page in sorted(PROJECT.glob("README*.md")):
        text = page.read_text(encoding="utf-8")
        for name in _every_command(typer.main.get_command(app)):
            assert f"`huizong {name}" in text, f"{page.name} does not list huizong {name}"


def _every_command(command: Any, prefix: str = "") -> Iterator[str]:
    for name, child in command.commands.items():
        if hasattr(child, "commands"):
            yield from _every_command(child, f"{prefix}{name} ")
        else:
            yield prefix + name


def _block(name: str, language: str) -> str:
    """The only code block of that language in a page."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.S)
    return str(block)


def test_the_example_rule_is_one() -> None:
    rule = Expectation.model_validate_json(_block("adding-a-rule.md", "json"))
    none = ItemReading(state="none", number=Decimal(0), raw="无")
    clean = {code: ItemReading(state="number", number=n, raw=str(n)) for code, n in honest().items()}
    rows = [
        FormRow("in order", "新乡县", "你单位", clean),
        FormRow("broken", "新乡县", "你单位", clean | {"media.outlets": none}),
    ]
    (column,) = rule.columns
    assert frame(rows, statistics_form(), rule.columns)[column].notna().tolist() == [False, True]


def test_the_example_item_is_one() -> None:
    assert Item.model_validate(YAML(typ="safe").load(_block("adding-a-form.md", "yaml"))).unit == "条"


def test_the_recipe_for_a_suite_makes_the_projects_own() -> None:
    (block,) = re.findall(
        r"```python\n(.*?)```", (DOCS / "adding-a-form.md").read_text(encoding="utf-8"), re.S
    )
    ref = statistics_form().ref
    suite = PROJECT / f"expectations/{ref}.json"
    arguments = [str(PROJECT / f"include/forms/{ref}.yaml"), str(suite)]
    made = subprocess.run(
        [sys.executable, "-c", block, *arguments], capture_output=True, check=True, encoding="utf-8"
    )
    assert made.stdout == suite.read_text(encoding="utf-8")
