"""Alarms as Airflow raises them: the DAG `health`, and what a task that failed for good says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dag_home import HOME
from fastapi.testclient import TestClient

from huizong.connections import EnvironmentConnections
from huizong.errors import OperatorError, TransientError
from huizong.home import Home
from huizong.ledger.tables import Letter
from huizong.ledger.upkeep import Trouble
from huizong.stages.accounts import StoppedError
from huizong.stages.alarms import open_troubles, raise_alarm
from huizong.stages.context import Context, open_context
from huizong.stages.vitals import last_beat
from huizong_airflow.board import pages
from huizong_airflow.board.app import app, reader
from huizong_machine.clock import SystemClock

RECEIVE = "task:receive.mailbox-example:receive"


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    """An installation with the test cycles, whose operator gets alarms."""
    for name in ("cycles", "forms"):
        (tmp_path / name).symlink_to(HOME / name)
    monkeypatch.setenv("HUIZONG_HOME", str(tmp_path))
    monkeypatch.setenv("HUIZONG_PROJECT", str(tmp_path))
    monkeypatch.setenv(
        "AIRFLOW_CONN_OPERATOR_SMTP", "smtp://alarm%40bureau.example:code@127.0.0.1:9/?ssl=false"
    )
    home = Home.from_environment({"HUIZONG_HOME": str(tmp_path), "HUIZONG_PROJECT": str(tmp_path)})
    return open_context(home, SystemClock(), EnvironmentConnections({}))


def call(dags: dict[str, Any], kind: str, dag_id: str, error: BaseException | None = None) -> None:
    """What Airflow calls of the DAG's first task, with what it hands over."""
    task = dags[dag_id].tasks[0]
    for callback in getattr(task, f"on_{kind}_callback"):
        callback({"task": task, "exception": error})


def troubles(ctx: Context) -> list[Trouble]:
    with ctx.ledger.read() as session:
        return open_troubles(session)


def test_every_task_says_when_it_failed_for_good_and_when_it_is_well_again(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        for task in dag.tasks:
            if not dag_id.endswith(".broken"):  # `health` tells that
                assert task.on_failure_callback, f"{dag_id}.{task.task_id}"
                assert task.on_success_callback, f"{dag_id}.{task.task_id}"


def test_a_task_that_fails_again_and_again_is_one_trouble_and_one_letter(
    dags: dict[str, Any], ctx: Context
) -> None:
    for _ in range(5):
        call(dags, "failure", "receive.mailbox-example", OperatorError("邮箱拒绝登录：请核对授权码。"))
    (trouble,) = troubles(ctx)
    assert trouble.name == RECEIVE
    assert "收件·mailbox-example" in trouble.title
    assert any("请核对授权码" in line for line in trouble.lines)
    assert any("receive.mailbox-example" in line for line in trouble.lines)
    call(dags, "success", "receive.mailbox-example")
    call(dags, "success", "receive.mailbox-example")
    assert troubles(ctx) == []
    with ctx.ledger.read() as session:
        letters = session.query(Letter).order_by(Letter.id).all()
    assert [letter.subject[:5] for letter in letters] == ["【告警】流", "【告警解除"]


def test_what_another_alarm_says_is_not_said_twice(dags: dict[str, Any], ctx: Context) -> None:
    call(dags, "failure", "send.mailbox-example", StoppedError("账号已停用。"))
    call(dags, "failure", "receive.mailbox-example", TransientError("服务器忙。"))
    assert troubles(ctx) == []
    call(dags, "failure", "live-2026.chase", TransientError("服务器忙。"))
    assert len(troubles(ctx)) == 1


def test_a_process_that_died_is_told_without_its_words(dags: dict[str, Any], ctx: Context) -> None:
    call(dags, "failure", "live-2026.chase")
    (trouble,) = troubles(ctx)
    assert any("进程中断" in line for line in trouble.lines)


def test_an_alarm_that_cannot_be_recorded_breaks_nothing(
    dags: dict[str, Any], ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIZONG_DATABASE_URL", "postgresql://nobody:x@127.0.0.1:9/none")
    call(dags, "failure", "receive.mailbox-example", OperatorError("x"))
    call(dags, "success", "receive.mailbox-example")
    assert troubles(ctx) == []


def test_the_check_finds_the_broken_cycle_and_leaves_a_heartbeat(dags: dict[str, Any], ctx: Context) -> None:
    check = dags["health"].get_task("check").python_callable
    assert check() == ["definition:broken-2026"]
    with ctx.ledger.read() as session:
        seen = last_beat(session)
    assert seen is not None
    assert datetime.now(UTC) - seen < timedelta(minutes=1)


def test_it_runs_every_ten_minutes_and_never_twice_at_once(dags: dict[str, Any]) -> None:
    dag = dags["health"]
    assert dag.timetable.expression == "*/10 * * * *"
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert all(task.retries == 0 for task in dag.tasks)
    assert dag.get_task("send").upstream_task_ids == {"check"}


def test_the_board_shows_what_is_open(ctx: Context) -> None:
    pages.context.cache_clear()
    app.dependency_overrides[reader] = lambda: None
    client = TestClient(app)
    try:
        assert "没有未解除的告警" in client.get("/").text
        with ctx.ledger.write() as session:
            raise_alarm(ctx, session, "disk", "磁盘空间将满", "只剩 <1 GiB>。")
        page = client.get("/").text
    finally:
        app.dependency_overrides.clear()
        pages.context.cache_clear()
    assert "磁盘空间将满" in page
    assert "只剩 &lt;1 GiB&gt;。" in page
