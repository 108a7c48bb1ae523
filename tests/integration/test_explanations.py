"""A unit says why its figures are right: by reply, or in the workbook that came back to it marked."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from huizong.ledger.tables import Event, EventPerson, FindingRow, Value
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, all_parts, answer, inbox, sweep
from office import Office, fill, honest

A = "410721"
WHY = "第2项含省科技厅转办任务，经核实数据无误。"
# Each breaks one rule: ministry tasks above activities held; more activities than a county can have.
VERIFY = {"activities.ministry_tasks": Decimal(30)}
QUASI = {"activities.held": Decimal(20001)}
MANDATORY = {"staff.other": "若干"}


@pytest.fixture
def asked(mailing: Office, server: EmbeddedMailServer) -> Office:
    """A's three parts are in; one figure has to be explained."""
    hand_in(mailing, server, VERIFY)
    assert mailing.unit(A)["status"] == "in_query"
    assert mailing.unit(A)["parts"]["statistics"] == "accepted_with_queries"
    return mailing


def hand_in(office: Office, server: EmbeddedMailServer, changes: dict[str, Any]) -> None:
    files = all_parts(office, A, 1) | {"统计表.xlsx": fill(office.template(A), honest(1) | changes)}
    answer(server, ADDRESS[A], "材料见附件。", files)
    sweep(office, "2022-06-10T10:00")


def typed(marked: bytes, texts: dict[int, str], figures: dict[str, Any] | None = None) -> bytes:
    """The marked workbook with words in its column 说明 (by line, from 1), and figures put right."""
    book = openpyxl.load_workbook(BytesIO(marked))
    for line, text in texts.items():
        book["审核意见"].cell(4 + line, 7).value = text
    for cell in (c for row in book.worksheets[1].iter_rows() for c in row):
        if figures and cell.value in figures:
            cell.value = figures[cell.value]
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def figures(office: Office) -> list[tuple[str, str]]:
    with office.ctx.ledger.read() as session:
        return [(v.item, v.raw) for v in session.scalars(select(Value).order_by(Value.id))]


def findings(office: Office) -> list[FindingRow]:
    with office.ctx.ledger.read() as session:
        return list(session.scalars(select(FindingRow).order_by(FindingRow.id)))


def chased(office: Office) -> dict[str, Any]:
    office.chase("2022-06-21T09:00", send=True)
    return {letter["unit"]: letter for letter in office.letters(kind="reminder")}


def test_a_reason_given_by_reply_settles_what_was_asked(asked: Office, server: EmbeddedMailServer) -> None:
    before = figures(asked)
    correction = inbox(server, ADDRESS[A])[-1]
    assert "不少于6个字" in correction.text
    answer(server, ADDRESS[A], f"{WHY}\n\n-----原始邮件-----\n> 请在附件中改正", to=correction)
    got = sweep(asked, "2022-06-11T10:00")
    sweep(asked, "2022-06-11T11:00")
    assert got["message_dispositions"] == {"return": 1}
    assert asked.unit(A)["status"] == "complete"
    assert asked.unit(A)["parts"]["statistics"] == "accepted"
    assert figures(asked) == before
    (finding,) = findings(asked)
    assert (finding.explanation, finding.settled_by) == (WHY, ADDRESS[A])
    (receipt,) = inbox(server, ADDRESS[A])[2:]
    assert "收件回执" in receipt.subject
    assert "你单位的说明已登记" in receipt.text
    assert "已报齐" in receipt.text
    assert A not in chased(asked)

    log_keeps_the_words_apart(asked)


def log_keeps_the_words_apart(asked: Office) -> None:
    with asked.ctx.ledger.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "explained")).one()
        person = session.get_one(EventPerson, event.id)
    assert (event.unit, person.by, person.words) == (A, ADDRESS[A], WHY)
    assert WHY not in str(event.data)


def test_a_reason_in_answer_to_a_reminder_counts_as_well(asked: Office, server: EmbeddedMailServer) -> None:
    assert A in chased(asked)
    reminder = inbox(server, ADDRESS[A])[-1]
    assert "催报提醒" in reminder.subject
    answer(server, ADDRESS[A], WHY, to=reminder)
    sweep(asked, "2022-06-21T10:00")
    assert asked.unit(A)["status"] == "complete"


def test_other_words_settle_nothing(asked: Office, server: EmbeddedMailServer) -> None:
    correction = inbox(server, ADDRESS[A])[-1]
    for text in ("无误。", "收到，谢谢！"):
        answer(server, ADDRESS[A], text, to=correction)
    sweep(asked, "2022-06-11T10:00")
    assert A in chased(asked)
    answer(server, ADDRESS[A], "第2项填错了，应为2个。", to=correction)
    sweep(asked, "2022-06-21T10:00")
    assert asked.unit(A)["status"] == "in_query"
    assert asked.unit(A)["waiting"] == ["question"]
    assert findings(asked)[0].explanation is None


def test_words_out_of_the_letters_thread_settle_nothing(asked: Office, server: EmbeddedMailServer) -> None:
    notice, correction = inbox(server, ADDRESS[A])
    answer(server, ADDRESS[A], WHY)
    answer(server, ADDRESS[A], WHY, to=notice)
    answer(server, ADDRESS["410724"], WHY, to=correction)  # another unit's clerk
    sweep(asked, "2022-06-11T10:00")
    assert asked.unit(A)["status"] == "in_query"


def test_words_beside_a_corrected_form_are_no_reason(asked: Office, server: EmbeddedMailServer) -> None:
    again = honest(1) | {"activities.ministry_tasks": Decimal(40)}
    correction = inbox(server, ADDRESS[A])[-1]
    answer(server, ADDRESS[A], WHY, {"统计表.xlsx": fill(asked.template(A), again)}, to=correction)
    sweep(asked, "2022-06-11T10:00")
    assert asked.unit(A)["status"] == "in_query"


def test_a_reason_typed_into_the_workbook_settles_as_well(asked: Office, server: EmbeddedMailServer) -> None:
    correction = inbox(server, ADDRESS[A])[-1]
    (marked,) = correction.leaves
    answer(server, ADDRESS[A], "见附件", {marked.name: typed(marked.data, {1: WHY})}, to=correction)
    sweep(asked, "2022-06-11T10:00")
    assert asked.unit(A)["status"] == "complete"
    assert asked.unit(A)["parts"]["statistics"] == "accepted"
    (receipt,) = inbox(server, ADDRESS[A])[2:]
    assert "你单位的说明已登记" in receipt.text
    assert receipt.leaves == ()
    assert A not in chased(asked)


def test_too_short_a_reason_in_the_workbook_is_asked_for_again(
    asked: Office, server: EmbeddedMailServer
) -> None:
    correction = inbox(server, ADDRESS[A])[-1]
    (marked,) = correction.leaves
    answer(server, ADDRESS[A], "见附件", {marked.name: typed(marked.data, {1: "无误"})}, to=correction)
    sweep(asked, "2022-06-11T10:00")
    assert asked.unit(A)["status"] == "in_query"
    assert "修改意见" in inbox(server, ADDRESS[A])[-1].subject


def test_nobody_is_asked_twice_for_the_same_reason(mailing: Office, server: EmbeddedMailServer) -> None:
    hand_in(mailing, server, VERIFY | MANDATORY)
    first = inbox(server, ADDRESS[A])[-1]
    (marked,) = first.leaves  # line 1 has to be corrected, line 2 explained
    answer(server, ADDRESS[A], "见附件", {"统计表1.xlsx": typed(marked.data, {2: WHY})}, to=first)
    sweep(mailing, "2022-06-11T10:00")
    second = inbox(server, ADDRESS[A])[-1]
    assert "第13项" in second.text
    assert "第2项" not in second.text
    (marked,) = second.leaves
    fixed = typed(marked.data, {}, {"若干": 60})
    answer(server, ADDRESS[A], "已更正", {"统计表2.xlsx": fixed}, to=second)
    sweep(mailing, "2022-06-12T10:00")
    assert mailing.unit(A)["status"] == "complete"


@pytest.mark.parametrize("by", ["letter", "workbook"])
def test_a_reason_that_needs_consent_waits_for_the_operator(
    mailing: Office, server: EmbeddedMailServer, by: str
) -> None:
    hand_in(mailing, server, QUASI)
    assert mailing.unit(A)["parts"]["statistics"] == "rejected"
    correction = inbox(server, ADDRESS[A])[-1]
    (marked,) = correction.leaves
    if by == "letter":
        answer(server, ADDRESS[A], "我县承办全省流动科技馆巡展，场次属实。", to=correction)
    else:
        files = {"统计表.xlsx": typed(marked.data, {1: "承办全省流动科技馆巡展"})}
        answer(server, ADDRESS[A], "见附件", files, to=correction)
    sweep(mailing, "2022-06-11T10:00")
    assert mailing.unit(A)["status"] == "in_query"
    assert mailing.unit(A)["parts"]["statistics"] == "rejected"
    assert "流动科技馆" in (findings(mailing)[-1].explanation or "")
    receipt = inbox(server, ADDRESS[A])[-1]
    assert "收件回执" in receipt.subject
    assert "须经同意的问题待研究后另行答复" in receipt.text
    assert A not in chased(mailing)
