"""The doctor tries a mailbox as it will be used, and says of each failure what to change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mailbed import FaultySmtp, Netease

from huizong.cli.app import run
from huizong.connections import MailServer
from huizong.definition.model import Channel
from huizong.ledger.upkeep import Sweep
from huizong.stages.accounts import StoppedError, check_account, login_refused, stop
from huizong.stages.alarms import open_troubles, raise_alarm
from huizong.stages.doctor.mailbox import check_mailbox
from huizong.stages.doctor.model import Check
from huizong.stages.vitals import beat
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import OFFICE
from office import PROJECT, Office

CODE = "mailbox-kjj"


@dataclass
class SkippingClock:
    """Real time; whoever sleeps on it waits a hundredth."""

    skipped: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skipped)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 100)
        self.skipped += seconds


class SortingServer(EmbeddedMailServer):
    """A provider that puts a copy of what it takes into 已发送, and mail from oneself among the junk."""

    async def _deliver(self, sender: str, to: str, content: bytes, now: datetime) -> None:
        await self._append(sender, content, "已发送")
        await self._append(to, content, "垃圾邮件")


@pytest.fixture
def bureau(office: Office, server: EmbeddedMailServer) -> Office:
    """A mailbox that is connected and has a real clock; nothing was issued."""
    office.clock = SkippingClock()  # type: ignore[assignment]
    connect(office, server.imap_port, server.smtp_port)
    return office


def connect(office: Office, imap_port: int, smtp_port: int, password: str = "secret") -> None:
    login = f"{OFFICE.replace('@', '%40')}:{password}@127.0.0.1"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_IMAP"] = f"imap://{login}:{imap_port}/?ssl=false"
    office.environ["AIRFLOW_CONN_MAILBOX_KJJ_SMTP"] = f"smtp://{login}:{smtp_port}/?ssl=false&starttls=false"
    office.__dict__.pop("ctx", None)


def try_mailbox(office: Office, *, live: bool = False, **settings: Any) -> dict[str, Check]:
    checks = check_mailbox(
        office.ctx, CODE, Channel(address=OFFICE, **settings), "任务已启用" if live else ""
    )
    return {check.name.removeprefix(f"{CODE}."): check for check in checks}


def failing(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if not check.ok]


def test_a_good_mailbox(bureau: Office, server: EmbeddedMailServer) -> None:
    checks = try_mailbox(bureau)
    assert failing(checks) == []
    assert list(checks) == ["imap", "smtp", "letter", "proof"]
    assert "INBOX" in checks["imap"].message
    assert "已发出并收回" in checks["letter"].message
    assert "proof: blind_copy" in checks["proof"].message
    assert [(mail.sender, mail.to) for mail in server.accepted] == [(OFFICE, OFFICE)]


def test_the_test_letter_is_never_taken_for_a_return(mailing: Office, server: EmbeddedMailServer) -> None:
    sent = len(server.accepted)
    assert failing(try_mailbox(mailing)) == ["clock"]  # the tests' clock stands in 2022
    got = mailing.receive("2022-06-10T10:00", CODE)
    mailing.validate("2022-06-10T10:00", send=True)
    assert got["message_dispositions"].get("own_copy") == 1
    assert got["dispositions"] == {}
    assert len(server.accepted) == sent + 1


def test_where_the_provider_keeps_what_is_sent(bureau: Office) -> None:
    with SortingServer({OFFICE: "secret"}) as server:
        connect(bureau, server.imap_port, server.smtp_port)
        server.deliver(OFFICE, b"Subject: x\r\n\r\nx\r\n", "垃圾邮件")
        checks = try_mailbox(bureau, proof="sent_folder")
    assert failing(checks) == []
    assert "归入“垃圾邮件”" in checks["letter"].message
    assert "sent_folder 与定义一致" in checks["proof"].message


def test_a_proof_that_this_provider_does_not_give(bureau: Office) -> None:
    checks = try_mailbox(bureau, proof="sent_folder")
    assert failing(checks) == ["proof"]
    assert "请改为 proof: blind_copy" in checks["proof"].message
    assert "与定义一致" in try_mailbox(bureau, proof="blind_copy")["proof"].message


def test_a_folder_that_is_not_there(bureau: Office) -> None:
    checks = try_mailbox(bureau, folders=("基层来件",))
    assert failing(checks) == ["imap"]
    assert "基层来件不存在" in checks["imap"].message


def test_a_wrong_code_names_the_code_and_writes_no_alarm(bureau: Office, server: EmbeddedMailServer) -> None:
    connect(bureau, server.imap_port, server.smtp_port, "wrong")
    checks = try_mailbox(bureau)
    assert failing(checks) == ["imap", "smtp"]
    assert all("授权码" in check.message for check in checks.values())
    with bureau.ctx.ledger.read() as session:
        assert open_troubles(session) == []


def test_a_server_that_is_not_there(bureau: Office, server: EmbeddedMailServer) -> None:
    connect(bureau, 9, server.smtp_port)
    checks = try_mailbox(bureau)
    assert failing(checks) == ["imap"]
    assert "请核对服务器地址和端口" in checks["imap"].message
    assert checks["smtp"].ok
    assert server.accepted == []  # nobody could have looked for it


def test_a_mailbox_with_netease_s_ways(bureau: Office, server: EmbeddedMailServer) -> None:
    with Netease(server.imap_port) as proxy:
        connect(bureau, proxy.port, server.smtp_port)
        assert failing(try_mailbox(bureau)) == []
        assert proxy.commands.count("LOGIN") + proxy.commands.count("AUTHENTICATE") == 1
        assert not {"STORE", "UID STORE", "EXPUNGE", "APPEND"} & set(proxy.commands)


def test_a_letter_that_the_server_does_not_take(bureau: Office, server: EmbeddedMailServer) -> None:
    with FaultySmtp("554_after_data") as faulty:
        connect(bureau, server.imap_port, faulty.port)
        checks = try_mailbox(bureau)
        assert faulty.logins == 1
    assert failing(checks) == ["letter"]
    assert "554 DT:SPM" in checks["letter"].message


def test_a_letter_that_does_not_come_back(bureau: Office, server: EmbeddedMailServer) -> None:
    with FaultySmtp("ok") as faulty:
        connect(bureau, server.imap_port, faulty.port)
        checks = try_mailbox(bureau)
    assert failing(checks) == ["letter"]
    assert "60秒内没有回到" in checks["letter"].message
    assert "proof: none" in checks["proof"].message


def test_a_stopped_account_is_tried_and_goes_on(bureau: Office, server: EmbeddedMailServer) -> None:
    account = MailServer("127.0.0.1", server.smtp_port, OFFICE, "secret", False, False)
    with bureau.ctx.ledger.write() as session:
        login_refused(bureau.ctx, session, "smtp", account, "535", at_once=True)
    with pytest.raises(StoppedError):
        check_account(bureau.ctx, "smtp", account)
    checks = try_mailbox(bureau)
    assert "此前的停用已解除" in checks["smtp"].message
    assert check_account(bureau.ctx, "smtp", account) is None
    with bureau.ctx.ledger.read() as session:
        assert open_troubles(session) == []


def test_a_stop_for_what_was_sent_is_not_lifted_by_a_login(
    bureau: Office, server: EmbeddedMailServer
) -> None:
    account = MailServer("127.0.0.1", server.smtp_port, OFFICE, "secret", False, False)
    with bureau.ctx.ledger.write() as session:
        stop(bureau.ctx, session, "smtp", account, "一小时内已自动答复300封")
    assert "huizong outbox resume mailbox-kjj" in try_mailbox(bureau)["smtp"].message
    with pytest.raises(StoppedError, match="300封"):
        check_account(bureau.ctx, "smtp", account)


def test_a_mailbox_without_connections(bureau: Office) -> None:
    for purpose in ("IMAP", "SMTP"):
        del bureau.environ[f"AIRFLOW_CONN_MAILBOX_KJJ_{purpose}"]
    bureau.__dict__.pop("ctx", None)
    assert failing(try_mailbox(bureau)) == []
    checks = try_mailbox(bureau, live=True)
    assert failing(checks) == [CODE]
    assert "AIRFLOW_CONN_MAILBOX_KJJ_IMAP" in checks[CODE].message


# --- the command ---------------------------------------------------------------------------------------


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    yield {"HUIZONG_HOME": str(tmp_path / "home"), "HUIZONG_PROJECT": str(PROJECT)}


def doctor(environ: dict[str, str], *arguments: str) -> int:
    return run(["doctor", *arguments], environ, SkippingClock())


def test_a_fresh_checkout_gets_a_check_of_everything(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = doctor(environ, "--json")
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert all(set(check) == {"name", "ok", "message"} and check["message"] for check in checks)
    names = [check["name"] for check in checks]
    for name in (
        "home",
        "database",
        "store",
        "token_keys",
        "calendar",
        "letters",
        "soffice",
        CODE,
        "operator",
    ):
        assert names.count(name) == 1, name
    bad = [check["name"] for check in checks if not check["ok"]]
    assert set(bad) <= {"fonts", "soffice", "unar"}  # what this machine may lack
    assert code == (1 if bad else 0)
    assert not (Path(environ["HUIZONG_HOME"]) / "token.keys").exists()


def test_a_mailbox_that_is_named_must_be_connected_and_the_operator_be_an_address(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ |= {
        "HUIZONG_SOFFICE": "/nowhere",  # converting takes seconds
        "HUIZONG_OPERATOR": "张三",
        "AIRFLOW_CONN_OPERATOR_SMTP": "smtp://a%40bureau.example:x@127.0.0.1:9/?ssl=false&starttls=false",
    }
    assert doctor(environ, "--json", CODE) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert (checks[CODE]["ok"], checks["operator"]["ok"]) == (False, False)
    assert "HUIZONG_OPERATOR" in checks["operator"]["message"]
    assert all(check["message"].endswith("。") for check in checks.values())


def test_a_database_that_is_away_does_not_stop_the_other_checks(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    environ["HUIZONG_DATABASE_URL"] = "postgresql://nobody:x@127.0.0.1:9/none"
    assert doctor(environ, "--json") == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert not checks["database"]["ok"]
    assert checks["home"]["ok"]
    assert doctor(environ, "--quiet") == 1
    assert capsys.readouterr().err.startswith("数据库无法读取")


def test_quiet_says_nothing_while_all_is_well(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    environ = office.environ
    assert doctor(environ, "--quiet") == 1  # nothing was ever run here: HUIZONG_HOME may be a wrong one
    assert "HUIZONG_HOME" in capsys.readouterr().err
    assert not Path(environ["HUIZONG_HOME"]).exists()
    ctx = office.ctx
    assert doctor(environ, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    with ctx.ledger.write() as session:
        raise_alarm(ctx, session, "disk", "磁盘空间将满", "只剩 1 GiB", "请清理。")
    assert doctor(environ, "--quiet") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "磁盘空间将满：只剩 1 GiB。请清理。"
    assert doctor(environ, "--quiet", "--json") == 1
    assert json.loads(capsys.readouterr().out)["checks"]


def test_quiet_sees_that_the_scheduler_is_dead(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(office.environ["HUIZONG_HOME"]) / "cycles" / "live-2099"
    source = PROJECT / "tests/dags/home/cycles/live-2026"
    folder.mkdir(parents=True)
    for file in source.iterdir():
        text = file.read_text(encoding="utf-8").replace("live-2026", "live-2099").replace("2026-", "2099-")
        (folder / file.name).write_text(text.replace("state_council", "always"), encoding="utf-8")
    ctx, clock = office.ctx, SkippingClock()
    assert doctor(office.environ, "--quiet") == 1
    assert "从未运行" in capsys.readouterr().err
    with ctx.ledger.write() as session:
        beat(session, clock.now())
    assert doctor(office.environ, "--quiet") == 0
    with ctx.ledger.write() as session:
        session.query(Sweep).one().ok_at = clock.now() - timedelta(minutes=31)
    assert doctor(office.environ, "--quiet") == 1
    assert "已停 31 分钟" in capsys.readouterr().err
