"""Mail of words: what clerks write to a shared mailbox, and what each comes to."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from huizong.intake.relevance import CONTACT_CHANGE, is_contact_change, words_only
from huizong.mime.parse import ParsedMail, parse_message


def letter(text: str, subject: str = "来信", reply: bool = True) -> ParsedMail:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "hongqi@xinxiang.example", subject
    if reply:
        mail["In-Reply-To"] = "<letter@xinxiang.example>"
    mail.set_content(text)
    return parse_message(mail.as_bytes())


MAILS = [
    # thanks
    ("收到，谢谢！", "acknowledgement"),
    ("邮件收悉，我单位将按时报送。谢谢", "acknowledgement"),
    ("好的，收到，尽快上报。", "acknowledgement"),
    ("王老师您好，通知已收到，我局会按要求及时填报。", "acknowledgement"),
    ("已阅，谢谢领导", "acknowledgement"),
    # more time
    ("因活动延后，申请延期至6月25日报送", "extension_request"),
    ("尊敬的领导：因经办人员外出培训，我区统计表恳请宽限两天，望批准。", "extension_request"),
    ("您好，财政数据还没有核完，可否晚两天报？", "extension_request"),
    ("受疫情影响，活动推迟到6月中旬举办，材料能否延期报送？", "extension_request"),
    ("我已调离科普科，新同志尚不熟悉，申请延期三天上报。", "extension_request"),
    ("领导好，部分乡镇数据未报上来，总结申请推迟到下周一交。", "extension_request"),
    # somebody else from now on
    ("我单位联系人变更为李明，电话03730000000。", "contact_change"),
    ("联系人改为赵科长，请更新。", "contact_change"),
    ("您好，我已调离原岗位，今后由小张负责科技活动周统计工作。", "contact_change"),
    ("我局邮箱更换为 newbox@county.example，请以后发到新邮箱。", "contact_change"),
    ("我已退休，有关通知请发给科普股。", "contact_change"),
    ("现将联络员调整如下：张三，科普股股长。", "contact_change"),
    ("收到。另：本人不再负责此项工作，以后请联系刘老师。", "contact_change"),
    ("更换联系人：李四，科普科副科长。", "contact_change"),
    ("我办业务已移交给社会事业科，统计表由他们填报。", "contact_change"),
    ("新邮箱是kepu@county.example，旧邮箱停用。", "contact_change"),
    ("请将我单位填报人信息更新一下，改为王五，联系电话如下。", "contact_change"),
    # an attachment that is not there
    ("统计表等材料见附件，请查收。", "set_aside"),
    ("现报送我区科技活动周统计表和总结，请审阅。", "set_aside"),
    ("领导您好！附件是我县开展情况统计表（盖章），请查收，有问题请电话联系。", "set_aside"),
    ("材料已发送，烦请查收，不知是否符合要求？", "set_aside"),
    ("补报总结报告。", "set_aside"),
    ("统计表已重新填写，请查收附件。", "set_aside"),
    # questions
    ("请问经费是否包含上级拨款？", "question"),
    ("是否未开展活动也要报？", "question"),
    ("请问统计表在哪里下载？", "question"),
    ("附件打不开，能否重发一份？", "question"),
    ("请问材料报送截止到几号？", "question"),
    ("第7项线上参与人数怎么统计，直播观看算不算？", "question"),
    ("老师好，统计表中的“承接科技部活动任务”指什么？", "question"),
    ("通知附件有密码，无法打开。", "question"),
    ("盖章扫描件需要局长签字吗？", "question"),
    ("请问总结报告有没有字数要求", "question"),
    ("联系人是谁？想咨询一下。", "question"),
    # nothing to report
    ("经核实，我单位本期未开展相关活动。", "return"),
    ("我单位无活动。", "return"),
    ("零报告。", "return"),
    # other business
    ("本周五召开的协调会改在三楼会议室。", "other"),
    ("活动推迟到9月举办，届时邀请贵局领导参加。", "other"),
    ("祝端午安康！", "other"),
    ("如有问题请联系我，电话03730000000。", "other"),
    ("我们的开放日改为周六上午。", "other"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "disposition"), MAILS)
def test_what_a_clerks_mail_is(text: str, disposition: str) -> None:
    assert words_only(letter(text), nil_allowed=True)[0] == disposition


def test_a_change_of_contact_is_told_to_the_operator() -> None:
    assert words_only(letter("联系人改为赵科长。"), nil_allowed=True) == ("contact_change", CONTACT_CHANGE)


@pytest.mark.parametrize(
    "text",
    [
        "统计表见附件，请查收。\n\n发件人：市科技局\n主题：联系人变更为李明",  # quoted history
        "第6项人数改为500人，请更新。",
        "如有疑问请联系电话03730000000。",
        "线上参与人数调整为5000，电话联系过。",
    ],
)
def test_no_change_of_contact(text: str) -> None:
    assert not is_contact_change(text)


def test_a_subject_of_ones_own_announces_a_file_and_that_of_a_reply_is_ours() -> None:
    words = "请领导过目。"
    assert words_only(letter(words, "红旗区统计表及总结", reply=False), nil_allowed=True)[0] == "set_aside"
    assert words_only(letter(words, "回复：报送统计表"), nil_allowed=True)[0] == "other"


@pytest.mark.parametrize(
    ("subject", "text"), [("机密★1年 情况报告", "请阅。"), ("来信", "秘密★\n有关情况如下。")]
)
def test_words_under_a_mark_of_secrecy_are_isolated(subject: str, text: str) -> None:
    assert words_only(letter(text, subject, reply=False), nil_allowed=True)[0] == "restricted"
