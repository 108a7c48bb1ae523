"""News and press lists that clerks type into a mail itself, told from what is only a letter."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from huizong.intake.typed import NEWS, PRESS, typed_material
from huizong.mime.parse import parse_message
from huizong.readers.model import FileReading

STORY = (
    "科技工作者走进小冀镇开展志愿服务\n"
    "5月30日，县科协组织20余名科技工作者走进小冀镇，为群众讲解防灾减灾知识，发放资料500余份。"
)


def typed(text: str, subject: str = "", file: str = "", html: str = "") -> tuple[str, FileReading] | None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "clerk@county.example", subject
    mail.set_content(text)
    if html:
        mail.set_content(html, subtype="html")
    if file:
        mail.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=file)
    return typed_material(parse_message(mail.as_bytes()))


def test_a_text_that_tells_what_took_place_is_news_and_is_kept_whole() -> None:
    found = typed(f"领导您好：\n现将我县活动信息报送如下：\n{STORY}\n\n请查收！\n")
    assert found is not None
    assert found[0] == NEWS
    assert STORY in found[1].text


@pytest.mark.parametrize(
    "text",
    [
        "请问5月30日我单位组织的科技志愿服务活动，参加的离退休科技工作者人数是否计入统计？盼复，谢谢您的指导，祝工作顺利。",
        "您好！我县5月30日开展的活动因材料尚在收集，稍后报送，特此说明，给您添麻烦了，请领导见谅为盼，谢谢支持理解。",
        "我县5月30日组织开展科技志愿服务活动，总结及照片见附件，请审阅。如有问题请与我们联系，我们将及时修改完善后重报。",
        "我县因5月30日举办大型活动人手紧张，总结材料申请延期到6月24日报送，恳请领导批准，我们一定抓紧办理，谢谢理解支持。",
        "收到，谢谢。",
        "我单位科技工作者日活动总结\n5月30日以来，我单位按照通知要求组织开展了科普讲座、走访慰问、志愿服务等活动，群众踊跃参加。",
        "我单位近日工作较多，关于本次活动的其他想法和意见都已经在电话里向您汇报过了，这里就不再一一赘述了。",
    ],
)
def test_a_letter_is_no_news(text: str) -> None:
    assert typed(text) is None


def test_words_that_only_go_with_files_are_no_news_and_a_story_beside_photographs_is() -> None:
    short = (
        "我县5月30日组织科技工作者走进小冀镇开展科普志愿服务，"
        "照片和总结一并发上，请领导多提意见，共两个文件，图片为现场拍摄。"
    )
    assert typed(short, file="总结.docx") is None
    longer = (
        STORY
        + "活动现场设置科普展板12块，参加群众300余人次，专家现场解答农业技术问题46个，受到当地群众欢迎。"
    )
    found = typed(longer, file="IMG_1.jpg")
    assert found is not None and found[0] == NEWS


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "媒体报道情况：\n1.铁西区启动科技活动周 https://news.example/a\n2.专家进校园\nhttps://news.example/b",
            ["铁西区启动科技活动周", "专家进校园"],
        ),
        (
            "媒体报道\n标题 媒体 日期 链接\n铁西区启动科技活动周 四平日报 5月20日 https://news.example/a\n"
            "专家进校园 市电视台 2023-05-21 https://news.example/b",
            ["铁西区启动科技活动周", "专家进校园"],
        ),
        ("媒体报道：\n1、铁西区启动科技活动周，四平日报，5月20日\n2、专家进校园，四平电视台，5月21日",
         ["铁西区启动科技活动周", "专家进校园"]),
        ("媒体报道\n标题：铁西区启动科技活动周\n媒体：四平日报\n日期：5月20日\n标题：专家进校园\n媒体：四平电视台",
         ["铁西区启动科技活动周", "专家进校园"]),
    ],
)  # fmt: skip
def test_a_typed_list_of_press_reports_is_read_however_it_is_laid_out(text: str, titles: list[str]) -> None:
    found = typed(text)
    assert found is not None
    assert (found[0], [item.title for item in found[1].press]) == (PRESS, titles)


def test_a_table_pasted_from_excel_is_a_list_too() -> None:
    rows = [("标题", "媒体", "日期", "链接"), ("启动仪式", "四平日报", "5月20日", "https://news.example/a")]
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    found = typed("", html=f"<p>媒体报道见下表：</p><table>{cells}</table>")
    assert found is not None
    (item,) = found[1].press
    assert (item.title, item.outlet, item.date, item.link) == (
        "启动仪式", "四平日报", "5月20日", "https://news.example/a"
    )  # fmt: skip


def test_a_share_of_a_net_disk_is_no_press_and_a_marked_mail_nothing() -> None:
    assert typed("影像资料链接：https://pan.baidu.com/s/1abcDEF 提取码：ab12，另有新闻链接一并在内") is None
    assert typed(STORY, subject="机密★关于活动") is None
