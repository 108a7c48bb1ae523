"""huizong check, new, schema, roster: what an office writes before a cycle begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from huizong.cli.app import Session, finish, session_of
from huizong.cli.options import CycleArg, Json, Lang
from huizong.definition.yaml_file import DefinitionError

roster_app = typer.Typer(help="单位名录：导出为 Excel 表格，改好后导入。")

Workbook = Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Excel 工作簿")]


def check(
    ctx: typer.Context,
    cycles: Annotated[
        list[str] | None, typer.Argument(metavar="CYCLE", help="统计任务代码（不写：全部）")
    ] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """检查：任务定义、名录、表样和审核规则写得对不对，不对的在哪一行、怎么改。"""
    from huizong.definition.load import find_cycles, load_named

    session = session_of(ctx, as_json, lang)
    known = find_cycles(session.home)
    for code in cycles or ():
        if code not in known:
            load_named(code, session.home)
    rows, warnings = [], []
    for code in cycles or known:
        problems, others = _reviewed(session, known[code])
        rows.append({"code": code, "ok": not problems, "problems": problems})
        warnings += [{"cycle": code, **row} for row in others]
        for p in problems:
            session.output.say(f"{p['file']}:{p['line']}: {p['message']}")
    finish(session, {"cycles": rows, "warnings": warnings}, good=all(row["ok"] for row in rows))


def _reviewed(session: Session, path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is wrong, and what is only worth a second look (with its `level`: warning or hint)."""
    from huizong.definition.check import review_cycle
    from huizong.rules.fitting import misfits

    found = review_cycle(path, session.home, misfits)
    rows = [(f.level, {"file": f.at.file, "line": f.at.line, "message": f.at.message}) for f in found]
    problems = [row for level, row in rows if level == "problem"]
    return problems, [{"level": level, **row} for level, row in rows if level != "problem"]


def new(
    ctx: typer.Context,
    cycle: CycleArg,
    old: Annotated[str, typer.Option("--from", help="上年的统计任务代码")],
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """续办：由上年的统计任务写出今年的，日期移到今年的工作日，标出须人工核对之处。"""
    from huizong.definition.renew import renew
    from huizong.rules.fitting import renewed

    session = session_of(ctx, as_json, lang)
    made = renew(cycle, old, session.home, renewed)
    count = len(made["look_at"])
    session.output.say(f"{count} 处须人工核对；改好后删去该行注释，再运行 huizong check {cycle}。")
    finish(session, made)


def schema(
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="(cycle|form)", help="任务定义或表样")],
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """格式：打印任务定义或表样的 JSON Schema，供编辑器补全和检查（总是 JSON）。"""
    from huizong.definition.schema import schema_of

    session_of(ctx, as_json, lang)
    print(json.dumps(schema_of(kind), ensure_ascii=False, indent=2))


@roster_app.command("export")
def roster_export(
    ctx: typer.Context, cycle: CycleArg, file: Workbook, as_json: Json = False, lang: Lang = None
) -> None:
    """导出：把名录写成 Excel 表格。"""
    from huizong.definition.roster_book import export_roster

    session = session_of(ctx, as_json, lang)
    finish(session, export_roster(cycle, file, session.home))


@roster_app.command("import")
def roster_import(
    ctx: typer.Context, cycle: CycleArg, file: Workbook, as_json: Json = False, lang: Lang = None
) -> None:
    """导入：用 Excel 表格替换名录；有问题时说明在第几行、怎么改，不作改动。"""
    from huizong.definition.roster_book import import_roster

    session = session_of(ctx, as_json, lang)
    try:
        finish(session, import_roster(cycle, file, session.home))
    except DefinitionError as e:
        for p in e.problems:
            session.output.say(f"{p.file} 第{p.line}行：{p.message}")
        raise
