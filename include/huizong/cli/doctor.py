"""`huizong doctor`: whether everything works, and what to do where it does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from huizong.cli.app import Session, finish, session_of
from huizong.cli.options import Channels, Json, Lang
from huizong.connections import EnvironmentConnections


def doctor(
    ctx: typer.Context,
    channels: Channels = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="供外部监控：只看数据库、磁盘、调度和未解除的告警，正常时不出声")
    ] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """自检：数据库、文件库、邮箱收发、日历、字体、转换程序；缺什么、怎么办。"""
    session = session_of(ctx, as_json, lang)
    if quiet:
        _quiet(session, as_json)
        return
    from huizong.stages.doctor.examine import examine

    checks = []
    connections = EnvironmentConnections(session.environ)
    for check in examine(session.home, session.clock, connections, channels or (), session.output.say):
        checks.append(check)
        if not as_json:
            _print("告警" if check.name.startswith("trouble:") else check.name, check.ok, check.message)
    good = all(check.ok for check in checks)
    if as_json:
        finish(session, {"checks": [asdict(check) for check in checks]}, good=good)
    elif not good:
        raise typer.Exit(1)


def _quiet(session: Session, as_json: bool) -> None:
    from huizong.stages.doctor.quiet import quiet_checks

    checks = quiet_checks(session.home, session.clock)
    good = all(check.ok for check in checks)
    if as_json:
        finish(session, {"checks": [asdict(check) for check in checks]}, good=good)
        return
    for check in checks:
        if not check.ok:
            session.output.stderr.print(check.message, style="red", markup=False)
    if not good:
        raise typer.Exit(1)


def _print(name: str, ok: bool, message: str) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print("通过　" if ok else "未通过", style="green" if ok else "red", end=" ")
    console.print(f"{name}：{message}", markup=False)
