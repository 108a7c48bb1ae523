"""Each of NetEase's reply codes, at each stage of the dialogue, does what the table says (O9)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mailbed import FaultySmtp
from outboxing import account, attempts, connect, drain, post, row

from huizong.errors import OperatorError
from huizong.stages.accounts import StoppedError
from office import Office, at

PAUSE = ["421 HL:REP", "421 HL:ICC", "421 HL:IFC", "421 HL:MEP", "450 MI:CEL", "450 MI:DMC", "450 MI:CCL",
         "450 RP:DRC", "450 RP:CCL", "450 DT:RBL", "451 MI:DMC", "451 MI:SFQ", "451 RP:QRC",
         "451 Requested action aborted: too much fail authentication"]  # fmt: skip
NEXT_DAY = ["550 MI:STC", "554 MI:STC", "550 RP:TRC", "554 HL:ITC"]
STOP = ["535 Error: authentication failed", "553 Mail from must equal authorized user",
        "550 User has no permission", "554 MI:SPB"]  # fmt: skip
HOLD = ["550 DT:SPM", "554 DT:SPM"]
PERMANENT = ["552 Illegal Attachment", "552 Requested mail action aborted: exceeded mailsize limit"]
THIS_ONE = ["550 RP:RCL", "550 Invalid User"]  # said of an addressee or a letter
SOON, LATER = ["451 DT:SPM"], ["452 later", "451 local error"]
TABLE = {
    "pause": PAUSE, "next_day": NEXT_DAY, "stop": STOP, "hold": HOLD, "permanent": PERMANENT,
    "this_one": THIS_ONE, "soon": SOON, "later": LATER,
}  # fmt: skip


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """One for all codes: each server is another account."""
    home: Path = tmp_path_factory.mktemp("codes")
    return Office(home)


@pytest.fixture
def faulty() -> Iterator[FaultySmtp]:
    with FaultySmtp("ok") as running:
        yield running


@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot"])
@pytest.mark.parametrize(("meaning", "said"), [(m, s) for m, codes in TABLE.items() for s in codes])
def test_a_code_does_what_the_table_says(
    office: Office, faulty: FaultySmtp, meaning: str, said: str, stage: str
) -> None:
    server = connect(office, faulty.port)
    first, second = post(office, 2)
    faulty.says[stage] = said
    now = office.clock.now()
    if meaning == "stop":
        with pytest.raises(StoppedError, match="拒绝"):
            drain(office)
    else:
        drain(office)
    letter, behind, held = row(office, first), row(office, second), account(office, server)
    tried = [f"{a.code} {a.reply}" for a in attempts(office, first)]
    assert tried == [letter.reply] == [said]
    rests = (held.paused_until - now) if held.paused_until else None
    assert (held.stopped_at is not None) == (meaning == "stop")
    if meaning in {"pause", "next_day", "stop"}:
        midnight = at("2022-05-25T00:05") - now
        assert rests == {"pause": timedelta(minutes=15), "next_day": midnight, "stop": None}[meaning]
        assert (letter.state, behind.state, behind.attempts) == ("rejected_temporary", "queued", 0)
    elif meaning in {"soon", "later"}:
        assert letter.state == behind.state == "rejected_temporary"
        assert letter.not_before == (now + timedelta(minutes=2) if meaning == "soon" else None)
        assert rests is None
    else:
        assert letter.state == "rejected_permanent"
        # Refused before anybody was named: the letters behind would fare alike, so they wait.
        about_us = meaning == "this_one" and stage == "mail"
        assert rests == (timedelta(minutes=15) if about_us else None)
        assert behind.state == ("queued" if about_us else "rejected_permanent")
    assert faulty.accepted == []
    assert faulty.logins == 1
    faulty.says.clear()
    _afterwards(office, faulty, meaning, [first, second])


def _afterwards(office: Office, faulty: FaultySmtp, meaning: str, ids: list[int]) -> None:
    """The server is well again: at once nothing that rests is tried, in time all that may still go goes."""
    waiting = [i for i in ids if row(office, i).state != "rejected_permanent"]
    if meaning == "stop":
        with pytest.raises(StoppedError):
            drain(office)
        assert faulty.logins == 1
        connect(office, faulty.port, password="another-code")
    elif meaning != "later":
        drain(office)
        assert (faulty.logins, len(faulty.accepted)) == (1, 0)
        started = office.clock.now()
        office.clock.sleep(timedelta(days=1).total_seconds())
        drain(office)
        office.clock.instant = started
    drain(office)
    assert [row(office, i).state for i in waiting] == ["sent"] * len(waiting)
    assert len(faulty.accepted) == len(waiting)


@pytest.mark.parametrize(
    ("says", "stopped"),
    [
        ({"login": "535 Error: authentication failed"}, True),
        ({"login": "550 User has no permission"}, True),
        ({"login": "451 too much fail authentication"}, False),
        ({"greeting": "421 HL:ICC"}, False),
        ({"greeting": "554 HL:ITC"}, False),
    ],
)
def test_who_is_not_let_in_does_not_knock_again(
    office: Office, faulty: FaultySmtp, says: dict[str, str], stopped: bool
) -> None:
    server = connect(office, faulty.port)
    (letter,) = post(office)
    faulty.says.update(says)
    if stopped:
        with pytest.raises(OperatorError, match="授权码"):
            drain(office)
        with pytest.raises(StoppedError, match="停用"):
            drain(office)
    else:
        assert drain(office)["left"] == 1
        assert drain(office)["left"] == 1
    assert faulty.logins == (1 if "login" in says else 0)
    assert (row(office, letter).state, row(office, letter).attempts) == ("queued", 0)
    held = account(office, server)
    assert (held.stopped_at is not None, held.paused_until is not None) == (stopped, not stopped)
    with office.ctx.ledger.write() as session:  # leave nothing behind for the next code
        session.delete(session.get_one(type(row(office, letter)), letter))
