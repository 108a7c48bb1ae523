"""The board's web application, mounted in Airflow's server. Endpoints are plain `def`: the ledger blocks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from huizong.errors import HuizongError, TransientError, UsageError
from huizong.rules.model import SEVERITY_FOR_CLERK
from huizong.stages import words
from huizong_airflow.board import PREFIX, decisions, downloads, pages
from huizong_airflow.board.tones import PART_STATE, TONES

ZONE = ZoneInfo("Asia/Shanghai")

templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
_LONGEST_FORM = 100_000  # bytes of a form with every item filled in
FLAGS = {"extended": "已同意延期", "no_mailbox": "未设邮箱"}
templates.globals.update(
    flags=FLAGS, words=words, tones=TONES, part_state=PART_STATE, severities=SEVERITY_FOR_CLERK
)
templates.filters["percent"] = pages.percent
templates.filters["local_time"] = partial(pages.local_time, zone=ZONE)


class LoginRequired(Exception):
    """Nobody is logged in, or the session has ended."""


async def reader(request: Request) -> BaseUser:
    """Whoever Airflow has logged in may read; a page sends the others to the login, not to a JSON error."""
    try:
        return await get_user(request, None, await bearer_scheme(request))
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
def cycle(code: str, user: Annotated[BaseUser, Depends(reader)]) -> str:
    return _render("cycle.html", may=decisions.may_decide(code, user), **pages.cycle(code))


@app.get("/cycles/{code}/files/{source}/{number}")
def download(code: str, source: str, number: int, user: Annotated[BaseUser, Depends(reader)]) -> Response:
    """A list or a document, for those who may sign off the cycle."""
    if not decisions.may_decide(code, user):
        return HTMLResponse(_render("problem.html", message="您没有下载本任务文件的权限。"), status_code=403)
    name, data = downloads.content(pages.context(), code, source, number)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(data, media_type="application/octet-stream", headers=headers)


@app.get("/cycles/{code}/papers", response_class=HTMLResponse)
def papers(code: str) -> str:
    return _render("papers.html", **pages.papers(code))


@app.get("/papers/{identity}", response_class=HTMLResponse)
def paper(identity: str, user: Annotated[BaseUser, Depends(reader)]) -> str:
    return _render("paper.html", me=user.get_name(), **pages.paper(identity))


@app.get("/papers/{identity}/{page}.png")
def picture(identity: str, page: int) -> Response:
    drawn = pages.pictures(identity)
    if not 1 <= page <= len(drawn):
        raise UsageError("没有这一页。")
    return Response(drawn[page - 1], media_type="image/png")


@app.post("/papers/{identity}")
async def decide(request: Request, identity: str, user: Annotated[BaseUser, Depends(reader)]) -> Response:
    """Key, confirm or refuse, in the name of whoever is logged in."""
    # A form on somebody else's page must not act with the operator's login.
    if urlsplit(request.headers.get("origin", "")).netloc != request.url.netloc:
        raise HTTPException(403)
    code = await run_in_threadpool(decisions.cycle_of, identity)
    if not decisions.may_decide(code, user):
        return HTMLResponse(_render("problem.html", message="您没有办理此事的权限。"), status_code=403)
    if int(request.headers.get("content-length", "0")) > _LONGEST_FORM:
        raise HTTPException(413)
    body = (await request.body()).decode(errors="replace")
    asked = {name: values[-1] for name, values in parse_qs(body).items()}
    await run_in_threadpool(decisions.decide_paper, identity, asked, user.get_name())
    return RedirectResponse(f"{PREFIX}/cycles/{code}/papers", status_code=303)


def _render(template: str, /, **facts: Any) -> str:
    return templates.get_template(template).render(prefix=PREFIX, **facts)
