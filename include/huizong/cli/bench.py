"""`huizong bench`: how fast this machine receives and validates."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import Json, Lang


class Yardstick(StrEnum):
    """What may be measured besides the floor."""

    NAIVE = "naive"


def bench(
    ctx: typer.Context,
    units: Annotated[int, typer.Option("--units", min=1, help="合成报表的份数")] = 2844,
    against: Annotated[
        Yardstick | None, typer.Option("--against", help="naive：另测逐份处理的办法（需数分钟）")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """测速：以合成报表测接收与审核的速度和内存。"""
    from huizong.bench.run import bench as run_bench

    session = session_of(ctx, as_json, lang)
    say = session.output.say
    naive = against is Yardstick.NAIVE
    finish(session, run_bench(session.home.project, session.clock, units, naive=naive, say=say))
