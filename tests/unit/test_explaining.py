"""Reasons for figures: told apart from other words in a letter, read back from the list that we sent."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path

import openpyxl
import pytest
from form_files import FORM, xls, xlsx

from huizong.intake.relevance import EXPLANATION, words_only
from huizong.mime.parse import ParsedMail, parse_message
from huizong.outbox.contents import LetterFinding, UnitFindings
from huizong.outbox.context import ReplyContext
from huizong.outbox.letters import LetterBook
from huizong.readers.entry import read_bytes
from huizong.readers.model import Explanation
from huizong.rules.marked import SHEET, mark_workbook
from huizong.rules.model import Finding

LETTERS = Path(__file__).parents[2] / "include" / "letters"


def reply_mail(text: str) -> ParsedMail:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@xinxiang.example", "回复：修改意见"
    mail["In-Reply-To"] = "<letter@xinxiang.example>"
    mail.set_content(text)
    return parse_message(mail.as_bytes())


@pytest.mark.parametrize(
    "text",
    [
        "第2项含省科技厅转办任务3个，数据无误。",
        "您好，核实数据无误。",  # six characters, and courtesies
        "经核实，两笔经费分别来自市级和县级财政。",
        "您好：经重新核对，我县报送数据属实，总结报告与统计表一致。谢谢！",
        "数据无误，无需修改，该项为省财政专项资金",
        "未发现填报错误，系承办全省启动式所致。",
        "因活动下午举办，线上直播观看人数较多。\n\n发自我的iPhone",
        "该数为活动期间直播平台去重后人数\n\n-----原始邮件-----\n请将附件更正后重新报送",
        "应为活动期间数据，非累计浏览量",
    ],
)
def test_a_reason_is_an_explanation(text: str) -> None:
    assert words_only(reply_mail(text), nil_allowed=True, asked=True) == ("return", EXPLANATION)


@pytest.mark.parametrize(
    ("text", "disposition"),
    [
        ("无误。", "other"),
        ("老师您好，数据无误。", "acknowledgement"),  # four characters beside the courtesies
        ("收到，谢谢！", "acknowledgement"),
        ("好的，马上更正后重新报送。", "acknowledgement"),
        ("请问第2项是否包括省科技厅转办的任务？", "question"),
        ("因人员出差，申请延期至6月25日报送。", "extension_request"),
        ("更正后的统计表见附件，请查收。", "set_aside"),
        ("第6项填错了，应为5万元。", "question"),
        ("第6项误将元作为万元填写", "question"),
        ("第6项为笔误，按5万元计即可", "question"),
        ("第六项应为 5 万元，麻烦老师改为5", "question"),
        ("正在核实情况，核实后再答复", "question"),
        ("我县将尽快与财政局核对数据", "question"),
        ("经核实，我单位无活动。", "question"),  # while figures of it stand
    ],
)
def test_a_doubt_is_none(text: str, disposition: str) -> None:
    """Who admits a mistake or announces something has not explained our figures: a person reads it."""
    assert words_only(reply_mail(text), nil_allowed=True, asked=True)[0] == disposition


def test_words_are_an_explanation_only_where_we_asked_for_one() -> None:
    mail = reply_mail("第2项含省科技厅转办任务3个，数据无误。")
    assert words_only(mail, nil_allowed=True)[0] == "other"


MINISTRY = Finding("ministry_tasks_above_held", "verify", "activities.ministry_tasks", "第2项大于第1项。")
VIEWS = Finding(
    "cumulative_views", "verify", "public.online", "第15项明显偏大。", "请说明。", FORM.title, "C17"
)
WHOLE = Finding("as_last_year", "verify", None, "本次20项数据与上年完全一致。")


def marked() -> openpyxl.Workbook:
    data = mark_workbook(xlsx(), [MINISTRY, VIEWS, WHOLE], FORM.numbers)
    assert data is not None
    return openpyxl.load_workbook(io.BytesIO(data))


def explanations(book: openpyxl.Workbook) -> tuple[Explanation, ...]:
    out = io.BytesIO()
    book.save(out)
    reading = read_bytes(out.getvalue(), "统计表（审核意见）.xlsx", [FORM])
    assert len(reading.forms) == 1
    return reading.explanations


def test_what_was_typed_into_the_list_is_read_back_with_its_item() -> None:
    book = marked()
    book[SHEET]["G5"] = " 含省科技厅转办任务3个 "
    book[SHEET]["G7"] = "连续两年规模相同"
    assert explanations(book) == (
        Explanation(item=2, text="含省科技厅转办任务3个", problem=MINISTRY.message),
        Explanation(item=None, text="连续两年规模相同", problem=WHOLE.message),
    )


def test_columns_are_found_by_their_headings() -> None:
    book = marked()
    book[SHEET].insert_cols(1)
    book[SHEET].insert_rows(1, amount=2)
    book[SHEET]["H8"] = "直播平台去重人数"
    assert explanations(book) == (Explanation(item=15, text="直播平台去重人数", problem=VIEWS.message),)


@pytest.mark.parametrize("spoil", ["nothing_typed", "hidden", "renamed", "no_headings", "number"])
def test_what_is_not_our_list_says_nothing(spoil: str) -> None:
    book = marked()
    sheet = book[SHEET]
    sheet["G6"] = 123456 if spoil == "number" else None if spoil == "nothing_typed" else "直播平台去重人数"
    if spoil == "hidden":
        sheet.sheet_state = "hidden"
        book.active = 1
    if spoil == "renamed":
        sheet.title = "意见"
    if spoil == "no_headings":
        sheet["G4"] = "备注"
    assert explanations(book) == ()


def test_other_formats_have_none() -> None:
    assert read_bytes(xls(), "统计表.xls", [FORM]).explanations == ()


def reply(**fields: object) -> str:
    common = {
        "kind": "receipt", "cycle_title": "2022年科技活动周", "issued_by": ("新乡市科学技术局",),
        "office_name": "科普科", "mailbox": "kjj@xinxiang.example", "unit_name": "封丘县",
        "address_as": "你单位", "received_text": "2022年6月13日09:12", "explained": True,
    }  # fmt: skip
    return LetterBook([LETTERS]).render(ReplyContext.model_validate(common | fields)).text


def test_the_receipt_says_that_the_reason_is_on_record_and_what_is_still_open() -> None:
    assert "你单位的说明已登记。\n" in reply(complete=True)
    assert "须经同意的问题待研究后另行答复" in reply(awaits_consent=True)
    assert "其余2个问题请按此前发送的修改意见更正或说明" in reply(open_findings=2)
    listed = UnitFindings(unit_name="封丘县", items=(LetterFinding(severity="verify", message="偏大"),))
    assert "其余" not in reply(kind="correction", open_findings=1, findings=(listed,))
