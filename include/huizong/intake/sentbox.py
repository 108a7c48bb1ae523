"""The folder of sent mail (已发送): whether a letter stands in it.

Providers put what they take over SMTP into it by themselves (NetEase, where the account says so).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from huizong.intake.imap import Mailbox

NEWEST = 500  # mails looked at: a letter is looked for within the hour
_ID = re.compile(rb"^Message-ID:\s*(\S[^\r\n]*)", re.IGNORECASE | re.MULTILINE)


def found_in_sent(mailbox: Mailbox, wanted: Collection[str]) -> set[str]:
    """Which of these Message-IDs (with angle brackets) stand in the folder of sent mail.

    Compared are the headers' bytes: no server's SEARCH is trusted with that.

    Raises:
        TransientError: the mailbox could not be read.
    """
    folder = mailbox.sent_folder()
    if folder is None:
        return set()
    _, uids = mailbox.list_uids(folder)
    heads = mailbox.message_id_headers(folder, uids[-NEWEST:])
    there = {known[1].strip() for head in heads if (known := _ID.search(head))}
    return {one for one in wanted if one.encode("latin-1", "replace") in there}
