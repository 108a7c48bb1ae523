"""What an SMTP reply means for the letter and for the account.

The texts are those of NetEase's published table of reply codes; other servers are judged by the code alone.
"""

from __future__ import annotations

import re
from typing import Literal

Verdict = Literal[
    "pause",  # the account sends too fast: wait a quarter of an hour at least
    "next_day",  # the day's quota is used up
    "hold",  # the words look like spam to the server: a person looks at the letter
    "stop",  # the login or the account is not in order: nobody sends until a person has looked
    "permanent",  # this letter to this address will not be taken
    "temporary",  # try again later
]

# The first that fits counts. Code pattern, text pattern, verdict.
_TABLE: tuple[tuple[str, str, Verdict], ...] = (
    (r"...", r"user has no permission|authorized user|MI:SPB", "stop"),
    (r"535|553|530|538|534", r"", "stop"),
    (r"...", r"MI:STC|RP:TRC|HL:ITC", "next_day"),
    (r"552", r"", "permanent"),
    (r"55[04]", r"DT:SPM", "hold"),
    (r"421|450", r"", "pause"),
    (r"451", r"MI:SFQ|RP:QRC|MI:DMC|too much fail", "pause"),
    (r"4..", r"", "temporary"),
)


def classify(code: int, text: str) -> Verdict:
    """The verdict over a reply that refused (400 to 599)."""
    for codes, words, verdict in _TABLE:
        if re.fullmatch(codes, str(code)) and re.search(words, text, re.IGNORECASE):
            return verdict
    return "permanent"
