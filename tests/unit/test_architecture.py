"""The house keeps its shape: imports run one way, nobody asks the machine's clock, files stay readable."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
INCLUDE = PROJECT / "include"
ROOMS = (
    "definition",
    "frame",
    "instruments",
    "intake",
    "readers",
    "mime",
    "rules",
    "outbox",
    "summary",
    "ledger",
)
SOURCES = sorted(p for top in ("include", "dags", "plugins") for p in (PROJECT / top).rglob("*.py"))
DOMAIN = sorted((INCLUDE / "huizong").rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """(module, line) of every import of a file, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def offending(paths: list[Path], *forbidden: str) -> list[str]:
    """Where a file imports one of these packages."""
    return [
        f"{name_of(path)}:{line} imports {module}"
        for path in paths
        for module, line in imports(path)
        if any(module == f or module.startswith(f"{f}.") for f in forbidden)
    ]


def test_there_is_something_to_look_at() -> None:
    assert len(DOMAIN) > 60
    assert offending([INCLUDE / "huizong/stages/issue.py"], "huizong.ledger")


def test_airflow_is_imported_where_it_belongs_only() -> None:
    allowed = (INCLUDE / "huizong_airflow", PROJECT / "dags", PROJECT / "plugins")
    elsewhere = [p for p in SOURCES if not any(p.is_relative_to(place) for place in allowed)]
    assert offending(elsewhere, "airflow") == []


def test_the_domain_knows_nothing_of_who_drives_it() -> None:
    assert offending(DOMAIN, "huizong_airflow", "huizong_machine") == []
    but_the_demo_command = [p for p in DOMAIN if p.parent.name != "cli"]
    assert offending(but_the_demo_command, "huizong_demo", "huizong.cli") == []


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_neither_stages_nor_command_line(room: str) -> None:
    inside = [p for p in DOMAIN if p.is_relative_to(INCLUDE / "huizong" / room)]
    assert inside
    assert offending(inside, "huizong.stages", "huizong.cli") == []


def test_readers_and_mime_run_without_ledger_and_store() -> None:
    rooms = {"readers", "mime", "instruments", "summary", "rules"}
    inside = [p for p in DOMAIN if p.relative_to(INCLUDE).parts[1] in rooms]
    assert (
        offending(inside, "huizong.ledger.tables", "huizong.ledger.engine", "huizong.store", "sqlalchemy")
        == []
    )


def test_rooms_use_no_private_names_of_other_modules() -> None:
    taken = [
        f"{name_of(path)}:{line} imports {module}"
        for path in SOURCES
        for module, line in imports(path)
        if module.startswith("huizong") and module.rpartition(".")[2].startswith("_")
    ]
    assert taken == []


def test_mail_leaves_through_one_library_only() -> None:
    users = {entry.split(":")[0] for entry in offending(SOURCES, "yagmail")}
    assert users == {"include/huizong/outbox/sender.py", "include/huizong_demo/clerks.py"}
    served = [p for p in SOURCES if "huizong_demo" not in p.parts]
    sending = [e for e in offending(served, "smtplib") if "/outbox/" not in e]
    assert sending == []


CLOCKS = {
    "now",
    "utcnow",
    "today",
    "time",
    "monotonic",
    "perf_counter",
    "sleep",
    "localtime",
    "gmtime",
    "time_ns",
}
CLOCK_OWNERS = {"datetime", "date", "time", "dt", "_time"}


def asks_the_clock(path: Path) -> Iterator[int]:
    """Lines with datetime.now(), date.today(), time.time() and so on; `clock.now()` is the injected one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if name in CLOCK_OWNERS:
                yield node.lineno


def test_the_search_for_clocks_finds_them(tmp_path: Path) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(
        "datetime.now(UTC)\ndt.datetime.now()\ndate.today()\ntime.time()\nclock.now()\n", encoding="utf-8"
    )
    assert list(asks_the_clock(sample)) == [1, 2, 3, 4]


def test_nothing_in_the_domain_asks_what_time_it_is() -> None:
    found = [f"{name_of(path)}:{line}" for path in DOMAIN for line in asks_the_clock(path)]
    assert found == []
    assert [e for e in offending(DOMAIN, "time") if "huizong.clock" not in e] == []


WRITTEN = [p for p in SOURCES if p.parent.name != "versions"]  # Alembic writes the migrations


@pytest.mark.parametrize("path", [*WRITTEN, *sorted((PROJECT / "tests").rglob("*.py"))], ids=name_of)
def test_no_file_is_too_long_to_read(path: Path) -> None:
    limit = 400 if path in SOURCES else 600
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
