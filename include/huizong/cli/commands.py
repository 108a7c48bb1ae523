"""The commands: each opens the installation, calls one stage function, prints what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huizong.cli.alarms import alarms_app
from huizong.cli.app import AsOf, By, CycleArg, Json, Lang, NoSend, Reason, finish, session_of
from huizong.cli.bench import bench
from huizong.cli.doctor import doctor
from huizong.cli.mailing import mailing_app
from huizong.cli.paper import paper_app
from huizong.errors import UsageError

app = typer.Typer(
    name="huizong",
    help="汇总：统计报送全程自动办理（下发、接收、审核、催报、汇总）。",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
outbox_app = typer.Typer(help="信件：查看、发送、处理。")
triage_app = typer.Typer(help="待人工处理的来件。")
outbox_app.add_typer(mailing_app)
app.add_typer(outbox_app, name="outbox")
app.add_typer(triage_app, name="triage")
app.add_typer(paper_app, name="paper")
app.add_typer(alarms_app, name="alarms")
app.command()(bench)
app.command()(doctor)


@app.command()
def check(
    ctx: typer.Context,
    cycles: Annotated[
        list[str] | None, typer.Argument(metavar="[CYCLE]...", help="统计任务代码（不写：全部）")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """检查统计任务的定义、名录、表样和审核规则。"""
    from huizong.definition.check import check_cycle
    from huizong.definition.load import find_cycles, load_named
    from huizong.rules.suite import load_suite

    session = session_of(ctx, as_json, lang)
    known = find_cycles(session.home)
    for code in cycles or ():
        if code not in known:
            load_named(code, session.home)
    rows = []
    for code in cycles or known:
        problems = check_cycle(known[code], session.home, load_suite)
        rows.append(
            {
                "code": code,
                "ok": not problems,
                "problems": [{"file": p.file, "line": p.line, "message": p.message} for p in problems],
            }
        )
    for row in rows:
        for p in row["problems"]:  # type: ignore[attr-defined]
            session.output.say(f"{p['file']}:{p['line']}: {p['message']}")
    finish(session, {"cycles": rows}, good=all(row["ok"] for row in rows))


@app.command()
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


@app.command()
def receive(
    ctx: typer.Context,
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="渠道（不写：全部）")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="接收一个文件夹（每个子文件夹是一家）")
    ] = None,
    cycle: Annotated[str | None, typer.Option("--cycle", help="文件夹属于哪项统计任务")] = None,
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
        finish(session, run_receive(session.open(), channels or (), moment))
        return
    if cycle is None:
        raise UsageError("用 --folder 时须以 --cycle 写明统计任务。")
    finish(session, receive_folder(session.open(), folder, cycle, moment))


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def status(
    ctx: typer.Context, cycle: CycleArg, as_of: AsOf = None, as_json: Json = False, lang: Lang = None
) -> None:
    """报送进度：每家单位的状态。"""
    from huizong.stages.status import status as run_status

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    finish(session, run_status(session.open(), cycle, moment))


@app.command()
def read(
    ctx: typer.Context,
    cycle: CycleArg,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="要试读的文件")],
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """试读文件：读取并审核，不作任何记录。"""
    from huizong.stages.read import is_good, read_files

    session = session_of(ctx, as_json, lang)
    data = read_files(session.open(), cycle, files)
    finish(session, data, good=all(is_good(row) for row in data["files"]))


@app.command()
def trace(
    ctx: typer.Context,
    cycle: CycleArg,
    item: Annotated[str, typer.Argument(help="指标代码，如 activities.held")],
    collection: Annotated[str | None, typer.Option("--collection", help="报送事项代码")] = None,
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


@app.command()
def approve(
    ctx: typer.Context,
    cycle: CycleArg,
    question: Annotated[str, typer.Argument(help="issue、final、formal_notice 或 results")],
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


@app.command()
def unit(
    ctx: typer.Context,
    cycle: CycleArg,
    code: Annotated[str, typer.Argument(metavar="UNIT", help="单位代码")],
    decision: Annotated[str, typer.Argument(metavar="(waive|extend|accept)", help="免报、延期、同意采用")],
    by: By,
    reason: Reason,
    collection: Annotated[str | None, typer.Option("--collection", help="报送事项代码")] = None,
    until: Annotated[str | None, typer.Option("--until", help="延期到何时，如 2022-06-24")] = None,
    as_of: AsOf = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """对一家单位的决定：免报、延期、审核问题经同意予以采用。"""
    from huizong.stages.decisions import decide

    session = session_of(ctx, as_json, lang)
    moment = session.as_of(as_of, cycle)
    context = session.open()
    finish(
        session,
        decide(
            context, cycle, code, decision, moment, by=by, reason=reason, collection=collection, until=until
        ),
    )


@outbox_app.command("list")
def outbox_list(ctx: typer.Context, as_json: Json = False, lang: Lang = None) -> None:
    """列出信件及其状态。"""
    from huizong.stages.status import outbox

    session = session_of(ctx, as_json, lang)
    finish(session, outbox(session.open()))


@outbox_app.command("send")
def outbox_send(
    ctx: typer.Context,
    channel: Annotated[str | None, typer.Argument(metavar="[CHANNEL]", help="渠道（不写：全部）")] = None,
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
def outbox_resolve(
    ctx: typer.Context,
    letter: Annotated[int, typer.Argument(metavar="ID", help="编号，见 list")],
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


@triage_app.command("list")
def triage_list(ctx: typer.Context, as_json: Json = False, lang: Lang = None) -> None:
    """列出待人工处理的来件。"""
    from huizong.stages.triage import waiting

    session = session_of(ctx, as_json, lang)
    finish(session, waiting(session.open()))


@triage_app.command("assign")
def triage_assign(
    ctx: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="编号，见 list")],
    unit: Annotated[str, typer.Option("--unit", help="单位代码")],
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
def triage_release(
    ctx: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="编号，见 list")],
    by: By,
    reason: Reason,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """重新处理：按原件再读一遍（下次接收或审核时）。"""
    from huizong.stages.triage import release

    session = session_of(ctx, as_json, lang)
    finish(session, release(session.open(), identity, by=by, reason=reason))


@triage_app.command("close")
def triage_close(
    ctx: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="编号，见 list")],
    by: By,
    reason: Reason,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """结案：不作为报送材料，记录理由。"""
    from huizong.stages.triage import close

    session = session_of(ctx, as_json, lang)
    finish(session, close(session.open(), identity, by=by, reason=reason))


@app.command()
def demo(
    ctx: typer.Context,
    serve: Annotated[bool, typer.Option("--serve", help="结束后保留界面，直到 Ctrl-C")] = False,
    home: Annotated[Path | None, typer.Option("--home", help="演示所用的文件夹")] = None,
) -> None:
    """演示：一项统计任务从下发到汇总，在真实的 Airflow 和邮件服务器上走完（约三分钟）。"""
    from huizong_demo.run import run_demo

    raise typer.Exit(run_demo(keep_serving=serve, home=home))
