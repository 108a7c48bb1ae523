"""Opening and reading deliveries: what came, its files out in the open, and what the readers say of them.

No transaction spans a parser: what is found here is filed by `processing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath

from sqlalchemy import select

from huizong.errors import OperatorError, TransientError
from huizong.instruments.model import Instrument
from huizong.intake.typed import typed_material
from huizong.intake.unpack import Budget, pieces
from huizong.ledger.tables import Delivery, Event, File, Letter, Location
from huizong.mime.content import content_digest
from huizong.mime.parse import Leaf as MailLeaf
from huizong.mime.parse import ParsedMail, parse_message
from huizong.readers.model import FileReading
from huizong.readers.packing.haul import NO_FILES
from huizong.readers.secrecy import REASON, is_restricted
from huizong.readers.worker import ReadWorker, Source
from huizong.stages.automatic import automatic
from huizong.stages.context import Context
from huizong.stages.filing import Leaf, cleared_key
from huizong.stages.issued import IssuedCycle
from huizong.stages.linking import Link, links_in
from huizong.store import LostError, sha256

# A mailbox keeps arriving after closing; for so long such mail still belongs to the cycle (DESIGN 7).
OPEN_AFTER_CLOSING = timedelta(days=60)
CHUNK = 100  # deliveries opened, read and filed together
_SIGNATURE_PICTURE = 15_000  # bytes: nameless pictures below that are logos
# Programs that pass on what a person wrote; what they add of their own are words and pictures.
_PASSING_ON = ("auto_reply", "list")


@dataclass(frozen=True)
class Raw:
    """A delivery as it was recorded. Of one that is driven again, what was filed for good stays."""

    delivery: Delivery
    places: list[Location] = field(default_factory=list)
    filed: Counter[tuple[str, str]] = field(default_factory=Counter)  # digest, and its archive's
    cleared: bool = False  # a person has seen that it is not secret, whatever it looks like


@dataclass
class Opened:
    """A delivery with its files out in the open; `readings` by digest."""

    id: int
    received_at: datetime
    mail: ParsedMail | None
    leaves: list[Leaf]
    cycles: list[IssuedCycle]
    automatic: str | None
    cleared: bool = False
    readings: dict[str, FileReading] = field(default_factory=dict)
    body: Leaf | None = None  # what was typed into the mail itself, where it may be a part asked for
    links: list[Link] = field(default_factory=list)  # shares of net disks that its words name
    filed: Counter[tuple[str, str]] = field(default_factory=Counter)  # of it already; see `Raw`
    content: str | None = None  # of a mail: hash of what its writer wrote
    failure: Exception | None = None  # why it could not be opened

    @property
    def silent(self) -> bool:
        """Whether its files are a robot's own, which nobody reads."""
        return self.automatic is not None and self.automatic not in _PASSING_ON

    @property
    def size(self) -> int:
        return sum(len(leaf.data) for leaf in self.leaves)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(i for c in self.cycles for i in c.loaded.asked)


def opened(
    ctx: Context,
    worker: ReadWorker,
    cycles: list[IssuedCycle],
    ids: Sequence[int],
    as_of: datetime,
) -> Iterator[Opened]:
    for start in range(0, len(ids), CHUNK):
        for raw in _raw(ctx, ids[start : start + CHUNK]):
            try:
                opened = _open(ctx, worker, cycles, raw, as_of)
            except Exception as e:
                if is_outside(e):
                    raise  # this delivery is still to do
                opened = Opened(raw.delivery.id, raw.delivery.received_at, None, [], [], None, failure=e)
            yield opened


def _raw(ctx: Context, ids: Sequence[int]) -> list[Raw]:
    """What the ledger holds of deliveries that nobody has processed meanwhile, in this order."""
    with ctx.ledger.read() as session:
        deliveries = session.scalars(
            select(Delivery).where(Delivery.id.in_(ids), Delivery.processed_at.is_(None))
        ).all()
        places = session.scalars(
            select(Location).where(Location.delivery_id.in_(ids)).order_by(Location.id)
        ).all()
        filed = session.execute(
            select(File.delivery_id, File.digest, File.container).where(File.delivery_id.in_(ids))
        ).all()
        keys = {cleared_key(n) for n in ids}
        cleared = set(session.scalars(select(Event.key).where(Event.key.in_(keys))))
    found = {d.id: Raw(d, cleared=cleared_key(d.id) in cleared) for d in deliveries}
    for place in places:
        if place.delivery_id in found:
            found[place.delivery_id].places.append(place)
    for row in filed:
        if row.delivery_id in found:
            found[row.delivery_id].filed[row.digest, row.container or ""] += 1
    return [found[delivery_id] for delivery_id in ids if delivery_id in found]


def _open(ctx: Context, worker: ReadWorker, cycles: list[IssuedCycle], raw: Raw, as_of: datetime) -> Opened:
    delivery = raw.delivery
    data = ctx.store.get(delivery.digest) if delivery.digest else None
    mail = parse_message(data) if data is not None else None
    own = {address for c in cycles for address in c.own_addresses}
    open_cycles = [c for c in cycles if _concerns(c, delivery, as_of)]
    machine = automatic(ctx, mail, own)
    opened = Opened(delivery.id, delivery.received_at, mail, [], open_cycles, machine, raw.cleared)
    opened.content = content_digest(data) if data is not None else None
    if mail:
        files = [(leaf.name, leaf.data) for leaf in _files(ctx, mail)]
    else:
        files = [(PurePath(p.place).name, ctx.store.get(p.mark)) for p in raw.places]
    filed, budget = raw.filed.copy(), Budget()
    for name, data in files:
        for leaf, reading in _unpacked(worker, name, data, budget, opened.silent):
            if filed[leaf.digest, leaf.container] > 0:
                filed[leaf.digest, leaf.container] -= 1
                continue
            if mail and mail.text.strip() and reading and reading.reason == NO_FILES:
                continue  # Outlook's typefaces beside what was written: the words are what came
            opened.leaves.append(leaf)
            opened.readings |= {leaf.digest: reading} if reading else {}
    if mail and not machine:
        _take_body(opened, mail, filed)
    opened.filed = filed
    if mail and not opened.silent and not raw.cleared and is_restricted([mail.subject]):
        isolated = FileReading(kind="unknown", disposition="restricted", reason=REASON)
        opened.readings = {leaf.digest: isolated for leaf in opened.leaves}
    return opened


_TYPED = frozenset({"news", "press"})  # parts that may be typed into a mail


def _take_body(opened: Opened, mail: ParsedMail, filed: Counter[tuple[str, str]]) -> None:
    """Keep the mail's words as a file, where they are such a part and one is asked for."""
    asked = {part.kind for c in opened.cycles for one in c.collections for part in one.parts}
    typed = typed_material(mail) if asked & _TYPED else None
    if typed is None:
        return
    name, reading = typed
    data = reading.text.encode()
    leaf = Leaf(name, sha256(data), data)
    if filed[leaf.digest, ""] == 0 and leaf.digest not in {known.digest for known in opened.leaves}:
        opened.body = leaf
        opened.readings[leaf.digest] = reading


def _unpacked(
    worker: ReadWorker, name: str, data: bytes, budget: Budget, silent: bool
) -> Iterator[tuple[Leaf, FileReading | None]]:
    """The file, or what an archive holds; with its reading where unpacking said all there is to say."""
    digest = sha256(data)
    if silent:
        yield Leaf(name, digest, data), None
        return
    for piece in pieces(worker, name, data, budget):
        inner = sha256(piece.data)
        leaf = Leaf(piece.name, inner, piece.data, "" if inner == digest else digest)
        yield leaf, piece.reading


def read(worker: ReadWorker, chunk: list[Opened]) -> None:
    """One batch for all whose forms are looked for among the same instruments: usually the whole chunk."""
    groups: dict[tuple[bool | str, ...], list[Opened]] = {}
    for one in chunk:
        if not one.silent:
            groups.setdefault((one.cleared, *(c.code for c in one.cycles)), []).append(one)
    for members in groups.values():
        told = {digest for one in members for digest in one.readings}
        wanted = {leaf.digest: leaf for one in members for leaf in one.leaves if leaf.digest not in told}
        sources = [Source(leaf.name, leaf.data, members[0].cleared) for leaf in wanted.values()]
        found = dict(zip(wanted, worker.read_all(sources, members[0].instruments), strict=True))
        for one in members:
            one.readings |= {leaf.digest: found[leaf.digest] for leaf in one.leaves if leaf.digest in found}
            one.links = _links(one)


def _links(one: Opened) -> list[Link]:
    """What is shared in its words, but for what was filed before."""
    texts = [(leaf.digest, one.readings[leaf.digest].text) for leaf in one.leaves]
    links = links_in(one.mail, texts, one.received_at, cleared=one.cleared)
    return [link for link in links if not one.filed[link.digest, link.container]]


def keep(ctx: Context, chunk: list[Opened]) -> None:
    """Files are kept by themselves too, so that a figure leads to its file; what is restricted is not."""
    ctx.store.put_all(
        [
            leaf.data
            for one in chunk
            for leaf in one.leaves
            if one.silent or one.readings[leaf.digest].disposition != "restricted"
        ]
        + [one.body.data for one in chunk if one.body]
        + [link.data for one in chunk for link in one.links if not link.secret]
    )


def _files(ctx: Context, mail: ParsedMail) -> list[MailLeaf]:
    """The mail's files that may be returns: not those inside a copy of one of our own letters."""
    with ctx.ledger.read() as session:
        wanted = {mid for leaf in mail.leaves for mid in leaf.inside}
        ours = set(session.scalars(select(Letter.message_id).where(Letter.message_id.in_(wanted))))
    leaves = [leaf for leaf in mail.leaves if not ours & set(leaf.inside)]
    return [
        leaf
        for leaf in leaves
        if not (leaf.content_type.startswith("image/") and len(leaf.data) < _SIGNATURE_PICTURE
                and leaf.name.startswith(("未命名附件", "image0")))
    ]  # fmt: skip


def _concerns(issued: IssuedCycle, delivery: Delivery, as_of: datetime) -> bool:
    """Whether a delivery may belong to a cycle: named by the caller, or any channel of it while it is open;
    what clerks send to a mailbox that no collection uses (last year's office) is theirs all the same."""
    if delivery.cycle is not None:
        return issued.code == delivery.cycle
    if delivery.channel not in issued.loaded.cycle.channels:
        return False
    closings = [issued.schedule.closes(c) for c in issued.collections]
    return any(at is None or as_of <= at + OPEN_AFTER_CLOSING for at in closings)


def is_outside(error: Exception) -> bool:
    """Trouble that is none of this delivery's: the database is away, the disk is full, a reader cannot start.

    What the database cannot do for this one (too many variables, a key too long) would be the same the next
    time, and must not hold up the others.
    """
    return isinstance(error, (TransientError, OperatorError)) and not isinstance(error, LostError)
