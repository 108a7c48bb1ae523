"""How the board shows the states: the tone of each badge, and which letters somebody should look at."""

from __future__ import annotations

from huizong.stages.words import RETURN_STATUS

# What is said of a part: a version's status, or that there is none.
PART_STATE = RETURN_STATUS | {
    "missing": "未收到",
    "link_pending": "链接待下载",
    "nil": "零报告",
    "waived": "免报",
}

TONES = {
    # reporting units
    "not_started": "plain",
    "unsettled": "busy",
    "partial": "warn",
    "in_query": "warn",
    "complete": "good",
    "nil": "good",
    "waived": "plain",
    "refused": "plain",
    "undeliverable": "bad",
    # returns
    "pending": "busy",
    "accepted": "good",
    "accepted_with_queries": "good",
    "rejected": "warn",
    "superseded": "plain",
    "link_pending": "busy",
    # letters
    "held": "busy",
    "queued": "busy",
    "claimed": "busy",
    "sent": "good",
    "rejected_temporary": "warn",
    "rejected_permanent": "bad",
    "unknown": "bad",
    "bounced": "bad",
    "cancelled": "plain",
}

TROUBLED_LETTERS = frozenset({"rejected_temporary", "rejected_permanent", "unknown", "bounced"})
