"""huizong triage: what waits for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import By, Json, Lang, Reason, WaitingId

triage_app = typer.Typer(help="来件：待人工处理的，查看、认领、重新处理、结案。")


@triage_app.command("list")
def list_waiting(ctx: typer.Context, as_json: Json = False, lang: Lang = None) -> None:
    """列出待人工处理的来件。"""
    from huizong.stages.triage import waiting

    session = session_of(ctx, as_json, lang)
    finish(session, waiting(session.open()))


@triage_app.command("assign")
def assign_delivery(
    ctx: typer.Context,
    identity: WaitingId,
    unit: Annotated[str, typer.Option("--unit", help="单位代码；自愿报送的，也可写单位名称")],
    collection: Annotated[str, typer.Option("--collection", help="报送事项代码")],
    by: By,
    reason: Reason,
    part: Annotated[
        str | None, typer.Option("--part", help="是哪项材料（材料代码；nil 为零报告），系统认不出时写明")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """认领：把来件归到一家单位。"""
    from huizong.stages.triage import assign

    session = session_of(ctx, as_json, lang)
    finish(session, assign(session.open(), identity, unit, collection, by=by, reason=reason, part=part))


@triage_app.command("release")
def release_delivery(
    ctx: typer.Context, identity: WaitingId, by: By, reason: Reason, as_json: Json = False, lang: Lang = None
) -> None:
    """重新处理：按原件再读一遍（下次接收或审核时）。"""
    from huizong.stages.triage import release

    session = session_of(ctx, as_json, lang)
    finish(session, release(session.open(), identity, by=by, reason=reason))


@triage_app.command("close")
def close_delivery(
    ctx: typer.Context, identity: WaitingId, by: By, reason: Reason, as_json: Json = False, lang: Lang = None
) -> None:
    """结案：不作为报送材料，记录理由。"""
    from huizong.stages.triage import close

    session = session_of(ctx, as_json, lang)
    finish(session, close(session.open(), identity, by=by, reason=reason))
