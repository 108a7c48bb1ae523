"""huizong receive: from the mailboxes, from a folder, or what reached the office another way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import AsOf, Channels, Json, Lang
from huizong.errors import UsageError


def receive(
    ctx: typer.Context,
    channels: Channels = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="接收一个文件夹（每个子文件夹是一家，以单位代码命名）")
    ] = None,
    cycle: Annotated[str | None, typer.Option("--cycle", help="文件夹属于哪项统计任务")] = None,
    via: Annotated[
        str | None,
        typer.Option(
            "--via", metavar="(fax|qq|wechat|paper|oa|hand)", help="不是经邮箱来的：怎么来的（须写 --by）"
        ),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="谁收下的（与 --via 同用）")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """接收：取回邮箱或文件夹中的来件，先存原件，再识别。"""
    from huizong.stages.receive import receive as run_receive
    from huizong.stages.receive import receive_folder

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    if folder is None:
        if via or by or cycle:
            raise UsageError("--cycle、--via 和 --by 说明一个文件夹中的来件，请同时写 --folder。")
        finish(session, run_receive(session.open(), channels or (), moment))
        return
    if cycle is None:
        raise UsageError("用 --folder 时须以 --cycle 写明统计任务。")
    if channels:
        raise UsageError("--folder 与渠道不能同写：请分两次接收。")
    if via is not None and not (by or "").strip():
        raise UsageError("用 --via 时须以 --by 写明谁收下的。")
    finish(session, receive_folder(session.open(), folder, cycle, moment, via=via, by=by))
