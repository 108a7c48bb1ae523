"""Every file of the corpus through `huizong read`: right figures or a named reason, nothing is called."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from corpus.build import corpus, written
from corpus.cases import Case, judge
from corpus.conftest import TABLE
from corpus.real import belongs
from huizong.stages.read import read_files
from office import CYCLE, Office

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

VERDICTS = ("read", "set aside", "wrong", "crashed")


@dataclass(frozen=True)
class Result:
    """One case: its verdict and what `huizong read` said."""

    case: Case
    verdict: str
    rows: list[dict[str, Any]]


class Listener:
    """A web server on this machine that answers nothing useful and remembers who called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        calls = self.calls

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                calls.append(self.path)
                self.send_error(404)

            do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

            def log_message(self, *_: object) -> None:
                """Nothing on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.close()


@pytest.fixture(scope="session")
def results(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, listener: Listener
) -> list[Result]:
    folder = tmp_path_factory.mktemp("corpus")
    placed = written(corpus(tmp_path_factory.mktemp("office"), listener.address), folder)
    rows = read_files(Office(folder / "home").ctx, CYCLE, list(placed))["files"]
    found = []
    for path, case in placed.items():
        own = [row for row in rows if belongs(row, path)]
        found.append(Result(case, judge(case, own), own))
    pytestconfig.stash[TABLE] = list(table(found))
    return found


def table(results: list[Result]) -> Iterator[str]:
    """What the issue asks for, a line a format or trap, and what went wrong below it."""
    counts: Mapping[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        counts[result.case.line][result.verdict] += 1
    yield f"{'format or trap':34}{'files tried':>12}" + "".join(f"{v:>11}" for v in VERDICTS)
    for line, found in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        yield f"{line:34}{found.total():>12}" + "".join(f"{found[v]:>11}" for v in VERDICTS)
    for result in results:
        if result.verdict in ("wrong", "crashed"):
            yield f"{result.verdict}: {result.case.line}, {result.case.name}: {said(result)}"


def said(result: Result) -> str:
    """What `huizong read` said, and where its figures are not the truth."""
    parts = []
    truths = [getattr(outcome, "values", {}) for outcome in result.case.outcomes]
    for row in result.rows:
        others = [
            {i: (v, truth.get(i)) for i, v in row["values"].items() if v != truth.get(i)} for truth in truths
        ]
        nearest = min(others, key=len) if row["values"] and others else {}
        parts.append(
            f"{row['kind']} {row['disposition']} {row['unit'] or ''} {row['reason']} {nearest or ''}"
        )
    return " | ".join(parts)


def faults(results: list[Result], verdict: str) -> list[str]:
    return [f"{r.case.line}, {r.case.name}: {said(r)}" for r in results if r.verdict == verdict]


def test_no_figure_and_no_disposition_is_wrong(results: list[Result]) -> None:
    assert faults(results, "wrong") == []


def test_nothing_crashes_or_hangs(results: list[Result]) -> None:
    assert faults(results, "crashed") == []


def test_nothing_is_fetched(results: list[Result], listener: Listener) -> None:
    assert results and listener.calls == []
    with pytest.raises(urllib.error.HTTPError):  # it does listen
        urllib.request.urlopen(f"{listener.address}/test", timeout=5)
    assert listener.calls == ["/test"]
