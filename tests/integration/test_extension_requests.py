"""A unit asks for more time, and a person says yes or no: one letter, and nothing of it waits any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clerkpost import Post
from huizong.stages.decisions import decide
from huizong.stages.triage import waiting
from huizong_demo.mailserver import EmbeddedMailServer
from office import Office, at

KX, UNIT = "kx@xinxiang.example", "410721-KX"
REQUEST = "因人员外出，我单位材料申请延期到6月24日报送，请批准。"


@pytest.fixture
def kexie(tmp_path: Path) -> Iterator[Post]:
    with EmbeddedMailServer({KX: "secret"}) as server:
        post = Post(Office(tmp_path / "home"), server, KX, "mailbox-kx")
        assert post.mail(UNIT, REQUEST, "2022-06-17T10:00") == "extension_request"
        assert post.unit(UNIT)["status"] == "unsettled"
        yield post


def say(post: Post, kind: str, until: str | None = None) -> None:
    decide(
        post.office.ctx, post.office.cycle, UNIT, kind, at("2022-06-17T15:00"), until=until, by="甲",
        reason="汇总时间已定",
    )  # fmt: skip


def test_yes_is_one_letter_and_the_request_waits_no_more(kexie: Post) -> None:
    say(kexie, "extend", "2022-06-24")
    (letter,) = kexie.office.letters(unit=UNIT, kind="extension")
    assert "6月24日" in kexie.text(letter["id"])
    assert waiting(kexie.office.ctx)["waiting"] == []
    assert kexie.unit(UNIT)["status"] == "not_started"
    kexie.office.validate("2022-06-18T10:00")
    assert len(kexie.office.letters(unit=UNIT, kind="extension")) == 1
    kexie.office.chase("2022-06-21T09:00")
    assert not kexie.office.letters(unit=UNIT, kind="reminder")


def test_no_is_one_letter_with_the_reason_and_reminders_go_on(kexie: Post) -> None:
    say(kexie, "decline")
    (letter,) = kexie.office.letters(unit=UNIT, kind="extension")
    text = kexie.text(letter["id"])
    assert "仍请于6月20日" in text and "汇总时间已定。" in text
    assert waiting(kexie.office.ctx)["waiting"] == []
    assert kexie.unit(UNIT)["status"] == "not_started"
    kexie.office.chase("2022-06-21T09:00")
    assert kexie.office.letters(unit=UNIT, kind="reminder")


def test_who_is_waived_waits_for_no_answer_either(kexie: Post) -> None:
    say(kexie, "waive")
    assert waiting(kexie.office.ctx)["waiting"] == []
    assert not kexie.office.letters(unit=UNIT, kind="extension")
