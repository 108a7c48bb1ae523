"""Issue (下发): freeze frame and definition, make the personal forms, queue the notices.

Two things may differ between the first run and the next: nothing that a clerk holds, and nothing that
was sent. Personal files are in the store before the transaction that names them; the folder for people
is laid out from the store afterwards, so that a run killed anywhere is completed by the next.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.connections import required
from huizong.definition.load import LoadedCycle, load_named
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.frame.roster import Unit
from huizong.home import as_file_name
from huizong.instruments.form_number import new_form_number
from huizong.instruments.masters import Master, masters
from huizong.instruments.model import Instrument
from huizong.instruments.token import TokenClaims, new_serial
from huizong.ledger.tables import Approval, DefinitionVersion, FormIssue, FrameUnit, Letter
from huizong.stages.channels import connected
from huizong.stages.contacts import contacts_by_unit, refresh_contacts
from huizong.stages.context import Context
from huizong.stages.forwarding import forward_issue
from huizong.stages.issued import (
    IssuedCycle,
    issued_cycle,
    log_event,
    newest_definition,
    require_aware,
    stop_if_changed,
)
from huizong.stages.notices import form_file_names, notice_document, queue_notices

_AT_ONCE = 100  # units whose files are written together


def issue(
    ctx: Context,
    code: str,
    as_of: datetime,
    *,
    send: bool = True,
    approved_by: str | None = None,
    basis: str = "",
) -> dict[str, Any]:
    """Issue a cycle, or complete an issue that was broken off. The contract's JSON comes back.

    Raises:
        DefinitionError: the definition cannot be used.
        UsageError: it was issued before and its files were changed since.
        TransientError: the mail server or the database failed; safe to run again.
    """
    require_aware(as_of)
    if send:
        stop_if_mute(ctx, code)
    with ctx.ledger.lock(f"issue:{code}", wait=True):
        if not _is_issued(ctx, code):
            loaded = load_named(code, ctx.home)
            stop_if_empty(loaded)
            forms = personal_forms(ctx, loaded)
            _record(ctx, loaded, forms, as_of, approved_by or "命令行", basis or "huizong issue")
            ctx.say(f"已冻结 {code} 的名录与表样")
        issued = issued_cycle(ctx, code)
        _notify_new_contacts(ctx, issued, as_of)
        lay_out(ctx, issued)
        forward_issue(ctx, issued, as_of)
    if send:
        from huizong.stages.send import send as send_letters

        send_letters(ctx, sorted({c.channel for c in issued.collections}), as_of)
    return _result(ctx, issued)


def _is_issued(ctx: Context, code: str) -> bool:
    with ctx.ledger.read() as session:
        newest = newest_definition(session, code)
    if newest is not None:
        current = load_named(code, ctx.home)
        stop_if_changed(code, ctx.store.get(newest.content).decode(), current, newest.digest)
    return newest is not None


def stop_if_mute(ctx: Context, code: str) -> None:
    """Before anything is frozen: what is to be sent at once needs a way out.

    Raises:
        UsageError: no mailbox of the cycle has an SMTP connection.
    """
    channels = load_named(code, ctx.home).cycle.channels
    mailboxes = [channel for channel, place in channels.items() if place.address]
    if mailboxes:
        required(ctx.connections, connected(ctx, mailboxes)[0], "smtp")


def stop_if_empty(loaded: LoadedCycle) -> None:
    """Refuse a collection that asks nobody.

    Raises:
        UsageError: its audience matches no unit of the roster.
    """
    for collection in loaded.cycle.collections:
        if not collection.voluntary and not loaded.frame(collection):
            raise UsageError(
                f"{loaded.cycle.code}：报送事项 {collection.code} 的 audience 没有匹配到任何单位，"
                "检查 roster.csv 的 tags。"
            )


def personal_forms(ctx: Context, loaded: LoadedCycle, held: Iterable[FormIssue] = ()) -> list[FormIssue]:
    """Make every unit's own workbook and Word form but those `held`, and put them into the store."""
    made = []
    there = {(form.collection, form.unit, form.instrument) for form in held}
    for collection in loaded.cycle.collections:
        for _, instrument in loaded.forms_of(collection):
            frame = loaded.frame(collection)
            units = [u for u in frame if (collection.code, u.code, instrument.ref) not in there]
            if not units:
                continue
            files = masters(instrument)
            for start in range(0, len(units), _AT_ONCE):
                some = units[start : start + _AT_ONCE]
                made += _forms_of(ctx, loaded, collection, instrument, files, some)
    return made


def _forms_of(
    ctx: Context,
    loaded: LoadedCycle,
    collection: Collection,
    instrument: Instrument,
    pair: tuple[Master, Master],
    units: Sequence[Unit],
) -> list[FormIssue]:
    forms: list[FormIssue] = []
    files: list[bytes] = []
    for unit in units:
        serial, number = new_serial(), new_form_number()
        claims = TokenClaims(
            ctx.home.issuer, loaded.cycle.code, collection.code, unit.code, instrument.ref, serial
        )
        token = ctx.token_keys.sign(claims)
        files += [master.render(unit.full_name, token, number) for master in pair]
        forms.append(
            FormIssue(
                cycle=loaded.cycle.code,
                collection=collection.code,
                unit=unit.code,
                instrument=instrument.ref,
                serial=serial,
                form_number=number,
                token=token,
            )
        )
    digests = ctx.store.put_all(files)
    for form, workbook, document in zip(forms, digests[::2], digests[1::2], strict=True):
        form.workbook, form.document = workbook, document
    return forms


def _record(
    ctx: Context, loaded: LoadedCycle, forms: list[FormIssue], as_of: datetime, by: str, basis: str
) -> None:
    """The one transaction that makes the issue true: frame, forms, approval and letters together."""
    code, now = loaded.cycle.code, ctx.clock.now()
    content = ctx.store.put(loaded.frozen().encode())
    notice = notice_document(ctx, loaded)
    with ctx.ledger.write() as session:
        if newest_definition(session, code) is not None:
            return  # somebody else was quicker
        session.add(
            DefinitionVersion(
                cycle=code, version=1, digest=loaded.digest, content=content, as_of=as_of, recorded_at=now
            )
        )
        session.add_all(frame_rows(loaded, 1))
        session.add_all(forms)
        session.add(
            Approval(
                cycle=code,
                question="issue",
                subject=loaded.digest[:12],
                by=by,
                basis=basis,
                as_of=as_of,
                recorded_at=now,
            )
        )
        refresh_contacts(session, loaded)
        contacts, _ = contacts_by_unit(session, code)
        queue_notices(ctx, session, IssuedCycle(loaded, 1, contacts), forms, notice, as_of)
        log_event(
            session, ctx, "issued", cycle=code, key=f"issued:{code}", by=by, words=basis,
            digest=loaded.digest, units=len(loaded.units),
        )  # fmt: skip


def frame_rows(loaded: LoadedCycle, version: int) -> Iterator[FrameUnit]:
    """The frame of each collection, as frozen with this version of the definition."""
    for collection in loaded.cycle.collections:
        for unit in loaded.frame(collection):
            yield FrameUnit(
                cycle=loaded.cycle.code,
                version=version,
                collection=collection.code,
                unit=unit.code,
                position=unit.position,
            )


def _notify_new_contacts(ctx: Context, issued: IssuedCycle, as_of: datetime) -> None:
    """An address that the roster got after the issue has its notice too: the key knows who has one."""
    notice = notice_document(ctx, issued.loaded)
    with ctx.ledger.write() as session:
        queue_notices(ctx, session, issued, forms_in_use(session, issued.loaded), notice, as_of)


def forms_in_use(session: Session, loaded: LoadedCycle) -> list[FormIssue]:
    """The personal forms that the definition asks for: an amendment leaves others behind."""
    asked = {
        (collection.code, unit.code, instrument.ref)
        for collection in loaded.cycle.collections
        for _, instrument in loaded.forms_of(collection)
        for unit in loaded.frame(collection)
    }
    rows = session.scalars(
        select(FormIssue).where(FormIssue.cycle == loaded.cycle.code).order_by(FormIssue.id)
    )
    return [form for form in rows if (form.collection, form.unit, form.instrument) in asked]


def lay_out(ctx: Context, issued: IssuedCycle, anew: Container[str] = ()) -> None:
    """Write one folder a unit code with the unit's files, from the store; what is there stays, but for
    forms of the instruments `anew`: they may bear the name of those that they follow."""
    with ctx.ledger.read() as session:
        forms = forms_in_use(session, issued.loaded)
    root = ctx.home.issued(issued.code)
    root.mkdir(parents=True, exist_ok=True)
    for form in forms:
        unit = issued.unit(form.unit)
        title = issued.loaded.instruments[form.instrument].title
        folder = root / unit.code
        folder.mkdir(exist_ok=True)
        for name, digest in zip(form_file_names(unit, title), (form.workbook, form.document), strict=True):
            path = folder / name
            if form.instrument in anew or not path.exists():
                _write_once(path, ctx.store.get(digest))
    _lay_out_blank(ctx, issued)


def _lay_out_blank(ctx: Context, issued: IssuedCycle) -> None:
    """Write the empty form of each voluntary collection beside the units' folders: anybody may fill it in."""
    for collection in issued.collections:
        for _, instrument in issued.loaded.forms_of(collection) if collection.voluntary else ():
            pair = masters(instrument)
            for master, suffix in zip(pair, ("xlsx", "docx"), strict=True):
                name = as_file_name(f"{instrument.title}（空白表样）.{suffix}")
                path = ctx.home.issued(issued.code) / name
                if not path.exists():
                    _write_once(path, master.render("", "", ""))


def _write_once(path: Path, data: bytes) -> None:
    """Whole or not at all: a half-written form would stay for good."""
    beside = path.with_name(f".{path.name}")
    beside.write_bytes(data)
    beside.replace(path)


def _result(ctx: Context, issued: IssuedCycle) -> dict[str, Any]:
    with ctx.ledger.read() as session:
        states = _letters_by_state(session, issued.code)
    failed = sum(states.get(s, 0) for s in ("rejected_temporary", "rejected_permanent", "unknown", "bounced"))
    waiting = sum(states.get(s, 0) for s in ("queued", "claimed", "held"))
    return {
        "cycle": issued.code,
        "units": len({u.code for c in issued.collections for u in issued.loaded.frame(c)}),
        "letters": {"queued": waiting, "sent": states.get("sent", 0), "failed": failed},
        "templates_dir": str(ctx.home.issued(issued.code)),
    }


def _letters_by_state(session: Session, code: str) -> dict[str, int]:
    rows = session.execute(
        select(Letter.state, func.count().label("n"))
        .where(Letter.cycle == code, Letter.kind == "notice")
        .group_by(Letter.state)
    )
    return {row.state: row.n for row in rows}
