"""Mail whose words are what was asked for: news to the associations' mailbox, press lists to Siping's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from clerkpost import Post
from huizong.ledger.tables import File
from huizong.stages.triage import release, waiting
from huizong_demo.mailserver import EmbeddedMailServer
from material_files import document, photo, press_book, report
from office import Office

KX, SIPING = "kx@xinxiang.example", "kjj@siping.example"
ASSOCIATION, TIEXI = "410721-KX", "220302"
STORY = (
    "科技工作者走进小冀镇开展志愿服务\n"
    "5月30日，县科协组织20余名科技工作者走进小冀镇，为群众讲解防灾减灾知识，发放资料500余份。\n"
)
QUESTION = "请问文字信息需要报送几条？是否需要加盖公章？"


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer(dict.fromkeys((KX, SIPING), "secret")) as running:
        yield running


@pytest.fixture
def kexie(tmp_path: Path, server: EmbeddedMailServer) -> Post:
    return Post(Office(tmp_path / "home"), server, KX, "mailbox-kx")


@pytest.fixture
def siping(tmp_path: Path, server: EmbeddedMailServer) -> Post:
    return Post(Office(tmp_path / "home", cycle="siping-2023"), server, SIPING, "mailbox-siping")


def test_words_alone_are_a_news_item_and_a_question_stays_one(kexie: Post) -> None:
    assert kexie.mail(ASSOCIATION, STORY, "2022-06-13T10:00") == "return"
    assert kexie.mail(ASSOCIATION, QUESTION, "2022-06-13T11:00") == "question"
    assert kexie.mail(ASSOCIATION, STORY, "2022-06-13T12:00") == "duplicate"
    assert kexie.counted(ASSOCIATION) == {"news": 1}
    with kexie.office.ctx.ledger.read() as session:
        file = session.scalars(select(File).order_by(File.id)).first()
    assert file is not None
    assert "走进小冀镇" in kexie.office.ctx.store.get(file.digest).decode()
    (letter,) = kexie.office.letters(unit=ASSOCIATION, kind="supplement")  # of the news; the summary is owed
    assert letter["state"] == "queued"


def test_every_news_item_of_a_mail_counts_beside_the_summary_and_the_photographs(kexie: Post) -> None:
    files = {
        "科协举办科普报告会_dot_docx": document("科协举办科普报告会", STORY),
        "简报第2期_dot_docx": document("简报第2期", "5月26日，县科协召开座谈会，慰问科技工作者代表。"),
        "走进学校_dot_docx": document("科普大篷车走进实验小学", "5月25日，科普大篷车开进校园。"),
        "活动总结_dot_docx": report("新乡县科协", year=2022),
        "IMG_01_dot_jpg": photo(),
    }
    assert kexie.mail(ASSOCIATION, "各项材料见附件，请查收。", "2022-06-13T10:00", **files) == "return"
    assert kexie.counted(ASSOCIATION) == {"news": 3, "summary": 1, "media": 1}
    assert kexie.unit(ASSOCIATION)["status"] == "complete"
    assert not waiting(kexie.office.ctx)["waiting"]


def test_a_story_in_the_mail_counts_beside_its_photographs(kexie: Post) -> None:
    words = (
        STORY + "活动现场设置科普展板12块，参加群众300余人次，专家现场解答农业技术问题46个，受到群众欢迎。"
    )
    kexie.mail(ASSOCIATION, words, "2022-06-13T10:00", IMG_01_dot_jpg=photo())
    assert kexie.counted(ASSOCIATION) == {"news": 1, "media": 1}


def test_a_mail_driven_again_does_not_count_its_words_twice(kexie: Post) -> None:
    unclear = document("某某", "无题")
    kexie.mail(ASSOCIATION, STORY + "补充：" + "群众反响热烈。" * 8, "2022-06-13T10:00", a_dot_docx=unclear)
    (row,) = waiting(kexie.office.ctx)["waiting"] or [{"id": ""}]
    release(kexie.office.ctx, row["id"], by="甲", reason="再读一遍")
    kexie.office.receive("2022-06-13T11:00", "mailbox-kx")
    kexie.office.validate("2022-06-13T11:00")
    assert kexie.counted(ASSOCIATION) == {"news": 1}


def test_press_reports_are_taken_typed_linked_photographed_and_in_tables(siping: Post) -> None:
    typed = "媒体报道：\n1、铁西区启动科技活动周，四平日报，5月20日\n2、专家进校园，四平电视台，5月21日\n"
    assert siping.mail(TIEXI, typed, "2023-06-01T10:00") == "return"
    assert siping.counted(TIEXI) == {"press": 1}
    links = "新闻链接：\nhttps://news.example/1\nhttps://news.example/2"
    assert siping.mail(TIEXI, links, "2023-06-01T11:00") == "return"
    rows = [(1, "启动", "四平日报", "5月20日", "https://news.example/1")]
    table = document("媒体报道清单", "1. 启动仪式 四平日报 https://news.example/7")
    siping.mail(
        TIEXI, "见附件。", "2023-06-01T12:00", 附件_dot_xlsx=press_book(rows), 媒体报道_dot_docx=table,
        网站截图_dot_png=photo(shade=7),
    )  # fmt: skip
    assert siping.counted(TIEXI) == {"press": 5}
    assert siping.unit(TIEXI)["parts"]["press"] == "accepted"


def test_a_cycle_that_asks_for_no_news_takes_words_as_words(siping: Post) -> None:
    assert siping.mail(TIEXI, STORY, "2023-06-01T10:00") == "set_aside"  # 来信未见附件
    assert siping.counted(TIEXI) == {}


def test_a_telephones_own_pictures_are_material_though_we_cannot_open_them(kexie: Post) -> None:
    heic = b"\0\0\0\x18ftypheic" + bytes(40_000)
    kexie.mail(ASSOCIATION, "照片见附件。", "2022-06-13T10:00", IMG_2001_dot_HEIC=heic)
    assert kexie.counted(ASSOCIATION) == {"media": 1}
    with kexie.office.ctx.ledger.read() as session:
        (file,) = session.scalars(select(File)).all()
    assert any("HEIC" in note for note in file.witnesses["notes"])
