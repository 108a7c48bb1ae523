"""The notice letters (报送工作提示): one to each contact of each unit, with the unit's own form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from huizong.definition.load import LoadedCycle
from huizong.definition.model import Collection
from huizong.errors import UsageError
from huizong.frame.roster import Unit
from huizong.home import as_file_name
from huizong.instruments.form_number import hyphenated
from huizong.ledger.tables import Contact, FormIssue, Letter
from huizong.outbox.contents import AskedPart
from huizong.outbox.context import NoticeContext
from huizong.outbox.queue import Draft, queue_letter
from huizong.stages.context import Context
from huizong.stages.drafts import draft
from huizong.stages.issued import IssuedCycle
from huizong.stages.wording import full_day, letter_basics, nil_text


def queue_notices(
    ctx: Context,
    session: Session,
    issued: IssuedCycle,
    forms: Sequence[FormIssue],
    notice: tuple[str, str] | None,
    as_of: datetime,
) -> None:
    """Queue the notices that no contact has yet, in the caller's transaction."""
    query = select(Letter.key).where(Letter.cycle == issued.code, Letter.kind == "notice")
    there = set(session.scalars(query))
    for letter in _notices(ctx, issued, forms, notice, there, as_of):
        queue_letter(session, letter, salt=issued.loaded.digest, now=ctx.clock.now())


def notice_document(ctx: Context, loaded: LoadedCycle) -> tuple[str, str] | None:
    """(name, store's name) of the notice itself, where the definition names a file of the cycle's folder.

    Raises:
        UsageError: it is not there.
    """
    name = loaded.cycle.notice.document
    if not name:
        return None
    path = loaded.folder / name
    if not path.is_file():
        raise UsageError(f"{loaded.cycle.code}：notice.document 所写的 {path} 不存在。")
    return path.name, ctx.store.put(path.read_bytes())


def form_file_names(unit: Unit, form_title: str) -> tuple[str, str]:
    """What a unit's workbook and Word form are called."""
    stem = as_file_name(f"{form_title}（{unit.name}）")
    return f"{stem}.xlsx", f"{stem}.docx"


def _notices(
    ctx: Context,
    issued: IssuedCycle,
    forms: Sequence[FormIssue],
    notice: tuple[str, str] | None,
    there: set[str],
    as_of: datetime,
) -> Iterator[Draft]:
    by_unit: dict[tuple[str, str], list[FormIssue]] = {}
    for form in forms:
        by_unit.setdefault((form.collection, form.unit), []).append(form)
    for collection in issued.collections:
        for unit in issued.loaded.frame(collection):
            personal = by_unit.get((collection.code, unit.code), [])
            attachments = [notice] if notice else []
            for form in personal:
                names = form_file_names(unit, issued.loaded.instruments[form.instrument].title)
                attachments += [(names[0], form.workbook), (names[1], form.document)]
            for contact in issued.contacts.get(unit.code, ()):
                if _key(issued, collection, unit, contact) in there:
                    continue
                yield _notice(ctx, issued, collection, unit, contact, personal, attachments, as_of)


def _key(issued: IssuedCycle, collection: Collection, unit: Unit, contact: Contact) -> str:
    return f"notice:{issued.code}:{collection.code}:{unit.code}:{contact.address}"


def _notice(
    ctx: Context,
    issued: IssuedCycle,
    collection: Collection,
    unit: Unit,
    contact: Contact,
    personal: Sequence[FormIssue],
    attachments: list[tuple[str, str]],
    as_of: datetime,
) -> Draft:
    cycle = issued.loaded.cycle
    event = cycle.event
    basics = letter_basics(issued, collection, unit, contact, as_of, issued.schedule.due(collection))
    context = NoticeContext(
        **basics,
        parts=tuple(
            AskedPart(title=p.name, kind=p.kind, required=p.required, hint=p.hint) for p in collection.parts
        ),
        event_text=f"{full_day(event.first)}至{full_day(event.last)}" if event else "",
        form_numbers=tuple(hyphenated(form.form_number) for form in personal),
        attachments=tuple(name for name, _ in attachments),
        nil_text=nil_text(collection),
    )
    key = _key(issued, collection, unit, contact)
    return draft(
        ctx, issued, collection, unit, context, key=key, address=contact.address, attachments=attachments
    )
