"""Letters through SMTP servers that fail in every way that is known of: none lost, none sent twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from mailbed import FaultMode, FaultySmtp

from faults.bed import Bed, count_letters, message_ids
from faults.table import Count
from huizong.outbox.sender import Sender
from huizong.stages import sending
from mailing import OFFICE

pytestmark = pytest.mark.slow

TRIES = 3  # installations, of three letters each
FIRST = "u1@bench.example"

# Fault, mode of the server, what it says besides, and the states in which the letters may end.
FAULTS: list[tuple[str, FaultMode, dict[str, str], set[str]]] = [
    ("SMTP: takes the letter and drops the line", "accept_then_drop", {}, {"unknown", "sent"}),
    ("SMTP: takes the letter and hangs", "accept_then_hang", {}, {"unknown", "sent"}),
    ("SMTP: drops the line at MAIL", "drop_at_mail", {}, {"sent"}),
    ("SMTP: drops the line at RCPT", "drop_at_rcpt", {}, {"sent"}),
    ("SMTP: drops the line in DATA", "drop_in_data", {}, {"unknown", "sent"}),
    ("SMTP: never answers", "no_answer", {}, {"sent"}),
    ("SMTP: 421 at the greeting", "421_at_greeting", {}, {"sent"}),
    ("SMTP: 421 at MAIL", "421_at_mail", {}, {"sent"}),
    ("SMTP: 421 after DATA", "421_after_data", {}, {"sent"}),
    ("SMTP: 452 at RCPT", "452_at_rcpt", {}, {"sent"}),
    ("SMTP: 550 at RCPT", "550_at_rcpt", {}, {"rejected_permanent"}),
    ("SMTP: 554 DT:SPM", "554_after_data", {}, {"held", "rejected_permanent"}),
    ("SMTP: wrong password", "535_at_login", {}, {"sent"}),
    ("SMTP: hangs at QUIT", "quit_hang", {}, {"sent"}),
    ("SMTP: resets at QUIT", "quit_reset", {}, {"sent"}),
    ("SMTP: takes the addressee, not our copy", "ok", {OFFICE: "452 later"}, {"sent"}),
    ("SMTP: takes our copy, not one addressee", "ok", {FIRST: "550 Invalid User"},
     {"sent", "rejected_permanent"}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute's wait for an answer is a second here."""
    monkeypatch.setattr(sending, "Sender", partial(Sender, timeout=1))


@pytest.mark.parametrize(("fault", "mode", "says", "ends"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_fault(
    fault: str,
    mode: FaultMode,
    says: Mapping[str, str],
    ends: set[str],
    three: Path,
    beds: Callable[[Path], Bed],
    counted: Callable[[str], Count],
) -> None:
    count = counted(fault)
    for _ in range(TRIES):
        with FaultySmtp(mode, says) as server:
            bed = beds(three).connect(smtp=server.port)
            if says:
                bed.prove_by("blind_copy")
            for _ in range(2):
                bed.send()
                bed.clock.sleep(20 * 60)
            count.tries += max(1, sum(letter.attempts for letter in bed.rows()))
            taken = message_ids(server.accepted)
            count_as_told = [taken[letter.message_id] for letter in bed.rows() if letter.state == "sent"]
            assert all(count_as_told), "sent is said of a letter that nobody took"
            server.mode, server.says = "ok", {}
            bed.until_sent()
            count_letters(count, bed.rows(), message_ids(server.accepted))
            assert {letter.state for letter in bed.rows()} <= ends
            bed.close()
    assert (count.lost, count.doubled) == (0, 0)
