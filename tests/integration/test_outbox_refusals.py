"""What the operator is told of a mailbox that refuses us: the same by every command, in readable words."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from mailbed import FaultySmtp, Netease

from huizong.errors import OperatorError
from huizong.stages.doctor.examine import examine
from huizong.stages.doctor.model import Check
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE
from office import Office

CHANNEL = "mailbox-kjj"
DUE_DAY = "2022-06-20T10:00"


def doctor(office: Office, *channels: str) -> dict[str, Check]:
    office.__dict__.pop("ctx", None)
    checks = examine(office.ctx.home, office.clock, office.ctx.connections, channels, lambda _: None)
    return {check.name: check for check in checks}


@pytest.mark.parametrize("unsafe", [False, True])
def test_receive_and_chase_ask_for_a_person_alike(
    office: Office, server: EmbeddedMailServer, unsafe: bool
) -> None:
    office.issue()
    with Netease(server.imap_port) as netease:
        netease.unsafe = unsafe
        code = "secret" if unsafe else "wrong"
        office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = (
            f"imap://{quote(OFFICE)}:{code}@127.0.0.1:{netease.port}/?ssl=false"
        )
        for run in (lambda: office.receive(DUE_DAY, CHANNEL), lambda: office.chase(DUE_DAY)):
            with pytest.raises(OperatorError) as told:
                run()
            assert "Unsafe Login" in str(told.value) if unsafe else "授权码" in str(told.value)
            assert "b'" not in str(told.value)
            assert 'b"' not in str(told.value)


def test_a_mailbox_that_is_named_has_to_be_there(office: Office) -> None:
    assert doctor(office)[CHANNEL].ok  # by folder, then
    named = doctor(office, CHANNEL)[CHANNEL]
    assert not named.ok
    assert "指明要检查" in named.message


def test_the_operators_address_is_looked_at_and_no_letter_written_to_it(office: Office) -> None:
    with FaultySmtp("ok") as faulty:
        office.environ["AIRFLOW_CONN_OPERATOR_SMTP"] = (
            f"smtp://{quote(OFFICE)}:secret@127.0.0.1:{faulty.port}/?ssl=false&starttls=false"
        )
        office.environ["HUIZONG_OPERATOR"] = "王芳"
        wrong = doctor(office)["operator"]
        assert (wrong.ok, "HUIZONG_OPERATOR" in wrong.message, wrong.message[-1]) == (False, True, "。")
        office.environ["HUIZONG_OPERATOR"] = "ops@xinxiang.example"
        right = doctor(office)["operator"]
        assert (right.ok, "ops@xinxiang.example。" in right.message) == (True, True)
        assert (faulty.logins, faulty.accepted) == (1, [])
