"""Trying what is on this machine: home, database, store, disks, keys, calendar, templates, programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import get_args

from jinja2 import Environment, TemplateError
from sqlalchemy import text

from huizong.clock import Clock
from huizong.definition.calendar import StateCouncil, UnpublishedYearError
from huizong.definition.load import LoadedCycle
from huizong.errors import HuizongError
from huizong.home import Home, find_file
from huizong.instruments.token import TokenKeys
from huizong.ledger.upkeep import Trouble
from huizong.outbox.context import LetterContext
from huizong.readers import programs
from huizong.readers.convert import Converter
from huizong.stages.context import Context
from huizong.stages.doctor.model import Check
from huizong.stages.vitals import full_disks

_RTF = rb"{\rtf1\ansi huizong doctor}"
_PACKAGES = ("great_expectations", "rapidocr", "onnxruntime", "yagmail", "imapclient")


def check_home(home: Home) -> Check:
    try:
        home.path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home.path) as file:
            file.write(b"huizong")
    except OSError as e:
        return Check("home", False, f"{home.path} 无法写入（{e.strerror}），请改正权限或 HUIZONG_HOME。")
    return Check("home", True, f"{home.path} 可写。")


def check_database(ctx: Context) -> Check:
    """Something is written, and rolled back."""
    engine = ctx.ledger.engine
    kind = "PostgreSQL" if engine.dialect.name == "postgresql" else "SQLite"
    with ctx.ledger.read() as session:
        revision = session.scalar(text("SELECT version_num FROM alembic_version"))
    try:
        with ctx.ledger.write() as session:
            now = ctx.clock.now()
            session.add(
                Trouble(name="doctor", number=0, cycle=None, title="", lines=[], since=now, over_at=now)
            )
            session.flush()
            raise _Undo
    except _Undo:
        pass
    where = "" if kind == "PostgreSQL" else f"（{engine.url.database}；生产环境用 PostgreSQL）"
    return Check("database", True, f"{kind}，版本 {revision}，可读写{where}。")


def check_store(ctx: Context) -> Check:
    data = b"huizong doctor"
    if ctx.store.get(ctx.store.put(data)) != data:
        return Check("store", False, f"文件库 {ctx.store.url} 读出的与写入的不同，请检查磁盘。")
    return Check("store", True, f"{ctx.store.url} 可读写。")


def check_disk(home: Home) -> Check:
    full = full_disks(home)
    free = shutil.disk_usage(home.path if home.path.exists() else home.path.anchor).free / (1 << 30)
    return Check("disk", not full, "".join(full) + "请清理或扩容。" if full else f"剩余 {free:.0f} GiB。")


def check_keys(home: Home) -> Check:
    keep = "请随备份另存一份：没有它，已发出的表样将无法识别。"
    if home.token_keys:
        TokenKeys.parse(home.token_keys)
        return Check("token_keys", True, f"取自 HUIZONG_TOKEN_KEYS。{keep}")
    file = home.token_keys_file
    if not file.exists():
        return Check("token_keys", True, f"首次下发时生成 {file}。")
    if file.stat().st_mode & 0o077:
        return Check("token_keys", False, f"{file} 其他用户可读，请运行 chmod 600 {file}。")
    TokenKeys.parse(file.read_text(encoding="utf-8").strip())
    return Check("token_keys", True, f"{file}。{keep}")


def check_calendar(home: Home, clock: Clock, cycles: Mapping[str, LoadedCycle]) -> Check:
    """The years of all cycles are known; the next one is asked for."""
    for code, loaded in cycles.items():
        try:
            for collection in loaded.cycle.collections:
                loaded.schedule.rungs(collection)
                loaded.schedule.closes(collection)
        except HuizongError as e:
            return Check("calendar", False, f"{code}：{e}")
    coming = clock.now().year + 1
    try:
        StateCouncil(home.calendars).is_working_day(date(coming, 1, 1))
    except UnpublishedYearError:
        return Check(
            "calendar", True,
            f"各任务所涉年份的放假安排齐全；{coming}年的尚未收录（11月前后公布，届时升级 chinesecalendar）。",
        )  # fmt: skip
    return Check("calendar", True, f"各任务所涉年份及{coming}年的放假安排齐全。")


def check_definitions(broken: Mapping[str, Exception], count: int) -> Check:
    if broken:
        names = "、".join(broken)
        return Check("definitions", False, f"{names} 的定义有误，请运行 huizong check 按提示改正。")
    return Check("definitions", True, f"{count} 个统计任务的定义均可读取。")


def check_letters(home: Home) -> Check:
    """Every kind of letter has a template that Jinja can read."""
    environment = Environment(autoescape=True)
    for kind in sorted(kinds_of_letters()):
        path = find_file(home.letters, f"{kind}.md")
        if path is None:
            return Check("letters", False, f"缺少信函模板 {kind}.md，应在 {home.letters[-1]}。")
        try:
            environment.parse(path.read_text(encoding="utf-8"))
        except (TemplateError, OSError, UnicodeDecodeError) as e:
            return Check("letters", False, f"信函模板 {path} 有误：{e}")
    return Check("letters", True, "各类信函模板齐全。")


def kinds_of_letters() -> set[str]:
    """The kinds whose letters are written from a template."""
    contexts = get_args(get_args(LetterContext)[0])
    return {kind for context in contexts for kind in get_args(context.model_fields["kind"].annotation)}


def check_fonts() -> Check:
    remedy = "请安装 fonts-wqy-microhei 或其他中文字体。"
    lister = shutil.which("fc-list")
    if lister is None:
        return Check("fonts", False, f"没有 fc-list（软件包 fontconfig），看不出有无中文字体。{remedy}")
    listed = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, timeout=60)  # noqa: S603 - nothing from outside
    families = sorted({line.split(",")[0].strip() for line in listed.stdout.splitlines() if line.strip()})
    if not families:
        return Check("fonts", False, f"没有中文字体，未嵌字体的 PDF 会显示为方框。{remedy}")
    return Check("fonts", True, f"有中文字体（{families[0]}等 {len(families)} 种）。")


def check_soffice() -> Check:
    """A small document is really converted."""
    remedy = "请安装 libreoffice-calc-nogui、libreoffice-writer-nogui，或以 HUIZONG_SOFFICE 指明位置。"
    if programs.find("soffice") is None:
        return Check("soffice", False, f"没有 LibreOffice，doc、wps、rtf、旧式 xls 无法读取。{remedy}")
    (converted,) = Converter().convert([("rtf", _RTF)])
    if converted.data is None:
        return Check("soffice", False, f"LibreOffice 试转文件失败。{remedy}")
    return Check("soffice", True, f"{programs.find('soffice')}，试转文件成功。")


def check_unar() -> Check:
    path = programs.find("unar")
    if path is None:
        return Check("unar", False, "没有 unar，rar 压缩包无法打开。请安装软件包 unar。")
    return Check("unar", True, f"{path}。")


def check_python() -> Check:
    """The interpreter, and the packages that are loaded only when they are needed."""
    if sys.version_info[:2] != (3, 11):
        return Check("python", False, f"Python {sys.version.split()[0]}，应为 3.11；请按文档重建环境。")
    try:
        found = [f"{name} {version(name)}" for name in _PACKAGES]
    except PackageNotFoundError as e:
        return Check("python", False, f"缺少 Python 包 {e.name}，请运行 make install。")
    return Check("python", True, f"Python {sys.version.split()[0]}，{'、'.join(found)}。")


class _Undo(Exception):
    """Takes back what was written for a try."""
