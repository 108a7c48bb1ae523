"""huizong paper: figures from scans and photographs, keyed by one person and confirmed by another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from huizong.cli.app import finish, session_of
from huizong.cli.options import By, CycleArg, InCollection, Json, Lang, Reason
from huizong.errors import UsageError

paper_app = typer.Typer(help="纸质件：扫描件、照片中的数据，一人录入、另一人对照确认。")

FileId = Annotated[str, typer.Argument(help="来件编号，如 f12（见 paper list）", metavar="ID")]
Number = Annotated[int, typer.Argument(help="录入编号（见 paper list）", metavar="KEYING")]


@paper_app.command("list")
def list_papers(ctx: typer.Context, cycle: CycleArg, as_json: Json = False, lang: Lang = None) -> None:
    """列出含统计表的扫描件和照片、识别结果和录入情况。"""
    from huizong.stages.keying import papers

    session = session_of(ctx, as_json, lang)
    finish(session, {"papers": papers(session.open(), cycle)})


@paper_app.command("key")
def key_figures(
    ctx: typer.Context,
    identity: FileId,
    by: By,
    values: Annotated[
        Path | None,
        typer.Option("--values", help="JSON 文件：指标代码 → 纸面所写（不写：沿用识别结果，供复核）"),
    ] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="单位代码（未识别时）")] = None,
    collection: InCollection = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """录入一张图片上的数据，待另一人确认。"""
    from huizong.stages.keying import key

    session = session_of(ctx, as_json, lang)
    typed = None if values is None else _read_values(values)
    finish(session, key(session.open(), identity, by=by, values=typed, unit=unit, collection=collection))


@paper_app.command("confirm")
def confirm_figures(
    ctx: typer.Context, number: Number, by: By, as_json: Json = False, lang: Lang = None
) -> None:
    """另一人逐项对照图片后确认，数据登记为该单位的报送。"""
    from huizong.stages.keying import confirm

    session = session_of(ctx, as_json, lang)
    finish(session, confirm(session.open(), number, by=by))


@paper_app.command("drop")
def drop_figures(
    ctx: typer.Context, number: Number, by: By, reason: Reason, as_json: Json = False, lang: Lang = None
) -> None:
    """录入与图片不符，退回重录。"""
    from huizong.stages.keying import drop

    session = session_of(ctx, as_json, lang)
    finish(session, drop(session.open(), number, by=by, reason=reason))


def _read_values(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise UsageError(f'{path} 无法读取，应为 JSON：{{"activities.held": "12"}}。') from e
    if not isinstance(found, dict):
        raise UsageError(f"{path} 应为 JSON 对象：指标代码 → 纸面所写。")
    return {str(code): str(raw) for code, raw in found.items()}
