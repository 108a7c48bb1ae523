"""huizong outbox: the letters, and what a person decides about letters, addresses and accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import AsOf, By, Json, Lang, LetterId, Reason

outbox_app = typer.Typer(help="信件：查看、发送、处理。")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="邮箱地址")]


@outbox_app.command("list")
def list_letters(ctx: typer.Context, as_json: Json = False, lang: Lang = None) -> None:
    """列出信件及其状态。"""
    from huizong.stages.status import outbox

    session = session_of(ctx, as_json, lang)
    finish(session, outbox(session.open()))


@outbox_app.command("send")
def send_letters(
    ctx: typer.Context,
    channel: Annotated[str | None, typer.Argument(metavar="CHANNEL", help="渠道代码（不写：全部）")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """发送已入队且允许发出的信件。"""
    from huizong.stages.send import channels_to_send, send
    from huizong.stages.status import outbox

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of)
    context = session.open()
    counts = send(context, channels_to_send(context, channel), moment)
    letters = outbox(context)["letters"]
    if not as_json:  # a person reads what is still to do
        letters = [letter for letter in letters if letter["state"] not in {"sent", "cancelled"}]
    finish(session, {**counts, "letters": letters})


@outbox_app.command("resolve")
def resolve_letter(
    ctx: typer.Context,
    letter: LetterId,
    verdict: Annotated[
        str, typer.Argument(metavar="(sent|resend)", help="sent 已核实送出，resend 重发同一封")
    ],
    by: By,
    reason: Reason,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """处理不知是否送出的信件。"""
    from huizong.stages.outbox import resolve

    session = session_of(ctx, as_json, lang)
    finish(session, resolve(session.open(), letter, verdict, by=by, reason=reason))


@outbox_app.command("drop")
def drop_letter(
    ctx: typer.Context, letter: LetterId, by: By, reason: Reason, as_json: Json = False, lang: Lang = None
) -> None:
    """放弃一封信件，不再发送。"""
    from huizong.stages.outbox import drop

    session = session_of(ctx, as_json, lang)
    finish(session, drop(session.open(), letter, by=by, reason=reason))


@outbox_app.command("resume")
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


@outbox_app.command("suppress")
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


@outbox_app.command("lift")
def lift_suppression(
    ctx: typer.Context, address: Address, by: By, reason: Reason, as_json: Json = False, lang: Lang = None
) -> None:
    """恢复对一个地址自动答复。"""
    from huizong.stages.suppression import lift

    session = session_of(ctx, as_json, lang)
    finish(session, lift(session.open(), address, by=by, reason=reason))
