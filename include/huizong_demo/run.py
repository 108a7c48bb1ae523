"""`huizong demo`: one whole cycle, start to end, in a real Airflow."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from huizong.errors import HuizongError, UsageError
from huizong.home import PROJECT
from huizong.stages.words import LETTER_KIND, UNIT_STATUS
from huizong_demo import airflow, checks, cycle, facts, tables
from huizong_demo.airflow import Question
from huizong_demo.cast import CAST
from huizong_demo.facts import Diary, Facts
from huizong_demo.office import Office

LEAD = timedelta(seconds=8)  # from writing the definition to its issue: Airflow looks every five seconds
LONGEST = timedelta(seconds=300)  # from issue to results
LOOK_EVERY = 2.0
# A signer reads first. An answer within the second in which Airflow 3.3.2 parks the task fails the task: the
# scheduler finds it queued again while it still hears that the first half has ended.
READING = 5.0


def run_demo(keep_serving: bool = False, home: Path | None = None) -> int:
    """Run the demo; 0 only if all came out as `cast.py` and `checks.py` expect.

    `keep_serving`: leave Airflow's pages up until Ctrl-C. `home`: a new or empty folder
    (default: var/demo-<time>).

    Raises:
        UsageError: the folder is not empty.
    """
    console = Console(highlight=False)
    began = datetime.now(UTC)
    folder = (home or Path("var") / f"demo-{began.astimezone(cycle.ZONE):%Y%m%d-%H%M%S}").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"演示要用一个新文件夹，{folder} 里已有文件。")
    try:
        with _stopped_by_signals(), Office(folder, PROJECT) as office:
            return Demo(office, console, began).run(keep_serving)
    except KeyboardInterrupt:
        console.print("已中断，已停止全部进程。")
        return 130
    except (RuntimeError, HuizongError) as e:
        console.print(f"[red]{e}[/]")
        return 1


class Demo:
    """One run: progress on the console, sign-offs through the API, the reckoning at the end."""

    def __init__(self, office: Office, console: Console, began: datetime) -> None:
        self.office, self.console, self.began = office, console, began
        self.asked: dict[Question, float] = {}
        self.approved: list[str] = []
        self.warned: set[str] = set()
        self.runs: list[dict[str, Any]] = []
        self.last = Facts()

    def run(self, keep_serving: bool) -> int:
        self.console.rule("汇总 演示：2022年全国科技工作者日暨科技活动周")
        self.say(f"演示目录 {self.office.home}")
        with self.console.status("启动邮件服务器、办事员和 Airflow……"):
            self.office.start_mail()
            self.context = self.office.context()
            self.say(f"邮件服务器已启动，{len(CAST)} 个报送单位的办事员就位；正在启动 Airflow")
            self.office.start_airflow()
        self.say(f"Airflow 就绪：{self.office.api.url}")
        issue_at = datetime.now(UTC) + LEAD
        cycle.write(self.office.home, self.office.project, issue_at)
        self.say(f"任务已定义：{_clock(issue_at)} 下发，{_clock(issue_at + cycle.DUE)} 截止")
        with self.console.status("统计任务进行中……"):
            self.watch(issue_at + LONGEST)
        failures = self.reckon()
        self.show_logins()
        if keep_serving:
            self.serve()
        return 1 if failures else 0

    def say(self, line: str) -> None:
        passed = int((datetime.now(UTC) - self.began).total_seconds())
        self.console.print(f"[dim]{passed // 60}:{passed % 60:02}[/]  {line}", soft_wrap=True)

    def watch(self, deadline: datetime) -> None:
        """Until the results are out and nothing runs any more, or the deadline."""
        while (now := datetime.now(UTC)) < deadline:
            self.office.nobody_fell()
            self.tell(facts.look(self.context, now))
            with suppress(httpx.HTTPError):  # a busy server: asked again at the next look
                self.sign_off()
                self.warn()
                if self.last.results_are_out and self.everybody_read() and self.nothing_runs():
                    return
            time.sleep(LOOK_EVERY)
        self.runs = self.office.api.runs()
        self.say("[red]未能在规定时间内完成[/]")

    def nothing_runs(self) -> bool:
        """Whether all of Airflow's runs have ended; those are the ones that count."""
        self.runs = self.office.api.runs()
        return not any(run["state"] in ("queued", "running") for run in self.runs)

    def sign_off(self) -> None:
        """Approve what waits for a person, as the operator would in the UI."""
        now = time.monotonic()
        for question in self.office.api.questions():
            if now - self.asked.setdefault(question, now) < READING:
                continue
            self.office.api.answer(question, question.options[0])
            self.approved.append(f"{question.run} {question.subject}")
            self.say(f"[bold]审签[/] {question.subject} → {question.options[0]}")

    def warn(self) -> None:
        """Say once of each task that it went wrong."""
        for trouble in set(self.office.api.troubled()) - self.warned:
            self.warned.add(trouble)
            self.say(f"[yellow]任务出错[/] {trouble}，日志在 {self.office.home / 'airflow' / 'logs'}")

    def everybody_read(self) -> bool:
        diary = Diary.read(self.office.diary)
        return all("result" in diary.received(role.unit) for role in CAST if role.returns)

    def tell(self, now: Facts) -> None:
        """Say what is new since the last look."""
        known = {letter["id"]: letter["state"] for letter in self.last.letters}
        changed = [letter for letter in now.letters if known.get(letter["id"]) != letter["state"]]
        for state, word in (
            ("sent", "已发"),
            ("bounced", "[yellow]退信[/]"),
            ("unknown", "[red]结果不明[/]"),
        ):
            for kind, count in Counter(one["kind"] for one in changed if one["state"] == state).items():
                self.say(f"信函 {word}：{LETTER_KIND[kind]} {count} 封")
        for code, unit in now.units.items():
            before = self.last.units.get(code, {"status": "not_started"})["status"]
            if unit["status"] != before:
                self.say(f"{unit['name']}：{UNIT_STATUS[before]} → {UNIT_STATUS[unit['status']]}")
        if now.units:
            self.last = now

    def reckon(self) -> list[str]:
        """Show what came of it and compare it with what had to."""
        now = datetime.now(UTC)
        found, diary = facts.look(self.context, now), Diary.read(self.office.diary)
        form = facts.form(self.office.project)
        self.console.print(tables.unit_table(found), tables.letter_table(found))
        failures = [
            *checks.units(found),
            *checks.letters(found, diary),
            *checks.results(found, diary),
            *checks.runs(self.runs),
            *checks.open_matters(found, self.approved),
            *self.office.api.import_errors(),
        ]
        if found.letters_of("result"):
            final = facts.final_summary(self.context, now)
            self.console.print(tables.total_table(final, form))
            tables.show_files(self.console, final)
            failures += checks.summary(final, diary.sums(form))
        else:
            failures.append("没有形成定稿")
        self.console.print(f"DAG 运行 {len(self.runs)} 次：{checks.how_started(self.runs)}")
        for failure in failures:
            self.console.print(f"[red]✗[/] {failure}", soft_wrap=True)
        if not failures:
            self.say("[green]✓ 全部符合预期[/]")
        return failures

    def show_logins(self) -> None:
        self.console.print(f"Airflow：{self.office.api.url}")
        for name, (role, password) in airflow.LOGINS.items():
            self.console.print(f"  {name} / {password}（{role}）")

    def serve(self) -> None:
        self.console.print("页面保持开放，按 Ctrl-C 结束。")
        with suppress(KeyboardInterrupt):
            while True:
                self.office.nobody_fell()
                time.sleep(LOOK_EVERY)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """However the demo is ended, what it started is stopped: the first signal interrupts, others wait."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(cycle.ZONE):%H:%M:%S}"
