"""The commands: each opens the installation, calls one stage function, prints what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huizong.cli.alarms import alarms_app
from huizong.cli.amending import amend, recheck
from huizong.cli.app import finish, session_of
from huizong.cli.bench import bench
from huizong.cli.definitions import check, new, roster_app, schema
from huizong.cli.doctor import doctor
from huizong.cli.options import AsOf, By, CycleArg, InCollection, Json, Lang, NoSend
from huizong.cli.outbox import outbox_app
from huizong.cli.paper import paper_app
from huizong.cli.receiving import receive
from huizong.cli.triage import triage_app
from huizong.cli.units import unit

app = typer.Typer(
    name="huizong",
    help="汇总：统计报送全程自动办理（下发、接收、审核、催报、汇总）。",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def issue(
    ctx: typer.Context,
    cycle: CycleArg,
    as_of: AsOf = None,
    no_send: NoSend = False,
    by: Annotated[str, typer.Option("--by", help="批准人")] = "命令行",
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """下发：冻结名录，制作各单位表样和通知，发出（此命令本身即为批准，并记录在案）。"""
    from huizong.stages.issue import issue as run_issue

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_issue(session.open(), cycle, moment, send=not no_send, approved_by=by))


def validate(
    ctx: typer.Context,
    cycle: CycleArg,
    as_of: AsOf = None,
    no_send: NoSend = False,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """审核：读取来件，按规则审核，记录问题，答复来件单位。"""
    from huizong.stages.validate import validate as run_validate

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_validate(session.open(), cycle, moment, send=not no_send))


def chase(
    ctx: typer.Context,
    cycle: CycleArg,
    as_of: AsOf = None,
    no_send: NoSend = False,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """催报：先接收和审核，再向应催的单位发出到期的一级提醒。"""
    from huizong.stages.chase import chase as run_chase

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_chase(session.open(), cycle, moment, send=not no_send))


def assemble(
    ctx: typer.Context,
    cycle: CycleArg,
    as_of: AsOf = None,
    edition: Annotated[str | None, typer.Option("--edition", help="provisional、final 或 revised")] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """汇总：生成汇总表和汇总报告。"""
    from huizong.stages.assemble import assemble as run_assemble

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_assemble(session.open(), cycle, moment, edition))


def status(
    ctx: typer.Context, cycle: CycleArg, as_of: AsOf = None, as_json: Json = False, lang: Lang = None
) -> None:
    """进度：每家单位报到哪一步，缺什么，等什么。"""
    from huizong.stages.status import status as run_status

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_status(session.open(), cycle, moment))


def read(
    ctx: typer.Context,
    cycle: CycleArg,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="要试读的文件")],
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """试读：读取并审核文件，不作任何记录。"""
    from huizong.stages.read import is_good, read_files

    session = session_of(ctx, as_json, lang)
    data = read_files(session.open(), cycle, files)
    finish(session, data, good=all(is_good(row) for row in data["files"]))


def trace(
    ctx: typer.Context,
    cycle: CycleArg,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="指标代码，如 activities.held")],
    collection: InCollection = None,
    edition: Annotated[
        str | None, typer.Option("--edition", help="provisional、final 或 revised（默认：最新）")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """追溯：一个合计数来自哪些单位、哪个文件的哪个单元格。"""
    from huizong.stages.status import trace as run_trace

    session = session_of(ctx, as_json, lang)
    finish(session, run_trace(session.open(), cycle, item, collection=collection, edition=edition))


def approve(
    ctx: typer.Context,
    cycle: CycleArg,
    question: Annotated[
        str,
        typer.Argument(
            metavar="(issue|formal_notice|final|results)", help="签批什么：下发、催报函、定稿、反馈"
        ),
    ],
    by: By,
    basis: Annotated[str, typer.Option("--basis", help="依据，如“纸质签批单”")],
    as_of: AsOf = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """签批：记录批准人和依据，并执行。"""
    from huizong.stages.release import approve as run_approve

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_approve(session.open(), cycle, question, moment, by=by, basis=basis))


def demo(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option("--serve", help="结束后保留界面，直到 Ctrl-C")] = False,
    home: Annotated[Path | None, typer.Option("--home", help="演示所用的文件夹")] = None,
) -> None:
    """演示：一项统计任务从下发到汇总，在真实的 Airflow 和邮件服务器上走完（约三分钟）。"""
    from huizong_demo.run import run_demo

    raise typer.Exit(run_demo(keep_serving=serve, home=home))


# In the order in which a cycle needs them: --help lists them so.
for command in (
    check, new, schema, issue, receive, validate, chase, assemble, status, read, trace, unit, approve, amend,
    recheck, doctor, bench, demo,
):  # fmt: skip
    app.command()(command)
for group, name in (
    (triage_app, "triage"),
    (outbox_app, "outbox"),
    (paper_app, "paper"),
    (roster_app, "roster"),
    (alarms_app, "alarms"),
):
    app.add_typer(group, name=name)
