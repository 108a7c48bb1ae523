"""By mail: nobody is chased who sent something, and nothing that came is lost or told to others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image
from sqlalchemy import select

from huizong.errors import OperatorError, TransientError, UsageError
from huizong.instruments.form_number import find_form_number
from huizong.intake.arrivals import Arrivals
from huizong.intake.mailsweep import MailSweep
from huizong.ledger.tables import Location
from huizong.readers.layout.grid import TOKEN_PREFIX
from huizong.stages.chase import chase
from huizong.stages.issue import issue
from huizong.stages.release import approve
from huizong.stages.send import send
from huizong.stages.status import status
from huizong.stages.triage import assign, release, waiting
from huizong.stages.validate import validate
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, BOUNCING, OFFICE, STRANGER, all_parts, answer, inbox, report, sweep
from office import COLLECTION, CYCLE, PROJECT, Office, at, fill, honest

A, B, D = "410721", "410724", BOUNCING
OLD_TITLE = "2021年全国科技活动周开展情况统计表"
LOGO = b"\x89PNG\r\n\x1a\n" + bytes(600)


def test_a_strangers_answer_to_our_letter_stays_the_units_reminders(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    (notice,) = inbox(server, ADDRESS[A])
    answer(
        server, STRANGER, "用个人邮箱回复。", {"统计表盖章扫描件.pdf": b"%PDF-1.4\n%x\n%%EOF\n"}, to=notice
    )
    (notice,) = inbox(server, ADDRESS[B])
    answer(server, STRANGER, "王科长让我问一下，表在哪里下载？", to=notice)
    sweep(mailing, "2022-06-10T10:00")
    assert len(waiting(mailing.ctx)["waiting"]) == 2
    for unit in (A, B):
        assert mailing.unit(unit)["status"] == "unsettled"
    result = mailing.chase("2022-06-21T09:00")
    assert result["held"] == 2
    assert mailing.letters(unit=A, kind="reminder") == mailing.letters(unit=B, kind="reminder") == []


def test_a_contradicted_form_stays_the_reminders_of_all_it_may_be_of(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    files = {"统计表.xlsx": fill(mailing.template(B), honest(1))}
    answer(server, ADDRESS[A], "见附件", files)  # A's address, B's token
    sweep(mailing, "2022-06-10T10:00")
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["disposition"] == "triage"
    assert mailing.unit(A)["status"] == mailing.unit(B)["status"] == "unsettled"
    mailing.chase("2022-06-21T09:00")
    assert mailing.letters(unit=B, kind="reminder") == []


def test_who_bounced_once_is_still_known_when_he_writes(mailing: Office, server: EmbeddedMailServer) -> None:
    sweep(mailing, "2022-06-09T10:00")
    assert mailing.unit(D)["status"] == "undeliverable"
    answer(server, ADDRESS[D], "补报总结", {"总结报告.docx": report()})
    got = sweep(mailing, "2022-06-10T10:00")
    assert got["dispositions"] == {"return": 1}
    assert mailing.unit(D)["status"] == "partial"


def test_a_return_that_a_machine_passed_on_is_a_return(mailing: Office, server: EmbeddedMailServer) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADDRESS[A], OFFICE, "活动周材料"
    mail["Message-ID"], mail["Precedence"], mail["List-Id"] = "<1@oa.example>", "bulk", "oa.example"
    mail.set_content("由办公系统转发")
    for name, data in all_parts(mailing, A, 1).items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    server.deliver(OFFICE, mail.as_bytes())
    assert sweep(mailing, "2022-06-10T10:00")["dispositions"] == {"return": 3}
    assert mailing.unit(A)["status"] == "complete"


def test_no_words_make_a_nil_return_of_figures_that_we_hold(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    answer(server, ADDRESS[A], "见附件", all_parts(mailing, A, 1))
    sweep(mailing, "2022-06-10T10:00")
    answer(server, ADDRESS[A], "经核实，没有数据错误，以所报为准。")
    sweep(mailing, "2022-06-11T10:00")
    assert mailing.unit(A)["status"] == "complete"
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["disposition"] == "question"


def test_a_late_nil_return_is_not_on_time(mailing: Office, server: EmbeddedMailServer) -> None:
    answer(server, ADDRESS[A], "我单位无活动。")
    sweep(mailing, "2022-06-10T10:00")
    answer(server, ADDRESS[B], "我单位无活动。")
    sweep(mailing, "2022-06-23T10:00")
    assert (mailing.unit(A)["punctual"], mailing.unit(B)["punctual"]) == (True, False)
    rates = status(mailing.ctx, CYCLE, at("2022-06-24T09:00"))
    assert (rates["reporting_rate"], rates["reporting_rate_on_time"]) == ("0.0444", "0.0222")


def test_a_units_contact_hears_of_its_own_form_only(mailing: Office, server: EmbeddedMailServer) -> None:
    files = {
        "甲.xlsx": fill(mailing.template(A), honest(1) | {"public.online": "约5万"}),
        "乙.xlsx": fill(mailing.template(B), honest(2)),
    }
    answer(server, ADDRESS[A], "两家的表一并报送", files)
    sweep(mailing, "2022-06-10T10:00")
    assert "约5万" in inbox(server, ADDRESS[A])[-1].text
    told = inbox(server, ADDRESS[B])[-1]
    assert "乙.xlsx" in told.text
    assert "甲.xlsx" not in told.text
    assert "约5万" not in told.text
    assert told.leaves == ()


def test_a_logo_under_thanks_is_no_stamped_copy(mailing: Office, server: EmbeddedMailServer) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = ADDRESS[A], OFFICE, "回复"
    mail["Message-ID"] = "<2@xinxiang.example>"
    mail.set_content("收到，谢谢！")
    mail.add_attachment(LOGO, maintype="image", subtype="png", filename="image001.png")
    server.deliver(OFFICE, mail.as_bytes())
    got = sweep(mailing, "2022-06-10T10:00")
    assert got["message_dispositions"]["acknowledgement"] == 1
    assert mailing.unit(A)["status"] == "not_started"


def photograph() -> bytes:
    out = BytesIO()
    Image.new("RGB", (320, 240), "green").save(out, "PNG")
    return out.getvalue()


def test_pictures_of_the_event_are_no_stamped_copy(mailing: Office, server: EmbeddedMailServer) -> None:
    answer(server, ADDRESS[A], "见附件", {"活动现场照片.png": photograph()})
    assert sweep(mailing, "2022-06-10T10:00")["dispositions"] == {"triage": 1}


def test_what_waited_is_answered_once_a_person_has_assigned_it(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    files = {
        "总结报告.docx": report(),
        "b.xlsx": fill(mailing.template(B), honest(1) | {"public.online": "约5万"}),
    }
    answer(server, ADDRESS[A], "见附件", files)
    sweep(mailing, "2022-06-10T10:00")
    assert "与发件单位不一致" in inbox(server, ADDRESS[A])[-1].text
    (row,) = waiting(mailing.ctx)["waiting"]
    assign(mailing.ctx, row["id"], B, COLLECTION, by="小李", reason="电话核实")
    sweep(mailing, "2022-06-10T11:00")
    assert "约5万" in inbox(server, ADDRESS[B])[-1].text
    assert "《b.xlsx》已登记为" in inbox(server, ADDRESS[A])[-1].text
    sent = len(server.accepted)
    sweep(mailing, "2022-06-10T12:00")
    assert len(server.accepted) == sent


def test_a_form_of_another_open_cycle_of_the_mailbox_stops_nobody(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    next_year(mailing.home)
    issue(mailing.ctx, "xinxiang-2023", at("2022-06-01T09:00"), send=False)
    answer(server, ADDRESS[A], "见附件", {"统计表.xlsx": fill(mailing.template(A), honest(1))})  # last year's
    mailing.receive("2022-06-10T10:00", "mailbox-kjj")
    for code in ("xinxiang-2023", CYCLE):
        validate(mailing.ctx, code, at("2022-06-10T10:05"), send=False)
    assert mailing.unit(A)["status"] == "partial"
    (receipt,) = mailing.letters(kind="supplement")
    assert "2022" in receipt["subject"]
    assert chase(mailing.ctx, "xinxiang-2023", at("2022-06-10T10:10"), send=False)["rungs"] == {}


def next_year(home: Path) -> None:
    """Another cycle with a collection of another name that reads the same mailbox."""
    source, target = PROJECT / "include/cycles/xinxiang-2022", home / "cycles/xinxiang-2023"
    target.mkdir(parents=True)
    for path in source.glob("*"):
        if path.is_file():
            (target / path.name).write_bytes(path.read_bytes())
    text = (target / "cycle.yaml").read_text(encoding="utf-8")
    text = text.replace("code: xinxiang-2022", "code: xinxiang-2023").replace("2022年全国", "2023年全国")
    text = text.replace("code: science-departments", "code: departments-2023")
    (target / "cycle.yaml").write_text(text, encoding="utf-8")


def test_what_a_person_assigned_counts_for_nobody_else(mailing: Office, server: EmbeddedMailServer) -> None:
    answer(server, ADDRESS[A], "见附件", {"b.xlsx": fill(mailing.template(B), honest(1))})
    sweep(mailing, "2022-06-10T10:00")
    (row,) = waiting(mailing.ctx)["waiting"]
    assign(mailing.ctx, row["id"], B, COLLECTION, by="小李", reason="电话核实")
    for unit in (A, B):
        with pytest.raises(UsageError, match="已经登记"):
            assign(mailing.ctx, row["id"], unit, COLLECTION, by="小李", reason="电话核实")
    sweep(mailing, "2022-06-10T11:00")
    assert mailing.unit(A)["versions"] == 0
    assert mailing.unit(B)["versions"] == 1


def test_a_mailbox_that_refuses_the_login_stops_no_other(mailing: Office, server: EmbeddedMailServer) -> None:
    mailing.environ["AIRFLOW_CONN_MAILBOX_KX_IMAP"] = (
        f"imap://kx%40xinxiang.example:wrong@127.0.0.1:{server.imap_port}/?ssl=false"
    )
    answer(server, ADDRESS[A], "见附件", all_parts(mailing, A, 1))
    with pytest.raises(OperatorError, match="拒绝登录"):
        mailing.receive("2022-06-10T10:00", "mailbox-kx", "mailbox-kjj")
    mailing.validate("2022-06-10T10:00")
    assert mailing.unit(A)["status"] == "complete"
    with pytest.raises(OperatorError, match="暂不催报"):  # and nobody is chased unread
        mailing.chase("2022-06-21T09:00", send=False)
    chased = {letter["unit"] for letter in mailing.letters(kind="reminder")}
    assert B in chased and A not in chased
    assert not chased & {"410702-KX", "XX-YXH"}  # whose mailbox it is


def test_a_final_summary_stands_while_only_mail_moves(mailing: Office, server: EmbeddedMailServer) -> None:
    first = mailing.assemble("2022-07-05T09:00", "final")
    answer(server, ADDRESS[A], "请问还能补报吗？")
    sweep(mailing, "2022-07-06T10:00")
    assert mailing.unit(A, "2022-07-06T11:00")["status"] == "unsettled"
    assert mailing.assemble("2022-07-06T11:00", "final") == first


def test_a_formal_notice_may_wait_for_its_signature_past_the_leaders_list(mailing: Office) -> None:
    mailing.chase("2022-06-23T09:00")  # due + 3wd: held until approved
    approve(mailing.ctx, CYCLE, "formal_notice", at("2022-06-28T10:00"), by="王局", basis="签批")
    send(mailing.ctx, ["mailbox-kjj", "mailbox-kx"], at("2022-06-28T10:05"))
    assert {letter["state"] for letter in mailing.letters(kind="formal_notice")} == {"sent"}


def test_mail_that_came_before_the_line_broke_is_kept(mailing: Office) -> None:
    class BreakingLine:
        def folders(self, also: Sequence[str] = ()) -> list[str]:
            return ["INBOX"]

        def list_uids(self, folder: str) -> tuple[int, list[int]]:
            return 1, [1, 2]

        def fetch(self, folder: str, uids: Sequence[int]) -> Iterator[tuple[int, datetime, int, bytes]]:
            yield 1, at("2022-06-10T09:00"), 5, b"Subject: 1\r\n\r\n"
            raise TransientError("the line broke")

        def headers(self, folder: str, uids: Sequence[int]) -> dict[int, bytes]:
            return {}

        def describe(self, folder: str, uid: int) -> str:
            return ""

        def renew(self) -> None:
            raise TransientError("the server is gone")

    arrivals = Arrivals(mailing.ctx.ledger, mailing.ctx.store, mailing.ctx.clock)
    with pytest.raises(TransientError):
        MailSweep(arrivals, "other", BreakingLine(), at("2022-06-10T10:00")).run()
    with mailing.ctx.ledger.read() as session:
        marks = session.scalars(select(Location.mark).where(Location.channel == "other")).all()
    assert marks == ["1"]


def two_sheets(template: bytes, first: dict[str, Any], second: dict[str, Any]) -> bytes:
    """A personal workbook whose sheet was copied, and the copy filled too."""
    book, other = (openpyxl.load_workbook(BytesIO(fill(template, v))) for v in (first, second))
    book.worksheets[0].title = "一稿"
    copy = book.copy_worksheet(book.worksheets[0])
    copy.title = "二稿"
    for row in other.worksheets[0].iter_rows():
        for cell in row:
            if type(cell).__name__ != "MergedCell":
                copy[cell.coordinate].value = cell.value
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def test_two_sheets_that_differ_wait_and_two_that_agree_count_once(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    answer(server, ADDRESS[A], "见附件", {"a.xlsx": two_sheets(mailing.template(A), honest(1), honest(2))})
    answer(server, ADDRESS[B], "见附件", {"b.xlsx": two_sheets(mailing.template(B), honest(3), honest(3))})
    sweep(mailing, "2022-06-10T10:00")
    assert (mailing.unit(A)["versions"], mailing.unit(A)["status"]) == (0, "unsettled")
    assert mailing.unit(B)["versions"] == 1
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["reason"].startswith("文件中有两张数据不一致的表（一稿、二稿），请核对以哪一张为准：第")
    with pytest.raises(UsageError, match="请单位重新报送只含一张表的文件"):
        assign(mailing.ctx, row["id"], A, COLLECTION, by="小李", reason="电话核实")


def last_years(template: bytes) -> bytes:
    """A filled workbook under last year's title."""
    book = openpyxl.load_workbook(BytesIO(fill(template, honest(1))))
    for cell in (cell for row in book.worksheets[0].iter_rows() for cell in row):
        if "2022年全国" in str(cell.value):
            cell.value = OLD_TITLE
    return saved(book)


def retyped(data: bytes) -> bytes:
    """The first sheet's cells in a workbook of one's own, without any mark of ours."""
    book = openpyxl.Workbook()
    for row in openpyxl.load_workbook(BytesIO(data)).worksheets[0].iter_rows():
        for cell in row:
            text = str(cell.value or "")
            if text and not text.startswith(TOKEN_PREFIX) and not find_form_number(text):
                book.worksheets[0][cell.coordinate] = cell.value
    return saved(book)


def test_last_years_form_is_asked_about_or_waits(mailing: Office, server: EmbeddedMailServer) -> None:
    answer(server, ADDRESS[A], "见附件", {"统计表.xlsx": last_years(mailing.template(A))})
    answer(server, ADDRESS[B], "见附件", {"统计表.xlsx": retyped(last_years(mailing.template(B)))})
    sweep(mailing, "2022-06-10T10:00")
    assert f"来表标题为“{OLD_TITLE}”" in inbox(server, ADDRESS[A])[-1].text
    assert (mailing.unit(B)["versions"], mailing.unit(B)["status"]) == (0, "unsettled")
    (row,) = waiting(mailing.ctx)["waiting"]
    assert row["reason"] == f"表题为“{OLD_TITLE}”，与本次表样年份不一致"


def test_a_lost_original_stops_neither_the_next_nor_its_own_return(office: Office) -> None:
    office.issue()
    office.hand_in("410721", honest(1))
    office.hand_in("410724", honest(2))
    arrivals = Arrivals(office.ctx.ledger, office.ctx.store, office.ctx.clock)
    arrivals.from_folder("folder", office.home / "drop", CYCLE, at("2022-06-10T10:00"))
    form = (office.home / "drop/410721/统计表.xlsx").read_bytes()
    digest = office.ctx.store.put(form)
    lost = office.home / "store" / digest[:2] / digest[2:4] / digest
    lost.unlink()
    office.validate("2022-06-10T10:05")
    assert office.unit("410724")["parts"]["statistics"] == "accepted"
    (row,) = waiting(office.ctx)["waiting"]
    assert "备份" in row["reason"]
    lost.write_bytes(form)
    release(office.ctx, row["id"], by="李科", reason="已从备份恢复")
    office.validate("2022-06-10T11:00")
    assert office.unit("410721")["parts"]["statistics"] == "accepted"


def test_what_came_after_a_run_had_begun_is_answered_as_it_is_and_not_chased(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    """Runs overlap: a delivery may be newer than the start of the run that answers it, or reminds."""
    answer(server, ADDRESS[A], "见附件", all_parts(mailing, A, 1))
    mailing.receive("2022-06-21T09:00:05", "mailbox-kjj")
    mailing.validate("2022-06-21T09:00:00", send=True)
    assert "尚缺" not in inbox(server, ADDRESS[A])[-1].text
    mailing.chase("2022-06-21T09:00:02", send=True)
    assert mailing.letters(unit=A, kind="reminder") == []
