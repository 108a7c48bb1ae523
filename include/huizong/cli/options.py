"""The arguments and options that several commands share, each worded once."""

from __future__ import annotations

from typing import Annotated

import typer

AsOf = Annotated[str | None, typer.Option("--as-of", help="业务时间，如 2022-06-10T10:00（默认：现在）")]
Json = Annotated[bool, typer.Option("--json", help="标准输出只给一个 JSON 文档")]
Lang = Annotated[str | None, typer.Option("--lang", help="zh 或 en（默认依 LANG）")]
By = Annotated[str, typer.Option("--by", help="经办人")]
Reason = Annotated[str, typer.Option("--reason", help="理由")]
NoSend = Annotated[bool, typer.Option("--no-send", help="信件只入队，不发送")]
InCollection = Annotated[
    str | None, typer.Option("--collection", help="报送事项代码（单位在多个报送事项中时须写明）")
]

CycleArg = Annotated[str, typer.Argument(metavar="CYCLE", help="统计任务代码")]
Channels = Annotated[list[str] | None, typer.Argument(metavar="CHANNEL", help="渠道代码（不写：全部）")]
LetterId = Annotated[int, typer.Argument(metavar="ID", help="信件编号，见 outbox list")]
WaitingId = Annotated[str, typer.Argument(metavar="ID", help="来件编号，见 triage list")]
