"""Issue (下发): freeze frame and definition, make the personal forms, queue the notices.

Two things may differ between the first run and the next: nothing that a clerk holds, and nothing that
was sent. Personal files are in the store before the transaction that names them; the folder for people
is laid out from the store afterwards, so that a run killed anywhere is completed by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from huizong.definition.load import LoadedCycle, load_named
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.frame.roster import Unit
from huizong.instruments.form_number import hyphenated, new_form_number
from huizong.instruments.token import TokenClaims, new_serial
from huizong.instruments.word_form import word_form
from huizong.instruments.workbook import WorkbookMaster
from huizong.ledger.tables import Approval, Contact, DefinitionVersion, FormIssue, FrameUnit, Letter
from huizong.outbox.context import AskedPart, NoticeContext
from huizong.outbox.queue import Draft, queue_letter
from huizong.stages.context import Context
from huizong.stages.issued import (
    IssuedCycle,
    issued_cycle,
    log_event,
    newest_definition,
    require_aware,
    stop_if_changed,
)
from huizong.stages.wording import full_day, letter_basics, nil_text


@dataclass(frozen=True)
class _PersonalForm:
    collection: str
    unit: str
    instrument: str
    serial: str
    form_number: str
    token: str
    workbook: str
    document: str


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
    with ctx.ledger.lock(f"issue:{code}", wait=True):
        if not _is_issued(ctx, code):
            loaded = load_named(code, ctx.home)
            _stop_if_empty(loaded)
            forms = _personal_forms(ctx, loaded)
            _record(ctx, loaded, forms, as_of, approved_by or "命令行", basis or "huizong issue")
            ctx.say(f"已冻结 {code} 的名录与表样")
        issued = issued_cycle(ctx, code)
        _lay_out(ctx, issued)
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


def _stop_if_empty(loaded: LoadedCycle) -> None:
    for collection in loaded.cycle.collections:
        if not collection.voluntary and not loaded.frame(collection):
            raise UsageError(
                f"{loaded.cycle.code}：报送事项 {collection.code} 的 audience 没有匹配到任何单位，"
                "检查 roster.csv 的 tags。"
            )


def _personal_forms(ctx: Context, loaded: LoadedCycle) -> list[_PersonalForm]:
    """Make every unit's own workbook and Word form, and put them into the store."""
    made = []
    for collection in loaded.cycle.collections:
        instrument = loaded.instrument_of(collection)
        if instrument is None:
            continue
        master = WorkbookMaster(instrument)
        for unit in loaded.frame(collection):
            serial, number = new_serial(), new_form_number()
            claims = TokenClaims(
                ctx.home.issuer, loaded.cycle.code, collection.code, unit.code, instrument.ref, serial
            )
            token = ctx.token_keys.sign(claims)
            made.append(
                _PersonalForm(
                    collection.code,
                    unit.code,
                    instrument.ref,
                    serial,
                    number,
                    token,
                    workbook=ctx.store.put(master.render(unit.full_name, token, number)),
                    document=ctx.store.put(word_form(instrument, unit.full_name, token, number)),
                )
            )
    return made


def _record(
    ctx: Context,
    loaded: LoadedCycle,
    forms: list[_PersonalForm],
    as_of: datetime,
    by: str,
    basis: str,
) -> None:
    """The one transaction that makes the issue true: frame, forms, approval and letters together."""
    cycle = loaded.cycle
    content = ctx.store.put(loaded.frozen().encode())
    now = ctx.clock.now()
    notice = _notice_document(ctx, loaded)
    with ctx.ledger.write() as session:
        if newest_definition(session, cycle.code) is not None:
            return  # somebody else was quicker
        session.add(
            DefinitionVersion(
                cycle=cycle.code,
                version=1,
                digest=loaded.digest,
                content=content,
                as_of=as_of,
                recorded_at=now,
            )
        )
        for collection in cycle.collections:
            for unit in loaded.frame(collection):
                session.add(
                    FrameUnit(
                        cycle=cycle.code,
                        version=1,
                        collection=collection.code,
                        unit=unit.code,
                        position=unit.position,
                    )
                )
        contacts = list(_contacts(loaded))
        session.add_all(contacts)
        session.add_all(
            FormIssue(
                cycle=cycle.code,
                collection=f.collection,
                unit=f.unit,
                instrument=f.instrument,
                serial=f.serial,
                form_number=f.form_number,
                token=f.token,
                workbook=f.workbook,
                document=f.document,
            )
            for f in forms
        )
        session.add(
            Approval(
                cycle=cycle.code,
                question="issue",
                subject=loaded.digest[:12],
                by=by,
                basis=basis,
                as_of=as_of,
                recorded_at=now,
            )
        )
        by_unit: dict[str, list[Contact]] = {}
        for contact in contacts:
            by_unit.setdefault(contact.unit, []).append(contact)
        issued = IssuedCycle(loaded, 1, {u: tuple(c) for u, c in by_unit.items()})
        for draft in _notices(ctx, issued, forms, notice, as_of):
            queue_letter(session, draft, salt=loaded.digest, now=now)
        log_event(
            session, ctx, "issued", cycle=cycle.code, key=f"issued:{cycle.code}", by=by, words=basis,
            digest=loaded.digest, units=len(loaded.units),
        )  # fmt: skip


def _contacts(loaded: LoadedCycle) -> Iterator[Contact]:
    for unit in loaded.units:
        for position, contact in enumerate(unit.contacts):
            yield Contact(
                cycle=loaded.cycle.code,
                unit=unit.code,
                address=contact.address,
                name=contact.name,
                phone=contact.phone,
                position=position,
            )


def _notice_document(ctx: Context, loaded: LoadedCycle) -> tuple[str, str] | None:
    """The notice itself, where the definition names a file of the cycle's folder."""
    name = loaded.cycle.notice.document
    if not name:
        return None
    path = loaded.folder / name
    if not path.is_file():
        raise UsageError(f"{loaded.cycle.code}：notice.document 所写的 {path} 不存在。")
    return path.name, ctx.store.put(path.read_bytes())


def form_file_names(unit: Unit, form_title: str) -> tuple[str, str]:
    """What a unit's workbook and Word form are called."""
    stem = f"{form_title}（{unit.name}）".replace("/", "／")
    return f"{stem}.xlsx", f"{stem}.docx"


def _notices(
    ctx: Context,
    issued: IssuedCycle,
    forms: list[_PersonalForm],
    notice: tuple[str, str] | None,
    as_of: datetime,
) -> Iterator[Draft]:
    by_unit = {(f.collection, f.unit): f for f in forms}
    for collection in issued.collections:
        for unit in issued.loaded.frame(collection):
            form = by_unit.get((collection.code, unit.code))
            attachments = [notice] if notice else []
            instrument = issued.loaded.instrument_of(collection)
            if form and instrument:
                names = form_file_names(unit, instrument.title)
                attachments += [(names[0], form.workbook), (names[1], form.document)]
            for contact in issued.contacts.get(unit.code, ()):
                yield _notice(ctx, issued, collection, unit, contact, form, attachments, as_of)


def _notice(
    ctx: Context,
    issued: IssuedCycle,
    collection: Collection,
    unit: Unit,
    contact: Contact,
    form: _PersonalForm | None,
    attachments: list[tuple[str, str]],
    as_of: datetime,
) -> Draft:
    cycle = issued.loaded.cycle
    event = cycle.event
    basics = letter_basics(issued, collection, unit, contact, as_of, issued.schedule.due(collection))
    context = NoticeContext(
        **basics,
        parts=tuple(AskedPart(title=p.name, required=p.required, hint=p.hint) for p in collection.parts),
        event_text=f"{full_day(event.first)}至{full_day(event.last)}" if event else "",
        form_numbers=(hyphenated(form.form_number),) if form else (),
        attachments=tuple(name for name, _ in attachments),
        nil_text=nil_text(collection),
    )
    return Draft(
        key=f"notice:{cycle.code}:{collection.code}:{unit.code}:{contact.address}",
        channel=collection.channel,
        cycle=cycle.code,
        collection=collection.code,
        unit=unit.code,
        address=contact.address,
        addressee=contact.name or unit.name,
        sender_address=basics["mailbox"],
        subject=ctx.letter_book.render(context).subject,
        context=context,
        attachments=attachments,
    )


def _lay_out(ctx: Context, issued: IssuedCycle) -> None:
    """Write one folder a unit code with the unit's files, from the store; what is there stays."""
    with ctx.ledger.read() as session:
        forms = session.scalars(select(FormIssue).where(FormIssue.cycle == issued.code)).all()
    root = ctx.home.issued(issued.code)
    root.mkdir(parents=True, exist_ok=True)
    for form in forms:
        unit = issued.unit(form.unit)
        title = issued.loaded.instruments[form.instrument].title
        folder = root / unit.code
        folder.mkdir(exist_ok=True)
        for name, digest in zip(form_file_names(unit, title), (form.workbook, form.document), strict=True):
            path = folder / name
            if not path.exists():  # whole or not at all: a half-written form would stay for good
                beside = path.with_name(f".{path.name}")
                beside.write_bytes(ctx.store.get(digest))
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
