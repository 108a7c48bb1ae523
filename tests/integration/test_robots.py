"""No quarrel with robots: who is answered, and who is not."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid

from sqlalchemy import select

from huizong.ledger.upkeep import Suppression, Trouble
from huizong.stages.caps import REPLIES
from huizong.stages.suppression import CHATTER
from huizong.stages.unanswered import UNTOLD
from huizong_demo.mailserver import EmbeddedMailServer
from mailing import ADDRESS, OFFICE, STRANGER, inbox, sweep
from office import Office, fill, honest

A, B, C = "410702", "410703", "410704"
FORM = "统计表.xlsx"


def send_in(
    server: EmbeddedMailServer,
    sender: str,
    *headers: tuple[str, str],
    text: str = "见附件",
    files: dict[str, bytes] | None = None,
) -> None:
    """A mail into the office's mailbox, with headers of its own."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, OFFICE, "科技活动周材料"
    mail["Message-ID"] = make_msgid(domain="xinxiang.example")
    for name, value in headers:
        mail[name] = value
    mail.set_content(text)
    for name, data in (files or {}).items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    server.deliver(OFFICE, mail.as_bytes())


def form(office: Office, unit: str, seed: int = 1) -> dict[str, bytes]:
    return {FORM: fill(office.template(unit), honest(seed))}


def replies(office: Office) -> list[str]:
    """To whom replies were queued."""
    return [letter["to"] for letter in office.letters() if letter["kind"] in REPLIES]


def chatterers(office: Office) -> list[str]:
    """Of which addresses the operator was told, as often as told."""
    with office.ctx.ledger.read() as session:
        names = session.scalars(select(Trouble.name).where(Trouble.name.startswith("chatter:")))
        return [name.removeprefix("chatter:") for name in names]


# A unit's mail with its form: the header on it, and whether it is answered.
MARKED = {
    "410702": (("X-Auto-Response-Suppress", "All"), True),
    "410703": (("Precedence", "bulk"), True),
    "410704": (("List-Id", "<counties.xinxiang.example>"), True),
    "410711": (("X-QQ-AUTO-FWD", OFFICE), True),
    "410721": (("Auto-Submitted", "auto-forwarded"), False),
    "410724": (("X-Autoreply", "yes"), False),
    "410725": (("Return-Path", "<>"), False),
    "410727": (("Reply-To", STRANGER), True),  # the sender is answered, wherever replies are asked to
}


def test_marks_of_machines_on_returns(mailing: Office, server: EmbeddedMailServer) -> None:
    """The files count whatever the marks; a machine is not answered, and the operator sees it."""
    for seed, (unit, (header, _)) in enumerate(MARKED.items()):
        send_in(server, ADDRESS[unit], header, files=form(mailing, unit, seed))
    suppress = ("X-Auto-Response-Suppress", "All")
    send_in(server, ADDRESS["410782"], suppress, text="请问第7项如何填报？")
    send_in(server, ADDRESS["410783"], suppress, text="我正在休假，邮件回来处理。")
    got = sweep(mailing, "2022-06-10T10:00")
    told = {unit: mailing.unit(unit) for unit in MARKED}
    assert {unit["parts"]["statistics"] for unit in told.values()} == {"accepted"}
    assert set(replies(mailing)) == {ADDRESS[unit] for unit, (_, answered) in MARKED.items() if answered}
    for unit, (_, answered) in MARKED.items():
        assert told[unit]["notes"] == ([] if answered else [f"{FORM}：{UNTOLD}"])
    assert inbox(server, STRANGER) == []
    words = got["message_dispositions"]
    assert (words["question"], words["auto_reply"]) == (1, 1)  # type: ignore[index]


def test_strangers_are_answered_only_for_a_valid_token_of_an_open_collection(
    mailing: Office, server: EmbeddedMailServer
) -> None:
    send_in(server, STRANGER, text="请问科技活动周如何报名？")
    send_in(server, STRANGER, files={"照片.txt": "科技活动周花絮".encode()})
    send_in(server, OFFICE, files=form(mailing, C))  # a colleague passes on what came by other ways
    sweep(mailing, "2022-06-10T10:00")
    assert replies(mailing) == [ADDRESS[C]]
    send_in(server, STRANGER, files=form(mailing, A))
    sweep(mailing, "2022-06-10T11:00")
    assert sorted(replies(mailing)) == sorted([STRANGER, ADDRESS[A], ADDRESS[C]])
    send_in(server, STRANGER, files=form(mailing, B))
    sweep(mailing, "2022-10-10T10:00")  # long closed
    assert len(replies(mailing)) == 3


def test_who_talks_without_end_is_not_answered_for_a_day(mailing: Office, server: EmbeddedMailServer) -> None:
    def talk(hour: int) -> None:
        for number in range(CHATTER):
            send_in(server, ADDRESS[A], text=f"收到，谢谢！（{hour}-{number}）")
        sweep(mailing, f"2022-06-10T{hour}:00")

    talk(10)
    talk(11)
    with mailing.ctx.ledger.read() as session:
        assert session.scalars(select(Suppression.address)).all() == [ADDRESS[A]]
    assert chatterers(mailing) == [ADDRESS[A]]
    send_in(server, ADDRESS[A], files=form(mailing, A))
    sweep(mailing, "2022-06-10T12:00")
    assert mailing.unit(A)["parts"]["statistics"] == "accepted"  # received and counted all the same
    (reply,) = [letter for letter in mailing.letters() if letter["kind"] in REPLIES]
    assert (reply["state"], "停止自动答复" in reply["reply"]) == (
        "queued",
        True,
    )  # it waits for the end of the day
    mailing.chase("2022-06-21T09:00", send=True)
    assert [letter["state"] for letter in mailing.letters(unit=A, kind="reminder")] == ["sent"]
    mailing.clock.sleep(25 * 3600)
    send_in(server, ADDRESS[A], files=form(mailing, A, seed=2))
    sweep(mailing, "2022-06-22T12:00")
    assert [m.subject for m in inbox(server, ADDRESS[A])][-1].startswith("【")


def test_old_mail_that_comes_all_at_once_is_no_chatter(mailing: Office, server: EmbeddedMailServer) -> None:
    """A mailbox that could not be read for days: one message a day is nobody's endless talk."""
    for day in range(1, CHATTER + 3):
        send_in(server, ADDRESS[A], text=f"收到，谢谢！（{day}）")
        mailing.receive(f"2022-06-{day:02}T10:00", "mailbox-kjj")
    with mailing.ctx.ledger.read() as session:
        assert session.scalars(select(Suppression.address)).all() == []
