"""Attachments that came as links: asked for anew, or waiting for a person, who hears before they run out."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docx
import pytest
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from huizong.errors import UsageError
from huizong.ledger.tables import File, Letter
from huizong.ledger.upkeep import Trouble
from huizong.outbox.context import load_context
from huizong.outbox.letters import LetterBook
from huizong.outbox.model import Rendered
from huizong.stages.alarms import close_alarm, open_troubles
from huizong.stages.linked import tell_expiring
from huizong.stages.triage import assign, close, release, waiting
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, OFFICE, STRANGER, report, scan
from material_files import film
from office import COLLECTION, CYCLE, PROJECT, ZONE, Office, fill, honest

A, B = "410721", "410724"
MOMENT = "2022-06-10T10:00"
VIDEO = "https://mail.163.com/large-attachment-download/index.html?file=djAy"
PANEL = f"""<div>您好，活动材料请查收。</div><div><b>从网易163邮箱发来的超大附件</b>
<div><a href="{VIDEO}">{{name}}</a> ({{size}}, 2022年6月25日 9:00 到期)</div>
<div><a href="{VIDEO}">下载</a></div></div>"""
BAIDU = "影像资料见百度网盘\n链接：https://pan.baidu.com/s/1abcDEF 提取码：k8k8\n永久有效"
MP4 = film(1)


class Mails(Office):
    """An office that asks for photographs and videos too."""

    server: EmbeddedMailServer

    def ask_for_media(self) -> None:
        """The cycle, with one part more."""
        folder = self.home / "cycles" / CYCLE
        shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
        written = (folder / "cycle.yaml").read_text(encoding="utf-8")
        more = "parts:\n      - {code: media, kind: media, title: 影像资料}\n"
        (folder / "cycle.yaml").write_text(written.replace("parts:\n", more, 1), encoding="utf-8")

    def get(
        self,
        sender: str,
        text: str = "",
        files: dict[str, bytes] | None = None,
        *,
        html: str = "",
        moment: str = MOMENT,
        subject: str = "活动周材料",
    ) -> dict[str, Any]:
        """A mail comes in, and is answered."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, OFFICE, subject
        mail["Message-ID"] = make_msgid(domain="county.example")
        mail.set_content(html or text, subtype="html" if html else "plain")
        for name, data in (files or {}).items():
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.server.deliver(OFFICE, mail.as_bytes())
        got = self.receive(moment, "mailbox-kjj")
        self.validate(moment)
        return got

    def waits(self) -> list[dict[str, Any]]:
        return list(waiting(self.ctx)["waiting"])


def replies(office: Office, to: str) -> list[Rendered]:
    """The words of every answer to this address, oldest first."""
    book = LetterBook([PROJECT / "include/letters"])
    query = select(Letter).where(Letter.address == to, Letter.key.startswith("reply:")).order_by(Letter.id)
    with office.ctx.ledger.read() as session:
        letters = [load_context(json.dumps(row.context["letter"])) for row in session.scalars(query)]
    return [book.render(letter) for letter in letters]


def alarms(office: Office) -> list[str]:
    with office.ctx.ledger.read() as session:
        keys = session.scalars(select(Letter.key).where(Letter.key.startswith("alarm:")).order_by(Letter.id))
        return list(keys)


@pytest.fixture
def plain(tmp_path: Path, server: EmbeddedMailServer) -> Mails:
    """The cycle as it is: no media are asked for."""
    login = f"{quote(OFFICE)}:secret@127.0.0.1"
    environ = {
        "AIRFLOW_CONN_MAILBOX_KJJ_IMAP": f"imap://{login}:{server.imap_port}/?ssl=false",
        "AIRFLOW_CONN_OPERATOR_SMTP": f"smtp://{login}:{server.smtp_port}/?ssl=false&starttls=false",
    }
    office = Mails(tmp_path / "home", environ)
    office.server = server
    return office


@pytest.fixture
def issued(plain: Mails) -> Mails:
    plain.ask_for_media()
    plain.issue()
    return plain


def test_a_form_sent_as_a_link_is_asked_for_as_an_attachment(plain: Mails) -> None:
    plain.issue()
    got = plain.get(ADDRESS[A], html=PANEL.format(name="统计表.xlsx", size="30.5M"))
    assert got["dispositions"] == {"set_aside": 1} and got["message_dispositions"] == {"set_aside": 1}
    (said,) = replies(plain, ADDRESS[A])
    assert said.subject.startswith("【补报材料提示】")
    asked = "统计表.xlsx｜系以网易邮箱超大附件链接发来，未下载；请改用普通附件直接回复本邮件重新发送"
    assert asked in said.text and "每封邮件不超过20MB" in said.text
    assert "163.com" not in said.text
    assert plain.unit(A)["waiting"] == ["set_aside"]
    plain.get(ADDRESS[A], "改用附件", {"总结报告.docx": report()})
    assert plain.unit(A)["waiting"] == [] and plain.waits() == []


def test_media_sent_as_a_link_wait_for_a_person(issued: Mails) -> None:
    files = {"统计表.xlsx": fill(issued.template(A), honest(1)), "统计表盖章扫描件.pdf": scan()}
    got = issued.get(ADDRESS[A], BAIDU, files | {"总结报告.docx": report()})
    assert got["dispositions"] == {"return": 3, "link_pending": 1}
    (said,) = replies(issued, ADDRESS[A])
    assert said.subject.startswith("【收件回执】") and "报齐" not in said.text
    told = said.text.partition("以链接发来的文件")[2]
    assert "已收到链接，由工作人员下载，你单位无需重发" in told and "百度网盘链接｜永久" in told
    assert "尚缺" not in said.text and "影像资料" not in told
    standing = issued.unit(A)
    assert (standing["status"], standing["waiting"]) == ("unsettled", ["link_pending"])
    assert standing["parts"]["media"] == "link_pending" and standing["missing"] == []
    (row,) = issued.waits()
    assert (row["disposition"], row["unit"], row["file"]) == ("link_pending", A, "百度网盘链接")
    assert row["link"]["url"] == "https://pan.baidu.com/s/1abcDEF" and row["link"]["code"] == "k8k8"
    assert row["notes"] == ["网址：https://pan.baidu.com/s/1abcDEF", "提取码：k8k8", "有效期：永久"]
    assert f"以单位代码 {A} 命名的子文件夹" in row["reason"]
    assert issued.chase("2022-06-21T09:00")["held"] >= 1
    assert issued.letters(unit=A, kind="reminder") == []


def test_what_was_downloaded_and_laid_into_the_units_folder_settles_the_link(issued: Mails) -> None:
    issued.get(ADDRESS[A], html=PANEL.format(name="开幕式.mp4", size="1.2G"))
    issued.get(ADDRESS[B], html=PANEL.format(name="开幕式.mp4", size="1.2G"))
    assert len(issued.waits()) == 2
    issued.drop(A, {"活动视频.mp4": MP4})
    issued.receive_folder("2022-06-13T10:00")
    issued.validate("2022-06-13T10:00")
    assert [row["unit"] for row in issued.waits()] == [B]
    standing = issued.unit(A)
    assert standing["parts"]["media"] == "accepted" and standing["waiting"] == []
    assert "尚缺影像资料" not in replies(issued, ADDRESS[A])[-1].text


def test_where_no_media_are_asked_for_the_file_of_that_name_settles_it_too(plain: Mails) -> None:
    plain.issue()
    plain.get(ADDRESS[A], html=PANEL.format(name="开幕式.mp4", size="1.2G"))
    assert plain.unit(A)["waiting"] == ["link_pending"]
    plain.drop(A, {"开幕式.mp4": MP4})
    plain.receive_folder("2022-06-13T10:00")
    assert plain.waits() == [] and plain.unit(A)["waiting"] == []


def test_of_two_links_the_one_of_that_name_is_settled(issued: Mails) -> None:
    two = (
        "视频甲.mp4 https://pan.baidu.com/s/1a 提取码 aaaa\n视频乙.mp4 https://pan.baidu.com/s/1b 提取码 bbbb"
    )
    assert issued.get(ADDRESS[A], two)["dispositions"] == {"link_pending": 2}
    issued.drop(A, {"视频乙.mp4": MP4})
    issued.receive_folder("2022-06-13T10:00")
    (left,) = issued.waits()
    assert left["file"] == "视频甲.mp4"
    release(issued.ctx, left["id"], by="小李", reason="重看一遍")
    issued.validate("2022-06-13T10:00")
    (left,) = (row for row in issued.waits() if row["file"] == "视频甲.mp4")
    assert len(replies(issued, ADDRESS[A])) == 2  # of the mail and of the video: nothing new to say
    close(issued.ctx, left["id"], by="小李", reason="链接打不开，已电话请单位另寄光盘")
    assert issued.waits() == [] and issued.unit(A)["waiting"] == []


def test_a_link_is_no_material_and_cannot_be_assigned(issued: Mails) -> None:
    issued.get(ADDRESS[A], BAIDU)
    (row,) = issued.waits()
    with pytest.raises(UsageError, match="是链接，不是材料"):
        assign(issued.ctx, row["id"], A, COLLECTION, by="小李", reason="是它的", part="media")


def test_the_same_link_again_is_a_duplicate_and_brings_the_code_that_was_forgotten(issued: Mails) -> None:
    issued.get(ADDRESS[A], "活动视频 https://pan.baidu.com/s/1abcDEF")
    (said,) = replies(issued, ADDRESS[A])
    assert "百度网盘链接｜未写明｜未写明提取码，请回信附上链接和提取码。" in said.text
    got = issued.get(ADDRESS[A], "活动视频链接 http://pan.baidu.com/s/1abcDEF?pwd=k8k8 提取码：k8k8")
    assert got["dispositions"] == {"duplicate": 1}
    (row,) = issued.waits()
    assert "提取码：k8k8" in row["notes"]
    assert len(replies(issued, ADDRESS[A])) == 1


def test_a_share_inside_a_report_waits_by_itself(issued: Mails) -> None:
    document = docx.Document()
    for line in ("总结报告", *["开展了科普讲座、开放日等活动，群众踊跃参加。"] * 8, *BAIDU.splitlines()):
        document.add_paragraph(line)
    path = issued.home / "总结报告.docx"
    document.save(str(path))
    got = issued.get(ADDRESS[A], "总结见附件", {"总结报告.docx": path.read_bytes()})
    assert got["dispositions"] == {"return": 1, "link_pending": 1}
    assert issued.unit(A)["parts"]["report"] == "accepted"
    (row,) = issued.waits()
    assert row["link"]["code"] == "k8k8"
    release(issued.ctx, row["id"], by="小李", reason="重看一遍")
    issued.validate(MOMENT)
    assert [again["link"] for again in issued.waits()] == [row["link"]]


def test_a_stranger_is_promised_nothing(issued: Mails) -> None:
    assert issued.get(STRANGER, f"广告\n{BAIDU}", subject="优惠")["dispositions"] == {}
    got = issued.get(STRANGER, f"科技活动周材料\n{BAIDU}")
    assert got["message_dispositions"] == {"triage": 1}
    assert [row["reason"] for row in issued.waits()] == ["发件地址未登记，附有网盘链接"]
    assert replies(issued, STRANGER) == []


def test_beside_a_valid_form_a_strangers_link_is_that_units(issued: Mails) -> None:
    got = issued.get(STRANGER, BAIDU, {"统计表.xlsx": fill(issued.template(A), honest(1))})
    assert got["dispositions"] == {"return": 1, "link_pending": 1}
    assert [row["unit"] for row in issued.waits()] == [A]
    assert "由工作人员下载" in replies(issued, ADDRESS[A])[0].text


def test_secret_words_are_kept_from_every_list(issued: Mails) -> None:
    got = issued.get(ADDRESS[A], f"机密★10年\n{BAIDU}")
    assert got["dispositions"] == got["message_dispositions"] == {"restricted": 1}
    got = issued.get(ADDRESS[B], "见：机密★视频.mp4 https://pan.quark.cn/s/a", {"总结报告.docx": report()})
    assert got["dispositions"] == {"return": 1, "restricted": 1}
    assert [row["disposition"] for row in issued.waits()] == ["restricted", "restricted"]
    assert "pan." not in str(issued.waits()) and "机密" not in str(issued.waits())


def test_the_operator_is_told_once_before_a_link_runs_out(issued: Mails) -> None:
    start = issued.clock.now()
    until = (start + timedelta(days=10)).astimezone(ZONE)
    issued.get(ADDRESS[A], f"视频.mp4 https://pan.quark.cn/s/a 有效期至{until:%Y年%m月%d日 %H:%M}")
    issued.get(ADDRESS[B], "视频.mp4 https://pan.quark.cn/s/b")
    name = f"links:{CYCLE}"

    def after(**passed: int) -> list[str]:
        issued.clock.instant = start + timedelta(**passed)
        for _ in range(2):
            tell_expiring(issued.ctx)
        return alarms(issued)

    def trouble() -> Trouble:
        with issued.ctx.ledger.read() as session:
            return session.scalars(select(Trouble).where(Trouble.over_at.is_(None))).one()

    first, second = (row["id"] for row in issued.waits())
    assert after(days=4) == []
    assert after(days=6) == [f"alarm:{name}:1"]
    assert trouble().title == "链接附件已收到5天，有效期不明，尚未下载"
    assert after(days=7, hours=23) == [f"alarm:{name}:1"]
    assert after(days=8, minutes=5) == [f"alarm:{name}:1", f"alarm:{name}:3"]
    assert trouble().title == "2个链接附件尚未下载，其一已收到5天，有效期不明"
    said = f"{first}，单位代码 {A}：将于{until.year}年{until.month}月{until.day}日{until:%H:%M}到期。"
    assert said in trouble().lines
    assert len(after(days=11)) == 2  # one has run out, and nothing new has joined
    close(issued.ctx, first, by="小李", reason="已下载留存")
    assert len(after(days=12)) == 2
    assert trouble().lines[0].startswith(second)
    close_alarm(issued.ctx, name, by="小李", reason="已电话催办")
    assert len(after(days=13)) == 2
    with pytest.raises(NoResultFound):
        trouble()  # a person has seen to it


def test_a_hundred_and_fifty_links_are_one_letter(issued: Mails) -> None:
    issued.get(ADDRESS[A], "视频.mp4 https://pan.quark.cn/s/a")
    with issued.ctx.ledger.write() as session:
        link = session.scalars(select(File).where(File.disposition == "link_pending")).one()
        kept = {c.key: getattr(link, c.key) for c in File.__table__.columns if c.key != "id"}
        session.add_all(File(**kept) for _ in range(149))
    issued.clock.instant += timedelta(days=6)
    tell_expiring(issued.ctx)
    assert len(alarms(issued)) == 1
    with issued.ctx.ledger.read() as session:
        (trouble,) = open_troubles(session)
    assert trouble.title.startswith("150个链接附件尚未下载")
    assert trouble.lines[20] == "……等150个。"
    assert len(trouble.lines) == 23
