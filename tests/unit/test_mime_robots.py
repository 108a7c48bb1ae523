"""Who is a machine, and what a short mail wants."""

from __future__ import annotations

import pytest

from huizong.mime.parse import ParsedMail, parse_message
from huizong.mime.robots import automatic_kind, is_acknowledgement, is_extension_request, is_question


def with_headers(
    *lines: str, sender: str = "clerk@county.example", subject: str = "报送统计表"
) -> ParsedMail:
    head = [f"From: {sender}", f"Subject: {subject}", *lines]
    return parse_message("\r\n".join([*head, "", "正文"]).encode())


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["Auto-Submitted: auto-replied (vacation)"], "auto_reply"),
        (["Auto-Submitted: auto-generated"], "auto_reply"),
        (["Auto-Submitted: No"], None),
        (["Return-Path: <>"], "auto_reply"),
        (["Return-Path: <clerk@county.example>"], None),
        (["Return-Path: <clerk+auto_=x@county.example>"], "auto_reply"),
        (["Precedence: bulk"], "list"),
        (["Precedence: bulk", "Auto-Submitted: auto-replied"], "auto_reply"),
        (["Precedence: auto_reply"], "auto_reply"),
        (["List-Id: <x.example>"], "list"),
        (["X-Autoreply: yes"], "auto_reply"),
        (["X-Autoresponder: x"], "auto_reply"),
        (["X-QQ-AUTO-REPLY: true"], "auto_reply"),
        (["X-QQ-AUTO-FWD: x"], None),
        (["X-Auto-Response-Suppress: DR, AutoReply"], "auto_reply"),
        (["X-Auto-Response-Suppress: DR"], None),
        (["Content-Type: multipart/report; report-type=delivery-status; boundary=x"], "bounce"),
        (
            ["Content-Type: multipart/report; report-type=disposition-notification; boundary=x"],
            "read_receipt",
        ),
        ([], None),
    ],
)
def test_by_header(lines: list[str], kind: str | None) -> None:
    assert automatic_kind(with_headers(*lines)) == kind


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("自动回复: 报送统计表", "auto_reply"),
        ("自动答复：我在出差", "auto_reply"),
        ("Automatic reply: form", "auto_reply"),
        ("Out of office", "auto_reply"),
        ("Auto: form", "auto_reply"),
        ("系统退信", "bounce"),
        ("退信: form", "bounce"),
        ("已读: 报送通知", "read_receipt"),
        ("关于自动回复设置的请示", None),
        ("自动化改造科普活动统计表", None),
        ("Re: 报送通知", None),
    ],
)
def test_by_subject(subject: str, kind: str | None) -> None:
    assert automatic_kind(with_headers(subject=subject)) == kind


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        ("MAILER-DAEMON@qq.example", "bounce"),
        ("Postmaster@163.example", "bounce"),
        ("no-reply@service.example", "auto_reply"),
        ("KJJ@xinxiang.example", "own_copy"),
        ("postmasters-office@county.example", None),
    ],
)
def test_by_sender(sender: str, kind: str | None) -> None:
    assert automatic_kind(with_headers(sender=sender), own_addresses=["kjj@xinxiang.example"]) == kind


@pytest.mark.parametrize(
    "text",
    [
        "收到，谢谢！",
        "已收到",
        "好的，收到。",
        "邮件收悉，我单位将按时报送。谢谢",
        "收到。\n\n发件人：新乡市科学技术局\n主题：请问贵单位能否按时报送？",
        "收到\n-----原始邮件-----\n请填报附件",
        "谢谢领导，辛苦了\n--\n某某区科技局 联系电话",
        "OK",
        "卫滨区收到",
    ],
)
def test_acknowledgements(text: str) -> None:
    assert is_acknowledgement(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "收到，但附件打不开",
        "收到，请问第7项如何填？",
        "还没有收到通知",
        "收到。我单位本次举办活动五次，参与群众三千人，投入经费二万元。",
        "见附件",
        "收到，我单位联系人变更为科普科",
    ],
)
def test_not_mere_acknowledgements(text: str) -> None:
    assert not is_acknowledgement(text)


def test_questions_and_requests_for_time() -> None:
    assert is_question("请问实物投入怎么折算")
    assert is_question("附件打不开")
    assert not is_question("现报送统计表，请查收。\n\n> 能否按时报送？")
    assert is_extension_request("因疫情影响，申请延期三天报送")
    assert is_extension_request("可否晚两天交")
    assert not is_extension_request("现报送统计表。\n\n发件人：某局\n如需延期请来信")
