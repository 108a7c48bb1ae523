"""What the fault tests share: installations to be broken, and counts of what really arrived."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Self
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from faults.table import Count
from huizong.bench.returns import CYCLE, ISSUED, make_cycle
from huizong.errors import HuizongError
from huizong.ledger.tables import Delivery, Letter
from huizong.ledger.upkeep import Account
from huizong.mime.parse import parse_message
from huizong.stages.accounts import resume
from huizong.stages.issue import issue
from huizong.stages.receive import receive
from huizong.stages.send import send
from huizong.store import sha256
from mailing import OFFICE
from office import Office, at

CHANNEL = "mailbox-kjj"
RECEIVED = at("2022-06-10T10:00")
SEEN = {"sent", "unknown", "held", "rejected_permanent", "bounced", "cancelled"}  # ends, or a person's


def made(home: Path, units: int, environ: Mapping[str, str] | None = None) -> Path:
    """A home in which the notices to so many units are queued; nobody has it open."""
    office = Office(home, environ)
    home.mkdir(parents=True)
    make_cycle(office.ctx.home, units)
    issue(office.ctx, CYCLE, ISSUED, send=False)
    office.ctx.ledger.engine.dispose()
    return home


class Bed(Office):
    """One installation of the bench's cycle, with its mailbox on ports of this machine."""

    @classmethod
    def copied(cls, template: Path, home: Path) -> Self:
        shutil.copytree(template, home)
        return cls(home)

    def connect(self, *, imap: int = 0, smtp: int = 0, password: str = "secret") -> Self:
        """To be called before anything else is done with it."""
        login = f"{quote(OFFICE)}:{password}@127.0.0.1"
        for kind, port, options in (("imap", imap, "ssl=false"), ("smtp", smtp, "ssl=false&starttls=false")):
            if port:
                self.environ[f"AIRFLOW_CONN_MAILBOX_KJJ_{kind.upper()}"] = (
                    f"{kind}://{login}:{port}/?{options}"
                )
        return self

    @contextlib.contextmanager
    def alone(self) -> Iterator[Session]:
        """A look into the ledger that leaves no connection open, which a forked child would share."""
        with self.ctx.ledger.read() as session:
            yield session
        self.close()

    def close(self) -> None:
        self.ctx.ledger.engine.dispose()

    def send(self) -> bool:
        """One run of send; whether it ended well."""
        with contextlib.suppress(HuizongError):
            send(self.ctx, [CHANNEL], ISSUED)
            return True
        return False

    def take_in(self) -> bool:
        """One run of receive; whether it ended well."""
        with contextlib.suppress(HuizongError):
            receive(self.ctx, [CHANNEL], RECEIVED)
            return True
        return False

    def until_taken_in(self) -> None:
        """The trouble is over: run as the clock does, until two runs ended well (the second asks again for
        what the server listed and did not hand out)."""
        well = 0
        for _ in range(6):
            well = well + 1 if self.take_in() else 0
            if well == 2:
                return
            self.clock.sleep(6 * 3600)
        raise AssertionError("receiving does not come to an end")

    def until_sent(self) -> None:
        """The trouble is over: a person lets a stopped account go on, and days pass."""
        for _ in range(4):
            with self.ctx.ledger.write() as session:
                for account in session.scalars(select(Account).where(Account.stopped_at.is_not(None))):
                    resume(self.ctx, session, account.name, by="李科", reason="授权码已核对")
            self.clock.sleep(86_400)
            self.send()

    def prove_by(self, proof: str) -> None:
        """Say in the cycle's file by what a letter whose answer was lost is known to have left."""
        path = self.ctx.home.path / "cycles" / CYCLE / "cycle.yaml"
        text = path.read_text("utf-8")
        path.write_text(text.replace(f"address: {OFFICE}", f"address: {OFFICE}, proof: {proof}"), "utf-8")
        assert proof in path.read_text("utf-8")

    def rows(self) -> list[Letter]:
        """The notices' rows; alarms stand apart."""
        with self.ctx.ledger.read() as session:
            return list(session.scalars(select(Letter).where(Letter.channel == CHANNEL).order_by(Letter.id)))

    def stored(self) -> Counter[str]:
        """Digest of each mail's bytes to the number of deliveries it became."""
        with self.ctx.ledger.read() as session:
            return Counter(session.scalars(select(Delivery.digest).where(Delivery.kind == "mail")))


def count_letters(count: Count, letters: Iterable[Letter], taken: Counter[str]) -> None:
    """Add what became of an outbox's letters; `taken`: Message-ID to the copies that the server took."""
    for letter in letters:
        copies = taken[letter.message_id]
        count.doubled += max(0, copies - 1)
        count.lost += letter.state not in SEEN or (copies == 0 and letter.state == "sent")
        count.for_a_person += letter.state in SEEN - {"sent", "cancelled"}


def count_mails(count: Count, raws: Iterable[bytes], stored: Counter[str]) -> None:
    """Add what became of a mailbox's mails; `stored`: digest to the deliveries."""
    wanted = {sha256(raw) for raw in raws}
    count.lost += len(wanted - set(stored)) + len(set(stored) - wanted)
    count.doubled += sum(stored.values()) - len(stored)


def message_ids(raws: Iterable[bytes]) -> Counter[str]:
    """How many copies of each letter are among these mails."""
    return Counter(parse_message(raw).message_id_raw for raw in raws)


def mail(number: int, files: dict[str, bytes] | None = None, text: str = "收到，谢谢！") -> bytes:
    """A clerk's mail; each number gives other bytes."""
    message = EmailMessage()
    message["From"], message["To"] = f"u{number}@bench.example", OFFICE
    message["Subject"] = f"回复：报送工作提示 {number}"
    message["Message-ID"] = f"<{number}@bench.example>"
    message.set_content(f"{text}（{number}）")
    for name, data in (files or {}).items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes(policy=SMTP)  # CRLF, as servers hand it out
