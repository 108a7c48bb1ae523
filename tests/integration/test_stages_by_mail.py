"""One cycle over real IMAP and SMTP: notices out, answers in, one reply each, robots left alone."""

from __future__ import annotations

import re

from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, BOUNCING, OFFICE, ON_LEAVE, STRANGER, all_parts, answer, inbox, sweep
from office import COLLECTION, Office, fill, honest

A, B, C, D, E = "410721", "410724", "410725", BOUNCING, ON_LEAVE


def test_the_notice_brings_form_and_reason(mailing: Office, server: EmbeddedMailServer) -> None:
    (notice,) = inbox(server, ADDRESS[A])
    assert "2022年全国科技工作者日暨科技活动周" in notice.subject
    assert {leaf.name.rpartition(".")[2] for leaf in notice.leaves} == {"xlsx", "docx"}
    assert "6月20日（星期一）前（含当日）" in notice.text
    assert notice.header("Auto-Submitted") == "auto-generated"
    again = mailing.issue("2022-05-24T10:00", send=True)
    assert again["letters"]["sent"] == 44
    assert len(inbox(server, ADDRESS[A])) == 1


def test_a_complete_return_gets_one_receipt_in_its_thread(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    (notice,) = inbox(server, ADDRESS[A])
    answer(server, ADDRESS[A], "材料见附件。", all_parts(mailing, A, 1), to=notice)
    assert sweep(mailing, "2022-06-10T10:00")["dispositions"] == {"return": 3}
    sweep(mailing, "2022-06-10T10:05")
    receipt = inbox(server, ADDRESS[A])[1:]
    assert len(receipt) == 1
    assert receipt[0].in_reply_to
    assert receipt[0].header("Auto-Submitted") == "auto-replied"
    unit = mailing.unit(A)
    assert unit["status"] == "complete"
    assert unit["punctual"] is True


def test_findings_come_back_with_the_clerks_own_workbook_marked(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    files = {"统计表.xlsx": fill(mailing.template(A), honest(1) | {"public.online": "约5万"})}
    answer(server, ADDRESS[A], "请查收附件", files)
    sweep(mailing, "2022-06-10T10:00")
    correction = inbox(server, ADDRESS[A])[-1]
    assert "第15项应填一个数字，现为“约5万”" in correction.text
    assert "尚缺" in correction.text  # scan and report are missing as well
    (marked,) = correction.leaves
    fixed = fill_marked(marked.data)
    answer(server, ADDRESS[A], "已改正", {"统计表（改正）.xlsx": fixed}, to=correction)
    sweep(mailing, "2022-06-11T10:00")
    assert mailing.unit(A)["parts"]["statistics"] == "accepted"


def fill_marked(data: bytes) -> bytes:
    """The clerk corrects the figure in the file that came back."""
    from io import BytesIO

    import openpyxl

    book = openpyxl.load_workbook(BytesIO(data))
    form = next(s for s in book.worksheets if any(c.value == "约5万" for r in s.iter_rows() for c in r))
    cell = next(c for r in form.iter_rows() for c in r if c.value == "约5万")
    cell.value = 50000
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def test_words_without_a_file(mailing: Office, server: EmbeddedMailServer) -> None:
    (notice,) = inbox(server, ADDRESS[A])
    answer(server, ADDRESS[A], "收到，谢谢！", to=notice)
    answer(server, ADDRESS[B], "统计表和总结报告见附件，请查收。", to=notice)
    answer(server, STRANGER, "推广：代开发票")
    got = sweep(mailing, "2022-06-10T10:00")
    assert got["message_dispositions"]["acknowledgement"] == 1
    assert got["message_dispositions"]["set_aside"] == 1
    assert got["message_dispositions"]["other"] == 1
    assert len(inbox(server, ADDRESS[A])) == 1  # thanks are not answered
    assert "未见附件" in inbox(server, ADDRESS[B])[-1].text
    assert inbox(server, STRANGER) == []
    assert mailing.unit(A)["status"] == "not_started"
    answer(server, ADDRESS[B], "补上附件", all_parts(mailing, B, 2))
    sweep(mailing, "2022-06-11T10:00")
    assert mailing.unit(B)["status"] == "complete"


def test_a_stranger_with_a_valid_form_and_the_registered_contact_both_hear(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    answer(server, STRANGER, "用个人邮箱报送", all_parts(mailing, C, 3))
    sweep(mailing, "2022-06-10T10:00")
    assert mailing.unit(C)["status"] == "complete"
    assert len(inbox(server, STRANGER)) == 1
    assert len(inbox(server, ADDRESS[C])) == 2  # notice and receipt
    answer(server, ADDRESS[C], "本单位正式报送", all_parts(mailing, C, 4))
    sweep(mailing, "2022-06-11T10:00")
    answer(server, STRANGER, "再报一次", {"统计表.xlsx": fill(mailing.template(C), honest(5))})
    got = sweep(mailing, "2022-06-12T10:00")
    assert got["dispositions"] == {"triage": 1}


def test_two_units_forms_in_one_mail_are_two_returns(mailing: Office, server: EmbeddedMailServer) -> None:
    files = {f"{unit}.xlsx": fill(mailing.template(unit), honest(n)) for n, unit in enumerate((A, B))}
    answer(server, ADDRESS[A], "两家的表一并报送", files)
    sweep(mailing, "2022-06-10T10:00")
    assert mailing.unit(A)["versions"] == 1
    assert mailing.unit(B)["versions"] == 1
    assert len(inbox(server, ADDRESS[B])) == 2  # its registered contact hears of it


def test_bounces_and_auto_replies(mailing: Office, server: EmbeddedMailServer) -> None:
    got = sweep(mailing, "2022-06-10T10:00")
    assert got["message_dispositions"]["bounce"] == 1
    assert mailing.unit(D)["status"] == "undeliverable"
    (letter,) = mailing.letters(unit=D)
    assert letter["state"] == "bounced"
    result = mailing.chase("2022-06-21T09:00", send=True)
    assert result["rungs"]["overdue"] == 43  # nobody writes to the address that bounces
    sweep(mailing, "2022-06-21T09:30")
    assert len([m for m in server.accepted if m.sender == OFFICE and m.to == ADDRESS[E]]) == 2


def test_a_reminder_that_was_overtaken_is_cancelled(mailing: Office, server: EmbeddedMailServer) -> None:
    assert mailing.chase("2022-06-21T09:00", send=False)["rungs"]["overdue"] == 43  # one address bounced
    answer(server, ADDRESS[A], "见附件", all_parts(mailing, A, 1))
    sweep(mailing, "2022-06-21T09:10")
    (reminder,) = mailing.letters(unit=A, kind="reminder")
    assert reminder["state"] == "cancelled"
    assert not any("催报" in mail.subject for mail in inbox(server, ADDRESS[A]))


def test_every_letter_has_its_own_lasting_message_id(mailing: Office) -> None:
    ids = [letter["message_id"] for letter in mailing.letters()]
    assert len(set(ids)) == len(ids) == 44
    assert all(re.fullmatch(r"<[^<>@\s]+@xinxiang\.example>", i) for i in ids)


def test_results_reach_every_unit(mailing: Office, server: EmbeddedMailServer) -> None:
    from huizong.stages.release import approve
    from huizong.stages.send import send
    from office import CYCLE, at

    answer(server, ADDRESS[A], "见附件", all_parts(mailing, A, 1))
    sweep(mailing, "2022-06-10T10:00")
    summary = mailing.assemble("2022-07-05T09:00", "final")
    for question in ("final", "results"):
        approve(mailing.ctx, CYCLE, question, at("2022-07-05T10:00"), by="王局", basis="签批")
    send(mailing.ctx, ["mailbox-kjj"], at("2022-07-05T10:05"))
    result = inbox(server, ADDRESS[B])[-1]
    assert "应报18家，已报1家" in result.text
    assert summary["totals"][COLLECTION]["activity-week-statistics@2022"]["activities.held"] in result.text


def test_nothing_to_report_in_one_line_is_a_nil_return(mailing: Office, server: EmbeddedMailServer) -> None:
    (notice,) = inbox(server, ADDRESS[A])
    answer(server, ADDRESS[A], "经核实，我单位无活动。", to=notice)
    answer(server, ADDRESS[B], "请问无活动的也要报吗？", to=notice)
    sweep(mailing, "2022-06-10T10:00")
    assert mailing.unit(A)["status"] == "nil"
    assert mailing.unit(B)["status"] == "unsettled"
    receipt = inbox(server, ADDRESS[A])[-1]
    assert "零报告" in receipt.text
    assert "尚缺" not in receipt.text
    covered = mailing.assemble("2022-06-22T09:00")["coverage"][COLLECTION]
    assert covered["returned"] == 1
    assert A not in covered["missing"]
