"""An office that reads one mailbox and keeps its letters in the outbox, and what units' clerks mail to it."""

from __future__ import annotations

import json
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any
from urllib.parse import quote

from sqlalchemy import select

from huizong.ledger.tables import Delivery, Letter, Version
from huizong.outbox.context import load_context
from huizong.stages.status import status
from huizong_demo.mailserver import EmbeddedMailServer
from office import Office, at


class Post:
    """An office whose mailbox is read; letters stay in the outbox."""

    def __init__(self, office: Office, server: EmbeddedMailServer, box: str, channel: str) -> None:
        self.office, self.server, self.box, self.channel = office, server, box, channel
        login = f"{quote(box)}:secret@127.0.0.1:{server.imap_port}"
        office.environ[f"AIRFLOW_CONN_{channel.upper().replace('-', '_')}_IMAP"] = (
            f"imap://{login}/?ssl=false"
        )
        office.issue("2022-05-24T09:00" if channel == "mailbox-kx" else "2023-05-17T09:00")

    def mail(self, unit: str, text: str, as_of: str, **files: bytes) -> str:
        """From the unit's address; the kind of letter that answers, or the message's disposition."""
        with self.office.ctx.ledger.read() as session:
            query = select(Letter.address).where(Letter.unit == unit, Letter.kind == "notice")
            sender = session.scalars(query).first()
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender or "", self.box, "材料"
        mail["Message-ID"] = make_msgid(domain="clerk.example")
        mail.set_content(text)
        for name, data in files.items():
            name = name.replace("_dot_", ".")
            mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.server.deliver(self.box, mail.as_bytes())
        self.office.receive(as_of, self.channel)
        self.office.validate(as_of)
        with self.office.ctx.ledger.read() as session:
            return session.scalars(select(Delivery.disposition).order_by(Delivery.id.desc())).first() or ""

    def counted(self, unit: str) -> dict[str, int]:
        """Part → versions that count of a unit."""
        with self.office.ctx.ledger.read() as session:
            parts = session.scalars(
                select(Version.part).where(Version.unit == unit, Version.status == "accepted")
            ).all()
        return {part: parts.count(part) for part in set(parts)}

    def unit(self, code: str) -> dict[str, Any]:
        units = status(self.office.ctx, self.office.cycle, at("2023-12-30T09:00"))["units"]
        return next(u for u in units if u["code"] == code)

    def text(self, number: int) -> str:
        """A letter's words."""
        with self.office.ctx.ledger.read() as session:
            context = session.get_one(Letter, number).context["letter"]
        return self.office.ctx.letter_book.render(load_context(json.dumps(context))).text
