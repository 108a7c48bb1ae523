"""The words of the letters: what a clerk reads, in text and in HTML alike."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from huizong.errors import OperatorError
from huizong.outbox.contents import (
    AskedPart,
    KeyedFigure,
    KeyedForm,
    LetterFinding,
    MissingPart,
    SetAsideFile,
    TakenFile,
    UnitFindings,
)
from huizong.outbox.context import (
    AmendmentContext,
    ExtensionContext,
    FormalNoticeContext,
    LetterContext,
    NoticeContext,
    ReminderContext,
    ReplyContext,
    ResultContext,
    ResultFigure,
    choose_reply_kind,
    load_context,
)
from huizong.outbox.letters import LetterBook

LETTERS = Path(__file__).parents[2] / "include" / "letters"
TITLE = "2022年全国科技工作者日暨科技活动周"
COMMON: dict[str, Any] = {
    "cycle_title": TITLE,
    "document_number": "新科协〔2022〕10号",
    "issued_by": ("中共新乡市委宣传部", "新乡市科学技术协会", "新乡市科学技术局"),
    "office_name": "新乡市科学技术局科技合作人才与科普科",
    "mailbox": "kjj@xinxiang.example",
    "unit_name": "封丘县",
    "address_as": "你单位",
    "due_text": "6月20日（星期一）前（含当日）",
    "reference_period": "活动开展期间",
    "dated": "2022年6月13日",
}
FORM = MissingPart(title="统计表", kind="form")
SCAN = MissingPart(title="盖章扫描件", kind="scan")
REPORT = MissingPart(title="总结报告", kind="document")
TAKEN_FORM = TakenFile(unit_name="封丘县", part_title="统计表", file="统计表.xlsx", kind="form", version=2)
FIGURE = KeyedFigure(item_no=1, label="举办活动次数", unit="次", value="22")
TAKEN_SCAN = TakenFile(unit_name="封丘县", part_title="盖章扫描件", file="扫描.pdf", kind="scan")


def finding(severity: str, item_no: int, message: str) -> LetterFinding:
    return LetterFinding.model_validate({"severity": severity, "item_no": item_no, "message": message})


FINDINGS = UnitFindings(
    unit_name="封丘县",
    form_no="K7M2P9QX4",
    items=(
        finding("hint", 7, "第7项填写为“无”，已按0计，下次请直接填写“0”。"),
        finding("verify", 6, "第6项填报50000，疑以“元”填报，请核实。"),
        finding("mandatory", 15, "第15项应填一个数字，现为“若干”，请填写准确的阿拉伯数字。"),
        finding("quasi_mandatory", 9, "第9项超出县级合理范围，请{单位}说明。"),
        finding("mandatory", 2, "第2项未填。"),
    ),
)


def reply(kind: str = "receipt", **fields: Any) -> ReplyContext:
    return ReplyContext.model_validate(
        {**COMMON, "kind": kind, "received_text": "2022年6月13日09:12", **fields}
    )


def reminder(rung: str, **fields: Any) -> ReminderContext:
    kind = "nudge" if rung == "nudge" else "reminder"
    return ReminderContext.model_validate({**COMMON, "kind": kind, "rung": rung, **fields})


ALL: list[LetterContext] = [
    NoticeContext(
        **COMMON,
        parts=(
            AskedPart(title="统计表", kind="form"),
            AskedPart(title="盖章扫描件", kind="scan"),
            AskedPart(title="影像资料", required=False, hint="视频不超过3分钟"),
        ),
        event_text="2022年5月11日至6月10日",
        form_numbers=("K7M2P9QX4",),
        attachments=("通知.pdf",),
        nil_text="确无相关活动的，请直接回复“本期无数据”。",
    ),
    reply("receipt", taken=(TAKEN_FORM,), complete=True),
    reply("supplement", no_attachment=True, missing_parts=(FORM, REPORT)),
    reply("supplement", taken=(TAKEN_FORM,), missing_parts=(SCAN, REPORT)),
    reply("correction", taken=(TAKEN_FORM,), findings=(FINDINGS,), missing_parts=(SCAN,)),
    reply(
        "correction",
        taken=(TAKEN_FORM,),
        set_aside=(SetAsideFile(file="总结.docx", reason="文件有打开密码，请去除后重发。"),),
        missing_parts=(REPORT.model_copy(update={"perhaps": "set_aside"}),),
    ),
    reply("supplement", set_aside=(SetAsideFile(file="表.exe", reason="请重发。"),), missing_parts=(FORM,)),
    reply(
        "receipt",
        taken=(TAKEN_FORM.model_copy(update={"elsewhere": True, "unit_name": "牧野区"}),),
        checking=("会议通知.pdf",),
        brought="由红旗区报送",
        missing_parts=(SCAN.model_copy(update={"perhaps": "checking"}),),
    ),
    reply(
        "correction",
        taken=(TAKEN_SCAN,),
        findings=(FINDINGS,),
        keyed=(KeyedForm(unit_name="封丘县", file="扫描.pdf", figures=(FIGURE,)),),
        on_paper=True,
    ),
    reminder("nudge", missing_parts=(FORM, SCAN, REPORT)),
    reminder("due_day", missing_parts=(SCAN,), received_any=True),
    reminder("overdue", open_findings=3, received_any=True, past_due=True, days_late_text="1个工作日"),
    FormalNoticeContext(**COMMON, missing_parts=(FORM,), reminded_on=("6月13日", "6月21日")),
    ResultContext(
        **COMMON,
        edition_title="定稿",
        coverage_text="应报18家，已报17家。",
        figures=(ResultFigure(item_no=1, label="举办活动次数", unit="次", total="1234", own="56"),),
    ),
    AmendmentContext(**COMMON, changes=("报送时间延至6月27日。",)),
    ExtensionContext(**COMMON, granted=True),
    ExtensionContext(**COMMON, granted=False, reason="市级汇总定于6月21日上报。"),
]


@pytest.fixture(scope="module")
def book() -> LetterBook:
    return LetterBook([LETTERS])


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words = ""

    def handle_data(self, data: str) -> None:
        self.words += data


def words(html: str) -> str:
    parser = _Words()
    parser.feed(html.partition("<body")[2].partition(">")[2])
    return re.sub(r"\s", "", parser.words)


@pytest.mark.parametrize("context", ALL, ids=lambda c: c.kind)
def test_text_and_html_say_the_same_and_the_ledger_can_hold_it(
    book: LetterBook, context: LetterContext
) -> None:
    rendered = book.render(load_context(context.model_dump_json()))
    assert rendered == book.render(context)
    assert rendered.subject.startswith("【") and TITLE in rendered.subject and "\n" not in rendered.subject
    plain = re.sub(r"[\s｜·]", "", rendered.text)
    # Every word of the text stands in the HTML, in the same order.
    rest = iter(words(rendered.html))
    assert all(ch in rest for ch in plain)
    for body in (rendered.text, rendered.html):
        assert "封丘县" in body and COMMON["office_name"] in body and "kjj@xinxiang.example" in body
        assert not re.search(r"\*\*|\{|undefined|None", body)
        assert not re.search("拒报|未报送|法|处罚|后果", body.replace("办法", ""))


def test_findings_come_strongest_first_in_the_clerks_words(book: LetterBook) -> None:
    rendered = book.render(reply("correction", taken=(TAKEN_FORM,), findings=(FINDINGS,), marked=True))
    plain = book.render(reply("correction", taken=(TAKEN_FORM,), findings=(FINDINGS,)))
    assert "请在原文件中改正后直接回复本邮件" in plain.text
    for body in (rendered.text, rendered.html):
        marks = re.findall("必须更正|说明原因并经同意|请核实并说明|温馨提示（无需回复）", body)
        assert marks == [
            "必须更正", "必须更正", "说明原因并经同意", "请核实并说明", "温馨提示（无需回复）",
        ]  # fmt: skip
        assert body.index("第2项未填") < body.index("第15项应填")
        assert "请在附件中改正后直接回复本邮件" in body
        assert "请你单位说明" in body
        assert "6月20日（星期一）前（含当日）" in body
        assert not re.search("mandatory|verify|hint", body)


def test_hints_that_say_the_same_share_a_line(book: LetterBook) -> None:
    said = "第{}项填写为“{}”，如确无此项，请改填数字“0”。"
    hints = [finding("hint", n, said.format(n, "无")).model_copy(update={"label": "甲"}) for n in (3, 1, 2)]
    items = (*hints, finding("hint", 4, said.format(4, "—")), finding("verify", 6, "第6项偏大。"))
    text = book.render(reply("receipt", findings=(UnitFindings(unit_name="封丘县", items=items),))).text
    assert "请核实并说明｜第6项｜第6项偏大。" in text
    shared = "温馨提示（无需回复）｜第1、2、3项｜第1、2、3项填写为“无”，如确无此项，请改填数字“0”。"
    assert shared in text and text.count("“无”") == 1
    assert text.index(shared) < text.index("｜第4项｜第4项填写为“—”")


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (
            reply("supplement", no_attachment=True, missing_parts=(FORM, REPORT)),
            "你单位来信已收到，未见附件，请补发统计表及总结报告。",
        ),
        (
            reply("supplement", taken=(TAKEN_FORM,), missing_parts=(SCAN,)),
            "电子表已收到，尚缺加盖公章的扫描件，请于6月20日（星期一）前（含当日）补报，内容须与电子表一致。",
        ),
        (
            reply("supplement", taken=(TAKEN_SCAN,), missing_parts=(FORM,)),
            "盖章扫描件已收到，请同时报送可编辑的电子表（Excel或WPS表格），以便核对汇总；确实只能报送纸质表的，请回信说明。",
        ),
    ],
)
def test_the_likeliest_mistakes_get_their_literal_answer(
    book: LetterBook, context: ReplyContext, sentence: str
) -> None:
    rendered = book.render(context)
    assert sentence in rendered.text
    assert sentence in rendered.html


def test_the_notice_says_that_one_form_is_enough_and_what_the_scan_is(book: LetterBook) -> None:
    text = book.render(ALL[0]).text
    assert "电子表任选一种格式填写" in text
    assert "将填好的电子表打印、加盖公章后扫描" in text
    assert "表单编号：K7M2P9QX4" in text


def result(own: str, **fields: Any) -> ResultContext:
    figure = ResultFigure(item_no=1, label="举办活动次数", unit="", total="1234", own=own)
    return ResultContext(
        **COMMON, edition_title="定稿", coverage_text="应报18家，已报17家。", figures=(figure,), **fields
    )


def test_a_unit_whose_figures_do_not_count_is_told_so(book: LetterBook) -> None:
    counted = book.render(result("56")).text
    assert "指标｜计量单位｜汇总数｜你单位报送数\n· 第1项 举办活动次数｜｜1234｜56\n" in counted
    assert "你单位报送数如与原报不符" in counted and "未计入" not in counted
    without = book.render(result(""))
    assert "你单位数据未计入本次汇总。" in without.text
    assert "指标｜计量单位｜汇总数\n· 第1项 举办活动次数｜｜1234\n" in without.text
    assert "你单位报送数" not in without.text + without.html
    nil = book.render(result("", nil=True)).text
    assert "你单位本期为零报告。" in nil and "未计入" not in nil


def test_a_unit_without_a_form_hears_how_it_stands(book: LetterBook) -> None:
    told = result("56", stands=("“重点项目”：已报齐", "“活动总结”：缺件：视频资料"))
    text = book.render(told).text
    assert "你单位“重点项目”：已报齐。\n" in text
    assert "你单位“活动总结”：缺件：视频资料。\n" in text


def test_a_day_that_is_gone_is_not_asked_for_again(book: LetterBook) -> None:
    late = reply("supplement", taken=(TAKEN_FORM,), missing_parts=(SCAN,), past_due=True)
    text = book.render(late).text
    assert "尚缺加盖公章的扫描件，请尽快补报" in text
    assert "6月20日" not in text


def test_a_unit_with_parts_missing_is_told_which_and_never_that_it_did_not_report(book: LetterBook) -> None:
    parts_missing = book.render(
        reminder("overdue", missing_parts=(SCAN, REPORT), received_any=True, past_due=True)
    )
    assert "你单位已报送部分材料，尚缺盖章扫描件及总结报告。" in parts_missing.text
    assert "未报" not in parts_missing.text and "尚未收到" not in parts_missing.text

    nothing = book.render(reminder("due_day", missing_parts=(FORM, SCAN, REPORT))).text
    assert "截至目前，尚未收到你单位的统计表、盖章扫描件及总结报告。" in nothing
    assert "请于今日24时前" in nothing

    queries = book.render(reminder("nudge", open_findings=2, received_any=True)).text
    assert "你单位已报材料有2个问题待改正或说明" in queries
    assert "尚缺" not in queries and "尚未收到" not in queries


@pytest.mark.parametrize("context", ALL, ids=lambda c: c.kind)
def test_peers_are_addressed_as_such(book: LetterBook, context: LetterContext) -> None:
    rendered = book.render(context.model_copy(update={"address_as": "贵单位"}))
    own = book.render(context)
    assert "你单位" not in rendered.text + rendered.html
    assert rendered.text.count("贵单位") == own.text.count("你单位")


def test_a_name_brings_neither_markup_nor_lines_with_it(book: LetterBook) -> None:
    name = "<b>甲</b>\r\nBcc: x@evil.example\u2028## 乙|丙\u202e"
    evil = {**COMMON, "unit_name": name, "cycle_title": f"活动周\r\nX: 1{name}"}
    taken = TakenFile(unit_name=name, part_title="统计表", file='"><img src=x onerror=1>|二', kind="form")
    rendered = book.render(
        ReplyContext(**evil, kind="receipt", received_text="6月13日", taken=(taken,), complete=True)
    )
    assert len(rendered.subject.splitlines()) == 1 and "\r" not in rendered.subject
    assert "<b>" not in rendered.html and "<img" not in rendered.html
    assert "&lt;b&gt;甲&lt;/b&gt;" in rendered.html
    assert "<b>甲</b> Bcc: x@evil.example ## 乙｜丙：" in rendered.text.splitlines()[0]
    rows = re.findall(r"<tr>.*?</tr>", rendered.html, re.S)
    assert [row.count("<td") for row in rows] == [0, 5]


def test_a_cycle_may_bring_its_own_letter(tmp_path: Path) -> None:
    (tmp_path / "nudge.md").write_text(
        "主题：【提示】{{ c.cycle_title }}\n{{ c.unit_name }}：\n请报送。\n", "utf-8"
    )
    book = LetterBook([tmp_path, LETTERS])
    assert book.render(reminder("nudge")).text == "封丘县：\n\n请报送。\n"
    assert "催报提醒" in book.render(reminder("due_day")).subject


def test_a_broken_template_names_itself(tmp_path: Path) -> None:
    (tmp_path / "nudge.md").write_text("主题：{{ c.no_such_fact }}\n", "utf-8")
    with pytest.raises(OperatorError, match="nudge.md.*no_such_fact"):
        LetterBook([tmp_path, LETTERS]).render(reminder("nudge"))
    with pytest.raises(OperatorError, match="nudge.md"):
        LetterBook([tmp_path / "nowhere"]).render(reminder("nudge"))


def test_one_reply_a_delivery_named_by_its_strongest_word() -> None:
    hint = UnitFindings(unit_name="甲", items=(finding("hint", 7, "提示。"),))
    aside = SetAsideFile(file="x", reason="读不出。")
    unread = SCAN.model_copy(update={"perhaps": "checking"})
    assert choose_reply_kind((FINDINGS,), (), (SCAN,), taken=True) == "correction"
    assert choose_reply_kind((), (aside,), (), taken=True) == "correction"
    assert (
        choose_reply_kind((), (aside,), (FORM,), taken=False) == "supplement"
    )  # there is nothing to correct
    assert choose_reply_kind((hint,), (), (SCAN,), taken=True) == "supplement"
    assert choose_reply_kind((hint,), (), (), taken=True) == "receipt"
    assert choose_reply_kind((), (), (unread,), taken=True) == "receipt"  # it may be in our hands


def test_a_rung_fits_its_letter() -> None:
    with pytest.raises(ValidationError, match="overdue is not a nudge"):
        ReminderContext(**COMMON, kind="nudge", rung="overdue")


def test_a_supplement_names_the_day_once(book: LetterBook) -> None:
    text = book.render(reply("supplement", taken=(TAKEN_FORM,), missing_parts=(SCAN, REPORT))).text
    assert text.count("6月20日") == 1 and "尚缺总结报告，请一并补报。" in text
    assert "请直接回复本邮件补报，已收材料无需重报" in text
    unusable = (SetAsideFile(file="表.exe", reason="请重发。"),)
    again = book.render(reply("supplement", set_aside=unusable, missing_parts=(FORM,))).text
    assert again.count("6月20日") == 1


def test_what_bears_no_figures_is_not_called_figures(book: LetterBook) -> None:
    long = LetterFinding(severity="verify", message="视频时长4分12秒。", stays_if="确需保留原视频")
    about = UnitFindings(unit_name="封丘县", form_title="影像资料", items=(long,))
    text = book.render(reply("correction", taken=(TAKEN_FORM,), findings=(about,))).text
    assert "确需保留原视频的，请在回信中说明情况" in text and "数据无误" not in text
    both = book.render(reply("correction", taken=(TAKEN_FORM,), findings=(FINDINGS, about), marked=True)).text
    assert "数据无误的、确需保留原视频的，请在附件或回信中说明情况" in both
