"""Deliveries are stored and filed a hundred at a time: what is wrong with one is no other's trouble."""

from __future__ import annotations

from sqlalchemy import text

from huizong.intake.arrivals import BATCH
from huizong.stages.triage import release, waiting
from office import Office, honest

A, B, C = "410721", "410724", "410725"


def test_a_delivery_that_the_database_refuses_stops_none_of_its_chunk(office: Office) -> None:
    office.issue()
    for n, unit in enumerate((A, B, C)):
        office.hand_in(unit, honest(n), f"{unit}.xlsx")
    refusal = (
        f"CREATE TRIGGER refuse BEFORE INSERT ON file WHEN NEW.name = '{B}.xlsx' "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    )
    with office.ctx.ledger.engine.begin() as connection:
        connection.execute(text(refusal))
    received = office.receive_folder("2022-06-10T10:00")
    assert received["dispositions"] == {"return": 2}
    assert received["message_dispositions"] == {"return": 2, "set_aside": 1}
    (row,) = waiting(office.ctx)["waiting"]
    assert row["from"] == B
    with office.ctx.ledger.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER refuse"))
    release(office.ctx, row["id"], by="李科", reason="数据库已修复")
    office.validate("2022-06-10T11:00")
    assert {unit: office.unit(unit)["parts"]["statistics"] for unit in (A, B, C)} == dict.fromkeys(
        (A, B, C), "accepted"
    )


def test_more_drops_than_are_stored_together_are_each_taken_once(office: Office) -> None:
    office.issue()
    senders = [f"来件{n:03d}" for n in range(BATCH + 1)]
    for sender in senders:
        office.drop(sender, {"说明.txt": f"{sender}的说明".encode()})
    received = office.receive_folder("2022-06-10T10:00")
    assert received["messages"] == received["files"] == len(senders)
    assert {row["from"] for row in waiting(office.ctx)["waiting"]} == set(senders)
    assert office.receive_folder("2022-06-10T11:00")["messages"] == 0
