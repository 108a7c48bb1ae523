"""A letter that was not sent is told once and stays visible until a person has seen to it; nothing leaks."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta

import pytest
from mailbed import FaultySmtp
from outboxing import CHANNEL, SECRET_WORDS, attempts, connect, drain, post, row, troubles

from huizong.errors import HuizongError, OperatorError, TransientError, UsageError
from huizong.stages.outbox import drop, resolve
from mailing import OFFICE
from office import Office

NAME = f"letters:{CHANNEL}"


def alarms(office: Office) -> list[str]:
    return [letter["subject"] for letter in office.letters(kind="alarm")]


def test_letters_that_were_refused_are_told_once_and_settled_by_a_person(office: Office) -> None:
    with FaultySmtp("554_after_data") as faulty:
        connect(office, faulty.port)
        connect(office, faulty.port, "operator")
        first, second = post(office, 2)
        drain(office)
        for _ in range(3):
            office.clock.sleep(300)
            drain(office)
        assert [len(attempts(office, i)) for i in (first, second)] == [1, 1]  # held: no automatic retry
        assert alarms(office) == [f"【告警】渠道 {CHANNEL} 有信件未发出"]
        assert any("DT:SPM" in line for line in troubles(office)[NAME].lines)

        office.clock.sleep(3600)
        (third,) = post(office)
        drain(office)
        assert any("共 3 封" in line for line in troubles(office)[NAME].lines)
        assert len(alarms(office)) == 1  # told today already
        office.clock.sleep(timedelta(days=1).total_seconds())
        drain(office)
        assert len(alarms(office)) == 1  # nothing new
        (fourth,) = post(office)
        drain(office)
        assert len(alarms(office)) == 2
        assert troubles(office)[NAME].number == 2

        faulty.mode = "ok"
        resolve(office.ctx, first, "resend", by="王芳", reason="已修改签名")
        assert drain(office)["sent"] == 1
        for i in (second, third):
            assert drop(office.ctx, i, by="王芳", reason="已电话通知")["state"] == "cancelled"
        assert NAME in troubles(office)
        drop(office.ctx, fourth, by="王芳", reason="已电话通知")
        assert NAME not in troubles(office)
        drain(office)
        assert alarms(office)[-1] == f"【告警解除】渠道 {CHANNEL} 未发出的信件已处理完毕"
    assert len(attempts(office, first)) == 2


def test_that_an_alarm_was_not_sent_is_told_by_no_letter(office: Office) -> None:
    with FaultySmtp("550_at_rcpt") as faulty:
        connect(office, faulty.port)
        connect(office, faulty.port, "operator")
        post(office)
        drain(office)
        drain(office)
        (alarm,) = office.letters(kind="alarm")
        assert (alarm["state"], alarm["reply"]) == ("rejected_permanent", "550 Invalid User")
        assert sorted(troubles(office)) == [NAME, "letters:operator"]


def test_an_address_that_never_could_be_written_to_is_no_failure_of_sending(office: Office) -> None:
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port)
        (bad,) = post(office, address="clerk＠weibin.example")
        post(office)
        assert drain(office)["sent"] == 1
        assert row(office, bad).state == "rejected_permanent"
        assert troubles(office) == {}


def test_a_letter_whose_fate_is_unknown_is_told_and_ends_by_a_persons_word(office: Office) -> None:
    with FaultySmtp("accept_then_drop") as faulty:
        connect(office, faulty.port)
        (letter,) = post(office)
        drain(office)
        assert "编号" in troubles(office)[NAME].lines[1]  # no proof is to be had here
        with pytest.raises(UsageError, match="resend"):
            resolve(office.ctx, letter, "maybe", by="王芳", reason="已查")
        resolve(office.ctx, letter, "sent", by="王芳", reason="在已发送中查到")
        assert troubles(office) == {}
        with pytest.raises(UsageError, match="不需要"):
            drop(office.ctx, letter, by="王芳", reason="放弃")
        assert drain(office)["sent"] == 0
        assert len(faulty.accepted) == 1


@pytest.mark.parametrize("mode", ["535_at_login", "553_at_mail", "550_at_rcpt", "accept_then_drop", "ok"])
def test_neither_code_nor_text_is_told_to_anybody(
    office: Office, mode: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    with FaultySmtp(mode) as faulty:  # type: ignore[arg-type]
        connect(office, faulty.port, password="auth-code-9")
        (letter,) = post(office)
        try:
            drain(office)
        except HuizongError:
            said.append(traceback.format_exc())
        assert mode not in {"535_at_login", "553_at_mail"} or said
    told = row(office, letter).reply or ""
    output = "".join(capfd.readouterr())
    everything = " ".join([caplog.text, output, told, *said, *(a.reply for a in attempts(office, letter))])
    for secret in ("auth-code-9", SECRET_WORDS, "YXV0aC1jb2RlLTk"):
        assert secret not in everything


def test_a_code_with_chinese_in_it_is_not_spelled_out(office: Office) -> None:
    with FaultySmtp("ok") as faulty:
        connect(office, faulty.port, password="%E6%8E%88")
        post(office)
        with pytest.raises(OperatorError, match="非英文字符") as caught:
            drain(office)
        assert "6388" not in "".join(traceback.format_exception(caught.value))
        assert OFFICE in str(caught.value)


def test_a_server_that_is_away_changes_nothing(office: Office) -> None:
    connect(office, 1)  # where nobody listens
    (letter,) = post(office)
    for _ in range(2):
        with pytest.raises(TransientError, match="连接不上"):
            drain(office)
    assert (row(office, letter).state, row(office, letter).attempts) == ("queued", 0)
    assert attempts(office, letter) == []
