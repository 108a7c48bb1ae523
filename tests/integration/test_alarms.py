"""An alarm reaches the operator once, and says nothing of what the file says."""

from __future__ import annotations

from io import BytesIO

import docx

from huizong.stages.alarms import OPERATOR, end_alarm, raise_alarm
from huizong.stages.health import check_health
from huizong.stages.send import send
from huizong.stages.triage import close, waiting
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, STRANGER, answer, inbox
from office import Office, at


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
    subject = "【告警】收到疑似带有密级标志的来件，已隔离"
    (alarm,) = [mail for mail in inbox(server, STRANGER) if mail.subject == subject]
    (row,) = waiting(mailing.ctx)["waiting"]
    assert "来件编号 d" in alarm.text
    for told in (alarm.text, row["reason"], row["subject"]):
        assert "机密" not in told
        assert "请示" not in told
    close(mailing.ctx, row["id"], by="张三", reason="已按规定处理")
    assert not any(name.startswith("restricted:") for name in check_health(mailing.ctx))
    (letter,) = mailing.letters(kind="alarm", subject=subject)
    assert (letter["state"], letter["to"]) == ("sent", STRANGER)


def test_without_a_connection_the_board_tells(mailing: Office, server: EmbeddedMailServer) -> None:
    answer(server, ADDRESS["410721"], "见附件", {"请示.docx": secret()})
    mailing.receive("2022-06-10T10:00", "mailbox-kjj")
    assert mailing.letters(kind="alarm") == []
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["disposition"] == "restricted"
    assert mailing.unit("410721")["status"] == "unsettled"


def test_what_comes_and_goes_a_hundred_times_is_told_at_most_once_an_hour(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    """Every 12 minutes there, and gone again 6 minutes later: for 20 hours."""
    mailing.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = mailing.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"]
    mailing.environ["HUIZONG_OPERATOR"] = STRANGER
    del mailing.ctx
    for _ in range(100):
        with mailing.ctx.ledger.write() as session:
            raise_alarm(mailing.ctx, session, "sweep:mailbox-kjj", "收不到来件", "服务器忙。")
        mailing.clock.sleep(6 * 60)
        with mailing.ctx.ledger.write() as session:
            end_alarm(mailing.ctx, session, "sweep:mailbox-kjj", "已恢复。")
        mailing.clock.sleep(6 * 60)
    send(mailing.ctx, [OPERATOR], at("2022-06-10T10:00"))
    subjects = [mail.subject or "" for mail in inbox(server, STRANGER)]
    begun, over = (sum(s.startswith(mark) for s in subjects) for mark in ("【告警】", "【告警解除】"))
    assert 10 <= begun <= 20
    assert over == begun
    assert "24小时内已出现" in inbox(server, STRANGER)[2].text
