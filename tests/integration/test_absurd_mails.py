"""A mail that the database cannot take, or hardly, holds up none of the others."""

from __future__ import annotations

import random
import string
from datetime import UTC, datetime

import pytest
from postgres import cluster
from sqlalchemy import select

from huizong.intake.arrivals import Arrivals, Message
from huizong.intake.unfetched import Unfetchable
from huizong.ledger.tables import Delivery, File
from huizong.stages.processing import process_pending
from office import Office, at

WHEN = datetime(2022, 6, 1, tzinfo=UTC)
LOT = random.Random(7)
LONG = "".join(LOT.choices(string.ascii_letters + string.digits, k=9000))
ABSURD = {
    "references": "References: " + "\r\n ".join(f"<{n}@x.example>" for n in range(70_000)),
    "number": f"Message-ID: <{LONG}@x.example>",
    "sender": f"From: {LONG}@x.example",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, office: Office) -> Office:
    if request.param == "postgresql":
        fresh = request.getfixturevalue("fresh_database")
        office.environ["HUIZONG_DATABASE_URL"] = fresh
    office.issue()
    return office


@pytest.fixture
def fresh_database():
    with cluster() as fresh:
        yield fresh()


@pytest.mark.slow
def test_an_absurd_header_stops_nobody(either: Office) -> None:
    ctx = either.ctx
    arrivals = Arrivals(ctx.ledger, ctx.store, ctx.clock)
    mails = [f"{line}\r\nSubject: a\r\n\r\nhello\r\n" for line in ABSURD.values()]
    mails.append("From: honest@x.example\r\nMessage-ID: <1@x.example>\r\nSubject: b\r\n\r\nhello\r\n")
    batch = [Message(uid, WHEN, raw.encode()) for uid, raw in enumerate(mails, start=1)]
    arrivals.keep_messages("mailbox-kjj", "INBOX;1", batch, WHEN)
    process_pending(ctx, at("2022-06-10T10:00"))
    with ctx.ledger.read() as session:
        assert all(d.processed_at and d.disposition for d in session.scalars(select(Delivery)))


@pytest.mark.slow
def test_signs_that_are_no_text_poison_no_query(either: Office) -> None:
    ctx = either.ctx
    with ctx.ledger.write() as session:
        delivery = Delivery(
            channel="x", kind="mail", digest="1", received_at=WHEN, stored_at=WHEN, sender="a", subject=""
        )
        session.add(delivery)
        session.flush()
        witnesses = {"units": [], "ask": "a\x00b\ud83d"}
        session.add(
            File(
                delivery_id=delivery.id, name="n", digest="d", size=1, kind="xls", disposition="triage",
                reason="", witnesses=witnesses,
            )
        )  # fmt: skip
    with ctx.ledger.read() as session:
        asked = select(File.witnesses["ask"].as_string())
        assert session.scalars(asked).all() == ["a\ufffdb\ufffd"]
    Unfetchable(ctx.ledger, ctx.clock, "x").forget("INBOX;1", set(range(70_000)))
