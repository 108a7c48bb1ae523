"""huizong alarms: what is wrong now, and a person's word that it is seen to."""

from __future__ import annotations

from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import By, Json, Lang, Reason

alarms_app = typer.Typer(help="告警：查看，由人解除。")


@alarms_app.command("list")
def list_alarms(ctx: typer.Context, as_json: Json = False, lang: Lang = None) -> None:
    """列出未解除的告警和办法。"""
    from huizong.stages.alarms import listed

    session = session_of(ctx, as_json, lang)
    finish(session, {"alarms": listed(session.open())})


@alarms_app.command("close")
def close_alarm(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="告警名，见 list，如 disk")],
    by: By,
    reason: Reason,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """由人解除一个告警；问题仍在的，会再次告警。"""
    from huizong.stages.alarms import close_alarm

    session = session_of(ctx, as_json, lang)
    finish(session, close_alarm(session.open(), name, by=by, reason=reason))
