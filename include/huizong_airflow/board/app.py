"""The board's web application, mounted in Airflow's server. Endpoints are plain `def`: the ledger blocks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from huizong.errors import HuizongError, TransientError
from huizong.rules.model import SEVERITY_FOR_CLERK
from huizong.stages import words
from huizong_airflow.board import PREFIX, pages
from huizong_airflow.board.tones import TONES

ZONE = ZoneInfo("Asia/Shanghai")

templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
FLAGS = {"extended": "已同意延期", "no_mailbox": "未设邮箱"}
templates.globals.update(flags=FLAGS, words=words, tones=TONES, severities=SEVERITY_FOR_CLERK)
templates.filters["local_time"] = partial(pages.local_time, zone=ZONE)


class LoginRequired(Exception):
    """Nobody is logged in, or the session has ended."""


async def reader(request: Request) -> None:
    """Whoever Airflow has logged in may read; a page sends the others to the login, not to a JSON error."""
    try:
        await get_user(request, None, await bearer_scheme(request))
    except HTTPException as e:
        if e.status_code in (401, 403):
            raise LoginRequired from e
        raise


# Everything this application serves stands behind the login; it mounts no static files.
app = FastAPI(
    title="Huizong board", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(reader)]
)


@app.exception_handler(LoginRequired)
async def to_login(request: Request, _: Exception) -> Response:
    return RedirectResponse(get_auth_manager().get_url_login(next_url=str(request.url)), status_code=307)


@app.exception_handler(HuizongError)
async def explain(_: Request, error: Exception) -> Response:
    status = 503 if isinstance(error, TransientError) else 404
    return HTMLResponse(_render("problem.html", message=str(error)), status_code=status)


@app.get("/", response_class=HTMLResponse)
def front() -> str:
    return _render("front.html", **pages.front())


@app.get("/cycles/{code}", response_class=HTMLResponse)
def cycle(code: str) -> str:
    return _render("cycle.html", **pages.cycle(code))


def _render(name: str, **facts: Any) -> str:
    return templates.get_template(name).render(prefix=PREFIX, **facts)
