"""Collections that people could not tell apart."""

from __future__ import annotations

from huizong.definition.checking.found import Findings, Lines
from huizong.definition.load import LoadedCycle
from huizong.home import as_file_name


def check_titles(loaded: LoadedCycle, lines: Lines) -> Findings:
    """Titles that give the same file name: one collection's files would replace the other's."""
    first: dict[str, str] = {}
    for n, collection in enumerate(loaded.cycle.collections):
        name = as_file_name(collection.title or collection.code)
        if name in first:
            yield lines.problem(
                f"{collection.code}：title“{name}”与 {first[name]} 相同，转发包会互相覆盖，请改成不同的题目",
                "collections",
                n,
                "title",
            )
        first.setdefault(name, collection.code)
