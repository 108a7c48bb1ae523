"""Links that wait for a person (链接待下载): what the operator reads of them, and what settles them.

The system opens no address. A person downloads what lies there and lays it into the unit's folder
(`huizong receive --folder`), which settles the link, or closes it (`huizong triage close`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.ledger.tables import Delivery, File
from huizong.stages.alarms import end_alarm, is_seen_to, keep_alarm, open_troubles, shown
from huizong.stages.context import Context
from huizong.stages.issued import log_event

KIND = "link"  # of a file that is a link
AHEAD = timedelta(hours=48)  # before a link runs out the operator is told
PATIENCE = timedelta(days=5)  # how long a link of unknown term may lie
NOT_ASKED = "已按链接下载存档；本事项没有要求此类材料"
_TROUBLE = "links:"
_REMEDY = (
    "请下载后放入以单位代码命名的子文件夹，用 huizong receive --folder 登记；已到期打不开的，"
    "请单位重新分享或分次以普通附件发送；无法下载或不需要的，以 huizong triage close 结案。"
)
_ZONE = ZoneInfo("Asia/Shanghai")


def to_download(unit: str) -> str:
    """What the operator does about a link."""
    return (
        f"请下载后放入以单位代码 {unit} 命名的子文件夹，用 huizong receive --folder 登记；"
        "无法下载或不需要的，以 huizong triage close 结案"
    )


def link_lines(file: File) -> list[str]:
    """Where it lies, by which code, until when: for the operator's lists. An address is text, no link."""
    if not (link := file.witnesses.get(KIND)):
        return []
    lines = [f"网址：{link['url']}"]
    lines += [f"提取码：{link['code']}"] if link["code"] else []
    lines += [f"大小：{link['size']}"] if link["size"] else []
    return [*lines, f"有效期：{term_of(file) or '未写明'}"]


def term_of(file: File) -> str:
    """至2022年8月17日00:49, 永久, or nothing where nobody said."""
    link = file.witnesses[KIND]
    if until := expires_at(file):
        return f"至{moment(until)}"
    return "永久" if link["lasting"] else ""


def lacks_code(file: File) -> bool:
    """Whether it cannot be opened as it was sent: this net disk shares nothing without a code."""
    link = file.witnesses[KIND]
    return link["provider"] == "百度网盘" and not link["code"]


def expires_at(file: File) -> datetime | None:
    said = file.witnesses[KIND]["expires_at"]
    return datetime.fromisoformat(said) if said else None


def moment(instant: datetime) -> str:
    """Beijing time, as the providers write it."""
    local = instant.astimezone(_ZONE)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}"


def settle_downloaded(ctx: Context, session: Session, delivery: Delivery, files: Iterable[File]) -> None:
    """What somebody of the office laid into the unit's folder settles the link that it came from: the link of
    that name, else the unit's only one for the same part."""
    if delivery.kind != "folder":
        return
    for file in files:
        unit = file.unit or delivery.unit
        if file.kind == KIND or unit is None or file.disposition not in {"return", "triage"}:
            continue
        pending = session.scalars(
            select(File).where(
                File.disposition == "link_pending", File.settled_at.is_(None),
                File.cycle == (file.cycle or delivery.cycle), File.unit == unit,
            )
        ).all()  # fmt: skip
        named = [link for link in pending if link.name in file.name.split("/")]
        alone = [link for link in pending if link.part and link.part == file.part and len(pending) == 1]
        for link in named or alone:
            link.settled_at = ctx.clock.now()
            link.witnesses = link.witnesses | {"downloaded": file.id}
            log_event(
                session, ctx, "link_downloaded", cycle=link.cycle, collection=link.collection, unit=link.unit,
                link=link.id, file=file.id,
            )  # fmt: skip
        if named and file.disposition == "triage" and not any(link.part for link in named):
            file.disposition, file.reason = "other", NOT_ASKED


def tell_expiring(ctx: Context) -> None:
    """Tell the operator, in one trouble a cycle, of the links that run out within 48 hours or have run out,
    and of those that have waited for five days and whose term nobody knows; over when each is settled. The
    alarm says nothing of what a mail says."""
    with ctx.ledger.read() as session:
        due: dict[str, list[_Due]] = {}
        for one in sorted(_due(session, ctx.clock.now()), key=lambda one: one.since):
            due.setdefault(f"{_TROUBLE}{one.file.cycle or ''}", []).append(one)
        told = {t.name for t in open_troubles(session) if t.name.startswith(_TROUBLE)}
    if not due and not told:
        return
    with ctx.ledger.write() as session:
        for name in sorted(told - due.keys()):
            end_alarm(ctx, session, name, tell=False)
        for name, links in due.items():
            if not is_seen_to(session, name, links[-1].since):
                _tell(ctx, session, name, links)


@dataclass(frozen=True)
class _Due:
    """A link of which the operator should know, and since when."""

    file: File
    since: datetime


def _due(session: Session, now: datetime) -> Iterator[_Due]:
    rows = session.execute(
        select(File, Delivery.stored_at)
        .join(Delivery, File.delivery_id == Delivery.id)
        .where(
            File.disposition == "link_pending", File.settled_at.is_(None), Delivery.settled_at.is_(None)
        )
    )  # fmt: skip
    for file, stored_at in rows:
        until = expires_at(file)
        if until is None and file.witnesses[KIND]["lasting"]:
            continue
        since = max(stored_at, until - AHEAD) if until else stored_at + PATIENCE
        if since <= now:
            yield _Due(file, since)


def _tell(ctx: Context, session: Session, name: str, links: list[_Due]) -> None:
    now, first = ctx.clock.now(), links[0].file
    title = f"链接附件{_term(first, now)}，尚未下载"
    if len(links) > 1:
        title = f"{len(links)}个链接附件尚未下载，其一{_term(first, now)}"
    files = (one.file for one in links)
    keep_alarm(
        ctx, session, name, title,
        *shown([f"f{file.id}，单位代码 {file.unit}：{_term(file, now)}。" for file in files], "个"),
        "网址和提取码见 huizong triage list 或看板。",
        _REMEDY,
        newest=links[-1].since, cycle=first.cycle,
    )  # fmt: skip


def _term(file: File, now: datetime) -> str:
    until = expires_at(file)
    if until is None:
        return f"已收到{PATIENCE.days}天，有效期不明"
    return f"{'已' if until <= now else '将'}于{moment(until)}到期"
