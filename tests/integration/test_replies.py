"""What the answers to deliveries say, word for word: who sent it, what waits, what is to be done."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from huizong.ledger.tables import File, Letter
from huizong.outbox.context import load_context
from huizong.outbox.letters import LetterBook
from huizong.outbox.model import Rendered
from huizong.stages.keying import confirm, key
from huizong.stages.triage import assign, close
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, STRANGER, all_parts, answer, report, scan, sweep
from material_files import film
from office import COLLECTION, PROJECT, Office, fill, honest

A, B = "410721", "410724"
NAME_A, NAME_B = "新乡县科学技术局", "获嘉县科学技术局"
MOMENT = "2022-06-10T10:00"


@pytest.fixture
def issued(office: Office) -> Office:
    office.issue()
    return office


def replies(office: Office, to: str) -> list[Rendered]:
    """The words of every answer to this address, oldest first."""
    book = LetterBook([PROJECT / "include/letters"])
    with office.ctx.ledger.read() as session:
        rows = session.scalars(
            select(Letter)
            .where(Letter.address == to, Letter.key.startswith("reply:"))
            .order_by(Letter.id)
        )  # fmt: skip
        return [book.render(load_context(json.dumps(row.context["letter"]))) for row in rows]


def handed_in(office: Office, sender: str, moment: str = MOMENT, **files: bytes) -> None:
    office.drop(sender, {name.replace("__", "."): data for name, data in files.items()})
    office.receive_folder(moment)
    office.validate(moment)


def file_id(office: Office, name: str) -> str:
    with office.ctx.ledger.read() as session:
        return f"f{session.scalars(select(File.id).where(File.name == name)).one()}"


def ask(office: Office, name: str, sentence: str) -> None:
    with office.ctx.ledger.write() as session:
        file = session.scalars(select(File).where(File.name == name)).one()
        file.witnesses = {**file.witnesses, "ask": sentence}


def test_what_is_being_looked_at_is_not_asked_for_again(issued: Office) -> None:
    form = fill(issued.template(A), honest(1))
    handed_in(issued, A, 统计表__xlsx=form, 会议通知__pdf=scan())
    (said,) = replies(issued, ADDRESS[A])
    assert said.subject.startswith("【收件回执】")
    waiting = said.text.partition("正在核对的文件（无需重发）")[2]
    assert waiting.index("· 会议通知.pdf") < waiting.index("如需补充，另行联系。") < waiting.index("尚缺材料")
    assert "内容须与电子表一致。如正在核对的文件即为该材料，无需重发。" in said.text
    assert "未能采用" not in said.text and "重新提供" not in said.text and "另行答复" not in said.text


def test_a_workbook_that_waits_cannot_be_the_stamped_copy(issued: Office) -> None:
    form = fill(issued.template(A), honest(1))
    handed_in(issued, A, 统计表__xlsx=form, 活动视频__mp4=film(2))
    (said,) = replies(issued, ADDRESS[A])
    assert "正在核对的文件（无需重发）\n\n· 活动视频.mp4" in said.text
    assert said.subject.endswith("（尚缺统计表盖章扫描件及总结报告）")
    assert "即为该材料" not in said.text


def test_what_the_unit_can_mend_it_is_told_once_and_again_when_taken(issued: Office) -> None:
    issued.drop(A, {"会议通知.pdf": scan()})
    issued.receive_folder(MOMENT)
    issued.validate(MOMENT)
    assert replies(issued, ADDRESS[A]) == []  # nothing was taken, and only we have to do something
    ask(issued, "会议通知.pdf", "所报为2021年表样，请使用本次通知所附表样填报。")
    for _ in range(2):
        issued.validate(MOMENT)
    (said,) = replies(issued, ADDRESS[A])
    assert "· 会议通知.pdf｜所报为2021年表样，请使用本次通知所附表样填报。" in said.text
    assert "正在核对" not in said.text
    key(issued.ctx, file_id(issued, "会议通知.pdf"), by="小李", values=_keyed(), unit=A)
    confirm(issued.ctx, 1, by="小王")
    issued.validate("2022-06-11T10:00")
    first, second = replies(issued, ADDRESS[A])
    assert first == said
    assert "会议通知.pdf｜第1次｜据纸质件录入" in second.text and "2021年表样" not in second.text


def test_a_matter_that_was_closed_is_not_taken_up_with_the_unit(issued: Office) -> None:
    issued.drop(A, {"会议通知.pdf": scan()})
    issued.receive_folder(MOMENT)
    issued.validate(MOMENT)
    ask(issued, "会议通知.pdf", "请重新发送。")
    close(issued.ctx, file_id(issued, "会议通知.pdf"), by="小李", reason="与报送无关")
    issued.validate(MOMENT)
    assert replies(issued, ADDRESS[A]) == []


def test_a_file_that_nobody_can_open_is_asked_for_once(issued: Office) -> None:
    handed_in(issued, A, 统计表__exe=b"MZ" + bytes(200))
    (said,) = replies(issued, ADDRESS[A])
    assert said.subject == "【补报材料提示】2022年全国科技工作者日暨科技活动周（来件未能采用）"
    assert "来件已收到，但文件未能打开或采用" in said.text
    assert "材料已收到" not in said.text and "无需重报" not in said.text
    assert said.text.count("科技活动周开展情况统计表") == 1
    assert "请按上述办法处理后，于6月20日（星期一）前（含当日）直接回复本邮件重新发送" in said.text


def test_beside_what_was_taken_it_is_a_correction(issued: Office) -> None:
    handed_in(issued, A, 总结报告__docx=report(), 统计表__exe=b"MZ" + bytes(200))
    (said,) = replies(issued, ADDRESS[A])
    assert said.subject.startswith("【修改意见】")
    assert "材料已收到" in said.text and "已收且无意见的材料无需重报" in said.text
    assert "未能采用的文件请按上述办法重新提供" in said.text


def test_who_sent_two_units_forms_hears_where_each_went(mailing: Office, server: EmbeddedMailServer) -> None:
    forms = {f"{unit}.xlsx": fill(mailing.template(unit), honest(n)) for n, unit in enumerate((A, B))}
    answer(server, ADDRESS[A], "两家的表一并报送", forms)
    sweep(mailing, MOMENT)
    (to_a,), (to_b,) = replies(mailing, ADDRESS[A]), replies(mailing, ADDRESS[B])
    assert to_a.text.startswith(NAME_A) and to_b.text.startswith(NAME_B)
    assert f"其中《{B}.xlsx》已登记为{NAME_B}的材料。" in to_a.text
    assert f"收到由{NAME_A}报送的你单位材料" in to_b.text
    assert "发来的" not in to_b.text and f"{A}.xlsx" not in to_b.text


def test_a_strangers_and_a_folders_material_is_said_to_be_theirs(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    answer(server, STRANGER, "用个人邮箱报送", all_parts(mailing, A, 3))
    sweep(mailing, MOMENT)
    assert f"收到由{STRANGER}报送的你单位材料" in replies(mailing, ADDRESS[A])[0].text
    handed_in(mailing, "U盘", 统计表__xlsx=fill(mailing.template(B), honest(4)))
    assert "收到转交的你单位材料" in replies(mailing, ADDRESS[B])[0].text


def test_what_was_assigned_to_another_unit_stays_in_the_senders_answer(issued: Office) -> None:
    handed_in(issued, A, 统计表__xlsx=fill(issued.template(B), honest(2)))
    (asked,) = replies(issued, ADDRESS[A])
    assert f"表头“部门/地方”与发件单位不一致，请核对单位名称后重新报送（来表表头为“{NAME_B}”）" in asked.text
    assert replies(issued, ADDRESS[B]) == []
    assign(issued.ctx, file_id(issued, "统计表.xlsx"), B, COLLECTION, by="小李", reason="电话核实")
    issued.validate("2022-06-11T10:00")
    (_, to_a), (to_b,) = replies(issued, ADDRESS[A]), replies(issued, ADDRESS[B])
    assert to_a.subject == "【收件回执】2022年全国科技工作者日暨科技活动周"
    assert f"其中《统计表.xlsx》已登记为{NAME_B}的材料。" in to_a.text
    assert "尚缺" not in to_a.text
    assert f"收到由{NAME_A}报送的你单位材料" in to_b.text and "电子表已收到，尚缺" in to_b.text


def _keyed(**changed: str) -> dict[str, str]:
    changes = {code.replace("__", "."): raw for code, raw in changed.items()}
    return {code: str(number) for code, number in honest(1).items()} | changes


def test_keyed_figures_are_shown_to_the_unit_and_mended_on_paper(issued: Office) -> None:
    handed_in(issued, A, 统计表盖章扫描件__pdf=scan())
    key(issued.ctx, file_id(issued, "统计表盖章扫描件.pdf"), by="小李", values=_keyed(public__online="约5万"))
    confirm(issued.ctx, 1, by="小王")
    issued.validate("2022-06-11T10:00")
    said = replies(issued, ADDRESS[A])[-1].text
    assert "以下数据据你单位纸质件（扫描件/照片）由工作人员录入并复核" in said
    assert "· 第1项 举办活动次数｜次｜22\n" in said and "第15项 线上活动群众参与数量｜" in said
    assert "请改正后重新盖章扫描，或报送电子表" in said and "原文件" not in said
    assert "电子表已收到" not in said
