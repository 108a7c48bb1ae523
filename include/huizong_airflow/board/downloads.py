"""The files of a cycle that people work with: editions, lists, the telephone list, what is passed on.

They hold telephone numbers and who is behind; whoever may sign off the cycle may have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from huizong.errors import UsageError
from huizong.stages.issued import issued_cycle
from huizong.stages.words import EDITION, RUNG

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from huizong.ledger.tables import Event
    from huizong.stages.context import Context

_WORK_PAPERS = {
    "callsheet": "催报电话单",
    "matters_listed": "提请领导协调（内部使用）",
    "forwarded_prepared": "转发包（未设邮箱的单位）",
}


@dataclass(frozen=True)
class Download:
    """A file of a group; `source` and `number` are its address on the board."""

    group: str
    name: str
    source: str
    number: int
    title: str = ""  # its name in words
    stored: str = ""  # its name in the store, else it lies at `path`
    path: Path | None = None


def downloads(ctx: Context, code: str) -> list[Download]:
    """All of the newest edition and the newest of each kind of work paper, in groups."""
    with ctx.ledger.read() as session:
        found = [*_of_editions(session, code), *_of_work(ctx, session, code)]
    titles = {c.code: c.title for c in issued_cycle(ctx, code).collections if c.title}
    return [replace(download, title=_in_words(download.name, titles)) for download in found]


def _in_words(name: str, titles: Mapping[str, str]) -> str:
    """…汇总_定稿_associations.docx as the board shows it: …汇总_定稿_各学会、协会报送材料.docx."""
    codes = "|".join(map(re.escape, titles))
    return re.sub(rf"(?<=[_-])({codes})(?=[.-])", lambda found: titles[found[0]], name) if codes else name


def grouped(found: list[Download]) -> dict[str, list[Download]]:
    """By group, in the order in which they came."""
    groups: dict[str, list[Download]] = {}
    for download in found:
        groups.setdefault(download.group, []).append(download)
    return groups


def content(ctx: Context, code: str, source: str, number: int) -> tuple[str, bytes]:
    """Name and bytes of one that the cycle's page offers.

    Raises:
        UsageError: it is not among them, or somebody removed it.
    """
    found = next((d for d in downloads(ctx, code) if (d.source, d.number) == (source, number)), None)
    if found is None:
        raise UsageError("没有这个文件，可能已有新的版次，请返回重新查看。")
    if found.path is None:
        return found.name, ctx.store.get(found.stored)
    try:
        return found.name, found.path.read_bytes()
    except OSError as e:
        raise UsageError(f"文件已不在原处：{found.path}") from e


def _of_editions(session: Session, code: str) -> Iterator[Download]:
    from sqlalchemy import select

    from huizong.ledger.editions import Edition
    from huizong.stages.merging import is_to_review, released

    newest = session.scalars(
        select(Edition).where(Edition.cycle == code).order_by(Edition.id.desc()).limit(1)
    ).first()
    if newest is not None:
        public = released(newest)
        for n, (name, stored) in enumerate([*newest.files, *public]):
            if not (public and is_to_review(name)):
                yield Download(_group(name, EDITION[newest.kind]), name, f"e{newest.id}", n, stored=stored)


def _group(name: str, edition: str) -> str:
    from huizong.stages.commendation import is_internal
    from huizong.stages.merging import is_to_review

    if is_internal(name):
        return "评选参考（内部使用）"
    if "公开版" in name:
        return "公开版（审核后方可发布）" if is_to_review(name) else "公开版（已审核，可以发布）"
    return f"汇总：{edition}"


def _of_work(ctx: Context, session: Session, code: str) -> Iterator[Download]:
    from sqlalchemy import select

    from huizong.ledger.tables import Event

    events = session.scalars(
        select(Event).where(Event.cycle == code, Event.kind.in_(_WORK_PAPERS)).order_by(Event.id)
    ).all()
    newest = {(e.kind, e.collection or "", e.data.get("what", "")): e for e in events}
    seen: set[Path] = set()
    kinds = list(_WORK_PAPERS)
    for (kind, _, what), event in sorted(newest.items(), key=lambda item: kinds.index(item[0][0])):
        for n, path in enumerate(_files(ctx, event)):
            if path not in seen:
                seen.add(path)
                group = _WORK_PAPERS[kind]
                name = f"{group}{path.name}" if kind == "callsheet" else path.name
                name = f"{RUNG.get(what, what)}-{name}" if what else name
                yield Download(group, name, f"w{event.id}", n, path=path)


def _files(ctx: Context, event: Event) -> list[Path]:
    """Where the event says that they lie, if that is in the home folder."""
    place = Path(event.data.get("path") or event.data["folder"])
    if not place.resolve().is_relative_to(ctx.home.path.resolve()):
        return []
    if place.is_dir():
        return sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith("."))
    return [place] if place.is_file() else []
