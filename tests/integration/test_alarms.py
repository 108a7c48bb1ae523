"""An alarm reaches the operator once, and says nothing of what the file says."""

from __future__ import annotations

import json
from io import BytesIO

import docx
import pytest
from sqlalchemy.exc import IntegrityError

from documents import tables_of
from huizong.cli.app import run
from huizong.ledger.upkeep import Sweep, Trouble
from huizong.stages.alarms import OPERATOR, end_alarm, raise_alarm, tell_open
from huizong.stages.health import check_health
from huizong.stages.over import over_title
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


def test_a_flood_of_one_family_is_twenty_letters_an_hour(mailing: Office) -> None:
    mailing.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = mailing.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"]
    del mailing.ctx
    with mailing.ctx.ledger.write() as session:
        for n in range(30):
            raise_alarm(mailing.ctx, session, f"chatter:{n}@county.example", "疑似自动回复程序", "请查看。")
        raise_alarm(mailing.ctx, session, "folder:mailbox-kjj:a", "没有文件夹", "请改正。")
    assert len(mailing.letters(kind="alarm")) == 21
    mailing.clock.sleep(3601)
    with mailing.ctx.ledger.write() as session:
        tell_open(mailing.ctx, session)
    assert len(mailing.letters(kind="alarm")) == 31


def test_what_the_caller_did_wrong_is_not_taken_for_another_process(office: Office) -> None:
    with office.ctx.ledger.write() as session:
        session.add(Sweep(channel="a", failures=0, reason=""))
    with pytest.raises(IntegrityError), office.ctx.ledger.write() as session, session.no_autoflush:
        session.add(Sweep(channel="a", failures=0, reason=""))
        raise_alarm(office.ctx, session, "disk", "磁盘空间将满", "请清理。")


def test_a_person_closes_what_nothing_else_ends(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    name = "task:xinxiang-2022.chase:due"
    with office.ctx.ledger.write() as session:
        raise_alarm(office.ctx, session, name, "流程“催报”失败", "原因：停电。")

    def huizong(*arguments: str) -> int:
        return run(["alarms", *arguments], office.environ, office.clock)

    assert huizong("list") == 0
    assert "流程“催报”失败" in capsys.readouterr().out
    assert huizong("list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["alarms"]
    assert (row["alarm"], row["lines"]) == (name, ["原因：停电。"])
    assert huizong("close", "task:nothing", "--by", "张三", "--reason", "已处理") == 2
    assert name in capsys.readouterr().err
    assert huizong("close", name, "--by", "张三", "--reason", " ") == 2
    assert huizong("close", name, "--by", "张三", "--reason", "演练，不再运行") == 0
    assert check_health(office.ctx) == []
    assert office.letters(kind="alarm") == []


def test_each_family_says_what_is_well_again() -> None:
    def over(name: str, title: str = "原题") -> str:
        return over_title(Trouble(name=name, title=title))

    login = "imap.xinxiang.example:993:kjj@xinxiang.example"
    assert over(f"login:imap:{login}") == "邮箱 kjj@xinxiang.example 已恢复收信"
    assert over(f"login:smtp:{login}") == "邮箱 kjj@xinxiang.example 已恢复发信"
    assert over("folder:mailbox-kjj:基层来件") == "邮箱渠道 mailbox-kjj 的文件夹“基层来件”已可读取"
    assert over("task:a.chase:due", "流程“催报”失败") == "流程“催报”已恢复"
    assert over("queue:mailbox-{x}") == "渠道 mailbox-{x} 的信件已恢复发出"
    assert over("disk") == "磁盘空间已够用"


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


def test_both_guides_know_the_same_families() -> None:
    def families(name: str) -> set[str]:
        (table,) = [rows for rows in tables_of(name) if {"trouble", "告警"} & rows[0].keys()]
        cells = (row.get("trouble") or row["告警"] for row in table)
        return {cell.strip("`").partition(":")[0].partition("`")[0] for cell in cells}

    assert families("operator.zh-CN.md") == families("administrator.md")
