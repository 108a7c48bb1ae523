"""Units without a mailbox (未设邮箱): what the operator passes on in a chat group (转发包).

At issue, at each reminder and when something changes, a zip of all these units' own files and one text
for all of them are laid out. Text and zip name nobody's shortcomings: a group reads them. A formal
notice and what the leader is told of go no such way: the first waits for its own approval, the second is
never said to a unit.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from huizong.definition.model import Collection, Rung
from huizong.frame.roster import Unit
from huizong.home import as_file_name
from huizong.ledger.tables import Event, FormIssue
from huizong.stages.context import Context
from huizong.stages.issued import IssuedCycle, log_event
from huizong.stages.notices import form_file_names, notice_document
from huizong.stages.reasons import chaseable
from huizong.stages.standing import Standing, standings_now
from huizong.stages.wording import ANSWER_ITSELF, due_text, nil_text
from huizong.stages.words import RUNG

ISSUED, AMENDED = "下发", "补充通知"
_EVENT = "forwarded_prepared"
_GROUP_RUNGS = ("nudge", "due_day", "overdue")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same zip
DueRung = Callable[[IssuedCycle, Standing, datetime], Rung | None]


def without_mailbox(issued: IssuedCycle, collection: Collection) -> list[Unit]:
    """The frame's units that no letter can be written to, in the established order."""
    reached = issued.contacts.keys() | issued.bounced_units
    return [unit for unit in issued.loaded.frame(collection) if unit.code not in reached]


def forward_issue(ctx: Context, issued: IssuedCycle, as_of: datetime) -> None:
    """Lay out what is passed on at issue, once for the same files and units."""
    for collection in issued.collections:
        units = [] if collection.voluntary else without_mailbox(issued, collection)
        if units:
            _prepare(ctx, issued, collection, units, ISSUED, as_of)


def forward_rungs(
    ctx: Context, issued: IssuedCycle, as_of: datetime, due_rung: DueRung, unread: Container[str]
) -> None:
    """Lay out a reminder for each collection of which a unit without a mailbox owes something.

    A unit with its own deadline is left to the telephone list: the group's text names the group's day.
    """
    due: dict[str, Rung] = {}
    with ctx.ledger.read() as session:
        for standing in standings_now(session, issued):
            if standing.extended or not standing.no_mailbox or not chaseable(standing):
                continue
            rung = due_rung(issued, standing, as_of)
            if rung in _GROUP_RUNGS and standing.collection.channel not in unread:
                due[standing.collection.code] = rung
    for code, rung in due.items():
        collection = issued.collection(code)
        _prepare(ctx, issued, collection, without_mailbox(issued, collection), rung, as_of)


def forward_amendment(
    ctx: Context, issued: IssuedCycle, told: Mapping[str, Sequence[str]], as_of: datetime
) -> None:
    """Lay out what changed, for each collection whose units are told something."""
    for collection in issued.collections:
        units = without_mailbox(issued, collection) if told.get(collection.code) else []
        if units:
            _prepare(ctx, issued, collection, units, AMENDED, as_of, told[collection.code])


def _prepare(
    ctx: Context,
    issued: IssuedCycle,
    collection: Collection,
    units: list[Unit],
    what: str,
    as_of: datetime,
    changes: Sequence[str] = (),
) -> None:
    """Files first, then the event that says that they are there; killed between, the next run does both."""
    package = _package(ctx, issued, collection, units) if what == ISSUED else None
    mark = str(1 + len(issued.amended.moves.get(collection.code, ())))
    if what == AMENDED:
        mark = str(issued.version)
    elif package is not None:
        mark = hashlib.sha256("\n".join(u.code for u in units).encode() + package).hexdigest()[:12]
    key = f"forwarded:{issued.code}:{collection.code}:{what}:{mark}"
    with ctx.ledger.read() as session:
        if session.scalars(select(Event.id).where(Event.key == key)).first() is not None:
            return
    if package is None:  # a reminder is looked at each morning, and made once
        package = _package(ctx, issued, collection, units)
    said = f"{AMENDED}（第{mark}版）" if what == AMENDED else RUNG.get(what, what)
    day = as_of.astimezone(issued.loaded.cycle.zone).date().isoformat()
    folder = ctx.home.path / "forwarding" / issued.code / f"{day}-{said}"
    folder.mkdir(parents=True, exist_ok=True)
    name = as_file_name(collection.title or collection.code)
    if package:
        write_whole(folder / f"{name}-转发包.zip", package)
    text = _text(issued, collection, what, changes, packed=bool(package))
    write_whole(folder / f"{name}-群消息.txt", text.encode("utf-8-sig"))
    with ctx.ledger.write() as session:
        if session.scalars(select(Event.id).where(Event.key == key)).first() is not None:
            return
        log_event(
            session, ctx, _EVENT, cycle=issued.code, collection=collection.code, key=key,
            date=day, what=said, units=len(units), folder=str(folder),
        )  # fmt: skip
    ctx.say(f"{name}：{len(units)}家单位未设邮箱，“{said}”请转发：{folder}")


def _package(ctx: Context, issued: IssuedCycle, collection: Collection, units: list[Unit]) -> bytes:
    """One folder a unit with its own files, and the notice; b"" where there is nothing to pass on."""
    notice = notice_document(ctx, issued.loaded)
    files = [(notice[0], notice[1])] if notice else []
    by_code = {unit.code: unit for unit in units}
    asked = {instrument.ref for _, instrument in issued.loaded.forms_of(collection)}
    with ctx.ledger.read() as session:
        forms = session.scalars(
            select(FormIssue)
            .where(FormIssue.cycle == issued.code, FormIssue.collection == collection.code)
            .order_by(FormIssue.id)
        ).all()
    for form in forms:
        unit = by_code.get(form.unit)
        if unit is None or form.instrument not in asked:
            continue
        names = form_file_names(unit, issued.loaded.instruments[form.instrument].title)
        folder = as_file_name(f"{unit.code}-{unit.name}")
        files += [(f"{folder}/{names[0]}", form.workbook), (f"{folder}/{names[1]}", form.document)]
    if not files:
        return b""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, digest in files:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), ctx.store.get(digest), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _text(
    issued: IssuedCycle, collection: Collection, what: str, changes: Sequence[str], *, packed: bool
) -> str:
    """What is pasted into the group: for everybody in it, of nobody in particular."""
    cycle, office = issued.loaded.cycle, collection.office
    number = f"（{cycle.document_number}）" if cycle.document_number else ""
    title = f"“{cycle.title}”{collection.title}材料"
    due = issued.schedule.due(collection)
    when = f"请于{due_text(due)}报送" if due else "请及时报送"
    address = cycle.channels[collection.channel].address
    where = f"，发送至{address}" if address else f"，按{office.name}告知的方式送交"
    ready = (
        "表样见转发包中本单位文件夹，请填写本单位的表样（不要用别家的），保留原文件格式。" if packed else ""
    )
    asked = "、".join(part.name for part in collection.required_parts)
    opening = {
        ISSUED: f"各单位：{title}报送工作{number}现已开始。{when}{where}。",
        "nudge": f"各单位：{title}报送时间临近，{when}{where}。",
        "due_day": f"各单位：今天是{title}报送的最后一天，{when}{where}。",
        "overdue": f"各单位：{title}报送时间已过，还未报送的请尽快报送{where}。",
        AMENDED: f"各单位：{title}报送要求有变动：{''.join(changes)}".replace("本邮件所附", "转发包中的"),
    }[what]
    closing = "" if what in (ISSUED, AMENDED) else "已报送的不必理会本消息。"
    contact = f"，联系人：{office.contact}" if office.contact else ""
    lines = [opening, f"需报送：{asked}。" if asked else "", ready, nil_text(collection)]
    text = "\n".join([*filter(None, lines), f"{closing}如有问题请与{office.name}联系{contact}。"]) + "\n"
    return text.replace(ANSWER_ITSELF, f"请发邮件至{address}说明" if address else f"请告知{office.name}")


def write_whole(path: Path, data: bytes) -> None:
    """Whole or not at all, for people who open the folder meanwhile."""
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(data)
    beside.replace(path)
