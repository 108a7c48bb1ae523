"""The board shows what the ledger holds, to those whom Airflow knows, and lets nobody inject markup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dag_home import HOME
from fastapi.testclient import TestClient

from huizong.connections import EnvironmentConnections
from huizong.home import Home
from huizong.ledger.tables import Letter
from huizong.stages.context import open_context
from huizong.stages.issue import issue
from huizong_airflow.board import decisions, pages
from huizong_airflow.board.app import app, reader
from huizong_machine.clock import SystemClock

ISSUED = datetime(2026, 5, 18, 1, 0, tzinfo=UTC)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The board over a home whose live cycle has been issued, for a reader who is logged in."""
    for name in ("cycles", "forms"):
        (tmp_path / name).symlink_to(HOME / name)
    monkeypatch.setenv("HUIZONG_HOME", str(tmp_path))
    pages.context.cache_clear()
    home = Home.from_environment({"HUIZONG_HOME": str(tmp_path)})
    ctx = open_context(home, SystemClock(), EnvironmentConnections({}))
    issue(ctx, "live-2026", ISSUED, send=False, approved_by="甲", basis="签批件")
    with ctx.ledger.write() as session:
        letter = session.query(Letter).first()
        assert letter is not None
        letter.state, letter.subject = "unknown", "<script>alert(1)</script>"
    app.dependency_overrides[reader] = lambda: None
    monkeypatch.setattr(decisions, "may_decide", lambda code, user: False)
    yield TestClient(app)
    app.dependency_overrides.clear()
    pages.context.cache_clear()


def test_the_front_page_shows_cycles_letters_and_what_is_broken(client: TestClient) -> None:
    page = client.get("/").text
    assert "2026年示例统计任务" in page
    assert "未报 2" in page
    assert "定义有误" in page
    assert "mailbox-nowhere" in page  # what is wrong with the broken one
    assert "是否送出不明 1" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_cycle_s_page_shows_every_unit(client: TestClient) -> None:
    page = client.get("/cycles/live-2026").text
    assert "甲县" in page
    assert "乙县" in page
    assert "未报" in page
    assert "统计表" in page


def test_what_is_not_there_is_said_in_words(client: TestClient) -> None:
    unknown = client.get("/cycles/nothing-2026")
    assert unknown.status_code == 404
    assert "nothing-2026" in unknown.text
    not_issued = client.get("/cycles/folder-2026")
    assert not_issued.status_code == 404
    assert "尚未下发" in not_issued.text


@pytest.mark.parametrize("path", ["/", "/cycles/live-2026"])
def test_who_is_not_logged_in_sees_the_login(path: str) -> None:
    from airflow.api_fastapi.app import create_auth_manager

    create_auth_manager()
    answer = TestClient(app, follow_redirects=False).get(path)
    assert answer.status_code == 307
    assert "login" in answer.headers["location"]


def test_chinese_is_put_in_unless_chosen_otherwise() -> None:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse, JSONResponse

    from huizong_airflow.board.language import ChineseByDefault

    ui = FastAPI()
    ui.add_middleware(ChineseByDefault)
    ui.get("/")(lambda: HTMLResponse("<html><head><title>Airflow</title></head></html>"))
    ui.get("/data")(lambda: JSONResponse({"html": "<head>"}))
    client = TestClient(ui)
    page = client.get("/")
    assert 'localStorage.getItem("i18nextLng")||localStorage.setItem("i18nextLng","zh-CN")' in page.text
    assert int(page.headers["content-length"]) == len(page.content)
    assert client.get("/data").json() == {"html": "<head>"}
