"""Several collections in one task: whose mail is for which, the wrong mailbox, nil on a stamped form."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from email.utils import make_msgid
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from sqlalchemy import select

from huizong.ledger.tables import Letter
from huizong.outbox.context import load_context
from huizong.stages.decisions import decide
from huizong.stages.status import status
from huizong.stages.triage import waiting
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import report, scan
from office import CYCLE, PROJECT, Office, at, fill, honest, statistics_form

KJJ, KX, JILIN = "kjj@xinxiang.example", "kx@xinxiang.example", "kjt@jilin.example"
BOXES = {"MAILBOX_KJJ": KJJ, "MAILBOX_KX": KX, "MAILBOX_JILIN": JILIN}
BOTH, ASSOCIATION, COUNTY = "410773", "410721-KX", "410721"
SCIENCE, ASSOCIATIONS = "science-departments", "associations"
ZEROS = dict.fromkeys(honest(), 0)


class Boxes:
    """The offices' mailboxes, read and not written: letters stay in the outbox."""

    def __init__(self, office: Office, server: EmbeddedMailServer) -> None:
        self.office, self.server = office, server
        for name, address in BOXES.items():
            login = f"{quote(address)}:secret@127.0.0.1:{server.imap_port}"
            office.environ[f"AIRFLOW_CONN_{name}_IMAP"] = f"imap://{login}/?ssl=false"

    def mail(
        self, unit: str, to: str, files: Mapping[str, bytes], text: str = "请查收。", re: str = ""
    ) -> None:
        """From the unit's registered address; `re`: the Message-ID of the letter that it answers."""
        mail = EmailMessage()
        contact = self.office.ctx  # opened, so that the roster has been taken over
        with contact.ledger.read() as session:
            sender = session.scalars(
                select(Letter.address).where(Letter.unit == unit, Letter.kind == "notice")
            ).first()
        mail["From"], mail["To"], mail["Subject"] = sender or "", to, "活动周材料"
        mail["Message-ID"] = make_msgid(domain="xinxiang.example")
        if re:
            mail["In-Reply-To"] = re
        mail.set_content(text)
        for name, data in files.items():
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.server.deliver(to, mail.as_bytes())

    def take(self, moment: str) -> None:
        self.office.receive(moment)
        self.office.validate(moment)

    def notice(self, unit: str, collection: str) -> str:
        """The Message-ID of the unit's notice for a collection."""
        (letter,) = self.letters(unit, "notice", collection)
        return letter.message_id

    def letters(self, unit: str, kind: str, collection: str) -> list[Letter]:
        query = select(Letter).where(
            Letter.unit == unit, Letter.kind == kind, Letter.collection == collection
        )
        with self.office.ctx.ledger.read() as session:
            return list(session.scalars(query.order_by(Letter.id)))

    def text(self, letter: Letter) -> str:
        return self.office.ctx.letter_book.render(load_context(json.dumps(letter.context["letter"]))).text


@pytest.fixture
def server() -> Iterator[EmbeddedMailServer]:
    with EmbeddedMailServer(dict.fromkeys(BOXES.values(), "secret")) as running:
        yield running


@pytest.fixture
def boxes(office: Office, server: EmbeddedMailServer) -> Boxes:
    boxes = Boxes(office, server)
    office.issue()
    return boxes


def of(office: Office, unit: str, collection: str, moment: str = "2022-07-01T09:00") -> dict[str, Any]:
    """The unit's line of `huizong status` in a collection."""
    units = status(office.ctx, office.cycle, at(moment))["units"]
    return next(u for u in units if (u["code"], u["collection"]) == (unit, collection))


def photograph() -> bytes:
    out = BytesIO()
    Image.effect_noise((640, 480), 90).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def form(office: Office, unit: str, values: Mapping[str, Any]) -> bytes:
    return fill(office.template(unit), values)


# --- whose mailbox ---------------------------------------------------------------------------------------


def test_mail_to_the_other_offices_mailbox_is_registered_and_shown_the_way(boxes: Boxes) -> None:
    boxes.mail(ASSOCIATION, KJJ, {"活动总结.docx": report()})
    boxes.take("2022-06-13T10:00")
    assert of(boxes.office, ASSOCIATION, ASSOCIATIONS)["parts"]["summary"] == "accepted"
    (letter,) = boxes.letters(ASSOCIATION, "receipt", ASSOCIATIONS)
    assert letter.channel == "mailbox-kjj"
    text = boxes.text(letter)
    assert (
        "来件属报送新乡市科学技术协会组织人事部事项，我科已登记，请你单位按通知要求发送至该部邮箱，以免遗漏。"
    ) in text
    assert "新乡市科学技术局科技合作人才与科普科" in text  # who signs
    assert f"报送邮箱：{KX}" in text
    assert "可直接回复" not in text


def test_a_form_in_the_other_offices_mailbox_counts_for_its_own_collection(boxes: Boxes) -> None:
    boxes.mail(COUNTY, KX, {"统计表.xlsx": form(boxes.office, COUNTY, honest(1))})
    boxes.take("2022-06-13T10:00")
    assert of(boxes.office, COUNTY, SCIENCE)["parts"]["statistics"] == "accepted"
    (letter,) = boxes.letters(COUNTY, "supplement", SCIENCE)
    assert letter.channel == "mailbox-kx"
    text = boxes.text(letter)
    assert "我部已登记" in text and "发送至该科邮箱" in text
    assert f"发送至{KJJ}补报" in text


def test_mail_to_the_right_mailbox_hears_nothing_of_another(boxes: Boxes) -> None:
    boxes.mail(ASSOCIATION, KX, {"活动总结.docx": report()})
    boxes.take("2022-06-13T10:00")
    (letter,) = boxes.letters(ASSOCIATION, "receipt", ASSOCIATIONS)
    assert letter.channel == "mailbox-kx"
    assert "以免遗漏" not in boxes.text(letter) and "可直接回复" in boxes.text(letter)


# --- one unit in two collections -------------------------------------------------------------------------


def test_a_file_goes_by_thread_then_by_mailbox_then_by_what_it_fits(boxes: Boxes) -> None:
    office = boxes.office
    # the letter answered decides, though the mailbox is the other's
    boxes.mail(BOTH, KJJ, {"活动总结.docx": report()}, re=boxes.notice(BOTH, ASSOCIATIONS))
    boxes.take("2022-06-13T10:00")
    assert of(office, BOTH, ASSOCIATIONS)["parts"]["summary"] == "accepted"
    assert of(office, BOTH, SCIENCE)["parts"]["report"] == "missing"
    # without a thread the mailbox; what fits nothing there goes where it fits
    boxes.mail(BOTH, KJJ, {"工作总结报告.docx": report() + b" ", "活动照片.jpg": photograph()})
    boxes.take("2022-06-13T11:00")
    assert of(office, BOTH, SCIENCE)["parts"]["report"] == "accepted"
    assert of(office, BOTH, ASSOCIATIONS)["parts"]["media"] == "accepted"
    (letter,) = boxes.letters(BOTH, "supplement", SCIENCE)
    assert "来件中《活动照片.jpg》属报送新乡市科学技术协会组织人事部事项" in boxes.text(letter)


def test_what_may_be_for_either_office_waits_with_both_named(boxes: Boxes) -> None:
    office = boxes.office
    office.drop(BOTH, {"活动总结.docx": report(), "活动照片.jpg": photograph()})
    office.receive_folder("2022-06-13T10:00")
    (row,) = waiting(office.ctx)["waiting"]
    assert "各县（市、区）科技管理部门及有关单位（总结报告）" in row["reason"]
    assert "各县（市、区）科协、市属学会、高校科协、企业科协（活动总结）" in row["reason"]
    office.validate("2022-06-13T10:00")
    assert of(office, BOTH, ASSOCIATIONS)["parts"]["media"] == "accepted"


def test_each_collection_reminds_for_itself_until_its_own_day(boxes: Boxes) -> None:
    office = boxes.office
    boxes.mail(BOTH, KX, {"活动总结.docx": report()})
    boxes.take("2022-06-13T10:00")
    assert of(office, BOTH, ASSOCIATIONS)["status"] == "complete"
    decide(
        office.ctx, CYCLE, BOTH, "extend", at("2022-06-14T09:00"), until="2022-06-24", by="甲",
        reason="来电申请", collection=SCIENCE,
    )  # fmt: skip
    office.chase("2022-06-21T09:00")
    assert not boxes.letters(BOTH, "reminder", ASSOCIATIONS)
    assert not boxes.letters(BOTH, "reminder", SCIENCE)  # its own day is the 24th
    assert boxes.letters(COUNTY, "reminder", SCIENCE)[0].channel == "mailbox-kjj"
    assert boxes.letters(ASSOCIATION, "reminder", ASSOCIATIONS)[0].channel == "mailbox-kx"
    office.chase("2022-06-27T09:00")
    assert boxes.letters(BOTH, "reminder", SCIENCE)
    assert not boxes.letters(BOTH, "reminder", ASSOCIATIONS)


def test_of_two_collections_in_one_mailbox_the_open_one_is_meant(
    tmp_path: Path, server: EmbeddedMailServer
) -> None:
    office = Office(tmp_path / "home", cycle="jilin-2020")
    boxes = Boxes(office, server)
    office.issue("2020-07-23T09:00")
    unit = status(office.ctx, "jilin-2020", at("2020-07-24T09:00"))["units"][0]["code"]
    boxes.mail(unit, JILIN, {}, "无活动")
    boxes.take("2020-07-30T10:00")
    assert of(office, unit, "registration", "2020-08-31T09:00")["status"] == "nil"
    assert of(office, unit, "summary", "2020-08-31T09:00")["status"] == "not_started"
    boxes.mail(unit, JILIN, {}, "本期无活动")
    boxes.take("2020-08-31T10:00")
    assert of(office, unit, "summary", "2020-08-31T11:00")["status"] == "nil"


# --- nil on a stamped form -------------------------------------------------------------------------------


@pytest.fixture
def stamped(office: Office, server: EmbeddedMailServer) -> Boxes:
    """xinxiang-2022, where a nil return has to be the form with its stamp."""
    folder = office.home / "cycles" / CYCLE
    shutil.copytree(PROJECT / "include/cycles" / CYCLE, folder)
    text = (folder / "cycle.yaml").read_text(encoding="utf-8")
    (folder / "cycle.yaml").write_text(text.replace("nil: reply", "nil: stamped_form"), encoding="utf-8")
    boxes = Boxes(office, server)
    office.issue()
    return boxes


def test_a_form_of_zeros_with_its_stamped_copy_is_a_nil_return(stamped: Boxes) -> None:
    office = stamped.office
    office.drop(COUNTY, {"统计表.xlsx": form(office, COUNTY, ZEROS)})
    office.receive_folder("2022-06-13T10:00")
    office.validate("2022-06-13T10:00")
    assert of(office, COUNTY, SCIENCE)["status"] == "partial"  # not before it is stamped
    office.drop(COUNTY, {"统计表盖章扫描件.pdf": scan()})
    office.drop("410724", {"统计表.xlsx": form(office, "410724", honest(1)), "盖章扫描件.pdf": scan()})
    office.receive_folder("2022-06-14T10:00")
    office.validate("2022-06-14T10:00")
    unit = of(office, COUNTY, SCIENCE)
    assert (unit["status"], unit["punctual"], unit["missing"]) == ("nil", True, [])
    assert unit["parts"] == {"statistics": "accepted", "stamped_copy": "accepted", "report": "nil"}
    assert of(office, "410724", SCIENCE)["status"] == "partial"
    office.chase("2022-06-21T09:00")
    assert not stamped.letters(COUNTY, "reminder", SCIENCE)
    assert stamped.letters("410724", "reminder", SCIENCE)
    cover = office.assemble("2022-07-06T09:00")["coverage"][SCIENCE]
    assert cover["returned"] == 2
    assert COUNTY not in cover["missing"] and COUNTY not in cover["incomplete"]


def test_words_alone_are_no_nil_return_where_a_stamp_is_asked_for(stamped: Boxes) -> None:
    stamped.mail(COUNTY, KJJ, {}, "无活动")
    stamped.take("2022-06-13T10:00")
    assert of(stamped.office, COUNTY, SCIENCE)["status"] != "nil"


def test_one_figure_above_zero_is_no_nil_return(stamped: Boxes) -> None:
    office = stamped.office
    code = statistics_form().items[-1].code
    values = ZEROS | {code: 1}
    office.drop(COUNTY, {"统计表.xlsx": form(office, COUNTY, values), "盖章扫描件.pdf": scan()})
    office.receive_folder("2022-06-13T10:00")
    office.validate("2022-06-13T10:00")
    assert of(office, COUNTY, SCIENCE)["status"] in {"partial", "in_query"}
