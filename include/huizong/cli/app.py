"""The command line: the same stages as the DAGs, on a home folder. DESIGN 8 is its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import typer

from huizong.cli.output import Output
from huizong.cli.wording import wrong_use
from huizong.clock import Clock
from huizong.connections import EnvironmentConnections
from huizong.errors import HuizongError, UsageError
from huizong.home import Home
from huizong.stages.context import Context, open_context

DEFAULT_ZONE = "Asia/Shanghai"
_INTERRUPTED = 130  # what typer makes of Ctrl-C


@dataclass
class Session:
    """One call: where it works, what time the machine has, how it answers."""

    environ: Mapping[str, str]
    clock: Clock
    output: Output = Output()

    @property
    def home(self) -> Home:
        return Home.from_environment(self.environ)

    def open(self) -> Context:
        return open_context(self.home, self.clock, EnvironmentConnections(self.environ), self.output.say)

    def as_of(self, text: str | None, cycle: str | None = None) -> datetime:
        """The business time: as given, in the cycle's zone where it names none; by default now.

        Raises:
            UsageError: it is no date.
        """
        if text is None:
            return self.clock.now()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as e:
            raise UsageError(f"看不懂的时间“{text}”，写成 2022-06-10T10:00（可带时区 +08:00）。") from e
        if moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=ZoneInfo(self._zone(cycle)))

    def _zone(self, cycle: str | None) -> str:
        if cycle is None:
            return DEFAULT_ZONE
        from huizong.definition.load import load_named

        return load_named(cycle, self.home).cycle.timezone

    def answer(self, as_json: bool, lang: str | None) -> None:
        wanted = (lang or self.environ.get("LANG", "")).lower()
        self.output = Output(as_json, "en" if wanted.startswith("en") else "zh")


def run(arguments: list[str], environ: Mapping[str, str], clock: Clock) -> int:
    """Run one command; the exit code comes back (DESIGN 8)."""
    from huizong.cli.commands import app

    session = Session(environ, clock)
    session.answer("--json" in arguments, None)
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="huizong", standalone_mode=False, obj=session)
        if code != _INTERRUPTED:
            return code if isinstance(code, int) else 0
        session.output.error("已中断；可再次运行，不会重复处理。")
        return 3
    except typer.TyperException as e:  # wrong use; typer keeps the class with `ctx` to itself
        context = getattr(e, "ctx", None)
        where = context.command_path if context else "huizong"
        session.output.error(f"{wrong_use(e.format_message())}（用法：{where} --help）")
        return 2
    except HuizongError as e:
        session.output.error(str(e))
        return e.exit_code or 2
    except OSError as e:
        session.output.error(f"系统错误：{e}")
        return 3


def session_of(ctx: typer.Context, as_json: bool, lang: str | None) -> Session:
    """The call's session, answering as the options ask."""
    session: Session = ctx.obj
    session.answer(as_json, lang)
    return session


def finish(session: Session, data: Mapping[str, Any], *, good: bool = True) -> None:
    """Print the answer; exit 1 where the answer is no."""
    session.output.result(data)
    if not good:
        raise typer.Exit(1)
