"""What `huizong check` finds before a clerk of the office would: file, line, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from huizong.definition.checking.dates import check_dates
from huizong.definition.checking.forms import CheckRules, check_forms, instrument_path
from huizong.definition.checking.found import Found, Lines
from huizong.definition.checking.spelling import check_lists
from huizong.definition.checking.titles import check_titles
from huizong.definition.checking.upward import check_upward
from huizong.definition.checking.who import check_audiences, check_channels, check_roster
from huizong.definition.load import LoadedCycle, load_cycle
from huizong.definition.marks import marks_in
from huizong.definition.yaml_file import DefinitionError, Problem, read_yaml
from huizong.home import Home


def check_cycle(path: Path, home: Home, check_rules: CheckRules) -> list[Problem]:
    """All problems of one cycle's folder; empty if it can be issued. `review_cycle` tells more."""
    return [found.at for found in review_cycle(path, home, check_rules) if found.level == "problem"]


def review_cycle(path: Path, home: Home, check_rules: CheckRules) -> list[Found]:
    """All problems of one cycle's folder, and what is only worth a second look.

    Args:
        check_rules: (suite file, its form) → what of the suite does not fit; raises HuizongError where the
            file is no suite.
    """
    try:
        loaded = load_cycle(path, home)
    except DefinitionError as e:
        return [*(Found("problem", p) for p in e.problems), *_marks([path])]
    lines = Lines(path, read_yaml(path))
    return [
        *check_audiences(loaded, lines),
        *check_titles(loaded, lines),
        *check_dates(loaded, lines),
        *check_upward(loaded, lines),
        *check_channels(loaded, lines),
        *check_roster(loaded),
        *check_forms(loaded, home, lines, check_rules),
        *_notice(loaded, lines),
        *check_lists(lines),
        *_marks([path, *(instrument_path(ref, loaded.folder, home) for ref in loaded.instruments)]),
    ]


def _notice(loaded: LoadedCycle, lines: Lines) -> Iterator[Found]:
    document = loaded.cycle.notice.document
    if document and not (loaded.folder / document).is_file():
        yield lines.problem(f"通知文件 {document} 不在 {loaded.folder} 中", "notice", "document")


def _marks(paths: Iterable[Path]) -> Iterator[Found]:
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # told already
        for line, what in marks_in(text):
            yield Found("problem", Problem(str(path), line, f"尚未核对：{what}（核对、改好后删去这行注释）"))
