"""The demo's clerks on their own: they fill in what a person would, and answer by mail as a person would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage

import imapclient
import pytest

from huizong.definition.load import load_cycle
from huizong.home import PROJECT, Home
from huizong.instruments.model import load_instrument
from huizong.instruments.word_form import WordMaster
from huizong.instruments.workbook import WorkbookMaster
from huizong.readers.entry import read_bytes
from huizong_demo import cycle, papers
from huizong_demo.cast import CAST
from huizong_demo.mailserver import EmbeddedMailServer

FORM = load_instrument(PROJECT / "include/forms/activity-week-statistics@2022.yaml")
PERSONAL = ("红旗区", "hz1.k.payload.mac", "ABCDEFGH")


@pytest.mark.parametrize(("suffix", "master"), [(".xlsx", WorkbookMaster), (".docx", WordMaster)])
def test_what_a_clerk_fills_in_is_what_is_read(suffix, master):
    told = papers.figures("410702")

    filled = papers.fill(suffix, master(FORM).render(*PERSONAL), told)

    (form,) = read_bytes(filled, f"统计表{suffix}", [FORM]).forms
    read = {FORM.by_code[code].label: reading.number for code, reading in form.items.items()}
    assert len(told) == len(read) == 20
    for label, figure in read.items():
        assert figure == next(value for printed, value in told.items() if label.startswith(printed)), label


def test_mistakes_stand_in_the_form_as_the_clerk_made_them():
    entries = papers.figures("410703") | {"县级财政经费投入情况": "约5万", "其他经费情况": None}

    filled = papers.fill(".xlsx", WorkbookMaster(FORM).render(*PERSONAL), entries)

    (form,) = read_bytes(filled, "统计表.xlsx", [FORM]).forms
    assert (form.items["funding.county"].state, form.items["funding.county"].raw) == ("text", "约5万")
    assert form.items["funding.other"].state == "blank"


def test_the_cast_is_the_roster():
    of_the_office = {u.code for u in cycle.units(PROJECT)}
    assert {role.unit for role in CAST} == of_the_office


def test_the_cycle_is_the_notices_with_its_dates_moved_to_now(tmp_path):
    home = Home.from_environment({"HUIZONG_HOME": str(tmp_path)})
    now = datetime(
        2031, 1, 31, 23, 59, tzinfo=cycle.ZONE
    )  # seconds before midnight, in a year without calendar

    loaded = load_cycle(cycle.write(tmp_path, PROJECT, now), home)

    schedule, (collection,) = loaded.schedule, loaded.cycle.collections
    assert loaded.cycle.live
    assert schedule.issue == now
    assert [rung for rung, _ in schedule.rungs(collection)] == ["overdue"]
    moments = [schedule.due(collection).instant, *schedule.editions().values(), schedule.closes(collection)]
    assert sorted(moments) == moments
    assert moments[-1] - now < timedelta(minutes=3)


@pytest.fixture
def clerks(tmp_path):
    """A mail server and one clerk at it who answers wrongly and corrects it when told."""
    office, unit = "office@xinxiang.example", "hongqi@xinxiang.example"
    with EmbeddedMailServer({office: "code", unit: "code"}) as server:
        clerk = {
            "units": [{"code": "410702", "name": "红旗区", "address": unit}],
            "steps": [
                {"on": "notice", "mistakes": {"县级财政经费投入情况": "约5万"}},
                {"on": "correction", "text": "已更正"},
            ],
        }
        config = {
            "imap": ["127.0.0.1", server.imap_port],
            "smtp": ["127.0.0.1", server.smtp_port],
            "password": "code",
            "diary": str(tmp_path / "diary.jsonl"),
            "pause": 0.1,
            "clerks": [clerk],
        }
        (tmp_path / "clerks.json").write_text(json.dumps(config), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "huizong_demo.clerks", tmp_path / "clerks.json"], stdout=subprocess.DEVNULL
        )
        try:
            yield server
        finally:
            process.terminate()
            assert process.wait(10) == 0


def letter(kind: str, number: int) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = "office@xinxiang.example", "hongqi@xinxiang.example"
    mail["Subject"], mail["Message-ID"] = f"【{kind}】科技活动周", f"<{number}@xinxiang.example>"
    mail.set_content("请查收")
    form = WorkbookMaster(FORM).render(*PERSONAL)
    mail.add_attachment(form, maintype="application", subtype="octet-stream", filename="统计表.xlsx")
    return mail.as_bytes()


def answers(server: EmbeddedMailServer, count: int) -> list[EmailMessage]:
    box = imapclient.IMAPClient("127.0.0.1", server.imap_port, ssl=False)
    box.login("office@xinxiang.example", "code")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        box.select_folder("INBOX", readonly=True)
        if len(numbers := box.search()) >= count:
            break
        time.sleep(0.1)
    fetched = box.fetch(numbers, ["BODY.PEEK[]"])
    box.logout()
    return [message_from_bytes(fetched[n][b"BODY[]"], policy=policy.default) for n in sorted(fetched)]


def test_a_clerk_answers_the_notice_and_then_the_correction(clerks):
    clerks.deliver("hongqi@xinxiang.example", letter("报送工作提示", 1))
    (first,) = answers(clerks, 1)
    clerks.deliver("hongqi@xinxiang.example", letter("修改意见", 2))
    _, second = answers(clerks, 2)

    figure = []
    for number, mail in enumerate((first, second), start=1):
        assert mail["In-Reply-To"] == f"<{number}@xinxiang.example>"
        files = {part.get_filename(): part.get_content() for part in mail.iter_attachments()}
        assert sorted(files) == [
            "红旗区开展情况统计表.xlsx",
            "红旗区总结报告.docx",
            "红旗区统计表盖章扫描件.pdf",
        ]
        (form,) = read_bytes(files["红旗区开展情况统计表.xlsx"], "a.xlsx", [FORM]).forms
        figure.append(form.items["funding.county"])
    assert figure[0].raw == "约5万"
    assert figure[1].number == papers.figures("410702")["县级财政经费投入情况"] > Decimal(0)
