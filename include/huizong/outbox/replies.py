"""What an SMTP reply means for the letter and for the account.

The texts are those of NetEase's published table of reply codes; other servers are judged by the code alone.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from huizong.outbox.model import Verdict

PAUSE = timedelta(minutes=15)  # NetEase counts in quarter hours
SOON = timedelta(minutes=2)  # 451 DT:SPM: "retry after two minutes"
PATIENCE = timedelta(days=3)  # a letter that is put off for so long is a person's business
TRIES = 5  # at least, before it is: a system that was switched off for days has tried nothing
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=2), timedelta(hours=4)
_FREE_RETRIES: dict[Verdict | None, int] = {
    "temporary": 1,
    "broken": 2,
    "pause": 0,
}  # the next run is wait enough
_CHINA = ZoneInfo("Asia/Shanghai")

# The first that fits counts: stages of the dialogue, code, words (patterns), verdict.
_TABLE: tuple[tuple[str, str, str, Verdict], ...] = (
    (r".*", r"...", r"user has no permission|authorized user|MI:SPB", "stop"),
    (r".*", r"53[0458]", r"", "stop"),
    (r"login|mail|data", r"553", r"", "stop"),  # at RCPT it is the addressee's name that is not allowed
    (r".*", r"...", r"MI:STC|RP:TRC|HL:ITC", "next_day"),
    (r".*", r"552", r"", "permanent"),
    (r".*", r"55[04]", r"DT:SPM", "hold"),
    (r".*", r"451", r"DT:SPM", "soon"),
    (r".*", r"4..", r"MI:(SFQ|CEL|DMC|CCL)|RP:(QRC|DRC|CCL)|HL:(REP|ICC|IFC|MEP)|DT:RBL", "pause"),
    (r"rcpt", r"450", r"", "temporary"),  # by itself it is the addressee's mailbox that is busy
    (r".*", r"421|450", r"", "pause"),
    (r".*", r"...", r"too much fail", "pause"),
    (r"login", r"4..", r"", "pause"),
    (r"login", r"5..", r"", "stop"),
    (r".*", r"4..", r"", "temporary"),
)


def classify(code: int, text: str, stage: str = "data") -> Verdict:
    """The verdict over a reply that refused (400 to 599) at `login`, `mail`, `rcpt` or `data`."""
    for stages, codes, words, verdict in _TABLE:
        fits = re.fullmatch(stages, stage) and re.fullmatch(codes, str(code))
        if fits and re.search(words, text, re.IGNORECASE):
            return verdict
    return "permanent"


def account_rests_until(verdict: Verdict | None, now: datetime) -> datetime | None:
    """Until when nobody uses the account after such a verdict; None: it may go on.

    A day's quota is counted by the provider's calendar and begins anew at midnight in China.
    """
    if verdict == "pause":
        return now + PAUSE
    if verdict == "next_day":
        tomorrow = now.astimezone(_CHINA) + timedelta(days=1)
        return tomorrow.replace(hour=0, minute=5, second=0, microsecond=0).astimezone(now.tzinfo)
    return None


def letter_waits_until(verdict: Verdict | None, tries: int, now: datetime) -> datetime | None:
    """The moment of a letter's next attempt after `tries` attempts; None: the next run.

    What is put off again and again waits 2, 4, 8… minutes, four hours at most. A letter over which the
    account had to rest waits as long as the account and then longer each time: others go first.
    """
    if verdict == "soon":
        return now + SOON
    if verdict == "next_day":
        return account_rests_until(verdict, now)
    first = PAUSE if verdict == "pause" else _FIRST_WAIT
    over = tries - _FREE_RETRIES.get(verdict, tries)
    return now + min(first * 2 ** min(over - 1, 10), _LONGEST_WAIT) if over > 0 else None
