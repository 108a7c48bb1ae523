"""huizong outbox: what a person decides about letters, addresses and accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from huizong.cli.app import By, Json, Lang, Reason, finish, session_of

mailing_app = typer.Typer()

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="邮箱地址")]


@mailing_app.command("drop")
def drop_letter(
    ctx: typer.Context,
    letter: Annotated[int, typer.Argument(metavar="ID", help="编号，见 list")],
    by: By,
    reason: Reason,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """放弃一封信件，不再发送。"""
    from huizong.stages.outbox import drop

    session = session_of(ctx, as_json, lang)
    finish(session, drop(session.open(), letter, by=by, reason=reason))


@mailing_app.command("resume")
def resume_channel(
    ctx: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="渠道代码，如 mailbox-kjj")],
    by: By,
    reason: Reason,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """恢复已停用或暂停的邮箱账号，收信和发信一并恢复。"""
    from huizong.stages.resuming import resume_accounts

    session = session_of(ctx, as_json, lang)
    finish(session, resume_accounts(session.open(), channel, by=by, reason=reason))


@mailing_app.command("suppress")
def suppress_address(
    ctx: typer.Context,
    address: Address,
    by: By,
    reason: Reason,
    days: Annotated[int | None, typer.Option("--days", help="多少天（不写：直到 lift）")] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """停止对一个地址自动答复；来件照常接收，催报照常。"""
    from huizong.stages.suppression import suppress

    session = session_of(ctx, as_json, lang)
    finish(session, suppress(session.open(), address, by=by, reason=reason, days=days))


@mailing_app.command("lift")
def lift_suppression(
    ctx: typer.Context, address: Address, by: By, reason: Reason, as_json: Json = False, lang: Lang = None
) -> None:
    """恢复对一个地址自动答复。"""
    from huizong.stages.suppression import lift

    session = session_of(ctx, as_json, lang)
    finish(session, lift(session.open(), address, by=by, reason=reason))
