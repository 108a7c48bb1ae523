"""An alarm reaches the operator once, and says nothing of what the file says."""

from __future__ import annotations

from io import BytesIO

import docx

from huizong.stages.triage import waiting
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, STRANGER, answer, inbox
from office import Office


def secret() -> bytes:
    document = docx.Document()
    document.add_paragraph("机密★1年")
    document.add_paragraph("关于某项工作的请示")
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def test_the_operator_is_told_once_of_what_seems_secret(mailing: Office, server: EmbeddedMailServer) -> None:
    mailing.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = mailing.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"]
    mailing.environ["HUIZONG_OPERATOR"] = STRANGER
    del mailing.ctx
    answer(server, ADDRESS["410721"], "见附件", {"请示.docx": secret()})
    for moment in ("2022-06-10T10:00", "2022-06-10T10:30"):
        mailing.receive(moment, "mailbox-kjj")
        mailing.validate(moment, send=True)
    (alarm,) = inbox(server, STRANGER)
    assert alarm.subject == "【告警】收到疑似带有密级标志的来件，已隔离"
    (row,) = waiting(mailing.ctx)["waiting"]
    assert "来件编号 d" in alarm.text
    for told in (alarm.text, row["reason"], row["subject"]):
        assert "机密" not in told
        assert "请示" not in told
    (letter,) = mailing.letters(kind="alarm")
    assert (letter["state"], letter["to"]) == ("sent", STRANGER)


def test_without_a_connection_the_board_tells(mailing: Office, server: EmbeddedMailServer) -> None:
    answer(server, ADDRESS["410721"], "见附件", {"请示.docx": secret()})
    mailing.receive("2022-06-10T10:00", "mailbox-kjj")
    assert mailing.letters(kind="alarm") == []
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["disposition"] == "restricted"
    assert mailing.unit("410721")["status"] == "unsettled"
