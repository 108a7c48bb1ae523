"""huizong amend, recheck: what changes after issue, in the definition and in the rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import AsOf, By, CycleArg, Json, Lang, NoSend, Reason


def amend(
    ctx: typer.Context,
    cycle: CycleArg,
    by: By,
    reason: Reason,
    as_of: AsOf = None,
    no_send: NoSend = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说明有何改动、通知谁，不作记录")] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """变更：下发后改动的定义、名录或表样生效，并发补充通知（此命令本身即为批准，并记录在案）。"""
    from huizong.stages.amend import amend as run_amend

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    done = run_amend(
        session.open(), cycle, moment, by=by, reason=reason, send=not no_send, dry_run=dry_run
    )  # fmt: skip
    finish(session, done)


def recheck(
    ctx: typer.Context,
    cycle: CycleArg,
    rules: Annotated[Path, typer.Option("--rules", help="改过的审核规则文件（JSON）")],
    as_of: AsOf = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """试审：用改过的规则审核已收的报表，列出结果有变的指标，不作任何记录；有变化的退出码为 1。"""
    from huizong.stages.recheck import recheck as run_recheck

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    found = run_recheck(session.open(), cycle, rules, moment)
    finish(session, found, good=not found["changed"])
