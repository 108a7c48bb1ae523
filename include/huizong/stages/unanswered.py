"""Mail with a machine's marks that brings files, or asks something: what counts, and who hears of it.

A forwarding rule or a gateway marks a clerk's return as a machine's. Its files count all the same. A sender
whom we know, behind weak marks only, is answered as a person is; else no letter goes out, and the operator
reads at the unit that nobody has told it.
"""

from __future__ import annotations

from sqlalchemy import select

from huizong.ledger.tables import File
from huizong.mime.robots import is_extension_request, is_question, may_be_a_person
from huizong.stages.filing import Filing
from huizong.stages.placing import note

UNTOLD = "来件带自动发送标记，系统不予答复，审核结果请电话告知该单位"
_TO_TELL = ("return", "set_aside", "subordinate")


def asks_something(filing: Filing) -> bool:
    """Whether words behind weak marks are a question or a request that a person should see."""
    mail = filing.mail
    if mail is None or not filing.senders or not may_be_a_person(mail):
        return False
    return is_question(mail.text) or is_extension_request(mail.text)


def leave_unanswered(filing: Filing) -> None:
    """No letter for what a machine sent; the operator is told at each file. A known sender's return with weak
    marks is answered."""
    delivery, mail = filing.delivery, filing.mail
    if mail and filing.senders and may_be_a_person(mail) and delivery.disposition == "return":
        return
    delivery.answered_at = filing.ctx.clock.now()
    for file in filing.session.scalars(select(File).where(File.delivery_id == delivery.id)):
        if file.disposition in _TO_TELL:
            note(file, [UNTOLD])
