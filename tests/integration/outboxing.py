"""What the tests of the outbox share: an office whose letters go to a server with a fault."""

from __future__ import annotations

from collections import Counter
from itertools import count as counting
from itertools import islice
from shutil import copytree
from typing import Any
from urllib.parse import quote

from mailbed import FaultySmtp
from sqlalchemy import select

from huizong.connections import MailServer
from huizong.ledger.tables import Letter
from huizong.ledger.upkeep import Account, Attempt, Trouble
from huizong.mime.parse import parse_message
from huizong.outbox.compose import compose
from huizong.outbox.model import Outgoing, Rendered
from huizong.outbox.queue import Draft, queue_letter
from huizong.outbox.to_operator import AlarmContext
from huizong.stages.accounts import account_name
from huizong.stages.alarms import open_troubles
from huizong.stages.send import send
from mailing import OFFICE
from office import CYCLE, PROJECT, Office, at

CHANNEL = "mailbox-kjj"
CLERK = "clerk@weibin.example"
SECRET_WORDS = "A county reports its figures."
NOW = "2022-05-24T09:00"
_NUMBERS = counting()


def connect(office: Office, port: int, channel: str = CHANNEL, password: str = "secret") -> MailServer:
    """Let the channel send through 127.0.0.1:port; the connection as the stages see it."""
    name = f"{channel.replace('-', '_')}_smtp"
    office.environ[f"AIRFLOW_CONN_{name.upper()}"] = (
        f"smtp://{quote(OFFICE)}:{password}@127.0.0.1:{port}/?ssl=false&starttls=false"
    )
    server = office.ctx.connections.get(name)
    assert server is not None
    return server


def limit(office: Office, words: str) -> None:
    """Write the channel's settings into the cycle's file as an administrator does: `limits: {minute: 5}`."""
    folder = office.home / "cycles" / CYCLE
    if not folder.exists():
        copytree(PROJECT / "include/cycles" / CYCLE, folder)
    lines = (PROJECT / "include/cycles" / CYCLE / "cycle.yaml").read_text(encoding="utf-8").splitlines()
    at_line = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{CHANNEL}:"))
    lines[at_line] = f"  {CHANNEL}: {{address: {OFFICE}, {words}}}"
    (folder / "cycle.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def post(office: Office, count: int = 1, address: str = CLERK, channel: str = CHANNEL) -> list[int]:
    """Queue letters that belong to no cycle, each to an address of its own; their ids."""
    ids = []
    now = office.clock.now()
    with office.ctx.ledger.write() as session:
        for n in islice(_NUMBERS, count):
            to = address if count == 1 else f"{n}.{address}"
            draft = Draft(
                key=f"test:{n}", channel=channel, cycle=None, collection=None, unit=None, address=to,
                addressee="卫滨区科技局", sender_address=OFFICE, subject=f"提示 {n}",
                context=AlarmContext(title=f"提示 {n}", lines=("请查收。",)),
            )  # fmt: skip
            letter = queue_letter(session, draft, salt="test", now=now)
            assert letter is not None
            letter.kind = "notice"
            if letter.state == "queued":
                letter.mime = office.ctx.store.put(compose(_outgoing(letter), now))
            session.flush()
            ids.append(letter.id)
    return ids


def _outgoing(letter: Letter) -> Outgoing:
    rendered = Rendered(letter.subject, SECRET_WORDS, f"<p>{SECRET_WORDS}</p>")
    return Outgoing(
        "新乡市科学技术局", OFFICE, letter.addressee, letter.address, letter.message_id, rendered,
        "auto-generated",
    )  # fmt: skip


def drain(office: Office, channel: str = CHANNEL) -> dict[str, Any]:
    return send(office.ctx, [channel], at(NOW))


def row(office: Office, letter_id: int) -> Letter:
    with office.ctx.ledger.read() as session:
        return session.get_one(Letter, letter_id)


def attempts(office: Office, letter_id: int) -> list[Attempt]:
    with office.ctx.ledger.read() as session:
        query = select(Attempt).where(Attempt.letter_id == letter_id).order_by(Attempt.id)
        return list(session.scalars(query))


def account(office: Office, server: MailServer) -> Account:
    with office.ctx.ledger.read() as session:
        return session.get_one(Account, account_name("smtp", server))


def troubles(office: Office) -> dict[str, Trouble]:
    """What is open, by name."""
    with office.ctx.ledger.read() as session:
        return {trouble.name: trouble for trouble in open_troubles(session)}


def copies(faulty: FaultySmtp) -> Counter[str]:
    """How often the server took each letter, by Message-ID."""
    return Counter(parse_message(raw).message_id_raw for raw in faulty.accepted)
