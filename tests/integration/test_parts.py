"""Parts that are no forms, the whole way: by mail, in pieces, asked about and mended."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from huizong.mime.parse import ParsedMail
from huizong.stages.issue import issue
from huizong.stages.receive import receive
from huizong.stages.status import status
from huizong.stages.triage import waiting
from huizong.stages.validate import validate
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import inbox
from material_files import BODY, document, film, photo, press_book, report
from office import Office, at, fill, honest

SIPING, XINXIANG = "siping-2023", "xinxiang-2023"
BOX = {SIPING: "kjj@siping.example", XINXIANG: "kjj@xinxiang.example"}
CHANNEL = {SIPING: "mailbox-siping", XINXIANG: "mailbox-kjj"}
UNUSED = "mailbox-kx"  # defined in xinxiang-2023, and no collection's
TIEXI, TIEDONG = "tiexi@siping.example", "tiedong@siping.example"
HONGQI = "hongqi@xinxiang.example"


class Desk:
    """One cycle's office behind its mailbox, and its clerks."""

    def __init__(self, office: Office, server: EmbeddedMailServer, cycle: str) -> None:
        self.office, self.server, self.cycle = office, server, cycle
        login = f"{quote(BOX[cycle])}:secret@127.0.0.1"
        for name in (channel.upper().replace("-", "_") for channel in (CHANNEL[cycle], UNUSED)):
            office.environ[f"AIRFLOW_CONN_{name}_IMAP"] = f"imap://{login}:{server.imap_port}/?ssl=false"
            smtp = f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false"
            office.environ[f"AIRFLOW_CONN_{name}_SMTP"] = smtp
        issue(office.ctx, cycle, at("2023-05-17T09:00"), send=True)

    def mail(
        self, sender: str, files: dict[str, bytes], as_of: str, text: str = "材料见附件，请查收。"
    ) -> str:
        """A clerk's mail in, everything done that follows from it; the text of the letter that answers."""
        before = len(inbox(self.server, sender))
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, BOX[self.cycle], "回复：科技活动周材料"
        mail["Message-ID"] = make_msgid(domain="clerk.example")
        mail["In-Reply-To"] = inbox(self.server, sender)[-1].message_id_raw
        mail.set_content(text)
        for name, data in files.items():
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.server.deliver(BOX[self.cycle], mail.as_bytes())
        receive(self.office.ctx, (CHANNEL[self.cycle],), at(as_of))
        validate(self.office.ctx, self.cycle, at(as_of), send=True)
        letters = inbox(self.server, sender)
        assert len(letters) == before + 1, [letter.subject for letter in letters]
        return said(letters[-1])

    def unit(self, code: str) -> dict[str, Any]:
        units = status(self.office.ctx, self.cycle, at("2023-06-30T09:00"))["units"]
        return next(u for u in units if u["code"] == code)


def said(letter: ParsedMail) -> str:
    return f"{letter.subject}\n{letter.text}"


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    users = [*BOX.values(), TIEXI, TIEDONG, HONGQI]
    with EmbeddedMailServer(dict.fromkeys(users, "secret")) as running:
        yield running


@pytest.fixture
def siping(tmp_path: Path, server: EmbeddedMailServer) -> Desk:
    return Desk(Office(tmp_path / "home"), server, SIPING)


@pytest.fixture
def xinxiang(tmp_path: Path, server: EmbeddedMailServer) -> Desk:
    return Desk(Office(tmp_path / "home"), server, XINXIANG)


def test_a_return_in_pieces_is_told_each_time_what_is_still_missing(siping: Desk) -> None:
    first = siping.mail(TIEXI, {"铁西区.docx": report("铁西区")}, "2023-06-01T10:00")
    assert "尚缺影像资料及媒体报道资料" in first
    assert siping.unit("220302")["status"] == "partial"

    pictures = {"IMG_01.jpg": photo(), "现场视频.mp4": film(20)}
    second = siping.mail(TIEXI, pictures, "2023-06-01T15:00")
    assert "尚缺媒体报道资料" in second
    assert "尚缺影像" not in second
    assert siping.unit("220302")["parts"]["press"] == "missing"

    rows = [
        (1, "铁西区启动科技活动周", "四平日报", "5月20日", "https://news.example/1"),
        (2, "进校园", "晚报"),
    ]
    third = siping.mail(
        TIEXI, {"附件2.xlsx": press_book(rows), "网站截图.png": photo(shade=5)}, "2023-06-02T10:00"
    )
    assert "材料已报齐" in third
    unit = siping.unit("220302")
    assert (unit["status"], unit["punctual"]) == ("complete", True)
    assert not waiting(siping.office.ctx)["waiting"]


def test_another_units_text_is_asked_about_and_the_explanation_settles_it(siping: Desk) -> None:
    siping.mail(TIEXI, {"总结.docx": report("铁西区")}, "2023-06-01T10:00")
    copied = document("科技活动周活动总结", BODY * 4, "铁西区科学技术局")
    letter = siping.mail(TIEDONG, {"总结.docx": copied}, "2023-06-01T11:00")
    asked = "活动总结标题或落款为“铁西区科学技术局”，与报送单位不一致，请核对是否误发其他单位的材料。"
    assert asked in letter
    assert "活动总结审核意见" in letter
    assert "总结.docx" in letter
    assert "【修改意见】" in letter
    unit = siping.unit("220303")
    assert (unit["status"], unit["parts"]["summary"]) == ("in_query", "accepted_with_queries")

    siping.mail(TIEDONG, {}, "2023-06-01T14:00", text="经核对，系与铁西区联合开展活动的共同总结，无误。")
    assert siping.unit("220303")["status"] == "partial"
    assert siping.unit("220303")["parts"]["summary"] == "accepted"

    same = siping.mail(TIEDONG, {"总结（新）.docx": report("铁西区")}, "2023-06-02T11:00")
    assert "活动总结与另一单位报送的材料文字相同" in same


def test_a_film_too_long_is_asked_for_again_and_nothing_else(xinxiang: Desk) -> None:
    office = xinxiang.office
    form = next((office.ctx.home.issued(XINXIANG) / "410702").glob("*.xlsx")).read_bytes()
    files = {
        "统计表.xlsx": fill(form, honest()),  # 21 activities
        "总结.docx": report("红旗区", "全区共举办科普活动18场次。"),
        "活动视频.mp4": film(252, rate=1),
    }
    letter = xinxiang.mail(HONGQI, files, "2023-06-01T10:00")
    assert "视频时长4分12秒，超过通知规定的3分钟，请剪辑后补报视频，其他材料无需重报。" in letter
    assert "总结报告所述活动18场次与科技活动周开展情况统计表21次不一致，请更正或说明统计口径。" in letter
    assert "尚缺" not in letter
    unit = xinxiang.unit("410702")
    assert (unit["status"], unit["findings"]["verify"]) == ("in_query", 2)
    assert set(unit["parts"].values()) == {"accepted", "accepted_with_queries"}

    again = {
        "短视频.mp4": film(170, rate=1),
        "总结（改）.docx": report("红旗区", "全区共举办科普活动21场次。"),
    }
    xinxiang.mail(HONGQI, again, "2023-06-02T10:00")
    assert xinxiang.unit("410702")["status"] == "complete"


def test_the_form_that_comes_after_the_report_is_held_against_it(xinxiang: Desk) -> None:
    office = xinxiang.office
    form = next((office.ctx.home.issued(XINXIANG) / "410702").glob("*.xlsx")).read_bytes()
    xinxiang.mail(HONGQI, {"总结.docx": report("红旗区", "全区共举办科普活动18场次。")}, "2023-06-01T10:00")
    letter = xinxiang.mail(HONGQI, {"统计表.xlsx": fill(form, honest())}, "2023-06-01T11:00")
    assert "总结报告所述活动18场次与科技活动周开展情况统计表21次不一致" in letter
    assert xinxiang.unit("410702")["status"] == "in_query"
    corrected = honest() | {"activities.held": 18}
    xinxiang.mail(HONGQI, {"统计表.xlsx": fill(form, corrected)}, "2023-06-02T11:00")
    assert xinxiang.unit("410702")["parts"]["statistics"] == "accepted"
    assert xinxiang.unit("410702")["status"] == "partial"


def test_what_cannot_be_played_or_told_apart_is_said(siping: Desk) -> None:
    letter = siping.mail(TIEXI, {"视频.mp4": film(5)[:400], "1.docx": document(BODY * 4)}, "2023-06-01T10:00")
    assert "视频无法打开，可能已损坏或未传完整，请在电脑上确认能够播放后重新发送。" in letter
    assert "1.docx" in letter
    assert "正在核对的文件" in letter
    assert [w["reason"] for w in waiting(siping.office.ctx)["waiting"] if w["disposition"] == "triage"]
