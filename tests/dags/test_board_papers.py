"""Paper on the board: the picture beside the figures; one person keys, another one confirms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from dag_home import HOME
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from huizong.connections import EnvironmentConnections
from huizong.definition.load import load_named
from huizong.home import Home
from huizong.ledger.tables import Delivery, File, Keying, Value, Version
from huizong.readers.model import FileReading, FormReading, ItemReading
from huizong.stages.context import Context, open_context
from huizong.stages.issue import issue
from huizong_airflow.board import app as board
from huizong_airflow.board import decisions, pages
from huizong_machine.clock import SystemClock

ISSUED = datetime(2026, 5, 18, 1, 0, tzinfo=UTC)
ORIGIN = {"origin": "http://testserver"}


class Person:
    """Whom Airflow has logged in."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get_name(self) -> str:
        return self.name


@pytest.fixture
def ctx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    for name in ("cycles", "forms"):
        (tmp_path / name).symlink_to(HOME / name)
    monkeypatch.setenv("HUIZONG_HOME", str(tmp_path))
    pages.context.cache_clear()
    home = Home.from_environment({"HUIZONG_HOME": str(tmp_path)})
    ctx = open_context(home, SystemClock(), EnvironmentConnections({}))
    issue(ctx, "live-2026", ISSUED, send=False, approved_by="甲", basis="签批件")
    yield ctx
    board.app.dependency_overrides.clear()
    pages.context.cache_clear()


@pytest.fixture
def scan(ctx: Context) -> str:
    """A scan of the first unit's form on which two figures were recognised."""
    definition = load_named("live-2026", ctx.home)
    collection = next(c for c in definition.cycle.collections if c.form)
    instrument = definition.instrument_of(collection)
    assert instrument is not None
    first, second = instrument.items[:2]
    seen = FormReading(
        instrument=instrument.ref,
        items={
            first.code: ItemReading(state="number", number=12, raw="12", cell="第1页R5C3"),
            second.code: ItemReading(state="text", raw="—?", cell="第1页R6C3"),
        },
    )
    out = BytesIO()
    Image.new("RGB", (400, 300), "white").save(out, "PNG")
    with ctx.ledger.write() as session:
        delivery = Delivery(
            channel=collection.channel, kind="mail", digest=None, received_at=ISSUED, stored_at=ISSUED,
            sender="clerk@county.example", subject="盖章表", cycle="live-2026", disposition="return",
            processed_at=ISSUED, answered_at=ISSUED,
        )  # fmt: skip
        session.add(delivery)
        session.flush()
        file = File(
            delivery_id=delivery.id, name="盖章表.png", digest=ctx.store.put(out.getvalue()), size=1,
            kind="image", disposition="return", reason="", witnesses={}, cycle="live-2026",
            collection=collection.code, unit=definition.units[0].code,
            reading=FileReading(kind="image", disposition="return", proposals=(seen,), stamp=True)
            .model_dump_json(exclude_defaults=True),
        )  # fmt: skip
        session.add(file)
        session.flush()
        return f"f{file.id}"


def as_(name: str, monkeypatch: pytest.MonkeyPatch, *, may: bool = True) -> TestClient:
    board.app.dependency_overrides[board.reader] = lambda: Person(name)
    monkeypatch.setattr(decisions, "may_decide", lambda code, user: may)
    return TestClient(board.app, follow_redirects=False)


def test_figures_count_only_after_a_second_person(
    ctx: Context, scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("甲", monkeypatch)
    page = client.get(f"/papers/{scan}").text
    assert 'value="12"' in page
    assert client.get(f"/papers/{scan}/1.png").content.startswith(b"\x89PNG")
    with ctx.ledger.read() as session:
        code = session.scalars(select(File.unit)).one()
    item = page.split('name="value:')[1].split('"')[0]
    keyed = client.post(f"/papers/{scan}", data={"do": "key", f"value:{item}": "13"}, headers=ORIGIN)
    assert keyed.status_code == 303
    with ctx.ledger.read() as session:
        number = session.scalars(select(Keying.id)).one()
        assert session.scalars(select(Version.id)).all() == []
    mine = client.post(f"/papers/{scan}", data={"do": "confirm", "keying": str(number)}, headers=ORIGIN)
    assert "须由另一人" in mine.text
    other = as_("乙", monkeypatch)
    assert "甲" in other.get(f"/papers/{scan}").text
    done = other.post(f"/papers/{scan}", data={"do": "confirm", "keying": str(number)}, headers=ORIGIN)
    assert done.status_code == 303
    with ctx.ledger.read() as session:
        version = session.scalars(select(Version)).one()
        assert (version.unit, version.status) == (code, "pending")
        assert session.scalars(select(Value.raw).where(Value.item == item)).one() == "13"


def test_who_may_not_decide_is_told_so(scan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = as_("丙", monkeypatch, may=False)
    answer = client.post(f"/papers/{scan}", data={"do": "key"}, headers=ORIGIN)
    assert answer.status_code == 403
    assert "没有办理此事的权限" in answer.text


def test_a_form_on_another_site_does_nothing(
    ctx: Context, scan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = as_("甲", monkeypatch)
    answer = client.post(
        f"/papers/{scan}", data={"do": "key"}, headers={"origin": "http://elsewhere.example"}
    )
    assert answer.status_code == 403
    with ctx.ledger.read() as session:
        assert session.scalars(select(Keying.id)).all() == []
